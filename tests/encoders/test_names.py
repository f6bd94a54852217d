from __future__ import annotations

import numpy as np
import pytest

from ontograft.encoders import index
from ontograft.encoders.names import NameIndex, NameTable
from ontograft.errors import PackError, VectorsMissing
from ontograft.kg.pack import Pack, add_names
from tests.synonym_graph import synonym_pack


class Spelling:
    """An encoder that knows letters: how often each stands in a name."""

    key, width = "5" * 16, 32

    def encode(self, texts, **_):
        table = np.zeros((len(texts), self.width), np.float16)
        for row, text in enumerate(texts):
            for letter in text.lower():
                table[row, ord(letter) % 32] += 1
        return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    pack = synonym_pack(folder)
    table = NameTable.of(pack)
    starts, concepts = table.by_form()
    index.build(Spelling().encode(table.texts), folder / "names.faiss")
    add_names(pack.path, Spelling.key, "letters", starts, concepts, folder / "names.faiss", width=32)
    return folder / "pack"


def test_a_name_finds_its_concepts(root):
    pack = Pack.open(root, verify="full")
    names = NameIndex(pack, Spelling())
    assert len(names) == len(NameTable.of(pack).texts)
    (attack, cosines), (rhinitis, equal) = names.nearest(["heart attack", "rhinitis"], 3)
    assert pack.id(int(attack[0])) == "MONDO:0000001" and len(attack) == len(set(attack.tolist())) == 3
    assert cosines[0] == pytest.approx(1, abs=0.03) and (np.diff(cosines) <= 0).all()
    assert {pack.id(int(c)) for c in rhinitis[:2]} == {"MONDO:0000004", "CHEBI:1"} and equal[0] == equal[1]


def test_a_concept_with_many_names_does_not_hide_the_others(root, monkeypatch):
    names = NameIndex(Pack.open(root), Spelling())
    monkeypatch.setattr("ontograft.encoders.names._NAMES_A_CONCEPT", 1)
    ((concepts, _),) = names.nearest(["infarction of the heart"], 3)
    assert len(concepts) == len(set(concepts.tolist())) == 3


def test_fewer_concepts_than_asked_for(root):
    pack = Pack.open(root)
    ((concepts, cosines),) = NameIndex(pack, Spelling()).nearest(["cold"], 500)
    assert sorted(concepts.tolist()) == list(pack) and len(cosines) == pack.n
    assert NameIndex(pack, Spelling()).nearest([], 5) == []


def test_names_lie_beside_vectors_of_concepts_and_are_asked_for_by_key(root):
    pack = Pack.open(root)
    assert pack.encoders == {Spelling.key: "letters"}
    with pytest.raises(VectorsMissing, match=r"letters.*--encoder BUNDLE"):
        pack.vectors(Spelling.key)
    with pytest.raises(VectorsMissing, match=r"letters.*--identity FOLDER"):
        pack.name_vectors("6" * 16)


def test_names_of_another_pack_are_refused(root):
    with pytest.raises(PackError, match="build the pack anew"):
        add_names(root, "7" * 16, "other", np.array([0, 1]), np.array([10_000], np.int32), root / "none", width=4)
