from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.tiny import Tiny, TinyBundle

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:  # for `from tests.builders import …`, however pytest was started
    sys.path.insert(0, str(ROOT))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: more than a few seconds; left out by `make check`")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches of one test session, not those of whoever runs it."""
    monkeypatch.setenv("ONTOGRAFT_HOME", str(tmp_path_factory.getbasetemp() / "home"))


@pytest.fixture(scope="session")
def _session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The same for what is made once a session, before the fixture above holds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONTOGRAFT_HOME", str(tmp_path_factory.getbasetemp() / "home"))
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, _session_home: None) -> Tiny:
    """A tiny encoder, graph encoder and pack."""
    import torch

    from tests.tiny import everything

    torch.set_num_threads(1)  # for models this small a second thread only waits
    return everything(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory, tiny: Tiny) -> TinyBundle:
    """A tagger trained for seconds on :func:`tests.tiny.corpus`, with its control *off* beside it."""
    from tests.tiny import train

    return train(tmp_path_factory.mktemp("bundle"), tiny)


@pytest.fixture
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models compute in float32 even where bfloat16 is fast: what is compared shall not differ by rounding."""
    from ontograft.tasks.ner import predict

    monkeypatch.setattr(predict, "has_fast_bfloat16", lambda _: False)
