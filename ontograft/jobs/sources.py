"""A list of sources as a job: what of each is loaded and what is newest, and a refresh of all of them, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from ontograft.errors import OntograftError, OptionError, SourceError
from ontograft.ingest.detect import read
from ontograft.ingest.newest import Known, newest
from ontograft.ingest.places import local
from ontograft.ingest.source_list import Entry, locate, read_sources, secret
from ontograft.ingest.web import is_address, shown
from ontograft.jobs.ingest import ingest
from ontograft.jobs.refresh import Progress, Request, build_pack, refresh
from ontograft.jobs.summary import Outcome, Summary
from ontograft.kg.gates import Thresholds
from ontograft.kg.store import open_store
from ontograft.kg.stored import Release

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """How one source stands.

    Attributes:
        name, title, source, format, licence, home: as its list says; ``source`` without secrets.
        loaded: its active release in the store.
        loaded_at: when that was loaded.
        newest: its newest release, as far as is known.
        known_from: ``server``, ``cache`` (the last download), ``package`` or ``file``.
        state: ``current``, ``newer`` (there is a newer one, or another one), ``not loaded``, ``unknown``.
        problem: why the newest is not known for sure.
    """

    name: str
    title: str
    source: str
    format: str | None
    licence: str
    home: str
    loaded: str | None
    loaded_at: str | None
    newest: str | None
    known_from: str | None
    state: str
    problem: str | None


def standings(store: str | Path, *, sources: str | Path | None = None, offline: bool = False) -> list[Standing]:
    """How each source of a list stands: its loaded and its newest known release.

    Args:
        store: The store; it may be missing, then nothing is loaded.
        sources: The list; the shipped one where None.
        offline: Ask no server: what the cache and installed packages know.

    Raises:
        OptionError: The list cannot be read.
        StoreError: The store cannot be opened.
    """
    entries = read_sources(sources)
    loaded = _loaded(store)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda entry: newest(entry, offline=offline), entries))
    return [_standing(entry, loaded.get(entry.name), known) for entry, known in zip(entries, found, strict=True)]


def _standing(entry: Entry, row: Release | None, known: Known) -> Standing:
    state = "not loaded"
    if row is not None:
        same = row.release == known.release or (known.sha256 is not None and row.sha256 == known.sha256)
        state = "unknown" if known.release is None else "current" if same else "newer"
    return Standing(
        name=entry.name,
        title=entry.title,
        source=shown(entry.source),
        format=entry.format,
        licence=entry.licence,
        home=entry.home,
        loaded=row.release if row else None,
        loaded_at=row.loaded_at if row else None,
        newest=known.release,
        known_from=known.known_from,
        state=state,
        problem=known.problem,
    )


def _loaded(store: str | Path) -> dict[str, Release]:
    if "://" not in str(store) and not Path(store).exists():
        return {}
    with open_store(store) as graph:
        return {row.name: row for row in graph.releases() if row.active}


def refresh_all(
    store: str | Path,
    *,
    sources: str | Path | None = None,
    request: Request | None = None,
    progress: Callable[[str], Progress] | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Summary:
    """Refresh the sources of a list one after the other; the failure of one stops no other. A pack is built once, at the end.

    Args:
        store: The store.
        sources: The list: all in it are loaded and refreshed. Where None, those of the shipped list that the store holds.
        request: How: dry run, force, gates, leniency, pack and its encoder; the rest is said by the list.
        progress: Called with the name of a source; what it returns is called as that goes on.
        on_outcome: Called after each source.

    Raises:
        OptionError: The list cannot be read, or names nothing that the store holds.
        StoreError: The store cannot be opened.
    """
    asked, began = request or Request(), time.monotonic()
    entries = read_sources(sources)
    loaded = _loaded(store)
    wanted = [entry for entry in entries if sources is not None or entry.name in loaded]
    if not wanted:
        names = ", ".join(entry.name for entry in entries)
        raise OptionError(f"{store} holds none of {names}: ingest one first, or name your own list with --sources FILE")
    outcomes = [] if sources is not None else [_skipped(entry) for entry in entries if entry not in wanted]
    for entry in wanted:
        work = partial(_one, entry, store, asked, progress, first=entry.name not in loaded)
        outcome = _guarded(entry.name, shown(entry.source), work)
        outcomes.append(outcome)
        if on_outcome is not None:
            on_outcome(outcome)
    pack = None
    if asked.pack is not None and not asked.dry_run:
        built = _guarded("pack", str(asked.pack), lambda: _pack(store, asked, progress))
        pack = built.release
        if built.status == "failed":
            outcomes.append(built)
            if on_outcome is not None:
                on_outcome(built)
    return Summary(shown(str(store)), asked.dry_run, tuple(outcomes), pack, time.monotonic() - began)


def _skipped(entry: Entry) -> Outcome:
    return Outcome(entry.name, shown(entry.source), "skipped", message="not in the store")


def _guarded(name: str, source: str, work: Callable[[], Outcome]) -> Outcome:
    """Run one piece of work; whatever it raises becomes its outcome."""
    began = time.monotonic()
    try:
        done = work()
    except OntograftError as error:
        done = Outcome(name, source, "failed", error=type(error).__name__, message=str(error))
    except OSError as error:  # the system's own words: they never quote the content of a file
        done = Outcome(name, source, "failed", error=type(error).__name__, message=error.strerror or type(error).__name__)
    except Exception as error:
        done = Outcome(name, source, "failed", error=type(error).__name__, message=f"unexpected {type(error).__name__}")
    return replace(done, name=name, source=source, seconds=round(time.monotonic() - began, 2))


def _one(entry: Entry, store: str | Path, asked: Request, progress: Callable[[str], Progress] | None, *, first: bool) -> Outcome:
    tell = progress(entry.name) if progress is not None else (lambda stage, done, total: None)
    try:
        where = locate(entry)
        key = secret(entry) if is_address(where.source) else None
        path = local(where.source, key=key, sha256=entry.sha256, progress=lambda done, total: tell("downloading", done, total))
    except SourceError as error:
        if entry.instead is None:
            raise
        raise type(error)(f"{error.reason}; {entry.instead} carries it as well, for a list of your own", file=error.file) from None
    lenient = asked.lenient or entry.lenient
    if first and asked.dry_run:
        source = read(path, format=entry.format, name=entry.name, release=where.release, config=entry.config)
        return Outcome("", "", "refreshed", None, source.header.release)
    if first:
        loaded = ingest(
            path, store=store, format=entry.format, name=entry.name, release=where.release, config=entry.config, lenient=lenient,
            progress=lambda done, total: tell("reading", done, total),
        )  # fmt: skip
        return Outcome("", "", "refreshed", None, loaded.release, rejects=loaded.rejects)
    gates = asked.thresholds
    if entry.gates:
        gates = replace(Thresholds.parse(f"{name}={value}" for name, value in entry.gates.items()), **_set(gates))
    mine = replace(asked, name=entry.name, release=where.release, format=entry.format, config=entry.config)
    mine = replace(mine, lenient=lenient, thresholds=gates, pack=None)
    done = refresh(path, store=store, request=mine, progress=tell)
    return Outcome("", "", "unchanged" if done.unchanged else "refreshed", done.before, done.release, done.changes, done.rejects)


def _set(gates: Thresholds) -> dict[str, float]:
    """The thresholds that differ from the defaults: the caller's word goes before the list's."""
    plain = asdict(Thresholds())
    return {name: value for name, value in asdict(gates).items() if value != plain[name]}


def _pack(store: str | Path, asked: Request, progress: Callable[[str], Progress] | None) -> Outcome:
    tell = progress("pack") if progress is not None else (lambda stage, done, total: None)
    return Outcome("pack", str(asked.pack), "refreshed", release=str(build_pack(store, asked, tell)))
