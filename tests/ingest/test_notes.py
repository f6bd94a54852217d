import gzip
import io
import sys
from types import SimpleNamespace

import pytest

from ontograft.errors import DocumentError
from ontograft.ingest.notes import digest, read_notes
from ontograft.types import Note, NoteReject


def split(path, **options):
    found = list(read_notes(path, **options))
    return [n for n in found if isinstance(n, Note)], [n for n in found if isinstance(n, NoteReject)]


def test_json_lines_with_everything_that_can_be_wrong(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(
        b'{"id": "1", "text": "Patient has asthma."}\n{"id": "2", "text": ""}\n{"id": "3"}\nnot json secretword\n'
        b'{"id": "5", "text": "\\u0000\\u0001 pneumonia"}\n\xff\xfe\n'
        b'{"id": 7, "text": "Fever\\r\\n and cough."}\n{"id": "7", "text": "Twice."}\n'
        b'\n[1]\n{"id": true, "text": "x"}\n{"id": "12", "text": 3}\n{"id": "13", "text": "\\ud800"}\n{"text": "no id"}\n'
    )
    notes, rejects = split(path)
    assert [(n.id, n.text, n.line) for n in notes] == [
        ("1", "Patient has asthma.", 1), ("2", "", 2),
        ("5", "\0\x01 pneumonia", 5), ("7", "Fever\r\n and cough.", 7), ("14", "no id", 14)]  # fmt: skip
    assert [r.line for r in rejects] == [3, 4, 6, 8, 10, 11, 12, 13]
    assert not any("secretword" in r.reason for r in rejects)


def test_csv_text_is_byte_for_byte(tmp_path):
    path = tmp_path / "n.csv"
    path.write_bytes('\ufeffkey,note\r\na,"one\r\ntwo\rthree\n, ""q"""\r\nb, kept \r\n'.encode() + b'c,"\xff"\r\nd\r\na,again\r\ne,last')
    notes, rejects = split(path, text_column="note", id_column="key")
    assert [(n.id, n.text, n.line) for n in notes] == [("a", 'one\r\ntwo\rthree\n, "q"', 2), ("b", " kept ", 5), ("e", "last", 9)]
    assert [(r.id, r.line) for r in rejects] == [("c", 6), (None, 7), ("a", 8)]
    assert [n.id for n in split(path, text_column="note")[0]] == ["1", "2", "5", "6"]


def test_csv_with_a_long_note_and_an_open_quote(tmp_path):
    path = tmp_path / "n.csv"
    long = "word " * 60_000
    path.write_text(f'text\n"{long}"\n"open\n')
    notes, rejects = split(path)
    assert [n.text for n in notes] == [long]
    assert [r.line for r in rejects] == [3]


def test_a_missing_column_is_said_at_once_with_those_there(tmp_path):
    path = tmp_path / "n.csv"
    path.write_text("key,note\n1,x\n")
    with pytest.raises(DocumentError, match=r"n\.csv: no column 'txt'; the columns are key, note"):
        read_notes(path, text_column="txt")
    with pytest.raises(DocumentError, match="--text-column"):
        read_notes(path)


def test_tsv_pubtator_text_and_folder(tmp_path):
    (tmp_path / "n.tsv").write_text("id\ttext\nx\ta, b\n")
    assert split(tmp_path / "n.tsv", id_column="id")[0] == [Note("x", "a, b", 2)]
    (tmp_path / "p.txt").write_text("12|t|A title.\n12|a|An abstract.\n12\t2\t7\ttitle\tDisease\tD1\n\n13|t|Alone\n13|a|\n")
    assert split(tmp_path / "p.txt")[0] == [Note("12", "A title. An abstract.", 1), Note("13", "Alone ", 5)]
    folder = tmp_path / "notes"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.txt").write_bytes(b"one\r\n")
    (folder / "sub" / "a.txt").write_text("two")
    (folder / "c.txt").write_bytes(b"\xff")
    (folder / "other.bin").write_bytes(b"x")
    notes, rejects = split(folder)
    assert [(n.id, n.text) for n in notes] == [("b.txt", "one\r\n"), ("sub/a.txt", "two")]
    assert [r.id for r in rejects] == ["c.txt"]
    assert split(folder / "b.txt")[0] == [Note("b.txt", "one\r\n")]


def test_compressed_and_broken(tmp_path):
    path = tmp_path / "n.jsonl.gz"
    data = gzip.compress(b'{"id": 1, "text": "x"}\n' * 1)
    path.write_bytes(data)
    assert split(path)[0] == [Note("1", "x", 1)]
    path.write_bytes(data[:-4])
    with pytest.raises(DocumentError, match=r"n\.jsonl\.gz"):
        split(path)


def test_parquet(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    path = tmp_path / "n.parquet"
    parquet.write_table(arrow.table({"key": ["a", "b"], "note": ["x", None]}), path)
    notes, rejects = split(path, text_column="note", id_column="key")
    assert [n.text for n in notes] == ["x"] and [r.id for r in rejects] == ["b"]
    with pytest.raises(DocumentError, match="key, note"):
        read_notes(path)


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"id": "a", "text": "x"}\n')))
    assert split("-")[0] == [Note("a", "x", 1)]


def test_what_cannot_be_read_at_all(tmp_path):
    with pytest.raises(DocumentError, match=r"none\.csv"):
        read_notes(tmp_path / "none.csv")
    with pytest.raises(DocumentError, match=r"no \.txt"):
        read_notes(tmp_path)
    (tmp_path / "x.docx").write_bytes(b"PK")
    with pytest.raises(DocumentError, match=r"\.docx"):
        read_notes(tmp_path / "x.docx")


def test_digest_follows_the_content(tmp_path):
    (tmp_path / "a.txt").write_text("one")
    before, folder = digest(tmp_path / "a.txt"), digest(tmp_path)
    (tmp_path / "a.txt").write_text("two")
    assert digest(tmp_path / "a.txt") != before and digest(tmp_path) != folder
    assert digest("-") == ""
