"""What a scheduler is told about a run over several sources: an outcome each, and the exit status of all."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["refreshed", "unchanged", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source.

    Attributes:
        name, source: as the list says.
        status: ``refreshed`` (of a dry run: would be), ``unchanged``, ``skipped`` or ``failed``.
        before, release: the active release before and the one of the source.
        changes: how many of each kind.
        rejects: records left out.
        error, message: class and words of the failure.
        seconds: how long it took.
    """

    name: str
    source: str
    status: Status
    before: str | None = None
    release: str | None = None
    changes: dict[str, int] = field(default_factory=dict)
    rejects: int = 0
    error: str | None = None
    message: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of all of them; ``pack`` is the revision that the pack points at, where one was asked for."""

    store: str
    dry_run: bool
    outcomes: tuple[Outcome, ...]
    pack: str | None = None
    seconds: float = 0.0

    @property
    def status(self) -> int:
        """The exit status: 1 where one failed, 3 where records were left out, 0 otherwise."""
        if any(outcome.status == "failed" for outcome in self.outcomes):
            return 1
        return 3 if any(outcome.rejects for outcome in self.outcomes) else 0

    def to_dict(self) -> dict[str, object]:
        """For JSON: the counts of each status first, then the sources."""
        counts = {status: sum(one.status == status for one in self.outcomes) for status in ("refreshed", "unchanged", "skipped", "failed")}
        rest = {"pack": self.pack, "seconds": round(self.seconds, 1), "sources": [asdict(one) for one in self.outcomes]}
        return {"store": self.store, "exit_status": self.status, "dry_run": self.dry_run, **counts, **rest}
