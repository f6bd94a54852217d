"""``refresh``, ``rollback``, ``diff``, ``prune`` and ``remap`` as a steward calls them; the real releases where they are at hand."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ontograft import config
from ontograft.cli.main import cli
from ontograft.encoders.text import TextEncoder
from ontograft.errors import GateError, ReleaseExists
from ontograft.jobs.build import build
from ontograft.jobs.ingest import ingest
from ontograft.jobs.refresh import Request, refresh
from ontograft.kg.gates import Thresholds
from ontograft.kg.manifest import read_manifest
from ontograft.kg.pack import Pack
from ontograft.kg.store import open_store
from tests.kg.test_apply import state
from tests.tiny import Tiny

HEAD = "format-version: 1.2\ndata-version: releases/{release}\nontology: small\n"
PYTHON = sys.executable


def term(number: int, name: str | None = None, *lines: str) -> str:
    parent = [f"is_a: HP:{number // 2:07}"] if number > 1 else []
    return "\n".join(["", "[Term]", f"id: HP:{number:07}", f"name: {name or f'Concept {number}'}", *lines, *parent, ""])


def obo(release: str, *terms: str) -> str:
    return HEAD.format(release=release) + "".join(terms)


OLD = obo("r1", *(term(number) for number in range(1, 41)))
NEW = obo(
    "r2",
    *(term(number) for number in range(1, 39)),
    term(39, "Concept thirty-nine", 'synonym: "Concept 39" EXACT []'),
    "\n[Term]\nid: HP:0000040\nname: obsolete Concept 40\nis_obsolete: true\nreplaced_by: HP:0000039\n",
    term(41),
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.obo").write_text(OLD)
    (tmp_path / "new.obo").write_text(NEW)
    ingest("old.obo", store="kg.db")
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--store", "kg.db"])


def releases() -> list[tuple[str, bool, str]]:
    with open_store("kg.db") as store:
        return [(row.release, row.active, row.content_hash) for row in store.releases()]


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_a_dry_run_tells_all_and_changes_nothing(here: Path) -> None:
    before = releases()
    done = run("refresh", "new.obo", "--dry-run", "--changes", "ch.jsonl", "--report", "ch.md")
    assert done.exit_code == 0 and "would be refreshed from r1 to r2" in done.output
    assert releases() == before
    assert Counter(change["kind"] for change in lines("ch.jsonl")) == {
        "label_changed": 1, "synonym_added": 1, "concept_replaced": 1, "concept_added": 1,
    }  # fmt: skip
    page = (here / "ch.md").read_text()
    assert "# small: r1 → r2" in page and "a dry run" in page and "`HP:0000040` Concept 40 → `HP:0000039`" in page
    first = (here / "ch.jsonl").read_bytes()
    assert run("refresh", "new.obo", "--changes", "ch.jsonl").exit_code == 0
    assert (here / "ch.jsonl").read_bytes() == first
    assert [row[:2] for row in releases()] == [("r1", False), ("r2", True)]


def test_an_unchanged_source_is_a_no_op(here: Path) -> None:
    before = releases()
    for words in (["old.obo"], ["old.obo", "--release", "other"], ["old.obo", "--force"]):
        done = run("refresh", *words)
        assert done.exit_code == 0 and "nothing to do" in done.output
    (here / "spaced.obo").write_text(OLD.replace("\n\n", "\n\n\n"))
    assert "nothing to do" in run("refresh", "spaced.obo").output
    assert releases() == before


def test_the_same_label_with_other_content_is_refused(here: Path) -> None:
    (here / "other.obo").write_text(OLD.replace("Concept 7", "Concept seven"))
    with pytest.raises(ReleaseExists, match="another --release"):
        refresh("other.obo", store="kg.db")
    assert refresh("other.obo", store="kg.db", request=Request(release="r1b")).applied


def test_a_gate_stops_and_force_overrides(here: Path) -> None:
    (here / "few.obo").write_text(obo("r3", *(term(number) for number in range(1, 31))))
    before = releases()
    stopped = run("refresh", "few.obo", "--report", "few.md")
    assert stopped.exit_code == 1 and "gate removed: 10 of 40" in stopped.output and "--force" in stopped.output
    assert "stopped it: not applied" in (here / "few.md").read_text()
    assert releases() == before
    with pytest.raises(GateError, match="shrink"):
        refresh("few.obo", store="kg.db", request=Request(thresholds=Thresholds(removed=1)))
    assert run("refresh", "few.obo", "--gate", "removed=0.3", "--gate", "shrink=0.3").exit_code == 0
    assert run("rollback", "--name", "small").exit_code == 0
    (here / "few.obo").write_text(obo("r4", *(term(number) for number in range(1, 29))))
    assert "warning: gate removed" in run("refresh", "few.obo", "--force").output


def test_back_and_forth_and_forgetting(here: Path) -> None:
    first = releases()[0][2]
    assert run("refresh", "new.obo").exit_code == 0
    assert "small: r1 is active, before it was r2" in run("rollback", "--name", "small").output
    assert [row for row in releases() if row[1]] == [("r1", True, first)]
    assert json.loads(run("diff", "small", "r1", "r2", "--json").output)["changes"]["concept_replaced"] == 1
    assert json.loads(run("diff", "small", "r2", "r1", "--json").output)["changes"]["concept_added"] == 1
    printed = run("diff", "small", "r1", "r2", "--changes", "-").output
    assert len([json.loads(line) for line in printed.splitlines()]) == 4
    assert "say the same" in run("diff", "small", "r2", "r2").output
    assert "its releases are r1, r2" in run("diff", "small", "r1", "r9").output
    again = run("refresh", "new.obo")
    assert again.exit_code == 0 and [row[:2] for row in releases()] == [("r1", False), ("r2", True)]
    assert "no release before" in run("rollback", "--name", "other").output
    assert run("prune", "--keep", "1", "--dry-run").exit_code == 0 and len(releases()) == 2
    assert run("prune", "--keep", "1").exit_code == 0
    assert [row[:2] for row in releases()] == [("r2", True)]
    assert "name one with --release" in run("rollback", "--name", "small").output


def test_a_name_that_is_not_loaded_yet_begins(here: Path) -> None:
    done = refresh("new.obo", store="kg.db", request=Request(name="second"))
    assert (done.before, done.changes, done.gates) == (None, {"concept_added": 40}, ())


def test_malformed_records_fail_or_are_listed(here: Path) -> None:
    (here / "broken.obo").write_text(NEW + "\n[Term]\nid: HP:0000077\nname: two\nno tag here\n")
    before = releases()
    assert run("refresh", "broken.obo").exit_code == 1
    assert releases() == before
    lenient = run("refresh", "broken.obo", "--lenient", "--rejects", "left.jsonl")
    assert lenient.exit_code == 3 and len(lines("left.jsonl")) == 1


def test_remap_follows_successors_and_lists_the_rest(here: Path) -> None:
    concept = {"id": "HP:0000040", "name": "Concept 40", "score": 0.9, "same_as": ["HP:0000040", "mesh:D1"]}
    entity = {"start": 0, "end": 1, "text": "x", "label": "D", "score": 1.0, "concept": concept}
    candidates = [{"id": "HP:0000041", "name": "Concept 41", "score": 0.1}, {"id": "HP:0000001", "name": "Concept 1", "score": 0.1}]
    also = [{"id": "HP:0000040", "name": "Concept 40", "score": 0.9}]
    documents = [
        {"id": "a", "entities": [{**entity, "candidates": candidates, "also": also}]},
        {"id": "b", "entities": [{**entity, "concept": None}]},
    ]
    (here / "tagged.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))
    run("refresh", "new.obo")
    (here / "third.obo").write_text(obo("r3", *(term(number) for number in range(1, 40))))
    run("refresh", "third.obo", "--gate", "removed=1")
    done = run("remap", "tagged.jsonl", "--out", "new.jsonl", "--unresolved", "lost.jsonl")
    assert done.exit_code == 3 and "2 documents, 1 changed" in done.output
    found = lines("new.jsonl")
    assert found[1] == documents[1] | {"entities": [{**entity, "concept": None}]}
    assert found[0]["entities"][0]["concept"] == {**concept, "id": "HP:0000039", "name": "Concept 39", "same_as": ["mesh:D1"]}
    assert found[0]["entities"][0]["also"] == [{"id": "HP:0000039", "name": "Concept 39", "score": 0.9}]
    assert {row["id"]: row["reason"] for row in lines("lost.jsonl")} == {"HP:0000041": "removed", "mesh:D1": "unknown"}
    assert (here / "new.jsonl").stat().st_mode & 0o777 == 0o600
    assert run("remap", "tagged.jsonl", "--out", "new.jsonl").exit_code == 1
    (here / "bad.jsonl").write_text('{"id": "a"}\n')
    assert "bad.jsonl:1: no tagged document" in run("remap", "bad.jsonl").output


def test_the_pack_goes_along(here: Path) -> None:
    assert run("refresh", "old.obo", "--pack", "pack", "--no-vectors").exit_code == 0
    reader, first = Pack.open("pack"), (here / "pack/CURRENT").read_text()
    assert run("refresh", "new.obo", "--pack", "pack").exit_code == 0
    second = (here / "pack/CURRENT").read_text()
    assert second != first and reader.index_of("HP:0000041") is None and reader.name(0)
    now = Pack.open("pack")
    assert now.index_of("HP:0000041") is not None and now.index_of("HP:0000040") == now.index_of("HP:0000039")
    assert [Path(str(row["pack"])).name for row in json.loads(run("releases", "--json").output)] == [first.strip(), second.strip()]
    assert run("rollback", "--name", "small").exit_code == 0
    assert (here / "pack/CURRENT").read_text() == first
    assert run("rollback", "--name", "small", "--release", "r2").exit_code == 0
    assert (here / "pack/CURRENT").read_text() == second
    run("prune", "--keep", "1")
    assert [path.name for path in (here / "pack").glob("r-*")] == [second.strip()]


def test_the_pack_of_a_refresh_says_what_a_fresh_one_says(here: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Request(pack="pack", encoder=str(tiny.graph))
    refresh("old.obo", store="kg.db", request=made)
    read: list[str] = []
    real = TextEncoder.encode
    with monkeypatch.context() as patch:
        patch.setattr(TextEncoder, "encode", lambda self, texts, **more: read.extend(texts) or real(self, texts, **more))
        patch.setattr("ontograft.kg.staged.hashes", lambda *_: pytest.fail("all of it is hashed again"))
        patch.setenv("ONTOGRAFT_HOME", str(here / "home"))  # where no vector is cached
        assert refresh("new.obo", store="kg.db", request=made).applied
    assert sorted(read) == ["Concept 41", "Concept thirty-nine; Concept 39"]
    ingest("new.obo", store="fresh.db")
    build("fresh.db", "fresh", encoder=str(tiny.graph))
    one, other = Pack.open("pack"), Pack.open("fresh")
    vectors = [part for part in other.manifest.parts if part.startswith("vectors/")]
    assert {part: one.manifest.parts[part] for part in one.manifest.parts if part not in vectors} == {
        part: other.manifest.parts[part] for part in other.manifest.parts if part not in vectors
    }
    ours, theirs = (pack.vectors(next(iter(pack.encoders))) for pack in (one, other))
    assert np.array_equal(ours.read, theirs.read)
    assert np.allclose(ours.text, theirs.text, atol=4e-3) and np.allclose(ours.graph, theirs.graph, atol=4e-3)


def test_a_pack_that_lacks_what_the_next_one_could_take_is_compiled_anew(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_vectors = Request(pack="pack", vectors=False)
    refresh("old.obo", store="kg.db", request=without_vectors)
    root = here / "pack"
    folder = root / (root / "CURRENT").read_text().strip()
    manifest = read_manifest(folder)
    later = {"forms/folded.npy", "ngrams/folded.npy"}  # parts that packs of version 0.1.0 and before do not have
    older = replace(manifest, parts={path: part for path, part in manifest.parts.items() if path not in later})
    assert len(older.parts) == len(manifest.parts) - 2 and Pack.open(root).known() is not None
    (folder / "manifest.json").write_text(older.to_json())
    folder.rename(root / older.revision())
    (root / "CURRENT").write_text(older.revision() + "\n")
    assert Pack.open(root).known() is None and len(Pack.open(root).ngrams) and Pack.open(root).aliases.find("Concept 7")
    refresh("new.obo", store="kg.db", request=without_vectors)
    ingest("new.obo", store="fresh.db")
    build("fresh.db", "fresh", vectors=False)
    assert Pack.open(root).manifest.parts == Pack.open("fresh").manifest.parts


KILLED = """
import os, signal, sys
from ontograft.jobs.refresh import Request, refresh
from ontograft.kg.sqlite_store import SqliteStore
real, at, inside = SqliteStore.apply, int(sys.argv[1]), sys.argv[2] == "inside"
def apply(self, pending, batch):
    if batch.number == at and not inside:
        os.kill(os.getpid(), signal.SIGKILL)
    if batch.number == at:
        SqliteStore._note = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # rows written, not committed
    return real(self, pending, batch)
