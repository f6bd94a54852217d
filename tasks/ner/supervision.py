"""What a corpus teaches knowledge attention: which of a span's candidates is right, where it says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ontograft.fusion.candidates import CANDIDATES
from ontograft.tasks.ner.examples import Example
from ontograft.types import Annotated, Mention

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack

_SHARE = 0.05
_NONE, _UNKNOWN = CANDIDATES, CANDIDATES + 1


def gold_candidates(example: Example, mentions: Sequence[Mention], pack: Pack) -> dict[int, tuple[Mention, list[int]]]:
    """For each span that is exactly a gold mention: the mention, and which of its candidates are the gold concept."""
    found: dict[int, tuple[Mention, list[int]]] = {}
    if example.spans is None:
        return found
    where = {(int(f), int(s)): row for row, (f, s) in enumerate(zip(example.spans.first, example.spans.last, strict=True))}
    for mention in mentions:
        at = example.words.covering(mention.start, mention.end)
        row = where.get(at) if at is not None else None
        if row is not None:
            wanted = {pack.index_of(i) for i in mention.ids}
            found[row] = (mention, [k for k, c in enumerate(example.spans.concepts[row].tolist()) if c >= 0 and c in wanted])
    return found


def vocabularies(documents: Sequence[Annotated]) -> frozenset[str]:
    """Prefixes of the ids by which a corpus names its concepts, each a twentieth of them at least; none where it names none."""
    counts = Counter(i.split(":", 1)[0] for d in documents for m in d.mentions for i in m.ids)
    return frozenset(p for p, n in counts.items() if n >= _SHARE * counts.total())


def label_groups(examples: Sequence[Example], documents: Sequence[Annotated], pack: Pack) -> dict[str, list[int]]:
    """Semantic groups that make up a twentieth of a label's linked mentions at least; of the first candidates where it has no ids."""
    named = bool(vocabularies(documents))
    counts: dict[str, Counter[int]] = {}
    for example, document in zip(examples, documents, strict=True):
        for row, (mention, right) in gold_candidates(example, document.mentions, pack).items():
            assert example.spans is not None
            shown = right[:1] if named else [0]
            counts.setdefault(mention.label, Counter()).update(int(example.spans.groups[row, k]) for k in shown)
    return {label: sorted(g for g, n in c.items() if n >= _SHARE * c.total()) for label, c in sorted(counts.items())}


def with_links(example: Example, mentions: Sequence[Mention], pack: Pack, annotated: frozenset[int], vocabulary: frozenset[str]) -> Example:
    """Add what knowledge attention is taught.

    A span that is a gold mention is taught its concept. Where that is not among the candidates it is taught UNKNOWN, or one of
    those candidates that the corpus could not have named: they have no id in its vocabulary, so its silence says nothing
    of them. A span that touches no mention is taught NONE, but only if all its candidates are of groups that the corpus
    annotates: a corpus of diseases must not teach that anatomy is nothing. Everything else teaches nothing.

    Args:
        example: a document with candidates.
        mentions: its gold mentions.
        pack: knows which ids a candidate joins.
        annotated: groups that the corpus annotates.
        vocabulary: prefixes of the ids that the corpus names concepts by.
    """
    if example.spans is None or example.tags is None:
        return example
    spans = example.spans
    target = np.zeros((len(spans), CANDIDATES + 2), dtype=np.bool_)
    weight = np.zeros(len(spans), dtype=np.float32)
    gold = gold_candidates(example, mentions, pack)
    touched = example.tags > 0
    for row in range(len(spans)):
        if row in gold:
            right = gold[row][1] or [*_unnameable(spans.concepts[row].tolist(), pack, vocabulary), _UNKNOWN]
            target[row, right] = True
            weight[row] = 1
        elif not touched[spans.first[row] : spans.last[row] + 1].any():
            groups = spans.groups[row][spans.concepts[row] >= 0].tolist()
            target[row, _NONE] = True
            weight[row] = float(all(g in annotated for g in groups))
    target[weight == 0, _NONE] = True
    return replace(example, link_target=target, link_weight=weight)


def _unnameable(concepts: Sequence[int], pack: Pack, vocabulary: frozenset[str]) -> list[int]:
    """Places of the candidates that have no id in a vocabulary."""
    return [k for k, c in enumerate(concepts) if c >= 0 and not any(i.split(":", 1)[0] in vocabulary for i in pack.members(c))]
