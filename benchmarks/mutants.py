"""A thousand damaged files over all readers: each ends with a named error, or with what was left out or odd counted.

    python benchmarks/mutants.py --data DIR --work DIR [--count 1000] [--seed 11]

Seeds are pieces of the real files (of MeSH's XML and of RRF, which are not at hand, what this project makes). Each is damaged in one of
twelve ways and loaded as the command line does, in a process that is restarted when it dies or takes too long. What counts:

* ``refused``: a named error that says which file; the store holds nothing of it. With ``--lenient`` too, or
* ``rejected``: refused as a malformed record, and with ``--lenient`` loaded with what was left out counted.
* ``caveats``, ``records``, ``altered``: loaded; more oddities are counted than in the whole file, or there are more or fewer records than
  in it, or their content is another (a changed letter in a name is no fault that a reader could see; the content hash does).
* ``same``: loaded to the same content, and so it does where all letters and digits in the damaged place are exchanged for others: these
  bytes mean nothing to the graph (a comment, the date of an entry), or nothing was taken away (two lines that changed places), or white
  space was added.

``silent`` is a file loaded to the same content although its damaged bytes do mean something. Tracebacks, crashes, hangs, messages without
the file's name, half-loaded stores, files left behind and silence are faults; there must be none.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import random
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.mutant_files import Seed, seeds
from ontograft.jobs.provenance import provenance

RESULT = Path(__file__).parent / "results" / "mutants.json"
HANG_SECONDS = 90
MEMORY = 6 << 30
Span = tuple[int, int]
Mutation = Callable[[bytes, random.Random], tuple[bytes, Span]]


# --- how a file is damaged: the damaged bytes, and which of the whole ones they touch -----------------------------------------------


def _cut(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    at = dice.randrange(len(data))
    return data[:at], (at, len(data))


def _flips(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    """One to twenty bits within two hundred bytes."""
    changed, begin = bytearray(data), dice.randrange(len(data))
    places = [min(begin + dice.randrange(200), len(data) - 1) for _ in range(dice.randint(1, 20))]
    for at in places:
        changed[at] ^= 1 << dice.randrange(8)
    return bytes(changed), (min(places), max(places) + 1)


def _nuls(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    at = dice.randrange(len(data))
    return data[:at] + b"\0" * 30 + data[at + 30 :], (at, at + 30)


def _doubled(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    at = dice.randrange(len(data))
    begin = max(0, at - dice.choice((20, 200, 2000)))
    return data[:at] + data[begin:at] + data[at:], (at, at)


def _no_utf8(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    at = dice.randrange(len(data))
    return data[:at] + dice.choice((b"\xff\xfe\xed\xa0\x80", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80")) + data[at:], (
        at - 2,
        at + 2,
    )


def _line_dropped(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    begin, end = _line(data, dice)
    return data[:begin] + data[end:], (begin, end)


def _lines_swapped(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    (a, b), (c, d) = sorted((_line(data, dice), _line(data, dice)))
    return (data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:], (a, a)) if b <= c else (data, (a, a))


def _long_line(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    at = dice.randrange(len(data))
    return data[:at] + dice.choice((b"x", b"<", b"a b ", b'"', "条".encode())) * 1_000_000 + data[at:], (at, at)


def _tag_dropped(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    """A closing tag; where there are none, what closes or parts something else."""
    found = list(re.finditer(rb"</[^>]*>", data)) or list(re.finditer(rb'[\]})"|\t;,]|\*\*', data)) or list(re.finditer(rb"\n", data))
    begin, end = dice.choice(found).span()
    return data[:begin] + data[end:], (begin, end)


def _number(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    """A number far beyond what any integer type holds."""
    begin, end = dice.choice(list(re.finditer(rb"\d+|$", data))).span()
    return data[:begin] + dice.choice((b"9" * 25, b"9" * 6000, b"-1", b"1e999", b"NaN")) + data[end:], (begin, end)


def _odd_letter(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    """A character that parsers trip over."""
    at = dice.randrange(len(data))
    odd = dice.choice(
        (b"\r", b"\x0b", b"\x1b", b"\\", b"\\ud800", b"&#0;", b"&#xD800;", b"&nbsp;", "\u2028".encode(), "\ufeff".encode(), b"%zz")
    )
    return data[:at] + odd + data[at:], (at, at + 1)


def _head(data: bytes, dice: random.Random) -> tuple[bytes, Span]:
    """The beginning is missing, or noise."""
    size = min(len(data), dice.choice((1, 10, 100, 1000)))
    return (dice.randbytes(size) if dice.random() < 0.5 else b"") + data[size:], (0, size)


def _line(data: bytes, dice: random.Random) -> Span:
    at = dice.randrange(len(data))
    begin, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at) + 1
    return begin, end or len(data)


MUTATIONS: dict[str, Mutation] = {
    "cut": _cut,
    "bit flips": _flips,
    "NUL run": _nuls,
    "doubled": _doubled,
    "invalid UTF-8": _no_utf8,
    "line dropped": _line_dropped,
    "lines swapped": _lines_swapped,
    "very long line": _long_line,
    "closing tag dropped": _tag_dropped,
    "number overflow": _number,
    "odd character": _odd_letter,
    "head lost": _head,
}
WRAPPED = ("cut", "bit flips", "NUL run", "doubled", "line dropped", "head lost")
HARMLESS = {"doubled", "lines swapped", "line dropped"}  # nothing is taken away, or a line that by the content said nothing of its own


# --- loading, in a process of its own ------------------------------------------------------------------------------------------------


def _serve(connection: Connection, temporary: str) -> None:
    """Load what is asked for, until nothing more is."""
    from ontograft.errors import OntograftError
    from ontograft.jobs.ingest import ingest

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    tempfile.tempdir = temporary
    while (asked := connection.recv()) is not None:
        answer: tuple[str, Any, str]
        try:
            report = ingest(asked.pop("path"), **asked)
        except OntograftError as error:
            answer = "error", type(error).__name__, str(error)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            answer = "traceback", type(error).__name__, f"{Path(where.filename).name}:{where.lineno}"
            del where
        else:
            answer = "loaded", report, ""
        gc.collect()  # what was unpacked goes with its source
        connection.send(answer)


class Loader:
    """The process, started anew when it died or hung."""

    def __init__(self, work: Path) -> None:
        self.work, self.temporary, self.number = work, work / "tmp", 0
        self.temporary.mkdir()
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, str(self.temporary)), daemon=True)
        self.process.start()
        other.close()

    def load(self, path: Path, seed: Seed, *, lenient: bool = False, guessed: bool = False) -> tuple[str, Any, str, str]:
        """How it ended, what was reported, the message, and the content's fingerprint."""
        from ontograft.kg.store import open_store

        self.number += 1
        store = self.work / f"s{self.number}.db"
        asked = {"path": path, "store": store, "format": None if guessed else seed.format, "name": "m", "release": "1"}
        self.connection.send({**asked, "config": seed.config, "lenient": lenient})
        try:
            if not self.connection.poll(HANG_SECONDS):
                self.process.kill()
                raise TimeoutError
            how, what, message = self.connection.recv()
        except (EOFError, TimeoutError) as error:
            self.process.join()
            how, what, message = ("hang" if isinstance(error, TimeoutError) else "crash"), str(self.process.exitcode), ""
            self._start()
        content = ""
        if store.exists():
            with open_store(store) as opened:
                releases = opened.releases()
                content = opened.fingerprint() if releases else ""
        if bool(content) != (how == "loaded"):
            how, what = "half loaded", how
        if left := [entry.name for entry in self.temporary.iterdir()]:
            shutil.rmtree(self.temporary)
            self.temporary.mkdir()
            how, what, message = "left behind", left[0], ""
        for file in self.work.glob(f"s{self.number}.db*"):
            file.unlink()
        return how, what, message, content

    def close(self) -> None:
        """End the process."""
        self.connection.send(None)
        self.process.join()


