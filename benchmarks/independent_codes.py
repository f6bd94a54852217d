"""What two editions of a code hold, counted without the product: lxml for ICD-10-CM and the United States Code, plain regular expressions
for Chinese law. See ``independent_counts.py``, whose ``Release`` and ``changes`` these share.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from independent_counts import Edge, Item, Release, folded
from lxml import etree

# --- ICD-10-CM ---------------------------------------------------------------------------------------------------------------

_KINDS = {"excludes1": "excludes1", "excludes2": "excludes2", "codeFirst": "code_first", "useAdditionalCode": "use_additional_code",
          "codeAlso": "code_also"}  # fmt: skip
_SOLE = re.compile(r"\(([A-Z]\w{2}(?:\.\w{1,4})?)\.?-?\)")


def _note_texts(element: Any, *names: str) -> list[str]:
    found = (folded("".join(note.itertext())) for name in names for note in element.xpath(f"{name}/note"))
    return [text for text in found if text]


def names_one_code(note: str) -> bool:
    """Whether a note names one code in brackets, and nothing else that looks like one."""
    return len(_SOLE.findall(note)) == 1 and len(re.findall(r"[A-Z]\d\w", note)) == 1


def _noted(element: Any) -> tuple[set[Edge], list[str]]:
    """Notes that name one code: what they say, the code, the note and the line above it; and what those say that name none."""
    found, loose = set[Edge](), list[str]()
    for tag, predicate in _KINDS.items():
        head = ""
        for note in _note_texts(element, tag):
            coded = re.search(r"\b[A-Z]\d\w(?:\.\w+)?\b", note)
            if names_one_code(note):
                found.add((predicate, f"icd10cm:{_SOLE.findall(note)[0]}", f"{head} / {note}"))
            elif not coded and not note.endswith(":"):
                loose.append(f"{predicate} {head} {note.strip(' ,')}")
            head = note if note.endswith(":") else head
    return found, loose


def icd10cm(path: Path) -> Release:
    """Chapters, sections, codes and codes by seventh character; edges are the tree's, and notes that name a single code."""
    release, root = Release(), etree.parse(path).getroot()

    def take(element: Any, id_: str, label: str, above: str | None, group: str) -> None:
        edges, said = _noted(element)
        edges |= {("is_a", above, "")} if above else set()
        said = _note_texts(element, "notes") + (_note_texts(element, "includes") if group != "code" else []) + said
        sole = group == "code" and not element.findall("diag")
        types = {"category": str(group == "code" and "." not in id_), "billable": str(sole)} if group == "code" else {}
        terms = _note_texts(element, "inclusionTerm") + [text for text in _note_texts(element, "includes") if not text.endswith(":")]
        names = {(text, "NARROW") for text in terms} if group == "code" else set()
        release.live[id_] = Item(label, "\n".join(said) or None, names, edges, types, group=group)

    def code(element: Any, above: str, sevenths: dict[str, str], besides: list[str]) -> None:
        name, label = element.findtext("name").strip(), folded(element.findtext("desc"))
        take(element, f"icd10cm:{name}", label, above, "code")
        if element.find("sevenChrDef") is not None:
            sevenths = {e.get("char"): folded("".join(e.itertext())) for e in element.find("sevenChrDef").iter("extension")}
            besides = [note for note in _note_texts(element, "notes", "sevenChrNote", "sevenChrDef") if "do not apply" in note]
        below = element.findall("diag")
        for inner in below:
            code(inner, f"icd10cm:{name}", sevenths, besides)
        bare = name.replace(".", "")
        if not below and len(bare) < 7:
            filled = (bare + "XXX")[:6] if len(bare) < 6 else bare
            for character, text in sevenths.items():
                if any(_does_not_apply(note, filled, character) for note in besides):
                    continue
                full = Item(f"{label}, {text}", None, set(), {("is_a", f"icd10cm:{name}", "")}, group="seventh")
                release.live[f"icd10cm:{filled[:3]}.{filled[3:]}{character}"] = full
                release.live[f"icd10cm:{name}"].types["billable"] = "False"

    for chapter in root.iter("chapter"):
        top = f"icd10cm:chapter-{chapter.findtext('name').strip()}"
        take(chapter, top, _heading(chapter), None, "chapter")
        for section in chapter.findall("section"):
            first, _, last = section.get("id").partition("-")
            id_ = f"icd10cm:{first}-{last or first}"
            take(section, id_, _heading(section), top, "section")
            for element in section.findall("diag"):
                code(element, id_, {}, [])
    return release


