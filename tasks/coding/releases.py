"""Which release of ICD-10-CM is in force on a day: each holds for a fiscal year, from October to September."""

from __future__ import annotations

import re
from datetime import date

from ontograft.errors import PackError
from ontograft.kg.pack import Pack

_YEAR = re.compile(r"(20\d\d)(?:-(\d\d))?")
_FIRST_MONTH = 10


def in_force(release: str, day: date) -> bool | None:
    """Whether a release (``2025``, ``2025-04``) holds on a day; None where its name tells no year.

    An update of April holds from then on, until the year's end.
    """
    found = _YEAR.search(release)
    if found is None:
        return None
    year = int(found[1])
    begin = date(year, int(found[2]), 1) if found[2] else date(year - 1, _FIRST_MONTH, 1)
    return begin <= day < date(year, _FIRST_MONTH, 1)


def check_in_force(pack: Pack, day: date) -> None:
    """See whether a pack's tabular list is the one of a day.

    Raises:
        PackError: it is of another year, or its release tells none.
    """
    releases = [str(release["release"]) for release in pack.manifest.releases if release["name"] == "icd10cm"]
    if any(in_force(release, day) for release in releases):
        return
    year = day.year + (day.month >= _FIRST_MONTH)
    raise PackError(
        f"{pack.path.parent}: its ICD-10-CM is {', '.join(releases) or 'none'}, which is not in force on {day.isoformat()}; "
        f"build a pack of the release {year} and name it with --pack"
    )
