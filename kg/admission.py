"""Whether a store takes a load up, and what it says if not: the same for every store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ontograft.errors import StoreError
from ontograft.kg.stored import LoadReport, Pending, Release
from ontograft.types import Header


def check(
    store: object, loaded: Sequence[Release], header: Header, *, source_sha256: str | None = None, replace: bool = False
) -> LoadReport | None:
    """The report of a load with nothing to do, None where it may go ahead.

    Args:
        store: What messages call the store.
        loaded: All its releases.
        header: What is to be loaded.
        source_sha256: Hash of the source's bytes, where it is known before.
        replace: Whether the same release may be replaced.

    Raises:
        StoreError: Another release of this name is loaded, or several are and one of them is to be replaced.
    """
    named = [row for row in loaded if row.name == header.name]
    same = next((row for row in named if row.release == header.release), None)
    if same is not None and same.sha256 == source_sha256:
        return report(same, unchanged=True)
    if named and same is None:
        active = next((row.release for row in named if row.active), named[-1].release)
        raise StoreError(
            f"{store} holds release {active} of {header.name}; a further one, {header.release}, is taken up by "
            f"`ontograft refresh SOURCE --name {header.name} --store {store}` (or give another --name)"
        )
    if same is not None and replace and len(named) > 1:
        raise StoreError(
            f"{store} holds {len(named)} releases of {header.name}; --replace works on the only release of a name: prune the others first"
        )
    return None


def report(row: Release, *, rejects: int = 0, caveats: Counter[str] | None = None, unchanged: bool) -> LoadReport:
    """The report of a load, from the release as stored."""
    counts = (row.concepts, row.names, row.relations, row.tombstones)
    return LoadReport(row.name, row.release, *counts, rejects, caveats or Counter(), unchanged, row.content_hash)


def unfinished(store: object, begun: Pending) -> str:
    """Why nothing is loaded while a refresh is unfinished."""
    return (
        f"{store}: the refresh of {begun.name} to {begun.release} is unfinished; run it again, or give it up with "
        f"`ontograft rollback --name {begun.name} --store {store}`"
    )


def other_content(store: object, header: Header, old: str, new: str) -> str:
    """Why the same release is not loaded again."""
    return (
        f"{store} holds release {header.release} of {header.name} with other content "
        f"({old[:12]}, this source has {new[:12]}); --replace puts this content in its place"
    )
