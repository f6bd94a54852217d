"""What every command says, and how: tables, JSON and progress on a terminal; plain, unwrapped and uncoloured text off it.

Results go to stdout, messages to stderr. Levels: -1 quiet, 0 normal, 1 ``-v``, 2 and more ``-vv``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

if TYPE_CHECKING:
    from ontograft.types import Caveat, Reject

FILE: Final = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
"""The type of an option that names a file to write; ``-`` is standard output."""

_LISTED = 20
_level = 0


def reset() -> None:
    """Back to the normal level."""
    global _level
    _level = 0


def louder(steps: int) -> None:
    """Say more, by so many steps."""
    global _level
    _level += steps


def quiet() -> None:
    """Say only errors."""
    global _level
    _level = -1


def verbosity() -> int:
    """The level in force."""
    return _level


def error(text: str) -> None:
    """A failure, on stderr."""
    click.echo(f"error: {text}", err=True)


def warning(text: str) -> None:
    """Something the user should know although the command goes on, on stderr."""
    if _level >= 0:
        click.echo(f"warning: {text}", err=True)


def message(text: str) -> None:
    """What was done, on stderr; silent with ``-q``."""
    if _level >= 0:
        click.echo(text, err=True)


def detail(text: str) -> None:
    """More than most want to know, on stderr; only with ``-v``."""
    if _level >= 1:
        click.echo(text, err=True)


def line(text: str) -> None:
    """A line of the result, on stdout."""
    click.echo(text)


def as_json(value: Any) -> None:
    """A result as JSON, on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """A result as a table, on stdout: drawn on a terminal, padded columns of whole cells off it."""
    cells = [["" if cell is None else f"{cell:,}" if type(cell) is int else str(cell).replace("\n", " ") for cell in row] for row in rows]
    if _is_terminal(sys.stdout):
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        drawn = Table(*columns, title=title, title_justify="left", box=SIMPLE_HEAD)
        for row in cells:
            drawn.add_row(*(Text(cell) for cell in row))
        Console().print(drawn)
        return
    if title:
        line(title)
    everything = [list(columns), *cells]
    widths = [max(len(row[i]) for row in everything) for i in range(len(columns))]
    for row in everything:
        line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def listed_in(path: Path | None) -> str:
    """The end of a sentence on what a file lists; empty where there is none."""
    return "" if path is None else f", listed {'on standard output' if str(path) == '-' else f'in {path}'}"


class Oddities:
    """What a reader left out, and what it kept although it is odd: the first or each as they come, the sums at the end.

    Args:
        rejects: the file that lists what was left out, where there is one.
    """

    def __init__(self, rejects: Path | None) -> None:
        self._rejects, self._reasons = rejects, list[str]()

    def on_reject(self, record: Reject) -> None:
        """Remember the first records left out."""
        if len(self._reasons) < _LISTED:
            self._reasons.append(_place(record.file, record.line) + record.reason)

    def on_caveat(self, record: Caveat) -> None:
        """Say what is odd, with ``-v``."""
        detail(f"{_place(record.file, record.line)}{record.message} ({record.kind})")

    def say(self, rejects: int, caveats: Mapping[str, int]) -> None:
        """The sums, and why records were left out where no file lists it."""
        for kind, count in sorted(caveats.items()):
            warning(f"{kind}: {count:,} kept (each with -v)")
        if rejects:
            for reason in () if self._rejects else self._reasons:
                warning(f"left out: {reason}")
            message(f"{rejects:,} records left out{listed_in(self._rejects)}")


def _place(file: str, line: int | None) -> str:
    return f"{file}:{line}: " if line is not None else f"{file}: "


class Bar:
    """Progress of one piece of work. Calling it, ``bar(done, total)``, is the same as ``update``."""

    drawn = False

    def __init__(self) -> None:
        self.done = 0.0
        self.total: float | None = None
        self._began: tuple[float, float] | None = None

    def __call__(self, done: float, total: float | None = None) -> None:
        """So far ``done`` of ``total`` units."""
        self.update(done, total)

    def update(self, done: float, total: float | None = None, *, description: str | None = None) -> None:
        """So far ``done`` of ``total`` units; the description may change with the stage."""
        if self._began is None:  # the rate counts from here: neither what came before nor what was done by an earlier run
            self._began = (time.monotonic(), done)
        self.done = done
        self.total = self.total if total is None else total
        self._draw(description)

    def advance(self, steps: float = 1) -> None:
        """So many units more."""
        self.update(self.done + steps)

    def rate(self) -> float:
        """Units a second since the first update."""
        if self._began is None:
            return 0.0
        return (self.done - self._began[1]) / max(time.monotonic() - self._began[0], 1e-6)

    def _draw(self, description: str | None) -> None:
        """Nothing to draw off a terminal."""


class _TerminalBar(Bar):
    drawn = True

    def __init__(self, progress: Any, task: Any, unit: str) -> None:
        super().__init__()
        self._progress, self._task, self._unit = progress, task, unit

    def _draw(self, description: str | None) -> None:
        shown = f"{self.rate():,.1f} {self._unit}/s" if self._unit else ""
        more = {} if description is None else {"description": description}
        self._progress.update(self._task, completed=self.done, total=self.total, rate=shown, **more)


@contextmanager
def progress(description: str, *, total: float | None = None, unit: str = "") -> Iterator[Bar]:
    """A progress bar on stderr for the time of the block; it draws nothing off a terminal and with ``-q``.

    Args:
        description: What is going on.
        total: How many units there are, where it is known.
        unit: What is counted, for the rate ("notes" gives "12.3 notes/s"); empty for no rate.
    """
    if _level < 0 or not _is_terminal(sys.stderr):
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    count = MofNCompleteColumn() if unit else TaskProgressColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), count, TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield _TerminalBar(shown, shown.add_task(description, total=total, rate=""), unit)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