# --- judging -----------------------------------------------------------------------------------------------------------------------------


@dataclass
class Judge:
    """Compares what became of a damaged file with the whole one."""

    loader: Loader
    work: Path
    whole: dict[Path, tuple[Any, str]] = field(default_factory=dict)

    def whole_of(self, seed: Seed) -> tuple[Any, str]:
        """Report and fingerprint of the whole file, which must load."""
        if seed.path not in self.whole:
            how, report, message, content = self.loader.load(seed.path, seed)
            if how != "loaded" or not report.names + report.relations:
                raise SystemExit(f"the whole {seed.kind} does not load: {how} {report} {message}")
            self.whole[seed.path] = report, content
        return self.whole[seed.path]

    def outcome(self, seed: Seed, mutation: str, dice: random.Random, number: int) -> tuple[str, str]:
        """The class of one damaged file, and what is to be said of it."""
        report, content = self.whole_of(seed)
        member = dice.choice(seed.members) if seed.members else ""
        source = seed.path / member if member else seed.path
        data = source.read_bytes()
        damaged, span = MUTATIONS[mutation](data, dice)
        path = self._write(seed, member, damaged, str(number))
        guessed = number % 4 == 3 and seed.config is None
        try:
            how, found, message, seen = self.loader.load(path, seed, guessed=guessed)
            if how == "error":
                if path.name not in message:
                    return "nameless", message[:200]
                if found != "MalformedRecord":
                    return "refused", ""
                how, found, message, seen = self.loader.load(path, seed, lenient=True, guessed=guessed)
                if how == "loaded":
                    return ("rejected", "") if found.rejects else ("silent", "lenient without a reject")
                if how == "error":
                    return ("refused", "") if path.name in message else ("nameless", message[:200])
            if how != "loaded":
                return how, f"{found} {message}"
            if sum(found.caveats.values()) > sum(report.caveats.values()):
                return "caveats", ""
            if any(getattr(found, table) != getattr(report, table) for table in ("concepts", "names", "relations", "tombstones")):
                return "records", ""
            if seen != content:
                return ("altered", "") if mutation != "cut" else ("silent", "cut, as many records, no caveat")
            if (
                _less_blanks(damaged) == _less_blanks(data)
                or mutation in HARMLESS
                or self._means_nothing(seed, member, data, span, content, number)
            ):
                return "same", ""
            return "silent", repr(data[max(0, span[0] - 30) : min(span[1], span[0] + 60) + 30])
        finally:
            _remove(path)

    def _write(self, seed: Seed, member: str, data: bytes, number: str) -> Path:
        path = self.work / f"m{number}-{seed.path.name}"
        if member:
            shutil.copytree(seed.path, path)
            (path / member).write_bytes(data)
        else:
            path.write_bytes(data)
        return path

    def _means_nothing(self, seed: Seed, member: str, data: bytes, span: Span, content: str, number: int) -> bool:
        """Whether other letters and digits in a place give the same content."""
        begin, end = max(0, span[0]), max(span[1], span[0] + 1)
        other = data[:begin] + data[begin:end].translate(_EXCHANGED) + data[end:]
        if other == data:
            return True
        path = self._write(seed, member, other, f"{number}x")
        try:
            return self.loader.load(path, seed)[3] == content
        finally:
            _remove(path)


