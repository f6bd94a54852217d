"""A model bundle: one folder with a manifest, safetensors and a model card, checked when it is loaded."""

from __future__ import annotations

import difflib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ontograft.encoders import base as base_encoders
from ontograft.errors import BundleDamaged, BundleError, EncoderError, OutputExists, UnknownModel

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

MANIFEST, CARD, SCHEMA = "bundle.json", "README.md", 1
_ENCODER = "encoder"


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle: its folder and its manifest, every part checked against its hash."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def task(self) -> str:
        """What it does: ``ner``, …"""
        return str(self.manifest["task"])

    @property
    def key(self) -> str:
        """Stands for the whole bundle: 16 hex digits of its manifest's hash, which holds the parts' hashes."""
        return hashlib.sha256((self.folder / MANIFEST).read_bytes()).hexdigest()[:16]

    def base(self) -> base_encoders.BaseEncoder:
        """The base encoder on this machine.

        Raises:
            EncoderError: it is missing, or its weights are not those the bundle was trained on.
        """
        wanted = self.manifest["base"]
        own = self.folder / _ENCODER
        found = base_encoders.resolve(str(own) if own.is_dir() else wanted["name"])
        if found.sha256 != wanted["sha256"]:
            raise EncoderError(
                f"{self.folder}: trained on {wanted['name']} with sha256 {wanted['sha256'][:12]}…, the one here has {found.sha256[:12]}…; "
                "install the same weights, or train the bundle anew on these"
            )
        return found

    def weights(self, part: str) -> dict[str, Tensor]:
        """The tensors of ``<part>.safetensors``, in float32."""
        from safetensors.torch import load_file

        return {name: tensor.float() for name, tensor in load_file(self.folder / f"{part}.safetensors").items()}

    def arrays(self, part: str) -> dict[str, NDArray[Any]]:
        """The arrays of ``<part>.safetensors``, as they are."""
        from safetensors.numpy import load_file

        return load_file(self.folder / f"{part}.safetensors")

    def has(self, part: str) -> bool:
        """Whether the bundle holds ``<part>.safetensors``."""
        return f"{part}.safetensors" in self.manifest["parts"]


def shipped() -> list[str]:
    """Names of the bundles that come with Ontograft."""
    root = Path(str(resources.files("ontograft.models")))
    return sorted(folder.name for folder in root.iterdir() if (folder / MANIFEST).is_file())


