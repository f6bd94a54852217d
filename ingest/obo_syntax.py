"""The grammar below an OBO clause: escapes, quoted strings, xref lists, trailing modifiers and comments.

After the OBO Flat File Format 1.4 specification, and more forgiving than it where released files are: what a clause says is kept
although its list of xrefs is not well-formed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ESCAPES = {"n": "\n", "W": " ", "t": "\t"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_QUOTED = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*')
_MODIFIERS = re.compile(r'\s*(?<!\\)\{((?:[^{}"\\]|\\.|"[^"\\]*(?:\\.[^"\\]*)*")*)\}\s*$')
_MODIFIER = re.compile(r'\s*([^\s=,]+)\s*=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^",]*?))\s*(?:,|$)')
_XREF = re.compile(r'\s*((?:[^\s,\[\]"\\]|\\.)+)(?:\s+"[^"\\]*(?:\\.[^"\\]*)*")?\s*(?:,|$)')
_COMMENT = re.compile(r"(?:^|(?<=\s))!(?:\s.*)?$")

Qualifiers = tuple[tuple[str, str], ...]


class Quoted(NamedTuple):
    """A quoted string and what follows it in its clause."""

    text: str
    rest: str


def unescape(text: str) -> str:
    """Undo OBO escapes: ``\\n``, ``\\t``, ``\\W`` (a blank); any other escaped character stands for itself."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[1]), text)


def quoted(value: str) -> Quoted | None:
    """Split ``"text" rest``; None where the value is no closed quoted string."""
    found = _QUOTED.match(value)
    return Quoted(unescape(found[1]), value[found.end() :]) if found else None


def strip_comment(value: str) -> str:
    """Cut a trailing ``! comment`` off a value without quoted text; a ``!`` inside a word is text."""
    if "!" not in value:
        return value
    found = _COMMENT.search(value)
    return value[: found.start()].rstrip() if found else value


def split_modifiers(value: str) -> tuple[str, Qualifiers]:
    """Cut trailing ``{source="X", inferred="true"}`` off a value; braces that hold no ``key=value`` pairs are text."""
    if not value.endswith("}") or (found := _MODIFIERS.search(value)) is None:
        return value, ()
    pairs, at, inner = [], 0, found[1]
    while at < len(inner):
        pair = _MODIFIER.match(inner, at)
        if pair is None:
            return value, ()
        pairs.append((unescape(pair[1]), unescape(pair[2] if pair[2] is not None else pair[3])))
        at = pair.end()
    return value[: found.start()], tuple(sorted(set(pairs)))


def identifier(value: str) -> tuple[str, Qualifiers]:
    """The value of a clause that names one or several ids: without comment and modifiers, escapes undone."""
    if "!" in value:
        value = strip_comment(value)
    value, qualifiers = split_modifiers(value) if value.endswith("}") else (value, ())
    return (unescape(value) if "\\" in value else value), qualifiers


def plain(value: str) -> str:
    """The value of a free-text clause (``name``): without comment and modifiers, escapes undone."""
    return identifier(value)[0].strip()


def xref_list_ok(rest: str) -> bool:
    """Whether ``[a:1, b:2 "text"]``, with modifiers and a comment after it, is a well-formed list of xrefs."""
    if rest == "[]":
        return True
    rest = split_modifiers(_after_list(rest))[0].strip()
    if len(rest) < 2 or rest[0] != "[" or rest[-1] != "]":
        return False
    inner, at = rest[1:-1].strip(), 0
    while at < len(inner):
        found = _XREF.match(inner, at)
        if found is None:
            return False
        at = found.end()
    return not inner.endswith(",")


def _after_list(rest: str) -> str:
    """The list without the comment behind it."""
    end = rest.rfind("]")
    return rest[: end + 1] + strip_comment(rest[end + 1 :]) if end >= 0 else strip_comment(rest)
