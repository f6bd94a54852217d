"""The tree of one Chinese law, as its lines are met."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from ontograft.ingest.cn_cite import article_key, references, short
from ontograft.ingest.cn_numbers import characters
from ontograft.ingest.prefixes import expand
from ontograft.types import Caveat, Concept, Name, Record, Reject, Relation, Scope

ATTRIBUTION = "Laws of the People's Republic of China (statute text, not protected by copyright)"

_KINDS = {"编": "Part", "分编": "Subpart", "章": "Chapter", "节": "Section", "附则": "Supplement", "附件": "Annex"}
_DEPTH = {"编": 1, "附则": 1, "附件": 2, "分编": 2, "章": 3, "节": 4}
_AMENDS = re.compile(r"中华人民共和国(.{1,20}?法典?)修正案")


class _Open:
    """An article or point whose paragraphs are still coming."""

    def __init__(self, key: str, kind: str, label: str, number: tuple[int, int], line: int) -> None:
        self.key, self.kind, self.label, self.number, self.line = key, kind, label, number, line
        self.paragraphs: list[tuple[str, list[tuple[int, str]]]] = []


class Law:
    """A law being read; every method yields the records that are complete."""

    def __init__(self, title: str) -> None:
        self.title, self.short = title, short(title)
        self.id = f"cnlaw:{self.short}"
        amends = _AMENDS.match(title)
        self.default = short(amends[1]) if amends else None
        self.by_points = "修正案" in title or title.endswith("决定")
        self.articles: dict[tuple[int, int], int] = {}
        self.file, self.shown = "", ""
        self._levels: list[tuple[int, str, str]] = []  # depth, id, label
        self._article: _Open | None = None
        self._preamble: list[str] = []
        self._said = False
        self._seen: set[str] = set()

    def open(self, file: str, shown: str) -> None:
        """Begin a file of this law."""
        self.file, self.shown, self._levels = file, shown, []

    def close(self) -> Iterator[Record]:
        """End it."""
        yield from self._flush()

    def finish(self) -> Iterator[Record]:
        """End the law: itself, if nothing of it was said yet, and what its numbering lacks."""
        if self.articles or (self.by_points and self._preamble):
            yield from self._law()
            numbers = sorted({n for n, _ in self.articles})
            for one, other in pairwise(numbers):
                if other - one > 1:
                    text = f"{self.short}: article {other} follows article {one}"
                    yield Caveat(self.shown, self.articles.get((other, 0)), "article_gap", text)

    def level(self, sign: str, number: int, label: str, heading: str, line: int) -> Iterator[Record]:
        """A heading: 第一章　总则."""
        yield from self._flush()
        yield from self._law()
        depth = _DEPTH[sign]
        while self._levels and self._levels[-1][0] >= depth:
            self._levels.pop()
        above = self._levels[-1][1] if self._levels else self.id
        path = "".join(name for _, _, name in self._levels)
        id_ = f"{above}/{_KINDS[sign].lower()}{number or ''}"
        self._levels.append((depth, id_, label))
        if id_ in self._seen:
            yield Caveat(self.shown, line, "heading_twice", f"{label} stands there twice; what follows is put under one")
            return
        self._seen.add(id_)
        name = f"{self.short}{path}{label}" + (f" {heading}" if heading else "")
        yield Concept(id_, name, _KINDS[sign], None, expand(id_), file=self.file, line=line)
        if heading:
            yield Name(id_, f"{label} {heading}", Scope.RELATED, "heading", "zh", line)
        yield Relation(id_, "part_of", above, line=line)

    def article(self, number: tuple[int, int], text: str, line: int) -> Iterator[Record]:
        """第一条, its first paragraph with it."""
        yield from self._flush()
        yield from self._law()
        label = f"第{characters(number[0])}条" + (f"之{characters(number[1])}" if number[1] else "")
        if number in self.articles:
            yield Reject(self.shown, line, f"{self.short}{label} again, first on line {self.articles[number]}; it is left out")
            return
        self.articles[number] = line
        self._article = _Open(article_key(number), "Article", label, number, line)
        self.text(text)

    def point(self, number: int, text: str, line: int) -> Iterator[Record]:
        """一、 of an amendment or a decision."""
        yield from self._flush()
        yield from self._law()
        if (number, 0) in self.articles:
            yield Reject(self.shown, line, f"{self.short}: point {number} again, first on line {self.articles[number, 0]}; it is left out")
            return
        self.articles[(number, 0)] = line
        self._article = _Open(f"p{number}", "Point", f"第{characters(number)}项", (number, 0), line)
        self.text(text)

    def text(self, text: str, *, item: int | None = None) -> None:
        """A paragraph, or one of its items, of the article that is open; before the first it belongs to the law."""
        if self._article is None:
            if not self._said and len(self._preamble) < 40:
                self._preamble.append(text.strip("*"))
            return
        paragraphs = self._article.paragraphs
        if item is not None and paragraphs:
            paragraphs[-1][1].append((item, text))
        elif text and paragraphs and re.match(r"\d+[．.、]", text):
            self._article.paragraphs[-1] = (f"{paragraphs[-1][0]}\n{text}", paragraphs[-1][1])
        elif text:
            paragraphs.append((text, []))

    def _law(self) -> Iterator[Record]:
        if self._said:
            return
        self._said = True
        kind = "Amendment" if "修正案" in self.title else "Decision" if self.title.endswith("决定") else "Law"
        yield Concept(self.id, self.title, kind, "\n".join(self._preamble) or None, expand(self.id), file=self.file)
        if self.short != self.title:
            yield Name(self.id, self.short, Scope.EXACT, "short_title", "zh")
        if self.default:
            yield Relation(self.id, "amends", f"cnlaw:{self.default}")
        if self.by_points:
            yield from self._citations("\n".join(self._preamble), self.id, None)

    def _flush(self) -> Iterator[Record]:
        """The open article, with its paragraphs, items and references."""
        article, self._article = self._article, None
        if article is None:
            return
        id_, line = f"{self.id}/{article.key}", article.line
        full = "\n".join("\n".join((text, *(text for _, text in items))) for text, items in article.paragraphs)
        name = f"{self.short}{article.label}"
        yield Concept(id_, name, article.kind, full or None, expand(id_), file=self.file, line=line)
        if article.kind == "Article":
            number = f"第{article.number[0]}条" + (f"之{article.number[1]}" if article.number[1] else "")
            yield Name(id_, f"{self.short}{number}", Scope.EXACT, "citation", "zh", line)
            yield Name(id_, f"《{self.title}》{article.label}", Scope.EXACT, "citation", "zh", line)
        yield Relation(id_, "part_of", self._levels[-1][1] if self._levels else self.id, line=line)
        yield from self._parts(article, id_, name)
        yield from self._citations(full, id_, line, article.number if article.kind == "Article" else None)

    def _citations(self, text: str, id_: str, line: int | None, article: tuple[int, int] | None = None) -> Iterator[Record]:
        for reference in references(text, article=article, default=self.default):
            target = f"cnlaw:{reference.law or self.short}"
            if reference.article is not None:
                target = f"{target}/{article_key(reference.article)}"
            steps = (("paragraph", reference.paragraph), ("item", reference.item))
            qualifiers = (("text", reference.text), *((step, str(value)) for step, value in steps if value))
            if target != id_:
                yield Relation(id_, "cites", target, qualifiers, line)

    def _parts(self, article: _Open, id_: str, name: str) -> Iterator[Record]:
        several = len(article.paragraphs) > 1
        for count, (text, items) in enumerate(article.paragraphs, 1):
            above, called = id_, name
            if several:
                above, called = f"{id_}/k{count}", f"{name}第{characters(count)}款"
                whole = "\n".join((text, *(text for _, text in items)))
                yield Concept(above, called, "Paragraph", whole, expand(above), file=self.file, line=article.line)
                yield Relation(above, "part_of", id_, line=article.line)
            met: set[int] = set()
            for number, said in items:
                if number in met:
                    continue
                met.add(number)
                item = f"{above}/x{number}"
                yield Concept(item, f"{called}第（{characters(number)}）项", "Item", said, expand(item), file=self.file, line=article.line)
                yield Relation(item, "part_of", above, line=article.line)
