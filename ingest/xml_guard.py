"""XML checked before any reader sees it: well-formed to its end, nothing loaded from outside, internal entities within a bound.

Expat does the checking: it reads no external entity and no external DTD of its own accord. Internal entities are then written out, so
that parsers that know nothing of document types (or too much) get a document without one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from ontograft.errors import SourceError, TruncatedSource, UnsafeSource

# What the entities of a file may add to it: FIBO's add about its own size once over.
_MAX_FACTOR, _ALWAYS_FINE = 20, 1 << 20
_MAX_BYTES = 256 * 2**20
_DEEPEST = 1000  # parsers behind this one take a time that grows with the square of the depth
_CUT = {3, 4, 5, 20}  # no element, partial character, unclosed token, unclosed CDATA section
_AMPLIFIED = 43
_REFERENCE = re.compile(r"&([^\s&;<>#\"']+);")
_IN_TEXT = re.compile(rb"&([^\s&;<>#\"']+);")
_OUTSIDE_TEXT = re.compile(rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->|<\?.*?\?>|&([^\s&;<>#\"']+);", re.DOTALL)
_PREDEFINED = {"lt", "gt", "amp", "quot", "apos"}
_ENCODING = re.compile(rb"\A(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")
_DOCTYPE = re.compile(
    rb"<!DOCTYPE\s+[^\s\[>]+(?:\s+(?:SYSTEM|PUBLIC\s+(?:\"[^\"]*\"|'[^']*'))\s*(?:\"[^\"]*\"|'[^']*')?)?\s*"
    rb"(?:\[(?:[^\]\"'<]|\"[^\"]*\"|'[^']*'|<!--.*?-->|<\?.*?\?>|<(?!!--|\?))*\]\s*)?>",
    re.DOTALL,
)


def plain_xml(data: bytes, file: str | Path) -> bytes:
    """A document in UTF-8 without document type, its internal entities and CDATA sections written out.

    Raises:
        UnsafeSource: it declares an external or a parameter entity, its entities expand beyond the bound, or its elements have no bottom.
        TruncatedSource: it ends before its root element does.
        SourceError: it is not well-formed XML.
    """
    entities = _check(data, file)
    data = _utf8(data, file)
    start = re.search(rb"<!DOCTYPE\b", data)
    if start is None:
        return _expand(data, {}, file)
    found = _DOCTYPE.match(data, start.start())
    if found is None:
        raise SourceError("a document type that cannot be read: expected <!DOCTYPE name [ … ]>", file=file)
    # Lines keep their numbers, so that later messages name the right ones.
    data = data[: found.start()] + b"\n" * found[0].count(b"\n") + data[found.end() :]
    return _expand(data, entities, file)


def _check(data: bytes, file: str | Path) -> dict[str, str]:
    """Run expat over the document; its internal entities, fully expanded."""
    declared: dict[str, str] = {}
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def entity(name: str, parameter: bool, value: str | None, *outside: str | None) -> None:
        if value is None:
            _refuse("declares an external entity", file, parser)
        if parameter:
            _refuse("declares a parameter entity", file, parser)
        declared.setdefault(name, value)
        if "<" in value or "&" in value:
            watch()
        if len(declared) > 10_000:
            _refuse("declares more than 10,000 entities", file, parser)

    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise UnsafeSource(f"elements within elements, more than {_DEEPEST:,} deep: refused", file=file, line=parser.CurrentLineNumber)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def watch() -> None:
        parser.StartElementHandler, parser.EndElementHandler = start, end

    parser.EntityDeclHandler = entity
    if data.count(b"<") > _DEEPEST:  # else it cannot be that deep, unless its entities hold elements
        watch()
    parser.StartDoctypeDeclHandler = lambda *_: None
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code) or "unknown"
        if error.code in _CUT and _at_end(data, parser):
            what = f"the XML ends within an element ({reason}): fetch the file again"
            raise TruncatedSource(what, file=file, line=error.lineno) from None
        if error.code == _AMPLIFIED:
            raise UnsafeSource("its entities expand without bound: refused as an XML bomb", file=file, line=error.lineno) from None
        raise SourceError(f"not well-formed XML ({reason}): correct it or fetch it again", file=file, line=error.lineno) from None
    except SourceError:
        raise
    except (LookupError, ValueError):
        raise SourceError("its XML declaration names an encoding that is not known: expected UTF-8", file=file, line=1) from None
    return _expanded(declared, file)


def _at_end(data: bytes, parser: expat.XMLParserType) -> bool:
    return not data[parser.CurrentByteIndex :].strip() or b">" not in data[parser.CurrentByteIndex :]


def _refuse(what: str, file: str | Path, parser: expat.XMLParserType) -> NoReturn:
    raise UnsafeSource(f"{what}, expected internal general entities only: refused", file=file, line=parser.CurrentLineNumber)


def _expanded(declared: dict[str, str], file: str | Path) -> dict[str, str]:
    """The entities with those in their values replaced; sizes are summed up before any text is built."""
    sizes: dict[str, int] = {}

    def size(name: str, inside: tuple[str, ...]) -> int:
        if name in inside or len(inside) > 100:
            raise UnsafeSource("an entity contains itself: refused as an XML bomb", file=file)
        if name not in sizes:
            value = declared[name]
            sizes[name] = len(value) + sum(size(inner, (*inside, name)) for inner in _REFERENCE.findall(value) if inner in declared)
            if sizes[name] > _ALWAYS_FINE:
                raise UnsafeSource("an entity expands to more than a million characters: refused as an XML bomb", file=file)
        return sizes[name]

    whole: dict[str, str] = {}

    def build(name: str) -> str:
        if name not in whole:
            whole[name] = _REFERENCE.sub(lambda inner: build(inner[1]) if inner[1] in declared else inner[0], declared[name])
        return whole[name]

    total = sum(size(name, ()) for name in declared)
    if total > 16 * _ALWAYS_FINE:
        raise UnsafeSource("its entities expand to more than 16 million characters: refused as an XML bomb", file=file)
    return {name: build(name) for name in declared}


def _utf8(data: bytes, file: str | Path) -> bytes:
    """The document in UTF-8; expat has seen to it that it is well-formed in its own encoding."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return re.sub(r"\A\s*<\?xml[^>]*\?>", "", data.decode("utf-16")).encode()
    found = _ENCODING.match(data)
    name = found[1].decode("ascii") if found else "utf-8"
    if found is None or name.lower() in ("utf-8", "utf8", "us-ascii", "ascii"):
        return data[3:] if data.startswith(b"\xef\xbb\xbf") else data
    try:
        return data[found.end() :].decode(name).encode()
    except (LookupError, UnicodeDecodeError):
        raise SourceError(f"not in the encoding that its XML declaration names ({name}): expected UTF-8", file=file, line=1) from None


