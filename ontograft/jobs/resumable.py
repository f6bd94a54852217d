"""An output of JSON lines that grows in ``OUT.part`` and can be gone on with after a crash.

``OUT.run.json`` beside it records what the lines were made from. It is written before the first line and stays when the output is
finished, so that a second ``--resume`` of a finished output has nothing to do, and so that a result tells which model and pack made it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ontograft import output
from ontograft.errors import OptionError, OutputExists

_RECORD = "run.json"


class ResumableLines:
    """The lines of one output. Use as a context manager; ``finish`` moves them to their place.

    Attributes:
        done: Documents written by an earlier run, as they stand in the file.
        summary: What the earlier run said when it finished; None while the output is unfinished.
    """

    def __init__(self, out: Path, *, resume: bool = False, overwrite: bool = False) -> None:
        """Look whether this output may be written; nothing is changed yet.

        Raises:
            OutputExists: It stands already, or an unfinished one does, and neither ``resume`` nor ``overwrite`` is given.
        """
        self.out = out
        self.part = out.with_name(out.name + ".part")
        self.record = out.with_name(out.name + ".run.json")
        self.done: list[dict[str, Any]] = []
        self.summary: dict[str, Any] | None = None
        self._resume = resume
        self._run: dict[str, Any] = {}
        self._file: IO[bytes] | None = None
        if resume and out.is_file() and not self.part.exists() and not self.record.exists():
            raise OutputExists(f"{out} is complete but {self.record.name}, which says what it was made from, is gone; pass --overwrite")
        output.refuse_existing(out, overwrite=overwrite or resume)
        if not (resume or overwrite) and self.part.exists() and (lines := self.part.read_bytes().count(b"\n")):
            raise OutputExists(f"{self.part} holds {lines} lines of an unfinished run; pass --resume to go on, --overwrite to start again")

    def begin(self, run: Mapping[str, Any], *, together: int = 1) -> None:
        """Open the unfinished output; with ``resume`` take over what an earlier run wrote.

        Args:
            run: What the lines depend on (input, model, pack, options), comparable as JSON.
            together: So many lines are made in one go, and may depend on each other in their last digits: of an interrupted go none is
                taken over.

        Raises:
            OptionError: The earlier run depended on something else.
            OutputExists: Another process is writing it.
        """
        self._run = json.loads(json.dumps(run))
        begun = self.part.exists() or self.out.exists()
        if self._resume and begun:
            earlier = self._earlier()
            if not self.part.exists():
                self.summary = earlier.get("summary") or {}
                return
        self._file = output.open_private(self.part)
        output.lock(self._file, self.part)
        if self._resume and begun:
            self._take_over(together)
        else:
            self._file.truncate(0)
            self._write_record()

    def write(self, record: Mapping[str, Any]) -> None:
        """Append a line; it has left the process when this returns."""
        assert self._file is not None
        self._file.write(to_line(record))
        self._file.flush()

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Move the output to its place and note in the record how the run ended."""
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._write_record(summary=dict(summary))
        self.part.replace(self.out)

    def _earlier(self) -> dict[str, Any]:
        try:
            earlier: dict[str, Any] = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise OptionError(
                f"{self.record} is missing or damaged, so nothing says what {self.part.name} was made from; start again with --overwrite"
            ) from None
        refuse_another(earlier.get("run", {}), self._run, shown=self.out)
        return earlier

    def _take_over(self, together: int) -> None:
        assert self._file is not None
        self._file.seek(0)
        lines = [line for line in self._file.read().splitlines(keepends=True) if line.endswith(b"\n")]  # the last may be half a line
        lines = lines[: len(lines) // together * together]
        self._file.truncate(sum(map(len, lines)))
        try:
            self.done = [json.loads(line) for line in lines]
        except ValueError:
            raise OptionError(f"{self.part} holds a line that is no JSON, so it was changed since; start again with --overwrite") from None

    def _write_record(self, **more: Any) -> None:
        with output.replacing(self.record, private=True) as file:
            file.write(json.dumps({"schema": 1, "run": self._run, **more}, indent=2))

    def __enter__(self) -> ResumableLines:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()


@dataclass(frozen=True, slots=True)
class Run:
    """A folder of work that may be gone on with, and what that work depends on, which ``run.json`` in it tells.

    Attributes:
        folder: where it lies.
        depends: comparable as JSON.
    """

    folder: Path
    depends: Mapping[str, Any]

    def check(self) -> None:
        """Stop where the folder was begun with something else; one that holds nothing was not begun.

        Raises:
            OptionError: It was, or nothing says with what.
        """
        if not self.folder.is_dir() or not any(self.folder.iterdir()):
            return
        record = self.folder / _RECORD
        try:
            then = json.loads(record.read_text(encoding="utf-8"))["run"]
        except (OSError, ValueError, KeyError, TypeError):
            raise OptionError(
                f"{record} is missing or damaged, so nothing says what {self.folder} was begun with; start again with --overwrite"
            ) from None
        refuse_another(then, json.loads(json.dumps(self.depends)), shown=self.folder)

    def enter(self, *, resume: bool) -> None:
        """Go on with the folder, or begin anew in an empty one: what an earlier run left there is no part of this one.

        Raises:
            OptionError: as of :meth:`check`, where it is to be gone on with.
        """
        if resume:
            self.check()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        with output.replacing(self.folder / _RECORD) as file:
            file.write(json.dumps({"schema": 1, "run": self.depends}, indent=1) + "\n")


def refuse_another(then: Mapping[str, Any], now: Mapping[str, Any], *, shown: Path) -> None:
    """Stop where something is to be gone on with in another way than it was begun.

    Args:
        then: what the begun run depended on, as JSON gives it.
        now: the same of this run.
        shown: what was begun.

    Raises:
        OptionError: They differ; the message says in what.
    """
    others = [f"{key} ({_difference(then.get(key), value)})" for key, value in now.items() if then.get(key) != value]
    if others:
        raise OptionError(f"{shown} was begun with another {', another '.join(others)}; pass the same, or --overwrite to start again")


def to_line(record: Mapping[str, Any]) -> bytes:
    """A record as a line of JSON in UTF-8; what UTF-8 cannot hold (a lone surrogate) is escaped."""
    try:
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(record).encode() + b"\n"


def _difference(then: object, now: object) -> str:
    if isinstance(then, dict) and isinstance(now, dict):
        keys = [key for key in {**then, **now} if then.get(key) != now.get(key)]
        return ", ".join(f"{key}: {then.get(key)} then, {now.get(key)} now" for key in keys)
    return f"{_short(then)} then, {_short(now)} now"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else text[:16] + "…"
