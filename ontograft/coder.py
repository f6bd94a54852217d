"""The front door of ICD coding: a bundle and a pack, opened together."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ontograft.errors import OptionError
from ontograft.kg.pack import Pack
from ontograft.tasks import bundle as bundles
from ontograft.tasks.coding import bundled
from ontograft.tasks.coding.coder import CodedNote, CodeOptions, Coder, Evidence, SuggestedCode
from ontograft.tasks.coding.releases import check_in_force
from ontograft.tasks.coding.settings import TASK

ASSERTION = ("learned", "rules", "off")


def load_coder(
    name: str | Path,
    *,
    pack: str | Path,
    device: str | None = None,
    threads: int | None = None,
    min_score: float | None = None,
    top_k: int | None = None,
    assertion: str = "learned",
    as_of: date | None = None,
) -> Coder:
    """A coder of a bundle on a pack: ``load_coder("coding", pack="icd-pack").code(text)``.

    Args:
        name: a shipped bundle's name, such as ``coding``, or a bundle's folder.
        pack: the folder that ``ontograft build`` wrote, with ICD-10-CM in it.
        device: a torch device; the processor when None.
        threads: processor threads; as many as there are cores, when None.
        min_score: least probability of a code, from 0 to 1; the bundle's own thresholds when None.
        top_k: at most so many codes a document.
        assertion: ``rules`` keeps what is denied or said of the family out of the codes; ``learned`` does, but for what the bundle's
            training data codes all the same; ``off`` does not.
        as_of: the pack's code set must be in force on this day.

    Raises:
        UnknownModel, BundleDamaged, BundleError: no such bundle, not as it was written, or one for another task.
        PackNotFound, PackDamaged, PackError: no such pack, not as it was written, without ICD-10-CM, or not in force.
        VectorsMissing: the pack has no vectors of the bundle's graph encoder.
        OptionError: an option out of its range.
    """
    import torch

    if min_score is not None and not 0 <= min_score <= 1:
        raise OptionError(f"min score {min_score}: give a probability between 0 and 1")
    if top_k is not None and top_k < 1:
        raise OptionError(f"top {top_k} codes: give 1 or more")
    if assertion not in ASSERTION:
        raise OptionError(f"assertion {assertion!r}: give one of {', '.join(ASSERTION)}")
    if threads is not None:
        if threads < 1:
            raise OptionError(f"{threads} threads: give 1 or more")
        torch.set_num_threads(threads)
    try:
        torch.empty(0, device=device or "cpu")
    except (RuntimeError, AssertionError) as error:
        raise OptionError(f"device {device!r} cannot be used here; give cpu, or cuda where torch finds one") from error
    bundle, opened = bundles.load(name, task=TASK), Pack.open(pack)
    if as_of is not None:
        check_in_force(opened, as_of)
    options = CodeOptions(min_score, top_k, assertion)
    return bundled.load(bundle, opened, options=options, device=device or "cpu")


__all__ = ["CodeOptions", "CodedNote", "Coder", "Evidence", "SuggestedCode", "load_coder"]
