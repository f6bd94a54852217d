"""CodiEsp: clinical cases with ICD-10-CM codes and the words that show each (Miranda-Escalada et al. 2020).

A split is a folder: ``text_files`` (Spanish) and ``text_files_en`` (its machine translation), ``*D.tsv`` (document, code) and ``*X.tsv``
(document, kind, code, words, offsets in the Spanish text). Procedure codes are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from ontograft.errors import CorpusError
from ontograft.ingest.icd10cm_codes import BARE, dotted
from ontograft.types import CodedDocument, CodeEvidence

FOLDERS = {"es": "text_files", "en": "text_files_en"}
_DIAGNOSIS = "DIAGNOSTICO"
_BARE = re.compile(BARE)
_PART_OF_ARTICLE = re.compile(r"-\d+\Z")


def read_codiesp(folder: str | Path, *, language: str = "es") -> list[CodedDocument]:
    """Read a split of CodiEsp, or a folder laid out like one.

    Args:
        folder: the split.
        language: ``es`` for the originals with their evidence, ``en`` for the translations, which have none.

    Returns:
        Documents by id; a document without codes has none, codes are dotted and in upper case, a placeholder stays as written.

    Raises:
        CorpusError: with file and line: a file or folder that is missing, another encoding, a line of another form, a code that is none,
            codes of a document that is not there, offsets outside its text.
    """
    root = Path(folder)
    if language not in FOLDERS:
        raise CorpusError(f"language {language!r}: CodiEsp has {' and '.join(FOLDERS)}")
    texts = {file.stem: _text(file) for file in sorted((root / FOLDERS[language]).glob("*.txt"))}
    if not texts:
        raise CorpusError(f"{root / FOLDERS[language]}: no .txt file there; a split of CodiEsp has its texts in {FOLDERS[language]}")
    codes: dict[str, dict[str, None]] = defaultdict(dict)
    for place, columns in _rows(_only(root, "*D.tsv"), 2):
        codes[_known(texts, columns[0], place)][_code(columns[1], place)] = None
    evidence: dict[str, list[CodeEvidence]] = defaultdict(list)
    if language == "es" and list(root.glob("*X.tsv")):
        for place, columns in _rows(_only(root, "*X.tsv"), 5):
            if columns[1] == _DIAGNOSIS:
                own = _known(texts, columns[0], place)
                evidence[own].append(CodeEvidence(_code(columns[2], place), _spans(columns[4], len(texts[own]), place)))
    return [CodedDocument(own, text, tuple(codes[own]), tuple(evidence[own]), _PART_OF_ARTICLE.sub("", own)) for own, text in texts.items()]


def without_groups(documents: list[CodedDocument], others: list[CodedDocument]) -> list[CodedDocument]:
    """The documents whose group has none among the others: 15 articles of CodiEsp stand in train and in dev."""
    taken = {document.group for document in others}
    return [document for document in documents if document.group not in taken]


def _only(root: Path, pattern: str) -> Path:
    found = sorted(root.glob(pattern))
    if len(found) != 1:
        raise CorpusError(f"{root}: {len(found)} files {pattern}, expected one: a split of CodiEsp names it after itself (trainD.tsv)")
    return found[0]


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise CorpusError(f"{file}: not UTF-8: expected text in UTF-8") from None


def _rows(file: Path, width: int) -> Iterator[tuple[str, list[str]]]:
    for number, line in enumerate(_text(file).splitlines(), 1):
        if not line.strip():
            continue
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) < width:
            raise CorpusError(f"{file}:{number}: {len(columns)} columns, expected {width} parted by tabs")
        yield f"{file}:{number}", columns


def _known(texts: dict[str, str], own: str, place: str) -> str:
    if own not in texts:
        raise CorpusError(f"{place}: codes of a document whose text is not there: add its .txt, or take the line out")
    return own


def _code(raw: str, place: str) -> str:
    code = dotted(raw)
    if not _BARE.fullmatch(code.replace(".", "")):
        raise CorpusError(f"{place}: {raw!r} is no code of ICD-10-CM, expected one such as E11.9")
    return code


def _spans(raw: str, length: int, place: str) -> tuple[tuple[int, int], ...]:
    spans = []
    for part in raw.split(";"):
        numbers = part.split()
        if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
            raise CorpusError(f"{place}: offsets of another form, expected 'start end;start end'")
        start, end = map(int, numbers)
        if not start <= end <= length:
            raise CorpusError(f"{place}: offsets {start} to {end} lie outside the text of {length} characters")
        if start < end:  # one row of the corpus has an empty fragment beside its others
            spans.append((start, end))
    return tuple(spans)
