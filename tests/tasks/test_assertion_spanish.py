from __future__ import annotations

import pytest

from ontograft.tasks.assertion.rules import spanish
from ontograft.tasks.assertion.scope import Asserter


@pytest.fixture(scope="module")
def asserter() -> Asserter:
    return Asserter(spanish())


# The mentions stand in brackets.
@pytest.mark.parametrize(
    ("marked", "said"),
    [
        ("Paciente con [fiebre] y [tos].", [(), ()]),
        ("Paciente sin [fiebre] ni [tos].", [("negated",), ("negated",)]),
        ("No presenta [edemas], [adenopatías] ni [ictericia].", [("negated",)] * 3),
        ("No se palpan [adenopatías].", [("negated",)]),
        ("Niega [dolor torácico] pero refiere [disnea].", [("negated",), ()]),
        ("Sin [fiebre], acude por [cefalea].", [("negated",), ()]),
        ("Sin embargo presentó [fiebre].", [()]),
        ("La [fiebre] no mejora.", [()]),
        ("Se descartó [neumonía].", [("negated",)]),
        ("Madre con [diabetes].", [("family",)]),
        ("Antecedentes familiares de [cáncer de colon].", [("family",)]),
        ("Posible [neumonía].", [("uncertain",)]),
        ("Antecedentes de [asma].", [("historical",)]),
    ],
)
def test_how_a_mention_is_meant(asserter: Asserter, marked: str, said: list[tuple[str, ...]]) -> None:
    text, spans = "", []
    for at, part in enumerate(marked.replace("]", "[").split("[")):
        if at % 2:
            spans.append((len(text), len(text) + len(part)))
        text += part
    assert asserter(text, spans) == said
