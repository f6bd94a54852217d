"""Reads a few texts in a process of its own while the one that will want their vectors has other work: they wait in the cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from ontograft.encoders.base import BaseEncoder


class ReadAhead:
    """A process that begins to load an encoder at once. Where it fails, nothing waits in the cache, and no more is lost."""

    def __init__(self, base: BaseEncoder) -> None:
        # One thread: the other core is at work.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "ontograft.encoders.ahead", base.name, str(base.path), base.sha256, str(base.adapted or "")]
        nowhere = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, env=environment)

    def read(self, texts: list[str]) -> None:
        """Hand the texts over, once."""
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(texts).encode())
            self._process.stdin.close()
        except OSError:
            self._process.kill()

    def wait(self) -> None:
        """Until the texts are read; at once where there were none."""
        assert self._process.stdin is not None
        if not self._process.stdin.closed:
            self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.kill()
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Read the texts of standard input, a JSON list, with the encoder that the arguments name."""
    from ontograft.encoders.base import BaseEncoder
    from ontograft.encoders.concepts import text_vectors
    from ontograft.encoders.text import TextEncoder

    name, path, sha256, adapted = sys.argv[1:]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(sys.stdin.buffer.read)
        encoder = TextEncoder(BaseEncoder(name, Path(path), sha256, Path(adapted) if adapted else None), sparing=True)
        loaded, texts = encoder.reads_few, waiting.result()
    if loaded and texts:
        text_vectors(json.loads(texts), encoder)


if __name__ == "__main__":
    main()
