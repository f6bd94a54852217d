import pytest

from ontograft.errors import CorpusError
from ontograft.ingest.corpora import read_corpus
from ontograft.ingest.iob import read_iob

ROWS = "The\tO\nTGF\tB-Gene\n-\tI-Gene\nbeta\tI-Gene\nwas\tO\n\nChronic\tB-Cancer\nleukemia\tI-Cancer\nGATA1\tB-Gene\nGATA2\tB-Gene\n\n"


def surfaces(document):
    return [(document.text[m.start : m.end], m.label) for m in document.mentions]


def test_words_and_tags_become_documents_with_offsets(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text(ROWS)
    (whole,) = read_corpus(path)
    assert whole.text == "The TGF - beta was Chronic leukemia GATA1 GATA2" and whole.id == "x:1"
    assert surfaces(whole) == [("TGF - beta", "Gene"), ("Chronic leukemia", "Cancer"), ("GATA1", "Gene"), ("GATA2", "Gene")]
    assert [(d.id, d.text) for d in read_iob(path, sentences=1)] == [("x:1", "The TGF - beta was"), ("x:7", "Chronic leukemia GATA1 GATA2")]


def test_an_inside_tag_never_goes_on_over_a_sentence_or_another_label(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("a\tB-X\n\nb\tI-X\nc\tI-Y\n")
    assert surfaces(read_iob(path)[0]) == [("a", "X"), ("b", "X"), ("c", "Y")]


@pytest.mark.parametrize("row", ["word", "word\tQ-X", "word\tB-", "\tO", "a\tb\tO"])
def test_another_line_is_named(row, tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text(f"a\tO\n{row}\n")
    with pytest.raises(CorpusError, match=r"x\.tsv:2: expected a word"):
        read_iob(path)


def test_what_is_no_text_is_named(tmp_path):
    for name, data, said in (("b", b"a\xff\tO\n", "not UTF-8"), ("e", b"", "no document|no sentence")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CorpusError, match=said):
            read_corpus(tmp_path / name)
    with pytest.raises(CorpusError, match="cannot be read"):
        read_corpus(tmp_path / "none")
