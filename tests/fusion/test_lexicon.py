from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from ontograft.encoders.windows import words
from ontograft.fusion.candidates import FEATURES, CandidateFinder
from ontograft.fusion.lexicon import Lexicon, OpenLexicon, learn, out_of_fold
from ontograft.types import Annotated, Mention

ASTHMA, MIGRAINE, KIDNEY = "MONDO:0004979", "MONDO:0005277", "MONDO:0005300"


@pytest.fixture
def pack(tiny):
    return tiny.open()


def document(id_, text, *mentions):
    rows = [(surface, ids) for surface, *ids in mentions]
    return Annotated(id_, text, tuple(Mention(text.index(s), text.index(s) + len(s), "Disease", tuple(ids)) for s, ids in rows))


CORPUS = [
    document("1", "Wheezing and asthma; wheezing of the kidney.", ("Wheezing", ASTHMA), ("asthma", ASTHMA)),
    document("2", "Wheezings with an aching head.", ("Wheezings", MIGRAINE), ("aching head", MIGRAINE, ASTHMA)),
    document("3", "The kidney and asthmatic wheezing.", ("asthmatic wheezing", "mesh:D404")),
]


def usages(lexicon, pack, text):
    """Surface: concepts with counts, mentions, others."""
    found = OpenLexicon(lexicon, pack).find(text)
    return {text[a:b]: ({pack.id(c): n for c, n in u.concepts}, u.mentions, u.others) for a, b, u in found}


def test_surfaces_are_counted_as_mentions_and_as_others(pack):
    found = usages(learn(CORPUS, pack), pack, "wheezing, asthma, kidney, aching head, asthmatic wheezing")
    assert found == {
        "wheezing": ({ASTHMA: 1, MIGRAINE: 1}, 2, 1),  # spellings are one surface; inside a longer mention it counts for nothing
        "asthma": ({ASTHMA: 1}, 1, 0),
        "kidney": ({}, 0, 2),  # a name of the pack that the corpus leaves alone
        "aching head": ({}, 1, 0),  # of two concepts: a mention, and of neither
        "asthmatic wheezing": ({}, 1, 0),  # its id is not in the pack
    }


def test_what_a_document_teaches_is_not_used_on_itself(pack):
    lexicons = out_of_fold(CORPUS, [0, 1, 1], pack)
    assert usages(lexicons[0], pack, "wheezing")["wheezing"][0] == {MIGRAINE: 1}
    assert usages(lexicons[1], pack, "wheezing, aching head") == {"wheezing": ({ASTHMA: 1}, 1, 1)}


def test_a_corpus_could_have_named_what_has_an_id_in_its_vocabulary(pack):
    opened = OpenLexicon(learn([document(str(i), "Wheezing.", ("Wheezing", ASTHMA)) for i in range(2)], pack), pack)
    joined, aspirin = pack.index_of("mesh:D003924"), pack.index_of("mesh:D001241")
    assert opened.could_name(joined) and not opened.could_name(aspirin)  # the one has a MONDO id as well


def test_it_is_kept_without_any_text(pack, tmp_path):
    lexicon = learn(CORPUS, pack)
    save_file({name: np.ascontiguousarray(a) for name, a in lexicon.arrays().items()}, tmp_path / "lexicon.safetensors")
    content = (tmp_path / "lexicon.safetensors").read_bytes().lower()
    assert b"wheezing" not in content and b"kidney" not in content and ASTHMA.lower().encode() in content
    again = Lexicon.load(tmp_path / "lexicon.safetensors")
    assert usages(again, pack, "wheezing kidney") == usages(lexicon, pack, "wheezing kidney") and len(again) == len(lexicon)


def test_nothing_learned_is_an_empty_lexicon(pack):
    empty = learn([Annotated("1", "Nothing here.")], pack)
    assert len(Lexicon.of(empty.arrays())) == 0 and usages(empty, pack, "asthma") == {}


def test_candidates_of_training_come_first_and_say_so(pack):
    text = "Wheezing kidney disease of the lung."
    bounds = words(text)
    corpus = [document(str(i), text, ("Wheezing kidney", ASTHMA), ("lung", MIGRAINE)) for i in range(3)]
    corpus.append(document("x", "asthma as such", ("asthma", KIDNEY)))
    spans = CandidateFinder(pack, lexicon=learn(corpus, pack)).find("asthma or wheezing kidney", words("asthma or wheezing kidney"))
    shown = [[pack.id(c) for c in row if c >= 0] for row in spans.concepts.tolist()]
    assert shown == [[KIDNEY, ASTHMA], [ASTHMA], ["UBERON:0002113"]]

    def feature(name):
        return spans.features[:, :2, FEATURES.index(name)].round(2).tolist()

    assert feature("meant in training") == [[1, 0], [1, 0], [0, 0]]
    assert feature("share of mentions in training") == [[1, 1], [1, 0], [0, 0]]
    assert feature("could be named in training") == [[1, 1], [1, 0], [0, 0]]
    assert feature("preferred") == [[0, 1], [0, 0], [1, 0]]
    assert CandidateFinder(pack).find(text, bounds).features[..., FEATURES.index("times seen in training")].max() == 0


def test_silence_on_kinds_that_a_corpus_does_not_annotate_says_nothing(pack):
    text = "Wheezing, not migraine, after aspirin."
    spans = CandidateFinder(pack, lexicon=learn([document(str(i), text, ("Wheezing", ASTHMA)) for i in range(3)], pack)).find(
        text, words(text)
    )
    seen = spans.features[:, 0, FEATURES.index("times seen in training")]
    by_concept = dict(zip((pack.id(int(c)) for c in spans.concepts[:, 0]), seen.tolist(), strict=True))
    assert by_concept[MIGRAINE] > 0 and by_concept[pack.id(pack.index_of("mesh:D001241"))] == 0  # a disease left alone, and a chemical
