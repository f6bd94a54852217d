import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ontograft.errors import PackDamaged, PackError, PackNotFound, StoreError, VectorsMissing
from ontograft.jobs import build as job
from ontograft.kg.compile import compile_graph
from ontograft.kg.manifest import read_manifest
from ontograft.kg.pack import Pack, add_vectors, write_pack
from ontograft.kg.pack_writer import build_lock
from ontograft.kg.store import open_store
from ontograft.types import Concept, Header, Name
from tests.builders import load
from tests.medical_graph import medical_store
from tests.tiny import store as tiny_store


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ONTOGRAFT_HOME", str(tmp_path / "home"))


@pytest.fixture
def store(tmp_path):
    with medical_store(tmp_path / "kg.db") as store:
        yield store


@pytest.fixture
def root(tmp_path, store):
    write_pack(tmp_path / "pack", compile_graph(store))
    return tmp_path / "pack"


def vectors(n, width=4):
    return np.arange(n * width, dtype=np.float16).reshape(n, width)


def test_what_was_compiled_is_read_back(root):
    pack = Pack.open(root)
    i = pack.index_of("mesh:D003924")
    assert pack.id(i) == "MONDO:0005148" and pack.name(i) == "type 2 diabetes mellitus"
    assert pack.members(i) == ("MONDO:0005148", "mesh:D003924")
    assert pack.names_of(i, 2) == ["type 2 diabetes mellitus", "Diabetes Mellitus, Type 2"]
    assert pack.definition(i) is None and pack.definition(pack.index_of("MONDO:0005015")).startswith("A disease")
    assert all(pack.index_of(curie) == j for j in pack for curie in pack.members(j))
    assert pack.index_of("MONDO:404") is None
    assert pack.name_count()[i] == 3
    parents, relations = pack.adjacency.neighbours(i)
    assert pack.id(int(parents[0])) == "MONDO:0005015" and pack.adjacency.names[relations[0]] == "is_a"
    (match,) = pack.aliases.find("He has NIDDM, noninsulin dependent diabetes.")
    assert match.concepts.tolist() == [i]


def test_a_retired_id_leads_to_its_successor_and_its_name_is_no_alias(root):
    pack = Pack.open(root)
    assert pack.id(pack.index_of("MONDO:0000002")) == "MONDO:0005015"
    assert pack.aliases.lookup("old diabetes") is None
    assert "MONDO:0000002" not in pack.members(pack.index_of("MONDO:0005015"))


def test_the_layout_is_the_contract(root):
    revision = root / (root / "CURRENT").read_text().strip()
    manifest = json.loads((revision / "manifest.json").read_text())
    files = {str(path.relative_to(revision)) for path in revision.rglob("*") if path.is_file()}
    assert files == set(manifest["parts"]) | {"manifest.json"}
    assert all(name.endswith(".npy") for name in manifest["parts"])
    assert [release["licence"] for release in manifest["releases"] if release["name"] == "mondo"] == ["CC BY 4.0"]
    assert not (root / "CURRENT").is_symlink()


def test_equal_graphs_make_equal_packs(root, tmp_path, store):
    assert write_pack(tmp_path / "other", compile_graph(store)).name == Pack.open(root).hash == Pack.open(root).path.name


@pytest.mark.parametrize("part", ["names/names.npy", "aliases/keys.npy", "groups.npy"])
def test_a_damaged_part_is_named(root, tmp_path, part):
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    path = Pack.open(copy).path / part
    size = path.stat().st_size
    with path.open("r+b") as handle:
        handle.seek(size - 2)
        handle.write(b"\xff\xfe")
    with pytest.raises(PackDamaged, match=part):
        Pack.open(copy)
    Pack.open(copy, verify="none")
    Pack.open(root)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PackDamaged, match=part):
        Pack.open(copy, verify="none")
    path.unlink()
    with pytest.raises(PackDamaged, match=part):
        Pack.open(copy)


