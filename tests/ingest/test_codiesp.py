from __future__ import annotations

from pathlib import Path

import pytest

from ontograft.errors import CorpusError
from ontograft.ingest.codiesp import read_codiesp, without_groups
from ontograft.types import CodedDocument, CodeEvidence


@pytest.fixture
def split(tmp_path: Path) -> Path:
    (tmp_path / "text_files").mkdir()
    (tmp_path / "text_files_en").mkdir()
    (tmp_path / "text_files" / "S1-2.txt").write_bytes(b"Dolor y fiebre.\r\n")
    (tmp_path / "text_files_en" / "S1-2.txt").write_text("Pain and fever.")
    (tmp_path / "trainD.tsv").write_text("S1-2\tr52\nS1-2\tw19xxx\nS1-2\tr52\n")
    (tmp_path / "trainX.tsv").write_text(
        "S1-2\tDIAGNOSTICO\tr52\tDolor fiebre\t0 5;8 14\nS1-2\tPROCEDIMIENTO\tbw03zzz\tx\t0 1\nS1-2\tDIAGNOSTICO\tw19xxx\tx\t3 3;8 14\n"
    )
    return tmp_path


def test_documents_carry_codes_and_the_fragments_that_show_them(split: Path) -> None:
    assert read_codiesp(split) == [
        CodedDocument(
            "S1-2",
            "Dolor y fiebre.\r\n",
            ("R52", "W19.XXX"),
            (CodeEvidence("R52", ((0, 5), (8, 14))), CodeEvidence("W19.XXX", ((8, 14),))),
            "S1",
        )
    ]


def test_translations_have_codes_and_no_evidence(split: Path) -> None:
    (document,) = read_codiesp(split, language="en")
    assert document.text == "Pain and fever." and document.codes == ("R52", "W19.XXX") and not document.evidence


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("trainD.tsv", "S1-2\n", "trainD.tsv:1: 1 columns, expected 2"),
        ("trainD.tsv", "S9-1\tr52\n", "trainD.tsv:1: codes of a document whose text is not there"),
        ("trainD.tsv", "\nS1-2\tdolor\n", "trainD.tsv:2: 'dolor' is no code of ICD-10-CM"),
        ("trainX.tsv", "S1-2\tDIAGNOSTICO\tr52\tx\t0 99\n", "offsets 0 to 99 lie outside the text of 17 characters"),
        ("trainX.tsv", "S1-2\tDIAGNOSTICO\tr52\tx\t0-5\n", "trainX.tsv:1: offsets of another form"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(split: Path, file: str, content: str, says: str) -> None:
    (split / file).write_text(content)
    with pytest.raises(CorpusError, match=says.replace(".", r"\.")):
        read_codiesp(split)


def test_another_encoding_is_named(split: Path) -> None:
    (split / "text_files" / "S1-2.txt").write_bytes(b"ni\xf1o")
    with pytest.raises(CorpusError, match=r"S1-2\.txt: not UTF-8"):
        read_codiesp(split)


def test_a_folder_without_texts_or_tables_is_named(split: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no \.txt file there"):
        read_codiesp(tmp_path / "nowhere")
    (split / "trainD.tsv").unlink()
    with pytest.raises(CorpusError, match=r"0 files \*D\.tsv, expected one"):
        read_codiesp(split)


def test_articles_of_both_splits_leave_training() -> None:
    documents = [CodedDocument("S1-1", "", group="S1"), CodedDocument("S2-1", "", group="S2")]
    assert without_groups(documents, [CodedDocument("S1-2", "", group="S1")]) == documents[1:]
