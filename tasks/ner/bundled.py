"""Taggers out of bundles and into them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from ontograft.encoders import base as base_encoders
from ontograft.encoders import lora
from ontograft.encoders.lora import LoraSettings
from ontograft.encoders.windows import Windower
from ontograft.errors import BundleDamaged
from ontograft.fusion.arms import Arm
from ontograft.fusion.attention import AttentionSettings, KnowledgeAttention
from ontograft.fusion.candidates import FEATURES
from ontograft.fusion.grafted import GraftedEncoder
from ontograft.fusion.lexicon import Lexicon
from ontograft.tasks import bundle as bundles
from ontograft.tasks.ner.crf import LinearChain
from ontograft.tasks.ner.model import Tagger
from ontograft.tasks.ner.tags import TagSet

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TASK: Final = "ner"
_LEXICON = "lexicon"


@dataclass(frozen=True, slots=True)
class TaggerSettings:
    """All that is needed to build the same tagger again.

    Attributes:
        labels: what it recognises.
        arm: the knowledge it was trained with.
        window, overlap: word pieces of a window and shared by two.
        crf: whether the head scores one tag after another, too.
        after: transformer layers before the fusion; None for two thirds of them.
        outside: what calibration added to the head's logit of ``O``; it is in the head's weights already.
        apart: what calibration found a path to lose where two mentions of a label touch (:class:`ontograft.tasks.ner.tags.TagSet`).
        temperature: divides the tag logits before probabilities are read.
        label_groups: semantic groups that each label's concepts belong to, by number.
    """

    labels: tuple[str, ...]
    arm: Arm = Arm.GRAPH
    window: int = 512
    overlap: int = 64
    after: int | None = None
    crf: bool = False
    outside: float = 0.0
    apart: float = 0.0
    temperature: float = 1.0
    label_groups: dict[str, list[int]] = field(default_factory=dict)
    lora: LoraSettings = field(default_factory=LoraSettings)
    attention: AttentionSettings = field(default_factory=AttentionSettings)

    @property
    def tags(self) -> TagSet:
        """The tags of the labels."""
        return TagSet(self.labels, self.apart)


@dataclass(frozen=True, slots=True)
class BuiltTagger:
    """A tagger with its tokenizer."""

    model: Tagger
    tokenizer: PreTrainedTokenizerBase

    def windower(self, settings: TaggerSettings) -> Windower:
        """Cuts texts as in training."""
        limit = getattr(self.model.encoder.model.config, "max_position_embeddings", settings.window)
        size = min(settings.window, limit)
        overlap = settings.overlap if 2 * settings.overlap < size else size // 4  # a small window, or an encoder with few positions
        return Windower(self.tokenizer, size=size, overlap=overlap)


def build(settings: TaggerSettings, base: base_encoders.BaseEncoder, *, beside: Sequence[int] = ()) -> BuiltTagger:
    """A fresh tagger: pretrained encoder, new adapters, fusion and head, and heads of so many tags each for corpora trained beside."""
    encoder, tokenizer = base_encoders.load(base)
    hidden = int(encoder.config.hidden_size)
    lora.attach(encoder, settings.lora)
    attention = AttentionSettings(**{**asdict(settings.attention), "hidden": hidden})
    fusion = KnowledgeAttention(attention) if settings.arm.has_knowledge else None
    grafted = GraftedEncoder(encoder, fusion, after=settings.after)
    chain = LinearChain(settings.tags) if settings.crf else None
    return BuiltTagger(Tagger(grafted, settings.tags, beside=beside, chain=chain), tokenizer)


def load(bundle: bundles.Bundle, *, merge: bool = True) -> tuple[BuiltTagger, TaggerSettings]:
    """The tagger of a bundle, in evaluation mode.

    Args:
        bundle: an opened bundle.
        merge: fold the adapters into the encoder, for speed.

    Raises:
        BundleDamaged: settings that are none, or weights that do not fit them.
    """
    settings = settings_of(bundle)
    built = build(settings, bundle.base())
    model = built.model
    try:
        lora.load_state(model.encoder.model, bundle.weights("lora"))
        model.head.load_state_dict(bundle.weights("head"))
        if model.chain is not None:
            model.chain.load_state_dict(bundle.weights("chain"))
        if model.encoder.fusion is not None:
            model.encoder.fusion.load_state_dict(_with_later_features(bundle.weights("fusion")))
    except (RuntimeError, KeyError) as error:
        raise BundleDamaged(
            f"{bundle.folder}: its weights do not fit the settings in its manifest ({error.__class__.__name__}); train it anew"
        ) from error
    if merge:
        lora.merge(model.encoder.model)
    model.eval()
    return built, settings


def lexicon_of(bundle: bundles.Bundle) -> Lexicon | None:
    """What the bundle's corpus taught of surfaces; None for a bundle that carries none.

    Raises:
        BundleDamaged: it lacks a part.
    """
    if not bundle.has(_LEXICON):
        return None
    try:
        return Lexicon.load(bundle.folder / f"{_LEXICON}.safetensors")
    except KeyError as error:
        raise BundleDamaged(f"{bundle.folder}: its lexicon lacks {error.args[0]}; train it anew") from error


def save(
    folder: Path,
    model: Tagger,
    settings: TaggerSettings,
    base: base_encoders.BaseEncoder,
    *,
    card: str,
    graph: Path | None,
    notes: dict[str, Any],
    lexicon: Lexicon | None = None,
) -> bundles.Bundle:
    """Write a trained tagger as a bundle; adapters must not be merged yet."""
    weights = {"lora": lora.state(model.encoder.model), "head": model.head.state_dict()}
    if model.encoder.fusion is not None:
        weights["fusion"] = model.encoder.fusion.state_dict()
    if model.chain is not None:
        weights["chain"] = model.chain.state_dict()
    if lexicon is not None:
        weights[_LEXICON] = {name: torch.from_numpy(array.copy()) for name, array in lexicon.arrays().items()}
    manifest = {"task": TASK, "settings": asdict(settings), **notes}
    return bundles.save(folder, base=base, manifest=manifest, weights=weights, card=card, graph=graph)


def _with_later_features(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the fusion that give nothing to features which the bundle's version did not know yet; such are added at the end."""
    for name in ("feature_bias.weight", "feature_value.weight"):
        missing = len(FEATURES) - weights[name].shape[1]
        weights[name] = nn.functional.pad(weights[name], (0, missing)) if missing > 0 else weights[name]
    return weights


def settings_of(bundle: bundles.Bundle) -> TaggerSettings:
    """The settings in a bundle's manifest.

    Raises:
        BundleDamaged: A field is missing, unknown or not what it should be; the message names it.
    """
    raw, shown = bundle.manifest["settings"], bundle.folder / bundles.MANIFEST
    try:
        settings: TaggerSettings = TypeAdapter(TaggerSettings).validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field, wrong = ".".join(map(str, first["loc"])), str(first["msg"])
    else:
        unknown = list(_unknown(raw, asdict(settings)))
        if not unknown:
            return settings
        field, wrong = unknown[0], "this version of Ontograft knows no such setting"
    raise BundleDamaged(f"{shown}: settings.{field}: {wrong}; copy the bundle again, train it anew, or install the version that wrote it")


def _unknown(raw: Mapping[str, Any], known: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Keys that no setting has."""
    for key, value in raw.items():
        if key not in known:
            yield at + key
        elif isinstance(value, Mapping):
            yield from _unknown(value, known[key], f"{at}{key}.")
