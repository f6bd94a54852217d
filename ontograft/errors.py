"""Every error Ontograft raises on purpose.

Each says what was got, what was expected and what to do, and each is also the builtin error a caller would expect::

    OntograftError
    ├── SourceError (ValueError)            an ontology file that cannot be read
    │   ├── MalformedRecord                 one record of it, with file and line
    │   ├── TruncatedSource                 the file ends in mid-record: nothing is loaded
    │   ├── SeveralReleases                 a folder holds more than one release of one thing
    │   ├── UnsafeSource                    an archive or XML file that reaches outside itself, or expands without bound
    │   └── UnknownFormat
    ├── StoreError (RuntimeError)
    │   ├── ReleaseExists                   the same release with other content
    │   ├── UnknownRelease (LookupError)
    │   ├── UnknownConcept (LookupError)
    │   ├── GateError                       a refresh would change more than its gates allow
    │   └── StoreBusy                       another process holds the store
    ├── PackError (ValueError)
    │   ├── PackNotFound (FileNotFoundError)
    │   ├── PackDamaged                     a part differs from its hash
    │   ├── PartMissing (LookupError)       an older version built the pack, without this part
    │   └── VectorsMissing (LookupError)    the pack holds no vectors of this encoder
    ├── BundleError (ValueError)
    │   ├── BundleDamaged
    │   └── UnknownModel (LookupError)
    ├── EncoderError (RuntimeError)
    ├── TrainingDiverged (ArithmeticError)  a loss that is no number, with the step
    ├── CorpusError (ValueError)            training or evaluation data
    ├── DocumentError (ValueError)          notes to tag
    ├── OutputExists (FileExistsError)
    └── OptionError (ValueError)            an option or a configuration file
"""

from __future__ import annotations

from pathlib import Path


class OntograftError(Exception):
    """The root of the tree: catch it to catch all of them."""


class SourceError(OntograftError, ValueError):
    """An ontology source cannot be read as what it claims to be."""

    def __init__(self, reason: str, *, file: str | Path | None = None, line: int | None = None) -> None:
        self.reason, self.file, self.line = reason, None if file is None else str(file), line
        place = "" if file is None else f"{file}:{line}: " if line is not None else f"{file}: "
        super().__init__(place + reason)


class MalformedRecord(SourceError):
    """One record breaks its format; ``--lenient`` counts such records as rejects instead."""


class TruncatedSource(SourceError):
    """The source stops where it may not stop, so nothing of it is loaded."""


class SeveralReleases(SourceError):
    """A folder or archive holds several releases of one thing; one at a time can be loaded."""


class UnsafeSource(SourceError):
    """An archive or an XML file that reaches outside itself, or that expands without bound."""


class UnknownFormat(SourceError):
    """The content fits no reader, or the named format does not exist."""


class StoreError(OntograftError, RuntimeError):
    """A graph store refuses or fails."""


class ReleaseExists(StoreError):
    """This release is loaded already, with other content."""


class UnknownRelease(StoreError, LookupError):
    """No such name or release in the store."""


class UnknownConcept(StoreError, LookupError):
    """No such concept, live or retired, in the store."""


class GateError(StoreError):
    """A refresh would change more than its gates allow; nothing was applied."""


class StoreBusy(StoreError):
    """Another process is writing to the store."""


class PackError(OntograftError, ValueError):
    """A pack cannot be built or opened."""


class PackNotFound(PackError, FileNotFoundError):
    """There is no pack at this path."""


class PackDamaged(PackError):
    """A part of the pack does not match its manifest."""


class PartMissing(PackError, LookupError):
    """The pack was built by a version that did not write this part yet."""


class VectorsMissing(PackError, LookupError):
    """The pack holds no concept vectors of the encoder a bundle needs."""


class BundleError(OntograftError, ValueError):
    """A model bundle cannot be used."""


class BundleDamaged(BundleError):
    """A part of the bundle does not match its manifest."""


class UnknownModel(BundleError, LookupError):
    """No bundle of this name is shipped and no folder of this name exists."""


class EncoderError(OntograftError, RuntimeError):
    """An encoder is missing, or is not the one expected."""


class TrainingDiverged(OntograftError, ArithmeticError):
    """A loss or a weight is no number any more; the message names the step."""


class CorpusError(OntograftError, ValueError):
    """Training or evaluation data is not what its format promises."""


class DocumentError(OntograftError, ValueError):
    """The documents to tag cannot be read at all (single bad ones are rejects, not errors)."""


class OutputExists(OntograftError, FileExistsError):
    """The output is there already; pass ``--overwrite`` or ``--resume``."""


class OptionError(OntograftError, ValueError):
    """An option or a configuration file says something that cannot be done."""
