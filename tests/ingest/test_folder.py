import io
import tarfile
import zipfile

import pytest

from ontograft.errors import SeveralReleases, SourceError, TruncatedSource, UnknownFormat, UnsafeSource
from ontograft.ingest.detect import read
from ontograft.ingest.folder import open_source, roots_of
from ontograft.types import Caveat, Concept

TTL = (
    "@prefix owl: <http://www.w3.org/2002/07/owl#> .\n@prefix : <http://x.org/{0}/> .\n"
    "<http://x.org/{0}/> a owl:Ontology .\n:{0} a owl:Class .\n"
)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "vocab"
    (root / "sub").mkdir(parents=True)
    (root / "a.ttl").write_text(TTL.format("a"))
    (root / "sub" / "b.ttl").write_text(TTL.format("b"))
    (root / "sub" / "README.md").write_text("hello")
    (root / ".git").mkdir()
    (root / ".git" / "c.ttl").write_text("broken")
    return root


def ids(source):
    return sorted(record.id for record in source.records if isinstance(record, Concept))


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content.encode()))
    return path


def test_folder_is_one_source_and_foreign_files_are_counted(folder):
    source = read(folder)
    records = list(source.records)
    assert source.header.format == "owl"
    assert [r.id for r in records if isinstance(r, Concept)] == ["http://x.org/a/a", "http://x.org/b/b"]
    assert [(r.kind, r.file) for r in records if isinstance(r, Caveat)] == [("skipped_file", f"{folder}/sub/README.md")]
    assert source.progress() == source.bytes_total == sum(path.stat().st_size for path in folder.glob("**/[ab].ttl"))


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tgz", "tar.xz", "tar.bz2"])
def test_archives_read_as_their_folder(folder, tmp_path, ending):
    files = {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*") if path.is_file() and ".git" not in str(path)
    }
    path = tmp_path / f"vocab.{ending}"
    if ending == "zip":
        zipped(path, files)
    else:
        tarred(path, files, "w" if ending == "tar" else "w:" + {"tgz": "gz"}.get(ending, ending.removeprefix("tar.")))
    source = read(path)
    assert source.sha256 == read(folder).sha256
    assert ids(source) == ["http://x.org/a/a", "http://x.org/b/b"]
    assert open_source(path).stem == "vocab"


