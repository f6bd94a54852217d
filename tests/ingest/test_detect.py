import gzip
import io
import lzma
import random
import sys
import zipfile
from types import SimpleNamespace

import pytest

from ontograft.errors import OntograftError, OptionError, SourceError, TruncatedSource, UnknownFormat
from ontograft.ingest import source as source_module
from ontograft.ingest.detect import read

OBO = "format-version: 1.2\nontology: t\n\n" + "".join(f"[Term]\nid: T:{i}\nname: term {i}\n\n" for i in range(50))
SSSOM = "subject_id\tpredicate_id\tobject_id\n" + "".join(f"A:{i}\tskos:exactMatch\tB:{i}\n" for i in range(50))


def test_the_format_is_seen_in_the_content(tmp_path):
    for name, text, want in (("a.txt", OBO, "obo"), ("b.txt", SSSOM, "sssom")):
        (tmp_path / name).write_text(text)
        assert read(tmp_path / name).header.format == want
    (tmp_path / "c.txt").write_text("a\tb\n1\t2\n")
    with pytest.raises(UnknownFormat, match=r"c\.txt.*obo, owl, rrf, sssom, table"):
        read(tmp_path / "c.txt")


def test_an_unknown_format_suggests_the_nearest(tmp_path):
    with pytest.raises(UnknownFormat, match="did you mean sssom"):
        read(tmp_path / "c.txt", format="ssom")


def test_a_table_asks_for_its_configuration(tmp_path):
    (tmp_path / "c.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(OptionError, match="--config"):
        read(tmp_path / "c.tsv", format="table")


def test_missing_empty_and_folder(tmp_path):
    with pytest.raises(SourceError, match=r"none\.obo"):
        read(tmp_path / "none.obo")
    (tmp_path / "empty.obo").write_bytes(b"")
    with pytest.raises(SourceError, match=r"empty\.obo"):
        read(tmp_path / "empty.obo")
    with pytest.raises(SourceError, match="folder"):
        read(tmp_path)


def packed(tmp_path):
    data = OBO.encode()
    (tmp_path / "t.obo.gz").write_bytes(gzip.compress(data))
    (tmp_path / "t.obo.xz").write_bytes(lzma.compress(data))
    with zipfile.ZipFile(tmp_path / "t.obo.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.obo", data)
    return [tmp_path / f"t.obo.{kind}" for kind in ("gz", "xz", "zip")]


def test_compressed_sources_read_the_same(tmp_path):
    (tmp_path / "t.obo").write_text(OBO)
    plain = [record.id for record in read(tmp_path / "t.obo").records]
    for path in packed(tmp_path):
        source = read(path)
        assert [record.id for record in source.records] == plain
        assert source.progress() == source.bytes_total == path.stat().st_size


@pytest.mark.parametrize("kind", ["gz", "xz", "zip"])
def test_a_broken_archive_is_truncated(tmp_path, kind):
    path = next(p for p in packed(tmp_path) if p.suffix == f".{kind}")
    whole = path.read_bytes()
    for cut in (len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:cut])
        with pytest.raises(TruncatedSource, match=rf"t\.obo\.{kind}"):
            list(read(path, format="obo").records)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "_BOMB_FLOOR", 1 << 16)
    path = tmp_path / "b.obo.gz"
    path.write_bytes(gzip.compress(OBO.encode() + b"! nothing\n" * 3_000_000))
    with pytest.raises(SourceError, match="bomb"):
        list(read(path).records)


def test_a_source_that_changes_while_it_is_read(tmp_path):
    path = tmp_path / "t.obo"
    path.write_text(OBO)
    source = read(path)
    next(source.records)
    path.write_text(OBO + "\n")
    with pytest.raises(SourceError, match="changed"):
        list(source.records)


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(OBO.encode())))
    source = read("-")
    assert source.header.name == "t" and len(list(source.records)) == 50


def test_the_callers_name_and_release_win(tmp_path):
    (tmp_path / "t.obo").write_text(OBO)
    about = read(tmp_path / "t.obo", name="mine", release="9").header
    assert (about.name, about.release) == ("mine", "9")


@pytest.mark.parametrize("kind", ["cut", "flip", "nul", "double", "utf"])
@pytest.mark.parametrize(("format", "text"), [("obo", OBO), ("sssom", SSSOM)])
def test_damage_ends_in_records_rejects_or_a_named_error(tmp_path, kind, format, text):
    dice = random.Random(kind + format)
    path = tmp_path / "mutant.txt"
    for _ in range(40):
        data = bytearray(text.encode())
        at = dice.randrange(len(data))
        if kind == "cut":
            del data[at:]
        elif kind == "flip":
            for _ in range(20):
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        elif kind == "nul":
            data[at : at + 30] = bytes(30)
        elif kind == "double":
            data[at:at] = data[max(0, at - 200) : at]
        else:
            data[at:at] = b"\xff\xfe\xed\xa0\x80"
        path.write_bytes(data)
        try:
            assert list(read(path, format=format).records)
        except OntograftError as error:
            assert "mutant.txt" in str(error)
