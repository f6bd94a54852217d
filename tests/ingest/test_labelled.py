from __future__ import annotations

from pathlib import Path

import pytest

from ontograft.errors import CorpusError, DocumentError
from ontograft.ingest.labelled import LabelColumns, read_labelled


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_rows_become_documents_and_the_others_rejects_without_their_text(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", b'text,label\n"One, two",x\n,y\nthree, \nfo\xffur,x\n"five",y\n')
    found = read_labelled(file)
    assert [(d.id, d.text, d.labels) for d in found.documents] == [("1", "One, two", ("x",)), ("5", "five", ("y",))]
    assert [r.reason for r in found.rejects] == [
        "no words in it: expected the text of a document",
        "no 'label': expected the label of the document",
        "not UTF-8: expected text in UTF-8",
    ]
    assert "(1)" in found.reasons() and "three" not in found.reasons()


def test_a_set_of_labels_may_be_empty(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv", b"id\ttext\tlabel\n7\tone\ta; b;a\n8\ttwo\t\n")
    found = read_labelled(file, LabelColumns(id="id", separator=";"))
    assert [(d.id, d.labels) for d in found.documents] == [("7", ("a", "b")), ("8", ())]


def test_what_holds_no_document_or_no_column_is_said(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", b"text,label\n,x\n")
    with pytest.raises(CorpusError, match=r"no document in it: no words in it.*\(1\)"):
        read_labelled(file)
    with pytest.raises(DocumentError, match="no column 'class'; the columns are text, label"):
        read_labelled(file, LabelColumns("class"))
    with pytest.raises(CorpusError, match="read twice"):
        read_labelled(Path("-"))
