from __future__ import annotations

import gc
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import ontograft
from ontograft import engine as engines
from ontograft import explore
from ontograft.errors import OptionError, UnknownConcept, UnknownRelease
from ontograft.kg.store import open_store
from ontograft.types import Candidate, Document, Entity, LinkedConcept
from tests.builders import concept, load, refresh

TEXT = "Patients with type 2 diabetes mellitus and asthma were given Metformin. No asthma."
EVIL = '<script>alert("1")</script>&<b>'


@pytest.fixture(scope="module")
def engine(tiny, tiny_bundle):
    return ontograft.load(tiny_bundle.folder, pack=tiny.pack)


@pytest.fixture
def document(engine) -> Document:
    return engine.tag(TEXT)


class Page(HTMLParser):
    """What a page holds: how often each tag, its table's rows, and what can be reached by the keyboard."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.rows: list[list[str]] = []
        self.focusable: list[dict[str, str | None]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag == "td" or tag == "th":
            self.rows[-1].append("")
        if dict(attrs).get("tabindex") == "0":
            self.focusable.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def evil() -> Document:
    linked = LinkedConcept(f"x:{EVIL}", EVIL, 0.9)
    entity = Entity(0, len(EVIL), EVIL, EVIL, 0.5, linked, (Candidate(linked.id, EVIL, 0.9),), (EVIL,))
    return Document(EVIL, (entity,), EVIL)


def every(engine, document) -> dict[str, explore.View]:
    return {
        "links": explore.links(document),
        "attention": explore.attention(document, 0, engine=engine),
        "neighbourhood": explore.neighbourhood("MONDO:0005148", 2, engine=engine),
        "nearest": explore.nearest("MONDO:0005148", 4, engine=engine),
        "nearest text": explore.nearest("sugar in the blood", 4, engine=engine),
    }


# --- what every view has ------------------------------------------------------------------------------------------------


def test_the_table_shows_what_the_frame_has(engine, document):
    for name, view in every(engine, document).items():
        frame = view.to_frame()
        page = Page(view._repr_html_())
        assert page.rows[0] == list(frame.columns), name
        assert len(page.rows) - 1 == len(frame) == len(view.rows) > 0, name
        assert page.rows[1][0].strip() == explore.view._cell(view.rows[0][0]), name


def test_nothing_is_loaded_from_anywhere(engine, document):
    for view in every(engine, document).values():
        for html in (view._repr_html_(), view.to_html()):
            assert not re.search(r"<(script|link|img|iframe|object)\b|https?://|url\(|@import|\bsrc=|\bhref=| on\w+=", html)
        assert "default-src 'none'" in view.to_html() and "prefers-color-scheme: dark" in view._repr_html_()


def test_boxes_are_reached_by_keyboard_and_say_what_they_are(engine, document):
    for view in every(engine, document).values():
        boxes = [at for at in Page(view._repr_html_()).focusable if at.get("role") == "img"]
        assert view.drawing is not None and len(boxes) == len(view.drawing.boxes) > 0
        assert all(at["aria-label"] for at in boxes)


def test_looking_twice_shows_the_same(engine, document):
    first, second = every(engine, document), every(engine, engine.tag(TEXT))
    assert {name: view._repr_html_() for name, view in first.items()} == {name: view._repr_html_() for name, view in second.items()}


def test_text_is_never_markup():
    for html in (explore.links(evil())._repr_html_(), explore.links(evil()).to_html()):
        assert "<script" not in html and "<b>" not in html and "&lt;script&gt;" in html


def test_half_a_surrogate_pair_can_be_shown():
    text = "\ud800 asthma"
    view = explore.links(Document(text, (Entity(0, 8, text, "Disease", 0.5),)))
    assert "asthma" in view._repr_html_().encode().decode()


def test_a_page_is_its_owners_alone(tmp_path, document):
    path = tmp_path / "links.html"
    html = explore.links(document).to_html(path)
    assert path.read_text(encoding="utf-8") == html and path.stat().st_mode & 0o777 == 0o600


def test_what_a_view_is_called_says_nothing_of_the_record(document):
    assert repr(explore.links(document)).startswith("<Entity links: ") and "asthma" not in repr(explore.links(document))


def test_long_tables_are_cut_in_the_page_and_whole_in_the_frame():
    entities = tuple(Entity(i, i + 1, "x", "Disease", 0.5) for i in range(0, 600, 2))
    view = explore.links(Document("x " * 300, entities))
    assert len(view.to_frame()) == 300 and len(Page(view._repr_html_()).rows) == 201 and "the first 200 of 300 rows" in view._repr_html_()


def test_the_graph_is_the_callers(document):
    view = explore.links(document)
    view.to_networkx().clear()
    assert len(view.to_networkx()) > 0


def test_pandas_is_named_where_it_is_missing(monkeypatch, document):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(OptionError, match=r"pip install \"ontograft\[notebook\]\""):
        explore.links(document).to_frame()


# --- documents ----------------------------------------------------------------------------------------------------------


def test_links_have_the_texts_offsets_and_every_candidate(document):
    view = explore.links(document)
    frame = view.to_frame()
    assert len(frame) == sum(max(1, len(entity.candidates)) for entity in document.entities)
    assert view.to_networkx().number_of_edges() == frame["concept"].notna().sum() == sum(len(e.candidates) for e in document.entities)
    for row in frame.itertuples():
        assert document.text[row.start : row.end] == row.text
    linked = {(e.start, e.concept.id) for e in document.entities if e.concept}
    assert set(frame[frame["linked"]][["start", "concept"]].itertuples(index=False, name=None)) == linked


def test_an_entity_without_candidates_has_its_row():
    view = explore.links(Document("some mystery", (Entity(5, 12, "mystery", "Disease", 0.5),)))
    ((start, end, *_, name, score, linked),) = view.rows
    assert (start, end, name, score, linked) == (5, 12, None, None, False)


def test_unlikely_candidates_are_in_the_table_only():
    names = (Candidate("x:1", "one", 0.8), Candidate("x:2", "two", 0.04))
    view = explore.links(Document("it", (Entity(0, 2, "it", "D", 0.5, LinkedConcept("x:1", "one", 0.8), names),)))
    assert len(view.rows) == 2 and [line.edge.target for line in view.drawing.lines] == ["x:1"]


def test_attention_has_the_weights_that_the_engine_explains(engine, document):
    entity = next(e for e in document.entities if e.text == "type 2 diabetes mellitus")
    view, why = explore.attention(document, entity), engine.explain(TEXT, entity.start, entity.end)
    frame = view.to_frame()
    assert frame[frame["relation"] == "may denote"]["weight"].sum() == pytest.approx(1, abs=1e-5)
    edges = frame[frame["relation"] != "may denote"]
    assert list(zip(edges["relation"], edges["to"], edges["weight"], strict=True)) == [
        (edge.relation, edge.id, edge.weight) for c in why.concepts for edge in c.edges
    ]
    assert view.to_networkx().number_of_edges() == len(frame)


def test_where_attention_knows_nothing_it_says_so(engine):
    document = Document("Patients with mystery.", (Entity(14, 21, "mystery", "Disease", 0.5),))
    view = explore.attention(document, 0, engine=engine)
    assert view.rows == () and "no name for just this stretch" in view._repr_html_()


def test_an_entity_of_another_document_is_refused(document):
    with pytest.raises(OptionError, match="none of this document") as error:
        explore.attention(document, Entity(0, 8, "headache", "Disease", 0.5))
    assert "headache" not in str(error.value) and "Patients" not in str(error.value)
    with pytest.raises(OptionError, match="entity 99: the document has"):
        explore.attention(document, 99)


# --- which engine -------------------------------------------------------------------------------------------------------


def test_a_document_finds_the_engine_that_tagged_it(tiny, tiny_bundle, engine, document):
    other = ontograft.load(f"{tiny_bundle.folder}.runs/off-0/bundle", pack=tiny.pack)
    assert explore.attention(document, 0).rows and not explore.attention(other.tag(TEXT), 0, engine=other).rows
    with pytest.raises(OptionError, match="engines are loaded in this process"):
        explore.neighbourhood("MONDO:0005148")
    del other
    gc.collect()


def test_without_its_engine_a_document_asks_for_one(monkeypatch, document):
    monkeypatch.setattr(engines, "LOADED", {})
    with pytest.raises(OptionError, match="not loaded any more"):
        explore.attention(document, 0)
    with pytest.raises(OptionError, match="no engine is loaded"):
        explore.nearest("asthma")


def test_engines_are_held_by_nobody(tiny, tiny_bundle):
    engine = ontograft.load(tiny_bundle.folder, pack=tiny.pack, threshold=0.5)
    assert engines.LOADED[engine.key] is engine
    key, before = engine.key, len(engines.LOADED)
    del engine
    gc.collect()
    assert key not in engines.LOADED or len(engines.LOADED) == before


# --- concepts -----------------------------------------------------------------------------------------------------------


def test_a_neighbourhood_is_the_packs(tiny, engine):
    view = explore.neighbourhood("mesh:D003924", pack=tiny.pack)  # a joined id
    graph = view.to_networkx()
    assert set(graph) == {"MONDO:0005148", "MONDO:0005015", "mesh:D008687"}
    assert [row[:1] + row[2:4] for row in view.rows] == [
        ("MONDO:0005148", "is_a", "MONDO:0005015"),
        ("mesh:D008687", "treats", "MONDO:0005148"),
    ]
    x = {box.node.key: box.x for box in view.drawing.boxes}
    assert x["mesh:D008687"] < x["MONDO:0005148"] < x["MONDO:0005015"]
    assert {label.text for label in view.drawing.labels} == {"is_a", "treats"}


def test_a_concept_is_named_in_many_ways(engine, document):
    entity = next(e for e in document.entities if e.text == "asthma")
    ways: list[Any] = ["MONDO:0004979", "mondo:0004979", "MONDO_0004979", "bronchial asthma", entity, entity.concept, entity.candidates[0]]
    titles = {explore.neighbourhood(way, engine=engine).title for way in ways}
    assert titles == {"Neighbourhood of asthma"}


def test_the_limit_is_told(engine):
    view = explore.neighbourhood("MONDO:0000001", 2, limit=4, engine=engine)
    assert len(view.to_networkx()) == 4 and "limit= shows more" in view.note
    assert "limit=" not in explore.neighbourhood("UBERON:0002113", engine=engine).note


@pytest.mark.parametrize("options", [{"hops": -1}, {"limit": 0}])
def test_a_neighbourhood_out_of_range(options, engine):
    with pytest.raises(OptionError, match="give hops of 0 or more"):
        explore.neighbourhood("MONDO:0004979", engine=engine, **options)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("MONDO:00049790", r"MONDO:00049790: no concept of this id in .*did you mean MONDO:0004979 \(asthma\)"),
        ("ZZZ:1", r"ZZZ:1: no concept of this id .*`ontograft search`"),
        ("hypertensoin", r"^no concept of this name in .*did you mean MONDO:0005044 \(hypertension\)"),
        ("qqqq xxxx", r"^no concept of this name in .*`ontograft search`"),
        (Entity(0, 7, "mystery", "D", 0.5), "this entity has no concept"),
    ],
)
def test_a_concept_that_is_not_there(asked, says, engine):
    with pytest.raises(UnknownConcept, match=says) as error:
        explore.neighbourhood(asked, engine=engine)
    assert "hypertensoin" not in str(error.value) and "mystery" not in str(error.value)


def test_nearest_is_in_order_and_leaves_the_concept_itself_out(engine):
    view = explore.nearest("MONDO:0005148", 5, engine=engine)
    frame = view.to_frame()
    assert len(frame) == 5 and "MONDO:0005148" not in set(frame["concept"]) and frame["cosine"].is_monotonic_decreasing
    near = [(b, data["cosine"]) for _, b, data in view.to_networkx().edges(data=True) if data["relation"] == "near"]
    assert near == list(zip(frame["concept"], frame["cosine"], strict=True))


def test_nearest_to_a_text_is_what_the_engines_encoder_finds(engine):
    view = explore.nearest("  high\nblood pressure", 3, engine=engine)
    ((numbers, cosines),) = engine.vectors.nearest(["  high\nblood pressure"], 3)
    assert [row[1] for row in view.rows] == [engine.pack.id(i) for i in numbers] and [row[4] for row in view.rows] == cosines.tolist()
    assert view.title == "Nearest to high blood pressure"


def test_nearest_needs_vectors_and_a_concept(tiny, tiny_bundle, engine):
    with pytest.raises(UnknownConcept, match="MONDO:9"):
        explore.nearest("MONDO:9", engine=engine)
    with pytest.raises(OptionError, match="k 0: give 1 or more"):
        explore.nearest("asthma", 0, engine=engine)
    off = ontograft.load(f"{tiny_bundle.folder}.runs/off-0/bundle", pack=tiny.pack)
    with pytest.raises(OptionError, match="without vectors"):
        explore.nearest("asthma", engine=off)


# --- releases -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Path:
    first = [*concept("x:1", "root"), *concept("x:2", "two", parents=["x:1"]), *concept("x:3", "three", parents=["x:1"])]
    second = [*concept("x:1", "root"), *concept("x:2", EVIL, "zwei", parents=["x:3"]), *concept("x:3", "three"), *concept("x:4", "four")]
    with open_store(tmp_path / "kg.db", create=True) as opened:
        load(opened, "mine", first)
        refresh(opened, "mine", second)
        load(opened, "other", concept("y:1", "only"))
    return tmp_path / "kg.db"


def test_releases_are_compared_as_the_store_tells_it(store):
    from ontograft.jobs.releases import compare

    view = explore.compare_releases(store, "mine")
    frame, told = view.to_frame(), compare(store, "mine", "1", "2")
    assert frame["kind"].value_counts().to_dict() == told.changes == {bar.name: bar.count for bar in view.bars}
    graph = view.to_networkx()
    assert sum(count for _, count in graph.nodes(data="changes")) == len(frame)
    edges = {(a, b, data["change"]) for a, b, data in graph.edges(data=True)}
    assert edges == {("x:2", "x:1", "relation_removed"), ("x:2", "x:3", "relation_added"), ("x:3", "x:1", "relation_removed")}
    assert "<script" not in view._repr_html_() and view.title == "mine: 1 to 2"


def test_releases_backwards(store):
    there, back = explore.compare_releases(store, "mine", "1", "2"), explore.compare_releases(store, "mine", "2", "1")
    assert {row[:2] for row in back.rows} >= {("concept_removed", "x:4"), ("synonym_removed", "x:2")} and len(there.rows) == len(back.rows)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("mine", "3"), "no release 3 of mine; its releases are 1, 2"),
        (("yours",), "nothing of the name yours is loaded; the store holds mine, other"),
        (("other",), "no release of other was loaded before 1"),
    ],
)
def test_a_release_that_is_not_there(asked, says, store):
    with pytest.raises(UnknownRelease, match=says):
        explore.compare_releases(store, *asked)