def test_zstd_whole_and_cut(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.ZstdCompressor().compress(TTL.format("a").encode() * 1)
    (tmp_path / "a.ttl.zst").write_bytes(packed)
    assert ids(read(tmp_path / "a.ttl.zst")) == ["http://x.org/a/a"]
    (tmp_path / "b.ttl.zst").write_bytes(packed[:-5])
    with pytest.raises(TruncatedSource, match=r"b\.ttl\.zst"):
        list(read(tmp_path / "b.ttl.zst", format="owl").records)


def test_zip_with_a_readme_beside_a_single_file_format(tmp_path):
    path = zipped(tmp_path / "x.zip", {"x.obo": "format-version: 1.2\n\n[Term]\nid: T:1\nname: one\n", "README.txt": "hello"})
    assert ids(read(path)) == ["T:1"]
    two = zipped(tmp_path / "y.zip", {f"{n}.obo": "format-version: 1.2\n\n[Term]\nid: T:1\nname: one\n" for n in "ab"})
    with pytest.raises(SourceError, match="expected one"):
        read(two)


@pytest.mark.parametrize("name", ["../evil.ttl", "/tmp/evil.ttl", "a/../../evil.ttl", "..\\evil.ttl", "C:\\evil.ttl"])
def test_path_tricks_are_refused(tmp_path, name):
    for path in (
        zipped(tmp_path / "a.zip", {"ok.ttl": TTL.format("a"), name: "x"}),
        zipped(tmp_path / "one.zip", {name: "x"}),
        tarred(tmp_path / "a.tar.gz", {"ok.ttl": TTL.format("a"), name: "x"}),
    ):
        with pytest.raises(UnsafeSource, match=path.name):
            read(path)
    assert not (tmp_path.parent / "evil.ttl").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    info = tarfile.TarInfo("a.ttl")
    info.type, info.linkname = kind, "/etc/passwd"
    with pytest.raises(UnsafeSource):
        read(tarred(tmp_path / "a.tar", {info: ""}, "w"))


def test_links_in_zip_are_refused(tmp_path):
    info = zipfile.ZipInfo("a.ttl")
    info.external_attr = 0o120777 << 16
    for count in (1, 2):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr(info, "/etc/passwd")
            if count == 2:
                archive.writestr("b.ttl", "x")
        with pytest.raises(UnsafeSource):
            read(tmp_path / "a.zip")


def test_decompression_bombs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("ontograft.ingest.source._BOMB_FLOOR", 1 << 16)
    monkeypatch.setattr("ontograft.ingest.source._MAX_RATIO", 20)
    big = "#" * (1 << 22)
    for path in (
        zipped(tmp_path / "a.zip", {"a.ttl": big, "b.ttl": big}),
        tarred(tmp_path / "a.tar.gz", {"a.ttl": big}),
        zipped(tmp_path / "one.zip", {"a.ttl": big}),
    ):
        with pytest.raises(UnsafeSource, match="bomb"):
            list(read(path, format="owl").records)


def test_damaged_archives_are_named(tmp_path):
    whole = zipped(tmp_path / "a.zip", {"a.ttl": TTL.format("a") * 50, "b.ttl": TTL.format("b") * 50}).read_bytes()
    tar = tarred(tmp_path / "a.tar.gz", {"a.ttl": TTL.format("a") * 50}).read_bytes()
    for name, data in (("cut.zip", whole[:-30]), ("none.zip", b"no archive"), ("cut.tar.gz", tar[:-20]), ("none.tgz", b"no archive")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SourceError, match=name):
            read(tmp_path / name)


def test_several_releases_are_listed(folder, tmp_path):
    root = tmp_path / "all"
    for release in ("2025Q1", "2026Q1"):
        (root / release).mkdir(parents=True)
        (root / release / "a.ttl").write_text(TTL.format("a") + f"# {release}\n")
    with pytest.raises(SeveralReleases, match=r"2 releases.*2025Q1.*2026Q1"):
        list(read(root).records)
    assert roots_of("2025Q1/FND/A.rdf", "2026Q1/FND/A.rdf") == ("2025Q1", "2026Q1")
    assert roots_of("a.rdf", "b.rdf") == ("a.rdf", "b.rdf")


def test_same_bytes_twice_are_read_once(folder):
    (folder / "copy.ttl").write_text(TTL.format("a"))
    records = list(read(folder).records)
    assert [r.kind for r in records if isinstance(r, Caveat)] == ["skipped_file", "repeated_file"]
    assert len([r for r in records if isinstance(r, Concept)]) == 2


def test_folders_that_hold_nothing_of_use(tmp_path):
    with pytest.raises(SourceError, match="holds no file"):
        read(tmp_path)
    (tmp_path / "a.bin").write_bytes(b"\x01\x02")
    with pytest.raises(UnknownFormat, match="fits any of"):
        read(tmp_path)
    with pytest.raises(SourceError, match="of this format"):
        read(tmp_path, format="owl")


def test_a_bad_file_of_a_folder_is_a_reject(folder):
    from ontograft.types import Reject

    (folder / "bad.rdf").write_text("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description>")
    records = list(read(folder).records)
    rejects = [r for r in records if isinstance(r, Reject)]
    assert [r.file for r in rejects] == [f"{folder}/bad.rdf"]
    assert "ends within an element" in rejects[0].reason


def test_a_zip_that_cannot_be_opened_is_named(tmp_path):
    whole = zipped(tmp_path / "x.ttl.zip", {"x.ttl": TTL.format("a")}).read_bytes()
    central = whole.rindex(b"PK\x01\x02")
    for place, value, what in ((10, 99, "unknown way"), (8, 1, "encrypted"), (28, 0, "without a name|broken archive")):
        path = tmp_path / "y.ttl.zip"
        path.write_bytes(whole[: central + place] + bytes([value]) + whole[central + place + 1 :])
        with pytest.raises(SourceError, match=rf"y\.ttl\.zip: .*(?:{what})"):
            list(read(path, format="owl").records)


def test_what_follows_the_last_file_of_a_tar_is_checked_too(tmp_path):
    whole = tarred(tmp_path / "a.tar.gz", {"a.ttl": TTL.format("a")}).read_bytes()
    (tmp_path / "b.tar.gz").write_bytes(whole[:-8] + b"\0\0\0\0" + whole[-4:])
    with pytest.raises(TruncatedSource, match=r"b\.tar\.gz"):
        read(tmp_path / "b.tar.gz")


def test_a_zstd_frame_is_never_unpacked_at_once(tmp_path, monkeypatch):
    pytest.importorskip("zstandard")
    from ontograft.ingest.zstd import ZstdReader

    last, repeated, size = 1, 1 << 1, (1 << 17) << 3
    blocks = (repeated | size).to_bytes(3, "little") + b"#"
    frame = (0xFD2FB528).to_bytes(4, "little") + bytes([0, 7 << 3]) + blocks * 4095 + (last | repeated | size).to_bytes(3, "little") + b"#"
    reader = ZstdReader(io.BytesIO(frame))
    assert reader.readinto(bytearray(10)) == 10
    assert len(reader._out) <= 1 << 25  # of half a gigabyte
    monkeypatch.setattr("ontograft.ingest.source._BOMB_FLOOR", 1 << 16)
    (tmp_path / "a.ttl.zst").write_bytes(frame)
    with pytest.raises(UnsafeSource, match="bomb"):
        list(read(tmp_path / "a.ttl.zst").records)


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("ontograft.ingest.source._LONGEST_LINE", 1 << 16)
    path = tmp_path / "a.obo"
    path.write_bytes(b"format-version: 1.2\n\n[Term]\nid: T:1\nname: " + b"x" * 70_000 + b"\n")
    with pytest.raises(UnsafeSource, match=r"a\.obo: a line of more than"):
        list(read(path).records)