def test_damage_that_keeps_size_and_time_is_found_by_the_full_check(root):
    path = Pack.open(root).path / "groups.npy"
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    with path.open("r+b") as handle:
        handle.write(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    Pack.open(root)
    with pytest.raises(PackDamaged, match=r"groups\.npy"):
        Pack.open(root, verify="full")


def test_stamps_spare_the_second_check_and_their_loss_costs_only_time(root, tmp_path, monkeypatch):
    checked = []
    from ontograft.kg import manifest

    real = manifest.sha256_of
    monkeypatch.setattr(manifest, "sha256_of", lambda path: checked.append(path) or real(path))
    Pack.open(root)
    assert checked == []
    shutil.rmtree(tmp_path / "home")
    Pack.open(root)
    assert len(checked) == len(read_manifest(Pack.open(root).path).parts)
    (tmp_path / "home").chmod(0o500)
    shutil.copytree(root, tmp_path / "copy")
    Pack.open(tmp_path / "copy")


def test_a_read_only_pack_opens(root):
    for path in [*root.rglob("*"), root]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        assert Pack.open(root).n
    finally:
        for path in [root, *root.rglob("*")]:
            path.chmod(0o700)


def test_no_pack(tmp_path):
    with pytest.raises(PackNotFound, match="nowhere"):
        Pack.open(tmp_path / "nowhere")
    with pytest.raises(PackNotFound, match="CURRENT"):
        Pack.open(tmp_path)


@pytest.mark.parametrize("text", ["../../etc", "r-0123456789ab", "", "/r-0123456789ab", "\udcff"])
def test_a_pointer_out_of_the_pack_is_refused(root, text):
    (root / "CURRENT").write_text(text, errors="surrogateescape")
    with pytest.raises(PackDamaged, match="CURRENT"):
        Pack.open(root)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": 1, "parts": {}}', '{"schema": 1}'])
def test_a_damaged_manifest(root, text):
    (Pack.open(root).path / "manifest.json").write_text(text)
    with pytest.raises(PackDamaged, match=r"manifest\.json"):
        Pack.open(root)


def test_a_manifest_that_was_edited(root):
    path = Pack.open(root).path / "manifest.json"
    path.write_text(path.read_text().replace("CC BY 4.0", "CC BY 9.0"))
    with pytest.raises(PackDamaged, match="its hash is"):
        Pack.open(root)


def test_a_pack_of_another_schema_says_what_to_do(root):
    path = Pack.open(root).path / "manifest.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 99'))
    with pytest.raises(PackError, match=r"99.*ontograft build"):
        Pack.open(root)


def test_vectors_come_beside_and_readers_keep_what_they_have(root):
    reader = Pack.open(root)
    old = reader.path
    with pytest.raises(VectorsMissing, match=r"none.*ontograft build"):
        reader.vectors("a" * 64)
    new = add_vectors(root, "a" * 64, "small", vectors(reader.n), vectors(reader.n, 2))
    pack = Pack.open(root)
    assert pack.path == new != old and pack.encoders == {"a" * 64: "small"}
    made = pack.vectors("a" * 64)
    assert made.text.tolist() == vectors(reader.n).tolist() and made.graph.shape == (reader.n, 2) and made.index_path is None
    assert (new / "groups.npy").stat().st_ino == (old / "groups.npy").stat().st_ino
    assert reader.name(0) == pack.name(0) and old.exists()
    add_vectors(root, "b" * 64, "other", vectors(reader.n), vectors(reader.n))
    assert set(Pack.open(root).encoders.values()) == {"small", "other"}
    with pytest.raises(VectorsMissing, match="small"):
        Pack.open(root).vectors("c" * 64)


def test_vectors_of_the_same_encoder_are_replaced(root):
    n = Pack.open(root).n
    add_vectors(root, "a" * 64, "small", vectors(n), vectors(n))
    add_vectors(root, "a" * 64, "small", vectors(n) + np.float16(1), vectors(n))
    assert Pack.open(root, verify="full").vectors("a" * 64).text[0, 0] == 1


def test_a_faiss_index_travels_along(root):
    faiss = pytest.importorskip("faiss")
    n = Pack.open(root).n
    index = faiss.IndexFlatIP(4)
    index.add(vectors(n).astype(np.float32))
    add_vectors(root, "a" * 64, "small", vectors(n), vectors(n), index)
    path = Pack.open(root).vectors("a" * 64).index_path
    assert faiss.read_index(str(path)).ntotal == n


@pytest.mark.parametrize("change", [lambda v: v[1:], lambda v: v.astype(np.float32), lambda v: v[0]])
def test_vectors_that_do_not_fit_are_refused(root, change):
    n = Pack.open(root).n
    with pytest.raises(PackError, match="expected float16"):
        add_vectors(root, "a" * 64, "small", change(vectors(n)), vectors(n))
    assert Pack.open(root).encoders == {}


def _rss_of_mapping(path, ready, done):
    pack = Pack.open(path)
    pack.aliases.tables.keys.sum()
    ready.put(pack.name(0))
    done.get()


def test_a_second_process_reads_the_same_files(root):
    context = multiprocessing.get_context("spawn")
    ready, done = context.Queue(), context.Queue()
    process = context.Process(target=_rss_of_mapping, args=(root, ready, done))
    process.start()
    try:
        assert ready.get(timeout=60) == Pack.open(root).name(0)
        if sys.platform == "linux":
            maps = Path(f"/proc/{process.pid}/maps").read_text().splitlines()
            shared = [line for line in maps if "keys.npy" in line]
            assert shared and all(line.split()[1] == "r--s" for line in shared)
    finally:
        done.put(None)
        process.join()


def test_vectors_that_a_new_revision_lacks_are_named(tiny, tmp_path, caplog):
    url, pack = tiny_store(tmp_path / "kg.db"), tmp_path / "pack"
    job.build(url, pack, encoder=str(tiny.graph))
    (key,) = Pack.open(pack).encoders
    assert not caplog.records
    with open_store(url) as opened:
        opened.load(Header("more", "1", "obo"), [Concept("MORE:1", "Something new")], source_sha256="more")
    job.build(url, pack, vectors=False)
    (said,) = caplog.messages
    assert f"({key[:12]})" in said and f"--out {pack} --encoder BUNDLE" in said
    job.build(url, pack, encoder=str(tiny.graph))
    assert list(Pack.open(pack).encoders) == [key] and len(caplog.messages) == 1


def test_build(tmp_path, store):
    out = tmp_path / "built"
    report = job.build(tmp_path / "kg.db", out, vectors=False)
    assert not report.unchanged and report.concepts == 7 and report.path == Pack.open(out).path
    again = job.build(tmp_path / "kg.db", out, vectors=False)
    assert again.unchanged and again.path == report.path
    store.load(Header("more", "1", "obo"), [Concept("HP:0000001", "All of it")], source_sha256="more")
    changed = job.build(tmp_path / "kg.db", out, vectors=False)
    assert not changed.unchanged and changed.concepts == 8 and report.path.exists()


def test_build_without_a_store_or_into_a_foreign_folder(tmp_path, store):
    with pytest.raises(StoreError, match=r"none\.db"):
        job.build(tmp_path / "none.db", tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(PackError, match=r"thesis\.txt"):
        job.build(tmp_path / "kg.db", tmp_path / "mine")
    with open_store(tmp_path / "empty.db", create=True), pytest.raises(StoreError, match="no concepts"):
        job.build(tmp_path / "empty.db", tmp_path / "out")


def test_an_interrupted_build_goes_on(tmp_path, store, monkeypatch):
    out = tmp_path / "built"

    def broken(*args):
        raise KeyboardInterrupt

    def make(pack, before, encoder, progress):
        if "a" * 64 in pack.encoders:
            return pack.path
        return add_vectors(pack.path, "a" * 64, "small", vectors(pack.n), vectors(pack.n), publish=False)

    monkeypatch.setattr(job, "_vectors", broken)
    with pytest.raises(KeyboardInterrupt):
        job.build(tmp_path / "kg.db", out)
    graph = Pack.open(out).path
    for left in (".building-1", ".vectors-1"):
        (out / left).mkdir()
    (out / ".CURRENT.1").write_text("r-")
    monkeypatch.setattr(job, "compile_graph", lambda *args, **kwargs: pytest.fail("the graph is compiled again"))
    monkeypatch.setattr(job, "_vectors", make)
    report = job.build(tmp_path / "kg.db", out)
    assert report.encoders == ("small",) and not report.unchanged
    assert not graph.exists(), "the step on the way is removed"
    assert job.build(tmp_path / "kg.db", out).unchanged
    assert sorted(path.name for path in out.iterdir()) == [".lock", "CURRENT", report.path.name]


def test_an_older_pack_stays_at_work_until_all_is_there(tmp_path, store, monkeypatch):
    out = tmp_path / "built"
    first = job.build(tmp_path / "kg.db", out, vectors=False)
    store.load(Header("more", "1", "obo"), [Concept("HP:0000001", "All of it")], source_sha256="more")
    seen = []
    monkeypatch.setattr(job, "_vectors", lambda pack, *args: seen.append(Pack.open(out).path) or pack.path)
    second = job.build(tmp_path / "kg.db", out)
    assert seen == [first.path] and second.path != first.path


def test_a_damaged_pack_is_built_anew(tmp_path, store):
    out = tmp_path / "built"
    report = job.build(tmp_path / "kg.db", out, vectors=False)
    (report.path / "groups.npy").write_bytes(b"x")
    assert job.build(tmp_path / "kg.db", out, vectors=False).path == report.path
    assert Pack.open(out, verify="full").n == 7


def test_a_killed_build_leaves_the_pack_as_it_was(tmp_path, store):
    out = tmp_path / "built"
    report = job.build(tmp_path / "kg.db", out, vectors=False)
    store.load(Header("more", "1", "obo"), [Concept("HP:0000001", "All of it")], source_sha256="more")
    code = (
        "import os, sys; from ontograft.kg import pack_writer; from ontograft.jobs.build import build\n"
        "pack_writer._settle = lambda *a: os.kill(os.getpid(), 9)\n"
        "build(sys.argv[1], sys.argv[2], vectors=False)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "kg.db", out]).returncode == -9
    assert Pack.open(out).path == report.path
    assert job.build(tmp_path / "kg.db", out, vectors=False).concepts == 8
    assert not list(out.glob(".building-*"))


def test_two_builds_at_once(tmp_path, store):
    with build_lock(tmp_path / "built"), pytest.raises(PackError, match="another process"):
        job.build(tmp_path / "kg.db", tmp_path / "built")


def test_no_torch_is_needed(root):
    code = (
        f"import sys; from ontograft.kg.pack import Pack; Pack.open({str(root)!r}).aliases.find('cold'); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_reports_are_plain(tmp_path, store):
    report = job.build(tmp_path / "kg.db", tmp_path / "built", vectors=False)
    assert replace(report, seconds=0.0).bytes == sum(part.size for part in read_manifest(report.path).parts.values())


def test_names_are_told_apart_by_their_language(tmp_path):
    with open_store(tmp_path / "kg.db", create=True) as store:
        names = [Name("X:1", "asma", lang="es"), Name("X:1", "Asthma", lang="en"), Name("X:1", "bronchial asthma")]
        names += [Name("X:2", "Diabetes mellitus", lang="es-MX"), Name("X:2", "Zuckerkrankheit", lang="de")]
        load(store, "x", [Concept("X:1", "Asthma"), Concept("X:2", "Diabetes mellitus"), *names])
        pack = Pack.open(write_pack(tmp_path / "pack", compile_graph(store)))
    assert pack.names_in("es") == [["asma"], ["Diabetes mellitus"]]
    assert pack.names_in("de") == [[], ["Zuckerkrankheit"]]
    assert pack.names_in("en") == [["Asthma", "bronchial asthma"], ["Diabetes mellitus"]]
    assert pack.names_in("fr") == [[], []]


def test_a_pack_of_english_names_alone_knows_no_other_language(root):
    pack = Pack.open(root)
    assert pack.names_in("en") == pack.all_names() and not any(pack.names_in("es"))
    assert not any(part.startswith("languages/") for part in pack.manifest.parts)