SqliteStore.apply = apply
refresh("new.obo", store="kg.db", request=Request(force=True, batch_rows=3))
"""


@pytest.mark.parametrize(("batch", "where"), [(1, "inside"), (2, "before"), (3, "inside")])
def test_killed_and_started_again_it_ends_as_a_clean_run(here: Path, batch: int, where: str) -> None:
    killed = subprocess.run([PYTHON, "-c", KILLED, str(batch), where], capture_output=True, text=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with open_store("kg.db") as store:
        pending = store.pending("small")
        assert pending is not None and pending.checkpoint == batch - 1
        assert [row.release for row in store.releases()] == ["r1"]
    refresh("new.obo", store="kg.db", request=Request(force=True, batch_rows=3))
    ingest("old.obo", store="clean.db")
    refresh("new.obo", store="clean.db", request=Request(force=True))
    with open_store("kg.db") as one, open_store("clean.db") as other:
        assert state(one, "small") == state(other, "small")
    assert not list((config.home() / "staging").glob("*"))


def test_a_killed_refresh_can_be_given_up(here: Path) -> None:
    before = releases()
    subprocess.run([PYTHON, "-c", KILLED, "2", "before"], capture_output=True, timeout=120, check=False)
    assert "unfinished refresh to r2 was given up" in run("rollback", "--name", "small").output
    assert releases() == before
    with open_store("kg.db") as store:
        assert store.pending("small") is None


def test_two_at_once(here: Path) -> None:
    job = [PYTHON, "-c", "from ontograft.cli.main import main; main()", "refresh", "new.obo", "--store", "kg.db"]
    both = [subprocess.Popen(job, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [(*process.communicate(timeout=120), process.returncode) for process in both]
    assert any(code == 0 for *_, code in said) and not any("Traceback" in error for _, error, _ in said)
    assert [row[:2] for row in releases()] == [("r1", False), ("r2", True)]


def test_a_second_refresh_waits_only_a_little(here: Path) -> None:
    with open_store("kg.db") as store, store.writer():
        began = time.monotonic()
        done = run("refresh", "new.obo")
        assert done.exit_code == 1 and "another process refreshes" in done.output
        assert time.monotonic() - began < 20
        assert run("refresh", "new.obo", "--dry-run").exit_code == 0


# --- real releases against a count of our own ------------------------------------------------------------------------------


def count(old: Path, new: Path) -> Counter[str]:
    """Changes of terms that are not obsolete, by reading the lines of the files alone."""
    before, after = parse(old), parse(new)
    live = [{id_ for id_, fields in side.items() if not fields["obsolete"]} for side in (before, after)]
    found = Counter({"concept_added": len(live[1] - live[0])})
    for id_ in live[0] - live[1]:
        fields = after.get(id_)
        found["concept_removed" if fields is None else "concept_replaced" if fields["replaced"] else "concept_deprecated"] += 1
    for id_ in live[0] & live[1]:
        one, other = before[id_], after[id_]
        found["label_changed"] += one["name"] != other["name"]
        found["definition_changed"] += one["def"] != other["def"]
        for key, kind in (("synonyms", "synonym"), ("is_a", "is_a")):
            found[f"{kind}_added"] += len(other[key] - one[key])
            found[f"{kind}_removed"] += len(one[key] - other[key])
    return +found


def parse(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    fields: dict[str, Any] = {}
    stanza = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            stanza = line
        tag, mark, value = line.partition(": ")
        if not mark or stanza not in ("[Term]", "[Typedef]"):
            continue
        if tag == "id":
            fields = found.setdefault(
                value, {"name": None, "def": None, "synonyms": set(), "is_a": set(), "obsolete": False, "replaced": False}
            )
        elif tag == "name":
            fields["name"] = value
        elif tag in ("def", "synonym"):
            quoted = re.match(r'"((?:[^"\\]|\\.)*)"\s*(\w*)', value)
            assert quoted is not None
            text = re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match.group(1), match.group(1)), quoted.group(1)).strip()
            if tag == "def":
                fields["def"] = text
            else:
                fields["synonyms"].add((text, quoted.group(2)))
        elif tag == "is_a":
            fields["is_a"].add(re.split(r" [!{]", value)[0].strip())
        elif tag == "is_obsolete":
            fields["obsolete"] = value.startswith("true")
        elif tag == "replaced_by":
            fields["replaced"] = True
    return found


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(config.data() is None, reason="the real releases are not here: set ONTOGRAFT_DATA")
@pytest.mark.parametrize(
    ("old", "new"),
    [("mondo/mondo_2025-02-04.obo", "mondo/mondo_2025-09-02.obo"), ("hpo/hp_2021-10-10.obo", "hpo/hp_2023-06-17.obo")],
)
def test_real_releases_agree_with_a_count_of_their_lines(tmp_path: Path, old: str, new: str) -> None:
    folder = config.data()
    assert folder is not None
    one, other = folder / "medical" / old, folder / "medical" / new
    ingest(one, store=tmp_path / "kg.db", name="it")
    done = refresh(other, store=tmp_path / "kg.db", request=Request(name="it", changes=tmp_path / "ch.jsonl"))
    told = Counter[str]()
    for change in lines(str(tmp_path / "ch.jsonl")):
        sides = [side for side in (change["before"], change["after"]) if isinstance(side, dict)]
        if any(side.get("retired") for side in sides):
            continue  # retired before already, with another successor now
        is_a = any(side.get("predicate") == "is_a" for side in sides)
        if change["kind"].startswith("relation") and not is_a:
            continue
        told[change["kind"].replace("relation", "is_a")] += 1
    told.pop("type_changed", None)
    assert told == count(one, other)
    ingest(other, store=tmp_path / "other.db", name="it")
    with open_store(tmp_path / "other.db") as fresh:
        assert fresh.releases()[0].content_hash == done.content_hash


SAID_AGAIN = {
    "changed": NEW,
    "in another order": obo("r2", *(term(number) for number in range(40, 0, -1))),
    "two stanzas of one id, the known one first": obo("r2", *(term(n) for n in range(1, 41)), term(5, None, 'synonym: "five" EXACT []')),
    "two stanzas of one id, the known one last": obo("r2", term(5, None, 'synonym: "five" EXACT []'), *(term(n) for n in range(1, 41))),
    "live and obsolete": NEW + "\n[Term]\nid: HP:0000005\nname: obsolete\nis_obsolete: true\n",
    "an alternative id that is live": NEW + term(42, None, "alt_id: HP:0000006", "alt_id: HP:0000099"),
    "a line that goes on in a stanza's head": obo("r2", term(1), term(2).rstrip("\n") + "\\\n", *(term(n) for n in range(3, 41))),
    "another ontology's relations": NEW.replace("ontology: small", "ontology: small/x"),
    "a stanza of an unknown kind": NEW + "\n[Something]\nid: HP:0000077\n" + term(43),
    "a record that is left out": NEW + "\n[Term]\nname: without an id\n" + term(44),
    "windows": NEW.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("longest", [0, 2])
@pytest.mark.parametrize("new", SAID_AGAIN.values(), ids=SAID_AGAIN)
@pytest.mark.parametrize("old", [OLD, OLD + "\n[Typedef]\nid: treats\nname: treats\nis_a: helps\n" + term(41, None, "alt_id: HP:0000098")])
def test_stanzas_that_say_what_they_said_are_not_read_again(
    here: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, longest: int
) -> None:
    from ontograft.ingest.obo_stanza import Stanzas

    (here / "old.obo").write_text(old)
    (here / "new.obo").write_text(new, newline="")
    if longest:  # every stanza in parts: none is known
        monkeypatch.setattr("ontograft.ingest.obo._LONGEST_PIECE", longest)
    read: list[int] = []
    real = Stanzas._stanza
    monkeypatch.setattr(Stanzas, "_stanza", lambda self, kind, start, clauses: read.append(start) or real(self, kind, start, clauses))
    said = {}
    for way in ("known", "hashed whole", "whole"):
        ingest("old.obo", store=f"{way}.db")
        read.clear()
        if way == "hashed whole":  # more differs than is kept
            monkeypatch.setattr("ontograft.jobs.refresh._KEPT_ROWS", 1)
        if way == "whole":
            shutil.rmtree(config.home() / "passages")
        request = Request(name="small", changes=f"{way}.jsonl", lenient=True, force=True)
        report = refresh("new.obo", store=f"{way}.db", request=request)
        with open_store(f"{way}.db") as store:
            (release,) = (row for row in store.releases() if row.active)
            counted = release.concepts, release.names, release.relations, release.tombstones, release.content_hash, release.rest_hash
            rows = state(store, "small")
        counts = report.changes, report.caveats, report.rejects, [gate.says for gate in report.gates]
        said[way] = (counted, counts, rows, (here / f"{way}.jsonl").read_text(), len(read))
    assert said["known"][:-1] == said["hashed whole"][:-1] == said["whole"][:-1]
    if new == NEW and old == OLD and not longest:
        assert said["known"][-1] == 4, "what changed, the first stanza and the last"


def test_what_a_refresh_read_or_passed_over_need_not_be_read_by_the_next(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ontograft.ingest.obo_stanza import Stanzas

    refresh("new.obo", store="kg.db")
    (here / "third.obo").write_text(NEW.replace("releases/r2", "releases/r3").replace("Concept 7\n", "Concept seven\n"))
    read: list[int] = []
    real = Stanzas._stanza
    monkeypatch.setattr(Stanzas, "_stanza", lambda self, kind, start, clauses: read.append(start) or real(self, kind, start, clauses))
    assert refresh("third.obo", store="kg.db").changes == {"label_changed": 1}
    assert len(read) == 4, "the one that changed, the obsolete one, the first and the last"
    for damage in ("{", "[]"):
        for file in (config.home() / "passages").iterdir():
            file.write_text(damage)
        (here / "fourth.obo").write_text(NEW.replace("releases/r2", f"releases/r4{damage}").replace("Concept 8\n", f"Concept {damage}\n"))
        assert refresh("fourth.obo", store="kg.db").applied