def find(name: str | Path) -> Path:
    """The folder of a bundle: a path, or the name of a shipped one.

    Raises:
        UnknownModel: neither.
    """
    folder = Path(name)
    if (folder / MANIFEST).is_file():
        return folder
    known = shipped()
    if str(name) in known:
        return Path(str(resources.files("ontograft.models"))) / str(name)
    near = difflib.get_close_matches(str(name), known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownModel(
        f"no model {str(name)!r}: no folder with a {MANIFEST} has that name, and the shipped ones are {', '.join(known) or 'none'}{hint}"
    )


def graph_encoder(name: str | Path | None = None) -> Path:
    """The folder of a graph encoder: the shipped one, a folder of its own, or the one that a bundle carries.

    Raises:
        UnknownModel: no such folder or bundle, or a bundle without one.
    """
    if name is None:
        return Path(str(resources.files("ontograft.models"))) / "graph"
    if (Path(name) / "graph.json").is_file():
        return Path(name)
    folder = find(name) / "graph"
    if not folder.is_dir():
        raise UnknownModel(
            f"{name}: this bundle carries no graph encoder; name one that does, or a folder that `ontograft train graph` wrote"
        )
    return folder


def identity_encoder(name: str | Path | None = None) -> Path:
    """The folder of an identity encoder: one of its own, or the shipped one (None, or ``names`` where no such folder holds another)."""
    if name is None or (str(name) == "names" and not (Path(name) / "identity.json").is_file()):
        return Path(str(resources.files("ontograft.models"))) / "names"
    return Path(name)


def load(name: str | Path, *, task: str | None = None) -> Bundle:
    """Open a bundle and check all of it.

    Args:
        name: a folder, or a shipped bundle's name.
        task: the task it must be for.

    Raises:
        UnknownModel: there is none of that name.
        BundleDamaged: a part is missing or differs from its hash.
        BundleError: another schema, or another task.
    """
    folder = find(name)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        schema, parts, kind = manifest["schema"], dict(manifest["parts"]), manifest["task"]
        _ = manifest["base"]["name"], manifest["base"]["sha256"], dict(manifest["settings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleDamaged(
            f"{folder / MANIFEST}: not a bundle's manifest ({error.__class__.__name__}); copy the bundle again or train it anew"
        ) from error
    if schema != SCHEMA:
        raise BundleError(
            f"{folder / MANIFEST}: schema {schema!r}, this version of Ontograft reads {SCHEMA}; "
            "train the bundle anew, or install the version that wrote it"
        )
    for part, expected in parts.items():
        path = folder / part
        if not path.is_file():
            raise BundleDamaged(f"{path}: missing, but {MANIFEST} lists it; copy the bundle again or train it anew")
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected["sha256"]:
            raise BundleDamaged(
                f"{path}: {path.stat().st_size} bytes whose sha256 is not the one in {MANIFEST} ({expected['size']} bytes); "
                "copy the bundle again or train it anew"
            )
    if task is not None and kind != task:
        raise BundleError(f"{folder}: a bundle for {kind}, needed one for {task}")
    return Bundle(folder, manifest)


def refuse_foreign(folder: Path) -> None:
    """Stop before any work where something stands that is no bundle, since saving replaces the folder.

    Raises:
        OutputExists: a file, or a folder with other things in it.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file()):
        raise OutputExists(f"{folder} is no bundle, and not empty; it would be replaced, so name another folder")


def save(
    folder: Path,
    *,
    base: base_encoders.BaseEncoder,
    manifest: Mapping[str, Any],
    weights: Mapping[str, Mapping[str, Tensor]],
    card: str,
    graph: Path | None = None,
    inside: Mapping[str, Path] = MappingProxyType({}),
) -> Bundle:
    """Write a bundle beside its place, then move it there, replacing an earlier one; ask :func:`refuse_foreign` before.

    Args:
        folder: where it is to be.
        base: the text encoder it was trained on; of an adapted one the adapters are copied into the bundle.
        manifest: everything but schema, base and parts.
        weights: tensors by part; floats are written in float16.
        card: the model card, Markdown.
        graph: folder of the graph encoder, copied into the bundle.
        inside: further folders to copy into it, by name.
    """
    from safetensors.torch import save as serialised

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        work = Path(temporary) / "bundle"
        work.mkdir()
        for part, tensors in weights.items():
            (work / f"{part}.safetensors").write_bytes(serialised({name: _stored(t) for name, t in tensors.items()}))
        for name, source in {"graph": graph, _ENCODER: base.adapted, **inside}.items():
            if source is None:
                continue
            for path in sorted(source.rglob("*")):
                if path.suffix in {".json", ".safetensors"}:
                    place = work / name / path.relative_to(source)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, place)
        (work / CARD).write_text(card, encoding="utf-8")
        parts = {}
        for path in sorted(work.rglob("*")):
            if path.is_file() and path.name != CARD:
                content = path.read_bytes()
                parts[path.relative_to(work).as_posix()] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        full = {"schema": SCHEMA, "base": {"name": base.name, "sha256": base.sha256}, **manifest, "parts": parts}
        (work / MANIFEST).write_text(json.dumps(full, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if folder.exists():  # moved aside, so that one of the two is there at any moment but one, and both until the new one is whole
            folder.replace(Path(temporary) / "before")
        work.replace(folder)
    return Bundle(folder, full)


def _stored(tensor: Tensor) -> Tensor:
    plain = tensor.detach().cpu().contiguous()
    return plain.half() if plain.is_floating_point() else plain
