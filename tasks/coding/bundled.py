"""Coders out of bundles and into them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError

from ontograft.encoders import base as base_encoders
from ontograft.errors import BundleDamaged
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.assertion.rules import RULES
from ontograft.tasks.assertion.scope import Asserter
from ontograft.tasks.coding.coder import CodeOptions, Coder
from ontograft.tasks.coding.knowledge import Knowledge
from ontograft.tasks.coding.phrases import Dictionary
from ontograft.tasks.coding.reader import Encoding, Reader
from ontograft.tasks.coding.settings import TASK, CoderSettings
from ontograft.tasks.coding.states import StateEncoder
from ontograft.tasks.coding.training import Learned, Trained, reader_settings
from ontograft.tasks.coding.translation import Lexicon
from ontograft.tasks.coding.trees import Trees


def save(
    folder: Path, trained: Trained, base: base_encoders.BaseEncoder, *, card: str, graph: Path | None, notes: dict[str, Any]
) -> bundles.Bundle:
    """Write a trained coder as a bundle."""
    readers = {f"{at}.{name}": tensor for at, reader in enumerate(trained.readers) for name, tensor in reader.state_dict().items()}
    dictionary = trained.learned.dictionary.arrays()
    weights = {
        **({"readers": readers} if readers else {}),
        "encoding": {"edges": torch.from_numpy(trained.encoding.edges.view(np.int32).copy())},  # bits: half a float would move the bins
        "phrases": {name: torch.from_numpy(array.copy()) for name, array in dictionary.items()},
        "lexicon": {name: torch.from_numpy(array.copy()) for name, array in trained.learned.lexicon.arrays().items()},
    }
    if trained.trees is not None:
        weights["trees"] = {name: torch.from_numpy(array.copy()) for name, array in trained.trees.arrays().items()}
    manifest = {"task": TASK, "settings": asdict(trained.settings), **notes}
    return bundles.save(folder, base=base, manifest=manifest, weights=weights, card=card, graph=graph)


def settings_of(bundle: bundles.Bundle) -> CoderSettings:
    """The settings in a bundle's manifest.

    Raises:
        BundleDamaged: a field is unknown or not what it should be.
    """
    raw = bundle.manifest["settings"]
    unknown = sorted(set(raw) - set(CoderSettings.__dataclass_fields__))
    try:
        if not unknown:
            return TypeAdapter(CoderSettings).validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        unknown = [".".join(map(str, first["loc"]))]
    raise BundleDamaged(
        f"{bundle.folder / bundles.MANIFEST}: settings.{unknown[0]}: not a setting as this version of Ontograft knows it; "
        "copy the bundle again, train it anew, or install the version that wrote it"
    )


def load(bundle: bundles.Bundle, pack: Pack | None, *, options: CodeOptions | None = None, device: str = "cpu") -> Coder:
    """The coder of a bundle on a pack.

    Raises:
        BundleDamaged: a part does not fit the settings.
        PackError, VectorsMissing: the pack has no ICD-10-CM, or not the vectors of the bundle's graph encoder.
    """
    settings, options = settings_of(bundle), options or CodeOptions()
    try:
        parts = {part: bundle.arrays(part) for part in ("encoding", "phrases", "lexicon")}
        encoding = Encoding(parts["encoding"]["edges"].view(np.float32))
        learned = Learned(Dictionary.from_arrays(parts["phrases"]), Lexicon.from_arrays(parts["lexicon"]))
        trees = Trees.from_arrays(bundle.arrays("trees")) if settings.trees else None
        readers, weights = [], bundle.weights("readers") if settings.members else {}
        for at in range(settings.members):
            reader = Reader(reader_settings(settings, encoding)).eval()
            reader.load_state_dict({n.removeprefix(f"{at}."): t for n, t in weights.items() if n.startswith(f"{at}.")})
            readers.append(reader)
    except (RuntimeError, KeyError, OSError) as error:
        raise BundleDamaged(
            f"{bundle.folder}: its weights do not fit the settings in its manifest ({type(error).__name__}); train it anew"
        ) from error
    known = pack if settings.arm.has_knowledge else None
    knowledge = Knowledge(known, settings.graph_key, graph=bundle.folder / "graph") if known is not None else None
    states = StateEncoder(bundle.base(), device=device) if settings.reads else None
    return Coder(
        settings,
        learned,
        encoding,
        readers,
        trees=trees,
        knowledge=knowledge,
        states=states,
        asserter=asserter_of(settings.language),
        options=options,
        model_hash=bundle.key,
    )


def asserter_of(language: str) -> Asserter | None:
    """Says how mentions are meant in a language; None where there are no rules for it."""
    return Asserter(RULES[language]()) if language in RULES else None
