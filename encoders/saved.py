"""An encoder in a folder: a manifest that names its shape and its base encoder, and weights that the manifest has the hash of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ontograft.encoders import base as base_encoders
from ontograft.errors import BundleDamaged, EncoderError

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class Kind(Generic[Settings]):
    """A kind of encoder as it is saved.

    Attributes:
        name: what messages call it.
        weights, manifest: names of its files.
        schema: what this version reads.
        settings: the class of its shape.
        made_by: the command that writes it.
    """

    name: str
    weights: str
    manifest: str
    schema: int
    settings: type[Settings]
    made_by: str

    def read(self, folder: Path) -> tuple[Settings, base_encoders.BaseEncoder, bytes]:
        """Shape, base encoder and checked weights.

        Raises:
            BundleDamaged: the weights differ from the manifest's hash, or something is missing.
            EncoderError: the base encoder here is not the one it was trained with.
        """
        try:
            manifest = json.loads((folder / self.manifest).read_text(encoding="utf-8"))
            content = (folder / self.weights).read_bytes()
        except (OSError, ValueError) as error:
            raise self.missing(folder, error) from error
        if hashlib.sha256(content).hexdigest() != manifest.get("sha256"):
            raise BundleDamaged(
                f"{folder / self.weights}: its sha256 is not the one in {self.manifest}; copy the folder again or train anew"
            )
        if manifest.get("schema") != self.schema:
            raise BundleDamaged(
                f"{folder / self.manifest}: schema {manifest.get('schema')!r}, this version reads {self.schema}; "
                "train anew or install the version that wrote it"
            )
        try:
            name, sha256 = manifest["base"]["name"], str(manifest["base"]["sha256"])
            settings = self.settings(**manifest["settings"])
        except (KeyError, TypeError) as error:
            raise BundleDamaged(
                f"{folder / self.manifest}: no base encoder or no settings in it; copy the folder again or train anew"
            ) from error
        base = base_encoders.resolve(name)
        if base.sha256 != sha256:
            raise EncoderError(
                f"{folder}: trained on {base.name} with sha256 {sha256[:12]}…, found {base.sha256[:12]}…; "
                "install the same weights or train anew"
            )
        return settings, base, content

    def missing(self, folder: Path, error: Exception) -> BundleDamaged:
        """There is no such encoder in a folder."""
        return BundleDamaged(
            f"{folder}: not {self.name} ({type(error).__name__}); "
            f"expected {self.manifest} and {self.weights}, as `{self.made_by}` writes them"
        )
