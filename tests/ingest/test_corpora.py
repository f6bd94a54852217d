import pytest

from ontograft.errors import CorpusError
from ontograft.ingest.corpora import read_pubtator
from ontograft.types import Annotated, Mention

GOOD = (
    "1|t|Low \u03b2-cells.\n1|a|Rare disease.\n1\t4\t11\t\u03b2-cells\tCell\tD1|-1\n1\t13\t25\tRare disease\tDisease\tOMIM:1+C012345\n"
    "1\tCID\tD1\tD2\n\n"
    "2|t|Only a title\n"
)


def test_offsets_and_ids(tmp_path):
    path = tmp_path / "c.txt"
    path.write_text(GOOD)
    assert read_pubtator(path) == [
        Annotated(
            "1", "Low \u03b2-cells. Rare disease.",
            (Mention(4, 11, "Cell", ("D1",)), Mention(13, 25, "Disease", ("OMIM:1", "mesh:C012345"))),
        ),
        Annotated("2", "Only a title"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1|t|Low fever\n1\t0\t3\tlow\tDisease\tD014262\n", 2),
        ("1|t|Low fever\n1\t0\t99\tLow\tDisease\tD014262\n", 2),
        ("1|t|Low fever\nsomething else\n", 2),
        ("1|a|No title\n", 1),
        ("1|t|Low fever\n2\t0\t3\tLow\tDisease\tD014262\n", 2),
        ("1|t|Low fever\n\n1|t|High fever\n", 3),
    ],
)
def test_bad_lines_are_named(tmp_path, text, line):
    path = tmp_path / "c.txt"
    path.write_text(text)
    with pytest.raises(CorpusError, match=rf"c\.txt:{line}: "):
        read_pubtator(path)


def test_a_doubled_document_is_taken_once(tmp_path):
    path = tmp_path / "c.txt"
    path.write_text(GOOD + "\n" + GOOD)
    assert [document.id for document in read_pubtator(path)] == ["1", "2"]


def test_missing_and_empty(tmp_path):
    with pytest.raises(CorpusError, match=r"none\.txt"):
        read_pubtator(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(CorpusError, match="no document"):
        read_pubtator(tmp_path / "empty.txt")
