from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ontograft import show
from ontograft.types import Document, Entity, LinkedConcept
from tests.fake_engine import FakeEngine


def tagged(text: str, name: str = "note") -> Document:
    return Document(text=text, entities=FakeEngine().tag(text).entities, id=name)


class Highlights(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.marks: list[str] = []
        self.inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "mark":
            self.inside, self.marks = 1, [*self.marks, ""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "mark":
            self.inside = 0

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.marks[-1] += data


def test_pieces_make_up_the_text() -> None:
    document = tagged("asthma, then diabetes\n\nand a mystery")
    pieces = show.pieces(document)
    assert "".join(piece.text for piece in pieces) == document.text
    assert [piece.entity.text for piece in pieces if piece.entity] == ["asthma", "diabetes", "mystery"]


def test_of_entities_that_overlap_the_outermost_is_shown() -> None:
    inner, outer = Entity(5, 11, "asthma", "Disease", 0.9), Entity(0, 11, "some asthma", "Disease", 0.8)
    document = Document(text="some asthma.", entities=(inner, outer))
    assert [piece.text for piece in show.pieces(document) if piece.entity] == ["some asthma"]
    assert len(show.rows([document])) == 2


def test_every_highlight_shows_its_curie() -> None:
    page = Highlights()
    page.feed(show.page([tagged("asthma and naloxone, a mystery")]))
    assert page.marks == ["asthmaMONDO:0004979", "naloxoneCHEBI:7459", "mystery"]


def test_the_page_needs_nothing_but_itself() -> None:
    html = show.page([tagged("asthma")])
    assert not re.search(r"<(script|link|img|iframe|object)\b|https?://|url\(|@import", html)
    assert html.startswith("<!doctype html>") and "default-src 'none'" in html


def test_text_is_never_markup() -> None:
    document = Document(
        text="<script>alert(1)</script> x",
        entities=(Entity(26, 27, "x", "<b>", 0.5, LinkedConcept('a:"1', "<i>", 0.5)),),
        id="<u>",
    )
    html = show.page([document], title="<t>")
    assert not re.search(r"<script>|<b>|<i>|<u>|<t>", html)


def test_rows_are_one_line_each() -> None:
    document = Document(text="type 2\ndiabetes", entities=(Entity(0, 15, "type 2\ndiabetes", "Disease", 1.0),), id="n")
    assert show.rows([document]) == [("n", "type 2 diabetes", "Disease", "1.00", "-", "", "", "")]


def meant(*flags: str) -> Document:
    text = "No family history of asthma."
    return Document(text=text, entities=(Entity(21, 27, "asthma", "Disease", 0.9, assertion=flags),), id="n")


def test_how_an_entity_is_meant_is_written_beside_it_and_what_is_negated_struck_through() -> None:
    page = Highlights()
    page.feed(show.page([meant("negated", "family")]))
    assert page.marks == ["asthmanegated, family"]
    assert "<s>asthma</s>" in show.fragment(meant("negated")) and "<s>" not in show.fragment(meant("family"))
    assert 'class="og-said"' not in show.fragment(meant())
    assert show.rows([meant("negated", "family")])[0][show.COLUMNS.index("assertion")] == "negated, family"


def test_all_concepts_of_an_entity_are_shown_and_read_back(tmp_path: Path) -> None:
    text = "asthma and migraine"
    asthma, migraine = LinkedConcept("MONDO:0004979", "asthma", 1.0), LinkedConcept("MONDO:0005277", "migraine", 0.9, ("mesh:D1",))
    document = Document(text, (Entity(0, 19, text, "Disease", 0.9, asthma, also=(migraine,)),), "n")
    assert show.rows([document])[0][4:7] == ("MONDO:0004979 + MONDO:0005277", "asthma + migraine", "mesh:D1")
    page = Highlights()
    page.feed(show.page([document]))
    assert page.marks == ["asthma and migraineMONDO:0004979MONDO:0005277"]
    (tmp_path / "n.jsonl").write_text(json.dumps({"id": "n", "text": text}))
    (tmp_path / "tagged.jsonl").write_text(json.dumps(document.to_dict()))
    assert show.read_tagged(tmp_path / "tagged.jsonl", tmp_path / "n.jsonl") == [document]


@pytest.mark.parametrize("flags", [None, (), ("negated", "family")])
def test_assertions_are_read_back_from_tagged_lines(tmp_path: Path, flags: tuple[str, ...] | None) -> None:
    document = Document("asthma", (Entity(0, 6, "asthma", "Disease", 0.9, assertion=flags),), "n")
    (tmp_path / "n.jsonl").write_text(json.dumps({"id": "n", "text": "asthma"}))
    (tmp_path / "tagged.jsonl").write_text(json.dumps(document.to_dict()))
    assert show.read_tagged(tmp_path / "tagged.jsonl", tmp_path / "n.jsonl") == [document]


def test_lines_tagged_before_assertion_was_told_are_read(tmp_path: Path) -> None:
    (entity,) = Document("asthma", (Entity(0, 6, "asthma", "Disease", 0.9),), "n").to_dict()["entities"]
    del entity["assertion"]
    (tmp_path / "n.jsonl").write_text(json.dumps({"id": "n", "text": "asthma"}))
    (tmp_path / "tagged.jsonl").write_text(json.dumps({"id": "n", "entities": [entity]}))
    assert show.read_tagged(tmp_path / "tagged.jsonl", tmp_path / "n.jsonl")[0].entities[0].assertion is None


def test_a_fragment_is_no_page() -> None:
    assert "<html" not in show.fragment(tagged("asthma")) and "MONDO:0004979" in show.fragment(tagged("asthma"))
