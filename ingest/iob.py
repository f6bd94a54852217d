"""Token-and-tag files: a word and its BIO tag a line, parted by a tab, and a blank line between sentences."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ontograft.errors import CorpusError
from ontograft.types import Annotated, Mention

Sentence = list[tuple[int, str, str]]
"""A sentence's words: line number, word, tag."""


def read_iob(path: str | Path, *, sentences: int = 10) -> list[Annotated]:
    """Read a token-and-tag file.

    Such files keep neither documents nor blanks: some sentences in a row make a document, its words parted by blanks.

    Args:
        path: the file.
        sentences: how many sentences make a document, so that a word is read with what stands around it.

    Raises:
        CorpusError: with file and line: a line without a word and a tag, a tag that is not ``O``, ``B-…`` or ``I-…``.
    """
    stream = _sentences(path)
    documents: list[Annotated] = []
    while some := list(islice(stream, sentences)):
        documents.append(_document(f"{Path(path).stem}:{some[0][0][0]}", some))
    if not documents:
        raise CorpusError(f"{path}: no sentence in it, expected a word, a tab and a tag a line")
    return documents


def _sentences(path: str | Path) -> Iterator[Sentence]:
    sentence: Sentence = []
    try:
        with Path(path).open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if not line.strip():
                    if sentence:
                        yield sentence
                    sentence = []
                    continue
                word, _, tag = line.rstrip("\r\n").rpartition("\t")
                if not word.strip() or "\t" in word or not (tag == "O" or (tag[:2] in {"B-", "I-"} and tag[2:])):
                    raise CorpusError(f"{path}:{number}: expected a word, a tab, and a tag: O, B-LABEL or I-LABEL")
                sentence.append((number, word.strip(), tag))
    except UnicodeDecodeError:
        raise CorpusError(f"{path}: not UTF-8: expected text in UTF-8") from None
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}): check the path") from None
    if sentence:
        yield sentence


def _document(name: str, sentences: list[Sentence]) -> Annotated:
    words: list[str] = []
    mentions: list[Mention] = []
    at = 0
    for sentence in sentences:
        open_label = ""
        for _, word, tag in sentence:
            start, end = at, at + len(word)
            label = tag[2:]
            if tag[0] == "I" and label == open_label:
                mentions[-1] = Mention(mentions[-1].start, end, label)
            elif tag != "O":  # an I- without its B- begins one too
                mentions.append(Mention(start, end, label))
            open_label = label
            words.append(word)
            at = end + 1
    return Annotated(name, " ".join(words), tuple(mentions))