def _heading(element: Any) -> str:
    return re.sub(r"\s*\([A-Z]\w\w(-[A-Z]\w\w)?\)$", "", folded(element.findtext("desc")))


def _does_not_apply(note: str, code: str, character: str) -> bool:
    """``7th characters D, E, F … do not apply to codes in category S06 with 6th character 7 - death …, or 8 - …``."""
    sevenths, _, rest = note.partition("do not apply")
    category = re.search(r"category (\w\d\w)", rest)
    return bool(
        category
        and code.startswith(category[1])
        and code[5] in re.findall(r"\b(\d) -", rest)
        and character in re.findall(r"\b[A-Z0-9]\b", sevenths.partition("characters")[2])
    )


# --- United States Code ------------------------------------------------------------------------------------------------------

_LEVELS = {"title", "part", "chapter", "subchapter", "section", "subsection", "paragraph", "subparagraph", "clause", "subclause",
           "item", "subitem"}  # fmt: skip
_ASIDE = ("note", "notes", "sourceCredit", "toc", "footnote", "layout")
_LAPSED = re.compile(r"\b(repealed|omitted|transferred|renumbered)\b", re.IGNORECASE)


def _one_form(identifier: str) -> list[str]:
    """``/us/usc/t35/s155, 155A`` is two sections, ``s1 to 5`` is ``s1...5``."""
    base, _, last = re.sub(r"\s+to\s+", "...", identifier.split(" /")[0]).rpartition("/")
    more = [other.rpartition("/")[2] for other in identifier.split(" /")[1:]]
    numbers = [part if part.startswith("s") or not last.startswith("s") else f"s{part}" for part in re.split(r",\s*", last)]
    return [f"{base}/{number}" for number in (*numbers, *more)]


def _own_text(element: Any, *, section: bool) -> str:
    """The letters and figures of a level: a section's whole text, of one below only its own."""
    inner = (*_LEVELS,) if not section else ()

    def walk(node: Any, top: bool) -> str:
        text = node.text or ""
        for child in node:
            name = etree.QName(child).localname if isinstance(child.tag, str) else ""
            skipped = not name or name in _ASIDE or name in inner or (top and name in ("num", "heading"))
            if not skipped and child.get("class") != "footnoteRef":
                text += walk(child, False)
            text += child.tail or ""
        return text

    return re.sub(r"[\W_]+", "", walk(element, True))


def _above(element: Any) -> Any:
    return next((up for up in element.iterancestors() if up.get("identifier") and etree.QName(up).localname in _LEVELS), None)


def _edges(element: Any) -> set[Edge]:
    """What it is a part of, and what its references point to: in its text, its source credit or its notes."""
    above, found = _above(element), set[Edge]()
    if above is not None:
        found.add(("part_of", _curie(_one_form(above.get("identifier"))[0]), ""))
    for ref in element.iter("{*}ref"):
        asides = [etree.QName(up).localname for up in ref.iterancestors() if etree.QName(up).localname in _ASIDE]
        if ref.get("href", "").startswith("/") and _above(ref) is element and not {"toc", "layout"} & set(asides[:1]):
            place = {"sourceCredit": "source_credit"}.get(asides[0], "note") if asides else "text"
            found |= {("cites", _curie(one), place) for one in _one_form(ref.get("href"))}
    return found


def _curie(identifier: str) -> str:
    return re.sub(r"^/us/usc/", "usc:", re.sub(r"^/us/(?!usc/)", "us:", identifier)).rstrip("/")


