"""Self-attention by products against torch's fused one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from ontograft.encoders import attention, base


def heads(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(3, 2, 7, 4, generator=generator).to(dtype).requires_grad_() for _ in range(3))
    return query, key, value


def hidden_ends() -> Tensor:
    return (torch.arange(7) < torch.tensor([[7], [5], [1]]))[:, None, None, :].expand(3, 1, 7, 7)


def gradients(attend: object, mask: Tensor | None) -> list[Tensor]:
    given = heads(torch.bfloat16)
    found, _ = attend(nn.Module(), *given, mask, scaling=0.5, is_causal=False)  # type: ignore[operator]
    found.float().square().sum().backward()
    return [found.detach().float(), *(tensor.grad.float() for tensor in given if tensor.grad is not None)]


@pytest.mark.parametrize("mask", [None, hidden_ends()], ids=["all", "padded"])
def test_values_and_gradients_are_those_of_the_fused_attention(mask: Tensor | None) -> None:
    plain, fused = gradients(attention.attend, mask), gradients(sdpa_attention_forward, mask)
    assert len(plain) == len(fused) == 4
    for ours, theirs in zip(plain, fused, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.05)


def test_what_is_hidden_takes_no_part() -> None:
    query, key, value = heads(torch.bfloat16)
    found, _ = attention.attend(nn.Module(), query, key, value, hidden_ends())
    assert torch.equal(found[2], value[2, :, :1].transpose(0, 1).expand(7, 2, 4))


@pytest.mark.parametrize(("dtype", "learns", "expected"), [(torch.bfloat16, True, 0), (torch.bfloat16, False, 1), (torch.float32, True, 1)])
def test_the_fused_attention_computes_what_it_is_quicker_at(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, learns: bool, expected: int
) -> None:
    called: list[Tensor] = []

    def fused(_module: nn.Module, query: Tensor, *_rest: object) -> tuple[Tensor, None]:
        called.append(query)
        return query, None

    monkeypatch.setattr(attention, "sdpa_attention_forward", fused)
    with torch.set_grad_enabled(learns):
        attention.attend(nn.Module(), *heads(dtype), None)
    assert len(called) == expected


def test_the_default_encoder_attends_this_way() -> None:
    model, _ = base.load(base.resolve(None))
    assert model.config._attn_implementation == attention.NAME
