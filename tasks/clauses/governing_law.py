"""Whose law governs a contract."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ontograft.tasks.clauses.saying import sentences_with
from ontograft.tasks.clauses.structure import Segment

_PLACE = r"(?:[A-Z][A-Za-z.’']+)(?:(?:\s+|\s+of\s+|\s+and\s+(?=Wales|Northern))(?:[A-Z][A-Za-z.’']+)){0,4}"
_UPPER_PLACE = re.compile(r"[A-Z][A-Z .]+\Z")
_LAW = re.compile(
    r"\b(?:laws?|LAWS?|Laws?)(?:\s*,?\s*(?:and|or|but\s+not|regulations?|rules?|statutes?|decisions?|\(?other\s+than[^)]{0,80}\)?|excluding[^,;]{0,60},?|without[^,;]{0,80},|in\s+force|then|applicable\s+\w+))*\s+(?:of|in|OF|IN)\s+(?:the\s+|THE\s+)?(?:internal\s+laws?\s+of\s+(?:the\s+)?)?"
    rf"(?:(?:State|STATE|state|Commonwealth|COMMONWEALTH|commonwealth|Province|PROVINCE|province|Republic|Kingdom|country|Country|Territory|District)\s+(?:of|OF)\s+)?(?P<place>{_PLACE})"
    rf"(?:,\s*(?P<country>Canada|United\s+Kingdom|U\.?S\.?A\.?|United\s+States(?:\s+of\s+America)?|China|Australia|India))?"
)
_LAW_BEFORE = re.compile(
    rf"\b(?P<place>{_PLACE})\s+(?:state\s+)?(?:law|Law|LAW)s?\b"
    r"(?=\s+(?:shall|will|governs?|applies|SHALL)|[.,;])(?<!Governing Law)(?<!Governing Laws)"
)
_GOVERNS = re.compile(
    r"\bgovern|\bconstrued|\binterpreted|\bin\s+accordance\s+with\s+the\s+laws|\bsubject\s+to\s+the\s+(?:\w+\s+)*laws|适用[^。]{0,20}法律",
    re.IGNORECASE,
)
_ADJECTIVES = {
    "English": "England",
    "Dutch": "Netherlands",
    "German": "Germany",
    "French": "France",
    "Swiss": "Switzerland",
    "Israeli": "Israel",
    "Canadian": "Canada",
    "Chinese": "People's Republic of China",
    "Prc": "People's Republic of China",
    "PRC": "People's Republic of China",
    "P.R.C.": "People's Republic of China",
    "Swedish": "Sweden",
    "Japanese": "Japan",
    "Indian": "India",
}
_CANADIAN = {"Ontario", "British Columbia", "Quebec", "Alberta", "Manitoba", "Nova Scotia", "Saskatchewan"}
_NO_PLACE = {
    "America",
    "Incorporation",
    "This",
    "The",
    "State",
    "Applicable",
    "Such",
    "Any",
    "Its",
    "United States",
    "United States of America",
    "Law",
    "Laws",
    "Governing",
    "Blue Sky",
    "Common",
    "Other",
    "U.S",
    "Territory",
    "Usa",
    "USA",
}
_ABOUT_IT = re.compile(
    r"\b(?:this|the)\s+(?:\w+\s+){0,3}(?:agreement|contract|amendment|lease|validity|construction)\b|rights\s+and\s+(?:obligations|duties)",
    re.IGNORECASE,
)
_ORGANISED = re.compile(r"(?:organi[sz]ed|existing|incorporated|formed|corporation)[^.;]{0,40}\Z", re.IGNORECASE)
_ZH_LAW = re.compile(r"适用(?P<place>中华人民共和国|中国(?:大陆)?|香港(?:特别行政区)?|[\u4e00-\u9fff]{2,8}?)(?:现行)?(?:的)?法律")


def governing_law(text: str, clauses: Sequence[Segment]) -> str | None:
    """The place whose law governs the contract, as it is commonly called; None where it does not say."""
    ranked = sorted(sentences_with(text, clauses, _GOVERNS), key=lambda said: _ABOUT_IT.search(said) is None)
    for said in ranked:
        zh = _ZH_LAW.search(said)
        if zh:
            return zh["place"]
        for pattern in (_LAW, _LAW_BEFORE):
            places = [_place(found) for found in pattern.finditer(said) if not _ORGANISED.search(said, 0, found.start())]
            named = list(dict.fromkeys(place for place in places if place))
            if named and re.search(r"\b(?:and|AND)\s+W(?:ales|ALES)\b", said):
                return "England and Wales"
            if named:
                return named[0]
    return None


def _place(found: re.Match[str]) -> str | None:
    raw = re.sub(
        r"^(?:State|Commonwealth|Province|STATE|COMMONWEALTH|PROVINCE)\s+(?:of|OF)\s+", "", " ".join(found["place"].split()).strip(" .")
    )
    name = raw.title().replace("’S", "’s").replace("'S", "'s").replace(" Of ", " of ") if _UPPER_PLACE.match(raw) else raw
    name = re.sub(r"['’]s$", "", name)
    name = re.sub(r"\s+(?:Without|Applicable|As|And|Except|Excluding|Law|Laws|In|Shall|Regardless|Courts?)\b.*", "", name)
    name = re.sub(r"^(?:The\s+)?(?:(?:State|Commonwealth|Province|(?:Federal\s+)?Republic)\s+of\s+)|\s+State$|^The\s+", "", name)
    name = {
        "Columbia": "District of Columbia",
        "China": "People's Republic of China",
        "People's Republic of China": "People's Republic of China",
    }.get(name, name)
    name = _ADJECTIVES.get(name, name).replace("P.R. China", "People's Republic of China").replace("’", "'")
    if name in _NO_PLACE or len(name) < 3:
        return None
    if name in _CANADIAN:
        return f"{name}, Canada"
    country = " ".join((found.groupdict().get("country") or "").split())
    return f"{name}, {country}" if country in ("Canada", "United Kingdom", "Australia", "India") else name