def _less_blanks(data: bytes) -> str:
    return "".join(data.decode("utf-8", "replace").split())


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


_PAIRS = [(b, b + 1 if chr(b) not in "zZ9" else b - 9) for b in range(128) if chr(b).isalnum()]
_EXCHANGED = bytes(dict(_PAIRS).get(b, b) for b in range(256))
FAULTS = ("traceback", "crash", "hang", "nameless", "half loaded", "left behind", "silent")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--only", help="kinds that begin so; writes no result")
    options = parser.parse_args()
    began, dice = time.monotonic(), random.Random(options.seed)
    found = [seed for seed in seeds(options.data, options.work / "whole") if seed.kind.startswith(options.only or "")]
    loader = Loader(options.work)
    judge = Judge(loader, options.work)
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    by_mutation: dict[str, Counter[str]] = defaultdict(Counter)
    faults = []
    for number in range(options.count):
        seed = found[number % len(found)]
        mutation = dice.choice(WRAPPED if seed.kind.startswith("wrapped") else list(MUTATIONS))
        how, said = judge.outcome(seed, mutation, dice, number)
        by_kind[seed.kind][how] += 1
        by_mutation[mutation][how] += 1
        if how in FAULTS:
            faults.append({"number": number, "file": seed.kind, "mutation": mutation, "how": how, "what": said})
            print(json.dumps(faults[-1]), flush=True)
    loader.close()
    totals: Counter[str] = sum(by_kind.values(), Counter())
    report = {
        "mutants": options.count,
        "outcomes": dict(totals.most_common()),
        "faults": faults,
        "by_file": {kind: dict(counts.most_common()) for kind, counts in sorted(by_kind.items())},
        "by_mutation": {kind: dict(counts.most_common()) for kind, counts in sorted(by_mutation.items())},
        "seed": options.seed,
        "seconds": round(time.monotonic() - began),
        **provenance(),
    }
    print(json.dumps(report["outcomes"]))
    if not options.only:
        RESULT.write_text(json.dumps(report, indent=1) + "\n")
    if faults:
        raise SystemExit(f"{len(faults)} faults")


if __name__ == "__main__":
    main()
