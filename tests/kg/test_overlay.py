from __future__ import annotations

import pytest

from ontograft.errors import OptionError
from ontograft.kg.compile import compile_graph
from ontograft.kg.overlay import overlay, read_aliases
from ontograft.kg.pack import Pack, write_pack
from ontograft.kg.store import open_store
from ontograft.types import Concept, Name
from tests.builders import load

RECORDS = [
    Concept("MONDO:1", "multiple sclerosis"),
    Name("MONDO:1", "MSP"),
    Concept("mesh:D009020", "Morphine"),
    Name("mesh:D009020", "MSP"),
    Concept("MONDO:2", "common cold"),
    Name("MONDO:2", "cold"),
    Concept("CHEBI:3", "sodium"),
]


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("overlay")
    with open_store(folder / "kg.db", create=True) as store:
        load(store, "x", RECORDS)
        return Pack.open(write_pack(folder / "pack", compile_graph(store)))


@pytest.fixture
def with_lines(pack, tmp_path):
    def build(*lines):
        path = tmp_path / "mine.tsv"
        path.write_text("\n".join(lines), encoding="utf-8")
        return overlay(pack, read_aliases(path, pack))

    return build


def named(pack, text):
    return {text[m.start : m.end]: [pack.id(c) for c in m.concepts.tolist()] for m in pack.aliases.find(text)}


def test_a_users_alias_is_found_as_if_the_pack_had_it(pack, with_lines):
    mine = with_lines("# ours", "", "sugar cold\tMONDO:2\tNARROW", "snuffle\tmondo:2  ", "MSP\tMSH:D009020")
    text = "Sugar-colds, snuffles, cold and MSP"
    assert named(mine, text) == {
        "Sugar-colds": ["MONDO:2"],
        "colds": ["MONDO:2"],
        "snuffles": ["MONDO:2"],
        "cold": ["MONDO:2"],
        "MSP": ["mesh:D009020", "MONDO:1"],  # the user's meaning first
    }
    assert "snuffles" not in named(pack, text)  # the pack itself is as it was
    assert mine.aliases.lookup("snuffle").concepts.tolist() == [pack.index_of("MONDO:2")]
    assert mine.hash == pack.hash


def test_aliases_are_taken_away_wholly_or_from_a_concept(pack, with_lines):
    mine = with_lines("!cold", "!MSP\tmesh:D009020")
    assert named(mine, "COLD, colds, common cold, MSP") == {"common cold": ["MONDO:2"], "MSP": ["MONDO:1"]}
    assert mine.aliases.lookup("cold") is None and mine.aliases.lookup("MSP").concepts.tolist() == [pack.index_of("MONDO:1")]
    assert mine.aliases.refused("cold") is None
    assert mine.aliases.refused("MSP") == {pack.index_of("mesh:D009020")} and mine.aliases.refused("other") == frozenset()
    assert pack.aliases.refused("cold") == frozenset()


def test_what_a_line_adds_no_line_takes_away(with_lines):
    assert named(with_lines("!MSP", "MSP\tMONDO:1"), "MSP") == {"MSP": ["MONDO:1"]}


def test_stop_words_and_short_names_are_the_users_to_choose(with_lines):
    mine = with_lines("role\tMONDO:2", "Na\tCHEBI:3")
    assert named(mine, "the roles of Na, na and NA") == {"roles": ["MONDO:2"], "Na": ["CHEBI:3"]}


def test_no_lines_change_nothing(pack, with_lines):
    text = "common cold, MSP and morphine"
    assert named(with_lines("\ufeff# nothing"), text) == named(pack, text)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("sugar\tMONDO:404", r"mine\.tsv:2: the pack has no concept 'MONDO:404'.*ontograft search"),
        ("sugar", r"mine\.tsv:2: 1 columns, expected 'alias TAB concept id"),
        ("sugar\tMONDO:1\tEXACT\tmore", "4 columns"),
        ("!sugar\tMONDO:1\tEXACT", "3 columns"),
        ("sugar\tMONDO:1\tKIND", "scope 'KIND'.*PREFERRED"),
        ("...\tMONDO:1", "alias of 0 words"),
        ("a b c d e f g h i j k l m\tMONDO:1", "alias of 13 words, expected 1 to 12"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(with_lines, line, says):
    with pytest.raises(OptionError, match=says):
        with_lines("# first", line)


def test_a_file_that_cannot_be_read(pack, tmp_path):
    with pytest.raises(OptionError, match="No such file"):
        read_aliases(tmp_path / "none.tsv", pack)
    (tmp_path / "latin.tsv").write_bytes(b"cold\tMONDO:2\nna\xefve\tMONDO:2\n")
    with pytest.raises(OptionError, match=r"latin\.tsv:2: not UTF-8"):
        read_aliases(tmp_path / "latin.tsv", pack)