def uscode(folder: Path) -> Release:
    """Every level of the titles in a folder that has an identifier and stands in no note or quotation."""
    release, seen = Release(), Counter[str]()
    for file in sorted(folder.glob("*.xml")):
        for element in etree.parse(file).getroot().iter(etree.Element):
            level = etree.QName(element).localname
            up = {etree.QName(above).localname for above in element.iterancestors()}
            if level not in _LEVELS or not element.get("identifier") or up & {"note", "notes", "quotedContent", "toc"}:
                continue
            number, heading = (folded("".join(element.find(f"{{*}}{tag}").itertext())) if element.find(f"{{*}}{tag}") is not None else ""
                               for tag in ("num", "heading"))  # fmt: skip
            found = _LAPSED.search(heading) if number.startswith("[") else _LAPSED.fullmatch(heading.strip("[]. "))
            lapsed = element.get("status") or (found[1].lower() if found else "")
            text = _own_text(element, section=level == "section") if level not in ("title", "part", "chapter", "subchapter") else ""
            for identifier in _one_form(element.get("identifier")):
                seen[identifier] += 1
                id_ = _curie(identifier) + (f"~{seen[identifier]}" if seen[identifier] > 1 else "")
                types = {"status": lapsed}
                release.live[id_] = Item(heading, text or None, set(), _edges(element), types, bool(lapsed), level)
    return release


def uscode_sections(folder: Path) -> dict[tuple[str, str], str]:
    """Title and number of every section that a tag in the files names, and the identifier as it stands there."""
    found: dict[tuple[str, str], str] = {}
    for file in sorted(folder.glob("*.xml")):
        for raw in re.findall(r'<section\b[^>]*\sidentifier="([^"]+)"', file.read_text(encoding="utf-8")):
            title = raw.split("/")[3]
            for number in re.split(r"(?:,\s*|\s+)(?:/us/usc/\w+/)?", re.sub(r"\s+to\s+", "...", raw.partition(f"/{title}/")[2])):
                found[title, number.removeprefix("s")] = raw
    return found


# --- Chinese law -------------------------------------------------------------------------------------------------------------

_DIGIT = {char: value for value, char in enumerate("零一二三四五六七八九")}
_DIGITS = "零一二三四五六七八九十百"


def _value(text: str) -> int:
    total = 0
    for digit, unit in re.findall(r"([零一二三四五六七八九]*)([百十]?)", text):
        value = _DIGIT[digit[-1]] if digit else 1 if unit else 0
        total += value * {"百": 100, "十": 10, "": 1}[unit]
    return total


def company_law(folder: Path) -> Release:
    """Articles with their whole text, their paragraphs and items, chapters and sections; edges are those of the tree."""
    release, law = Release(), "cnlaw:公司法"
    preamble, *blocks = re.split(r"^(?=##+ |\*\*第)", (folder / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    said = [line for line in preamble.split("---")[2].split("\n") if line and not line.startswith("#")]
    release.live[law] = Item(definition="\n".join(said), group="law")
    chapter = level = law
    for block in blocks:
        heading = re.fullmatch(rf"##+ 第([{_DIGITS}]+)(章|节)　(.*?)\s*", block)
        if heading:
            above = law if heading[2] == "章" else chapter
            level = f"{above}/{'chapter' if heading[2] == '章' else 'section'}{_value(heading[1])}"
            chapter = level if heading[2] == "章" else chapter
            release.live[level] = Item(heading[3], edges={("part_of", above, "")}, group=heading[2])
        else:
            _article(release, law, level, block)
    return release


def _article(release: Release, law: str, level: str, block: str) -> None:
    number, text = re.match(rf"\*\*第([{_DIGITS}]+)条\*\*　(.*)", block, re.DOTALL).groups()  # type: ignore[union-attr]
    id_ = f"{law}/a{_value(number)}"
    lines = [(re.match(rf"（([{_DIGITS}]+)）", line), line.strip()) for line in text.split("\n") if line.strip()]
    plain = [line[item.end() :] if item else line for item, line in lines]
    release.live[id_] = Item(definition="\n".join(plain), edges={("part_of", level, "")}, group="article")
    several, above = sum(item is None for item, _ in lines) > 1, id_
    for (item, _), line in zip(lines, plain, strict=True):
        if item:
            release.live[f"{above}/x{_value(item[1])}"] = Item(definition=line, edges={("part_of", above, "")}, group="item")
            if several:
                release.live[above].definition = f"{release.live[above].definition}\n{line}"
        elif several:
            above = f"{id_}/k{1 + sum(one.startswith(f'{id_}/k') and one.count('/') == 2 for one in release.live)}"
            release.live[above] = Item(definition=line, edges={("part_of", id_, "")}, group="paragraph")
