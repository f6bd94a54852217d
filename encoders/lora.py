"""Low-rank adaptation (Hu et al. 2022) of an encoder, through peft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ontograft.errors import EncoderError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """Rank, scale and dropout of the adapters; ``rank`` 0 leaves the encoder frozen.

    Dropout before an adapter is off: drawing it for every linear layer costs as much as the layers, and the encoder has its own.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: tuple[str, ...] = ()


def attach(model: PreTrainedModel, settings: LoraSettings) -> PreTrainedModel:
    """Freeze the encoder and put adapters beside its linear layers, in place.

    With no targets named, every linear layer inside the transformer's blocks gets one (query, key, value and dense of
    a BERT), which Hu et al. and later work found better than attention alone.
    """
    from peft import LoraConfig, inject_adapter_in_model

    model.requires_grad_(False)
    if settings.rank == 0:
        return model
    targets = list(settings.targets) or _linear_names(model)
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout, target_modules=targets)
    inject_adapter_in_model(config, model)
    return model


def state(model: PreTrainedModel) -> dict[str, Tensor]:
    """The adapters' weights by parameter name."""
    return {name: p.detach() for name, p in model.named_parameters() if "lora_" in name}


def load_state(model: PreTrainedModel, weights: dict[str, Tensor]) -> None:
    """Put saved adapter weights into a model that :func:`attach` has prepared.

    Raises:
        EncoderError: names or shapes differ from the model's own adapters.
    """
    own = {name: p for name, p in model.named_parameters() if "lora_" in name}
    odd = sorted(own.keys() ^ weights.keys()) or [n for n in own if own[n].shape != weights[n].shape]
    if odd:
        raise EncoderError(
            f"adapter weights do not fit this encoder: {len(odd)} differ, the first is {odd[0]}; use the base encoder the bundle names"
        )
    for name, parameter in own.items():
        parameter.data.copy_(weights[name])


def merge(model: PreTrainedModel) -> PreTrainedModel:
    """Fold the adapters into the weights, for inference at the speed of the plain encoder."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            module.merge(safe_merge=False)
    return model


def fold(model: PreTrainedModel, weights: dict[str, Tensor], settings: LoraSettings) -> PreTrainedModel:
    """Fold saved adapters into a plain encoder, which is a plain encoder again afterwards, ready for adapters of its own.

    Raises:
        EncoderError: as of :func:`load_state`.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    load_state(attach(model, settings), weights)
    merge(model)
    for name, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, module.get_base_layer())
    return model.requires_grad_(True)


def _linear_names(model: PreTrainedModel) -> list[str]:
    from torch.nn import Linear

    inside = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if isinstance(module, Linear) and any(part.isdigit() for part in name.split("."))
    }
    if not inside:
        raise EncoderError("found no linear layers in numbered blocks to adapt; name them with lora targets")
    return sorted(inside)
