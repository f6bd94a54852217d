"""Which phrases speak of which mentions: ConText's scopes.

A phrase speaks of what stands before or behind it in the sentence, up to the next phrase that ends its scope: NegEx (Chapman, Bridewell,
Hanbury, Cooper, Buchanan 2001, J Biomed Inform 34) and ConText (Harkema, Dowling, Thornblade, Chapman 2009, J Biomed Inform 42).
Two things are added: a phrase may be about the nearest mention only, or about it and those listed beside it; and a section's heading
speaks of all that stands below it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ontograft.tasks.assertion.rules import ENTITY, Match, Reach, Role, Rule, Rules, Token, english
from ontograft.tasks.assertion.sentences import Sentence, sentences
from ontograft.types import ASSERTIONS

_FARTHEST_BACK = 6  # words between a phrase and the mention before it, at most, where its rule does not say
_LONGEST_GAP = 4  # words that describe a member of a list ("worsening", "of the left arm"), at most


class Asserter:
    """Says of mentions in English text whether they are negated, hypothetical, historical, of the family or uncertain."""

    def __init__(self, rules: Rules | None = None) -> None:
        self._rules = rules or english()

    def __call__(self, text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[str, ...]]:
        """How each mention is meant, in the order of ``ASSERTIONS``; nothing for what is said of the patient, as a fact, of now.

        Args:
            text: the document.
            spans: starts and ends of the mentions in code points, in any order; they may overlap.
        """
        if not spans:
            return []
        merged = _merge(spans)
        said: list[set[str]] = [set() for _ in merged]
        starts = [start for start, _ in merged]
        for sentence in sentences(text, merged, headings=self._rules.headings, people=self._rules.people):
            first, last = bisect_left(starts, sentence.start), bisect_left(starts, sentence.end)
            if first < last:
                for at, flags in enumerate(self._sentence(text, sentence, merged[first:last]), first):
                    said[at] |= flags
        return [tuple(flag for flag in ASSERTIONS if flag in said[bisect_right(starts, start) - 1]) for start, _ in spans]

    def _sentence(self, text: str, sentence: Sentence, spans: Sequence[tuple[int, int]]) -> list[set[str]]:
        """Flags of the mentions of one sentence."""
        tokens, places = self._tokens(text, sentence, spans)
        said = [set(sentence.flags) for _ in spans]
        matches = list(self._rules.matches(tokens))
        for match in matches:
            for rule in match.rules:
                if rule.role is not Role.STOP:
                    for at in self._about(rule, match, matches, tokens, places):
                        said[at] |= rule.flags
        return said

    def _tokens(self, text: str, sentence: Sentence, spans: Sequence[tuple[int, int]]) -> tuple[list[Token], list[int]]:
        """Tokens of a sentence, each mention as one, so that no phrase is found inside a mention; and which tokens the mentions are."""
        tokens: list[Token] = []
        places: list[int] = []
        at = sentence.start
        for start, end in spans:
            tokens += self._rules.tokens(text, at, start)
            places.append(len(tokens))
            tokens.append(Token(start, end, (ENTITY,)))
            at = end
        tokens += self._rules.tokens(text, at, max(at, sentence.end))
        return tokens, places

    def _about(self, rule: Rule, match: Match, matches: Sequence[Match], tokens: Sequence[Token], places: Sequence[int]) -> Iterator[int]:
        """Indices of the mentions that a phrase speaks of."""
        if rule.role is Role.INSIDE:
            yield from (at for at, place in enumerate(places) if match.first <= place < match.after)
            return
        if rule.initial and match.first > 0:
            return
        low, high = _scope(rule, match, matches, len(tokens))
        inside = [at for at, place in enumerate(places) if low <= place < high]
        if rule.role is Role.BACKWARD:
            inside.reverse()
        if not inside:
            return
        gap = match.first - places[inside[0]] - 1 if rule.role is Role.BACKWARD else places[inside[0]] - match.after
        limit = _FARTHEST_BACK if rule.within is None and rule.role is Role.BACKWARD else rule.within
        if limit is not None and gap > limit:
            return
        yield inside[0]
        for before, at in pairwise(inside):
            one, other = sorted((places[before], places[at]))
            if rule.reach is Reach.NEAREST or (rule.reach is Reach.LIST and not self._listed(tokens[one + 1 : other])):
                return
            yield at

    def _listed(self, between: Sequence[Token]) -> bool:
        """Whether what stands between two mentions makes them members of one list."""
        words = [token.keys for token in between if self._rules.separators.isdisjoint(token.keys)]
        return len(words) < len(between) and len(words) <= _LONGEST_GAP and all(self._rules.breakers.isdisjoint(keys) for keys in words)


def _scope(rule: Rule, match: Match, matches: Sequence[Match], length: int) -> tuple[int, int]:
    """Tokens that a phrase may speak of: up to the nearest phrase that ends its scope."""
    stops = [m for m in matches if any(r.role is Role.STOP and not r.flags.isdisjoint(rule.flags) for r in m.rules)]
    if rule.role is Role.FORWARD:
        return match.after, min((m.first for m in stops if m.first >= match.after), default=length)
    return max((m.after for m in stops if m.after <= match.first), default=0), match.first


def _merge(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Mentions in order, those that overlap as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged
