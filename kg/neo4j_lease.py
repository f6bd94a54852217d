"""One writer of a Neo4j store at a time: a lease node, renewed while its holder lives.

The holder writes its name and a time into ``(:_OntograftLease)`` and renews the time from a thread. Who finds a lease whose time has
passed, or whose process on this machine is gone, takes it over. Every writing transaction asserts the lease first (a fence), so a holder
that slept through its time cannot write into the work of another.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ontograft.errors import OntograftError, StoreBusy
from ontograft.kg.neo4j_connect import Connection, rows

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

_TTL_MS = 15_000
_RENEW_SECONDS = 4.0
_POLL_SECONDS = 0.2
T = TypeVar("T")

_LOOK = "MATCH (l:_OntograftLease {key: 'write'}) WHERE l.owner IS NOT NULL RETURN l.owner, l.until, l.until < timestamp()"
# The lock is taken by the first SET; what follows sees the lease as it is then.
_TAKE = """MERGE (l:_OntograftLease {key: 'write'}) SET l.locked = true WITH l
WHERE l.owner IS NULL OR l.until < timestamp() OR l.owner = $dead
SET l.owner = $me, l.until = timestamp() + $ttl RETURN l.owner"""
_FENCE = """MATCH (l:_OntograftLease {key: 'write'}) SET l.locked = true WITH l WHERE l.owner = $me
SET l.until = timestamp() + $ttl RETURN l.owner"""
_DROP = "MATCH (l:_OntograftLease {key: 'write', owner: $me}) REMOVE l.owner, l.until"


class Lease:
    """The right to write, held by one store object; it may be asked for again while it is held."""

    def __init__(self, connection: Connection, *, wait: float) -> None:
        self._connection, self._wait = connection, wait
        self._owner = f"{_machine()} {os.getpid()} {_started(os.getpid())} {uuid.uuid4().hex}"
        self._depth = 0
        self._stop = threading.Event()

    @contextlib.contextmanager
    def held(self, first: Callable[[], None]) -> Iterator[None]:
        """Hold the lease; ``first`` is called when it was newly taken.

        Raises:
            StoreBusy: Another process holds it.
        """
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        self._take()
        self._depth, self._stop = 1, threading.Event()
        renewal = threading.Thread(target=self._renew, args=(self._stop,), daemon=True, name="ontograft-lease")
        renewal.start()
        try:
            first()
            yield
        finally:
            self._depth = 0
            self._stop.set()
            with contextlib.suppress(OntograftError):
                self._connection.once(_DROP, me=self._owner)

    def write(self, work: Callable[[ManagedTransaction], T]) -> T:
        """One transaction, written only if the lease is still ours.

        Raises:
            StoreBusy: Another process has taken it over.
        """

        def fenced(tx: ManagedTransaction) -> T:
            self._assert(tx)
            return work(tx)

        return self._connection.writing(fenced)

    def write_beside(self, work: Callable[[ManagedTransaction], T]) -> T:
        """The same with the lease asserted last: it is locked no longer than the commit, so several may be under way at once."""

        def fenced(tx: ManagedTransaction) -> T:
            done = work(tx)
            self._assert(tx)
            return done

        return self._connection.writing(fenced)

    def _assert(self, tx: ManagedTransaction) -> None:
        if not rows(tx, _FENCE, me=self._owner, ttl=_TTL_MS):
            raise StoreBusy(f"{self._connection.url}: another process took this store over while this one slept; start again")

    def _take(self) -> None:
        """Wait for a living holder as long as we are told to; for one that does not renew, until its time has passed."""
        give_up = time.monotonic() + self._wait
        seen: int | None = None
        while True:
            found = self._connection.read(_LOOK)
            owner, until, past = found[0] if found else ("", None, True)
            here = bool(owner) and _is_here(owner)  # and so alive, even where it was too busy to renew
            if (past and not here) or (owner and _is_dead(owner)):
                take = {"me": self._owner, "dead": owner, "ttl": _TTL_MS}
                if self._connection.writing(lambda tx, take=take: rows(tx, _TAKE, **take)):  # type: ignore[misc]
                    return
            renewed, seen = seen not in (None, until), until
            if time.monotonic() >= give_up and (renewed or here):
                raise StoreBusy(f"{self._connection.url}: another process is writing to this store; try again when it has finished")
            time.sleep(_POLL_SECONDS)

    def _renew(self, stop: threading.Event) -> None:
        while not stop.wait(_RENEW_SECONDS):
            with contextlib.suppress(OntograftError):
                self._connection.once(_FENCE, me=self._owner, ttl=_TTL_MS)


def _machine() -> str:
    """What tells this machine, and on it this process namespace, from others."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    return f"{socket.gethostname()}/{uuid.getnode():x}/?"


def _started(process: int) -> str:
    """When a process was started, so that a later one with its number is told apart; empty where that is unknown, or where it has ended
    and only its parent has not asked for its status yet (nobody ever does in a container whose first process is no init).
    """
    with contextlib.suppress(OSError, IndexError):
        state, *fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]
    return ""


def _is_here(owner: str) -> bool:
    """Whether a holder is a process of this machine that lives."""
    return owner.split()[0] == _machine() and not _is_dead(owner)


def _is_dead(owner: str) -> bool:
    """Whether a holder is certainly gone: a process of this machine that is no more."""
    machine, process, started, _ = [*owner.split(" "), "", "", ""][:4]
    return machine == _machine() and not machine.endswith("?") and _started(int(process)) != started
