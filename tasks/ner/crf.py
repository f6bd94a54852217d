"""A linear-chain conditional random field over word tags (Lafferty et al. 2001), in float32, a whole batch at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ontograft.tasks.ner.tags import TagSet

_IGNORED = -100


class LinearChain(nn.Module):
    """Scores of one tag after another, learned; what :meth:`TagSet.transitions` forbids stays forbidden.

    Attributes:
        transitions: ``[tags, tags]``, from the row's tag to the column's.
    """

    allowed: Tensor

    def __init__(self, tags: TagSet) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(len(tags), len(tags)))
        self.register_buffer("allowed", torch.from_numpy(tags.transitions()), persistent=False)

    def scores(self) -> Tensor:
        """Transition scores, float32 ``[tags, tags]``, about -1e9 where forbidden."""
        return self.transitions.float() + self.allowed

    def loss(self, logits: Tensor, tags: Tensor) -> Tensor:
        """Negative log likelihood of the gold paths, a word.

        Args:
            logits: ``[batch, words, tags]``.
            tags: int64 ``[batch, words]``, -100 behind a window's last word.
        """
        with torch.autocast(logits.device.type, enabled=False):
            emissions, present = logits.float(), tags != _IGNORED
            gold = tags.clamp(min=0)
            table = self.scores()
            path = emissions.gather(-1, gold.unsqueeze(-1)).squeeze(-1)
            path[:, 1:] = path[:, 1:] + table[gold[:, :-1], gold[:, 1:]]
            forward = emissions[:, 0]
            for word in range(1, emissions.shape[1]):
                step = torch.logsumexp(forward.unsqueeze(-1) + table, 1) + emissions[:, word]
                forward = torch.where(present[:, word].unsqueeze(-1), step, forward)
            total = torch.logsumexp(forward, -1)[present[:, 0]].sum()
            return (total - path.masked_fill(~present, 0).sum()) / present.sum().clamp(min=1)
