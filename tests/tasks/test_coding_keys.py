"""Stems, keys, phrases, translation: what candidates are found by."""

from __future__ import annotations

import numpy as np
import pytest

from ontograft.tasks.coding.alignment import beads, pairs_of, skeleton, translations
from ontograft.tasks.coding.keys import KeyIndex, KeyTables
from ontograft.tasks.coding.phrases import Dictionary, learn
from ontograft.tasks.coding.projection import project
from ontograft.tasks.coding.stems import is_foreign, language_of, stems_of, words_of
from ontograft.tasks.coding.translation import Cognates, Lexicon, Translator
from ontograft.types import CodedDocument, CodeEvidence


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [("es", "Lesiones hepáticas", "lesión de la hepatica"), ("es", "riñón derecho", "RIÑON derecha"), ("en", "kidneys", "the kidney")],
)
def test_number_gender_accents_and_function_words_make_no_difference(language: str, one: str, other: str) -> None:
    assert words_of(one, language)[-1] == words_of(other, language)[-1]


def test_stems_keep_offsets_and_sentences() -> None:
    text = "Fiebre alta. Sin dolor"
    stems = stems_of(text, "es")
    assert [text[s:e] for s, e in zip(stems.starts, stems.ends, strict=True)] == ["Fiebre", "alta", "Sin", "dolor"]
    assert stems.sentences == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("El paciente acude por dolor en la pierna.", "es"),
        ("The patient was seen for pain.", "en"),
        ("Der Patient klagt über Schmerz.", None),
    ],
)
def test_the_language_shows_in_function_words(text: str, language: str | None) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("El paciente acude por dolor en la pierna.", True),
        ("The patient was seen for pain.", False),
        ("Asthma exacerbation.", False),
        ("Der Patient klagt über Schmerz. " * 4, True),
    ],
)
def test_a_text_in_another_language_is_told_and_a_short_one_is_not(text: str, foreign: bool) -> None:
    assert is_foreign(text, "en") == foreign


@pytest.fixture
def index() -> KeyIndex:
    keys = [frozenset(words_of(words, "es")) for words in ("dolor de pecho", "dolor", "fractura de fémur izquierdo")]
    return KeyIndex(KeyTables.of(keys, lambda stem: 1.0))


def test_a_key_is_found_in_any_order_near_by_and_in_part(index: KeyIndex) -> None:
    found = {m.key: m for m in index.find(stems_of("pecho con dolor, y fractura del femur", "es"), least=0.6)}
    assert found[0].whole and found[1].whole
    assert found[2].coverage == pytest.approx(2 / 3) and not found[2].whole and found[2].hits == 2


def test_a_key_does_not_run_across_sentences_or_far(index: KeyIndex) -> None:
    assert 0 not in {m.key for m in index.find(stems_of("pecho. dolor", "es"), least=1.0)}
    far = "pecho uno dos tres cuatro cinco seis siete ocho dolor"
    assert 0 not in {m.key for m in index.find(stems_of(far, "es"), least=1.0)}


def test_the_shortest_stretch_counts(index: KeyIndex) -> None:
    match = next(m for m in index.find(stems_of("dolor tras caer; pecho dolor", "es"), least=1.0) if m.key == 0)
    assert (match.first, match.after, match.gap) == (3, 5, 0)


def documents() -> list[CodedDocument]:
    rows = [("dolor de pecho hoy", "R07.4", (0, 14)), ("sin dolor de pecho", "R50.9", None), ("mucho dolor pecho", "R07.4", (6, 17))]
    return [CodedDocument(str(i), t, (c,), (CodeEvidence(c, (s,)),) if s else ()) for i, (t, c, s) in enumerate(rows)]


def test_a_phrase_knows_how_often_it_was_right() -> None:
    some = documents()
    dictionary = learn(some, [stems_of(d.text, "es") for d in some], "es")
    (meaning,) = dictionary.of(0)
    assert dictionary.codes[meaning.code] == "R07.4" and meaning.shown == 2
    assert int(dictionary.matched[0]) == 3 and meaning.precision == pytest.approx(2.3 / 4)
    assert dictionary.seen("R07.4") == 2 and dictionary.seen("Z99.9") == 0


def test_a_dictionary_survives_as_arrays_that_hold_no_word() -> None:
    some = documents()
    dictionary = learn(some, [stems_of(d.text, "es") for d in some], "es")
    arrays = dictionary.arrays()
    again = Dictionary.from_arrays(arrays)
    text = stems_of("refiere dolor de pecho", "es")
    assert again.index.find(text, least=1.0) == dictionary.index.find(text, least=1.0) != []
    assert again.codes == dictionary.codes
    assert b"dolor" not in b"".join(array.tobytes() for array in arrays.values())


def test_spellings_of_both_languages_meet() -> None:
    assert skeleton("bronquiolitis") == skeleton("bronchiolitis")
    assert Cognates(["schizophrenia", "bone"])("esquizofrenia")[0][0] == "schizophrenia"
    assert Cognates(["bronchiolitis", "bone"])("bronquiolitis")[0][0] == "bronchiolitis"


def test_translations_are_learned_from_aligned_sentences() -> None:
    pairs = [(("dolor", "hues"), ("bone", "pain")), (("dolor", "pecho"), ("chest", "pain")), (("hues", "rot"), ("broken", "bone"))] * 4
    lexicon = translations(pairs)
    assert lexicon["dolor"][0][0] == "pain" and lexicon["hues"][0][0] == "bone"
    translate = Translator(("bone", "pain"), Lexicon.of(lexicon), same=False)
    assert dict(translate("hues"))["bone"] > 0.5 and translate("perr") == []
    assert Translator(("bone",), None, same=True)("bone") == [("bone", 1.0)]


def test_sentences_are_aligned_across_a_missing_one() -> None:
    one = stems_of("Dolor abdominal agudo. Se ingresa hoy martes. Cirugía laparoscópica urgente.", "es")
    other = stems_of("Acute abdominal pain. Urgent laparoscopic surgery.", "en")
    assert next((one.stems[a[0]], other.stems[b[0]]) for a, b in beads(one, other)) == ("dolor", "acute")
    assert beads(one, other)[-1][1][0] == 3
    assert all(len(pair) == 2 for pair in pairs_of(one, other))


def test_evidence_is_carried_over_where_its_words_align() -> None:
    texts = [("Fiebre alta y cefalea.", "High fever and cephalea."), ("Fiebre y tos.", "Fever and cough.")] * 4
    texts += [("Cefalea y tos.", "Cephalea and cough.")]
    shown = [CodeEvidence("R50.9", ((0, es.index(" ")),)) for es, _ in texts]
    spanish = [CodedDocument(str(i), es, ("R50.9",), (shown[i],)) for i, (es, _) in enumerate(texts)]
    english = [CodedDocument(str(i), en, ("R50.9",)) for i, (_, en) in enumerate(texts)]
    done = project(spanish, english, [stems_of(d.text, "es") for d in spanish], [stems_of(d.text, "en") for d in english])
    assert done.rows == 9 and done.carried == 9
    ((start, end),) = done.documents[0].evidence[0].spans
    assert english[0].text[start:end] == "fever"


def test_arrays_of_an_empty_lexicon_can_be_read() -> None:
    assert len(Lexicon.from_arrays(Lexicon.of({}).arrays()).words) == 0 and Lexicon.of({}).strengths.dtype == np.float32
