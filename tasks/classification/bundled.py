"""Classifiers out of bundles and into them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import TypeAdapter, ValidationError

from ontograft.encoders import base as base_encoders
from ontograft.encoders import lora
from ontograft.encoders.graph_weights import GraphWeights
from ontograft.errors import BundleDamaged, OptionError
from ontograft.tasks import bundle as bundles
from ontograft.tasks.classification.linear import LinearMember
from ontograft.tasks.classification.reader import Reader, build
from ontograft.tasks.classification.settings import TASK, ClassifierSettings
from ontograft.tasks.classification.states import StateEncoder, TextReader
from ontograft.tasks.classification.training import Knowledge, Trained, text_reader, width_of

if TYPE_CHECKING:
    from ontograft.kg.pack import Pack


@dataclass(frozen=True, slots=True)
class OpenClassifier:
    """A bundle ready to run.

    Attributes:
        settings: those of the bundle.
        read: cuts a text and finds its concepts.
        encode: makes states.
        reader: in evaluation mode, adapters merged.
        linear: the other member; None where there are too many labels for it.
        pack: the graph; None where there is none.
    """

    settings: ClassifierSettings
    read: TextReader
    encode: StateEncoder
    reader: Reader
    linear: LinearMember | None
    pack: Pack | None


def knowledge_of(pack: Pack, settings: ClassifierSettings, graph: Path) -> Knowledge:
    """What an arm sees of a pack.

    Raises:
        VectorsMissing: the pack has no vectors of the graph encoder.
    """
    weights = GraphWeights.load(graph)
    vectors = pack.vectors(weights.key()) if settings.arm.needs_vectors else None
    return Knowledge(pack, vectors, settings.attention.concept)


def open_classifier(bundle: bundles.Bundle, pack: Pack | None, *, device: str = "cpu", knowledge: bool = True) -> OpenClassifier:
    """Open a bundle, on a pack where it was trained with one.

    Args:
        bundle: checked by :func:`ontograft.tasks.bundle.load`.
        pack: any pack with vectors of the bundle's graph encoder; not looked at by a bundle of the arm *off*.
        device: a torch device.
        knowledge: False takes the concepts away from the same weights.

    Raises:
        OptionError: the bundle was trained with a pack, and there is none.
        BundleDamaged: settings that are none, or weights that do not fit them.
        VectorsMissing: the pack has no vectors of the bundle's graph encoder.
    """
    settings = settings_of(bundle)
    seen: Knowledge | None = None
    if settings.arm.has_knowledge:
        if pack is None:
            raise OptionError(f"{bundle.folder}: this classifier was trained with a pack (arm {settings.arm}); name one, with --pack")
        seen = knowledge_of(pack, settings, bundle.folder / "graph")
    try:
        reader, windower = build(settings, bundle.base(), concept=width_of(settings, seen))
        reader.head.load_state_dict(bundle.weights("head"))
        if settings.lora.rank:
            lora.load_state(reader.encoder.model, bundle.weights("lora"))
            lora.merge(reader.encoder.model)
        if reader.encoder.fusion is not None:
            reader.encoder.fusion.load_state_dict(bundle.weights("fusion"))
        linear = LinearMember.of({n: t.numpy() for n, t in bundle.weights("grams").items()}) if bundle.has("grams") else None
    except (RuntimeError, KeyError) as error:
        raise BundleDamaged(
            f"{bundle.folder}: its weights do not fit the settings in its manifest ({error.__class__.__name__}); train it anew"
        ) from error
    reader.eval().to(device)
    reader.head.to("cpu")
    read, collate = text_reader(settings, windower, seen if knowledge else None)
    return OpenClassifier(settings, read, StateEncoder(reader.encoder, collate), reader, linear, pack if seen is not None else None)


def save(
    folder: Path, trained: Trained, base: base_encoders.BaseEncoder, *, card: str, graph: Path | None, notes: dict[str, Any]
) -> bundles.Bundle:
    """Write a trained classifier as a bundle."""
    weights = {"head": trained.reader.head.state_dict()}
    if trained.linear is not None:
        weights["grams"] = {name: torch.from_numpy(array) for name, array in trained.linear.arrays().items()}
    if trained.settings.lora.rank:
        weights["lora"] = lora.state(trained.reader.encoder.model)
    if trained.reader.encoder.fusion is not None:
        weights["fusion"] = trained.reader.encoder.fusion.state_dict()
    manifest = {"task": TASK, "settings": asdict(trained.settings), **notes}
    return bundles.save(folder, base=base, manifest=manifest, weights=weights, card=card, graph=graph)


def settings_of(bundle: bundles.Bundle) -> ClassifierSettings:
    """The settings in a bundle's manifest.

    Raises:
        BundleDamaged: a field is missing or not what it should be; the message names it.
    """
    try:
        settings: ClassifierSettings = TypeAdapter(ClassifierSettings).validate_json(json.dumps(bundle.manifest["settings"]), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BundleDamaged(
            f"{bundle.folder / bundles.MANIFEST}: settings.{place}: {first['msg']}; copy the bundle again, or train it anew"
        ) from None
    return settings