def _expand(data: bytes, entities: dict[str, str], file: str | Path) -> bytes:
    if not entities and b"<![CDATA[" not in data:
        return data
    values = {name.encode(): _quoted(value).encode() for name, value in entities.items() if name not in _PREDEFINED}
    bound = min(_MAX_BYTES, max(_ALWAYS_FINE, _MAX_FACTOR * len(data)))
    longest = max(map(len, values.values()), default=0)
    if longest * data.count(b"&") > bound:  # only then they need counting before any text is built
        added = sum(len(values.get(found[1], b"")) for found in _OUTSIDE_TEXT.finditer(data) if found[1])
        if added > bound:
            raise UnsafeSource(f"its entities add {added:,} bytes to {len(data):,}, more than {bound:,}: refused as an XML bomb", file=file)

    if b"<![CDATA[" not in data and b"<!--" not in data and data.find(b"<?", 1) < 0:  # then every reference stands in text
        parts = _IN_TEXT.split(data)
        parts[1::2] = [values.get(name, b"&%b;" % name) for name in parts[1::2]]
        return b"".join(parts)

    def value(found: re.Match[bytes]) -> bytes:
        name = found[1]
        return values.get(name, found[0]) if name else _text(found[0])

    return _OUTSIDE_TEXT.sub(value, data)


def _text(found: bytes) -> bytes:
    """A CDATA section, which some parsers do not take, as text; comments and instructions as they are."""
    if found.startswith(b"<![CDATA["):
        return found[9:-3].replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    return found


def _quoted(value: str) -> str:
    """An entity's text so that it may stand within an attribute; one that holds markup stands outside of them anyway."""
    return value if "<" in value else value.replace('"', "&quot;").replace("'", "&apos;")
