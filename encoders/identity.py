"""The identity encoder: names to vectors that are near where names mean one concept, and apart where they mean two.

The text encoder with low-rank adapters, the mean of its last hidden states, a linear projection. It is trained on synonyms (see
:mod:`ontograft.encoders.contrast`); what is kept of it are the adapters and the projection.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ontograft.encoders import base as base_encoders
from ontograft.encoders import lora
from ontograft.encoders.saved import Kind
from ontograft.encoders.text import ShortTextEncoder, device_of, mean_of_pieces
from ontograft.errors import BundleDamaged

WEIGHTS, MANIFEST, CARD, SCHEMA = "identity.safetensors", "identity.json", "README.md", 1
_PROJECTION = "projection.weight"


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Shape of an identity encoder: width of its vectors, rank and scale of its adapters, word pieces read of a name."""

    width: int = 128
    rank: int = 16
    alpha: int = 32
    max_pieces: int = 24


_SAVED = Kind("an identity encoder", WEIGHTS, MANIFEST, SCHEMA, IdentitySettings, "ontograft train identity")


class IdentityModel(nn.Module):
    """The net of an identity encoder, to be trained or to be read from a folder.

    Args:
        settings: its shape.
        base: the text encoder that it adapts.
    """

    def __init__(self, settings: IdentitySettings, base: base_encoders.BaseEncoder) -> None:
        super().__init__()
        self.settings, self.base = settings, base
        model, self.tokenizer = base_encoders.load(base)
        for module in model.modules():
            if isinstance(module, nn.Dropout):  # drawing it costs a third of a step, and one pass over synonyms does not overfit
                module.p = 0.0
        self.encoder = cast("nn.Module", lora.attach(model, lora.LoraSettings(settings.rank, settings.alpha)))
        self.projection = nn.Linear(int(model.config.hidden_size), settings.width, bias=False)

    def hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Mean of the last hidden states, float32 ``[texts, hidden]``, of word pieces ``[texts, pieces]``."""
        return mean_of_pieces(self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Vectors of unit length, float32 ``[texts, width]``, of word pieces ``[texts, pieces]``."""
        return functional.normalize(self.projection(self.hidden(ids, mask)).float(), dim=-1)

    def weights(self) -> dict[str, Tensor]:
        """What training changes: adapters and projection."""
        return {**lora.state(cast("PreTrainedModel", self.encoder)), _PROJECTION: self.projection.weight.detach()}

    def key(self) -> str:
        """Hash of weights, shape and text encoder: vectors belong to it. Sixteen hex digits."""
        digest = hashlib.sha256(f"{self.base.sha256} {sorted(asdict(self.settings).items())}".encode())
        for name, tensor in sorted(self.weights().items()):
            digest.update(name.encode())
            digest.update(tensor.cpu().half().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def save(self, folder: Path, *, card: str, notes: dict[str, Any]) -> None:
        """Write weights (float16 safetensors), a manifest with ``notes`` and a card into a folder."""
        from safetensors.torch import save

        folder.mkdir(parents=True, exist_ok=True)
        (folder / WEIGHTS).write_bytes(save({name: tensor.cpu().half().contiguous() for name, tensor in self.weights().items()}))
        manifest = {
            "schema": SCHEMA,
            "kind": "identity",
            "key": self.key(),
            "settings": asdict(self.settings),
            "base": {"name": self.base.name, "sha256": self.base.sha256},
            "sha256": hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest(),
            **notes,
        }
        (folder / CARD).write_text(card, encoding="utf-8")
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> IdentityModel:
        """Read what :meth:`save` wrote.

        Raises:
            BundleDamaged: the weights differ from the manifest's hash, or something is missing.
            EncoderError: the base encoder here is not the one it was trained with.
        """
        from safetensors.torch import load

        settings, base, content = _SAVED.read(folder)
        tensors = {name: tensor.float() for name, tensor in load(content).items()}
        made = cls(settings, base)
        projection = tensors.pop(_PROJECTION, torch.empty(0))
        if projection.shape != made.projection.weight.shape:
            raise BundleDamaged(f"{folder / WEIGHTS}: a projection of {list(projection.shape)}; copy the folder again or train anew")
        lora.load_state(cast("PreTrainedModel", made.encoder), tensors)
        made.projection.weight.data.copy_(projection)
        return made.eval()


def key_of(folder: Path) -> str:
    """The key of the encoder in a folder, as its manifest says; nothing else is read.

    Raises:
        BundleDamaged: there is no manifest of an identity encoder.
    """
    try:
        return str(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _SAVED.missing(folder, error) from error


class IdentityEncoder(ShortTextEncoder):
    """Encodes names with a net, in evaluation or in the midst of its training.

    Args:
        model: the net; it is moved to the device.
        device: a torch device; the accelerator where there is one, else the processor, when None.
    """

    def __init__(self, model: IdentityModel, *, device: str | None = None) -> None:
        self._device, self.max_pieces = device_of(device), model.settings.max_pieces
        self.model = model.to(self._device)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return self.model.settings.width

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Cuts texts to word pieces."""
        return self.model.tokenizer

    @classmethod
    def load(cls, folder: Path, *, device: str | None = None) -> Self:
        """Read a trained encoder; its adapters are folded into the weights, so that it is as fast as its base.

        Raises:
            BundleDamaged, EncoderError: as of :meth:`IdentityModel.load`.
        """
        model = IdentityModel.load(folder)
        lora.merge(cast("PreTrainedModel", model.encoder))
        return cls(model, device=device)

    @property
    def key(self) -> str:
        """Stands for the weights and the way of pooling."""
        return self.model.key()

    def pool(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Vectors of unit length, float32 ``[texts, width]``, of word pieces ``[texts, pieces]``."""
        return cast("Tensor", self.model(ids, mask))
