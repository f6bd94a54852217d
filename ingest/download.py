"""Files of the web in a cache: resumed after a break, asked for again only when they changed, locked by their sha256."""

from __future__ import annotations

import http.client
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from ontograft.errors import SourceError, TruncatedSource
from ontograft.ingest.download_cache import Kept, alone, digest_of, filename, folder_of, kept_in, read_state, write_state
from ontograft.ingest.web import Answer, Key, Patience, ask, shown

Progress = Callable[[int, int | None], None]
"""Called with bytes on disk and bytes in all (None where the server does not say)."""

_BLOCK = 1 << 18
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was fetched. ``unchanged``: it was in the cache already, as it is at its source."""

    path: Path
    sha256: str
    unchanged: bool


def kept(url: str) -> tuple[Path, Kept] | None:
    """The file of an address that lies in the cache, without asking the server."""
    return kept_in(folder_of(url))


def fetch(url: str, *, key: Key | None = None, sha256: str | None = None, progress: Progress | None = None) -> Download:
    """Bring a file of the web into the cache, or find that it is there and unchanged.

    Args:
        url: its address, http or https.
        key: a secret that the address wants in its query.
        sha256: what its content must be.
        progress: called as it comes.

    Raises:
        TruncatedSource: the connection broke off again and again; the next call goes on from there.
        SourceError: the server refuses or cannot be reached, the disk is too full, or the content is not ``sha256``.
    """
    folder = folder_of(url)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        return _Transfer(folder, url, key, sha256, progress or (lambda done, total: None)).run()


class _Transfer:
    def __init__(self, folder: Path, url: str, key: Key | None, sha256: str | None, progress: Progress) -> None:
        self.folder, self.url, self.key, self.sha256, self.progress = folder, url, key, sha256, progress
        self.name, self.part, self.patience = shown(url), folder / "part", Patience()
        self.broken = False
        found = kept_in(folder)
        if found is not None and digest_of(found[0]) != found[1].sha256:
            found = None  # damaged in the cache: fetch it again
        self.found = found

    def run(self) -> Download:
        while True:
            begun = read_state(self.folder / "part.json")
            offset = self.part.stat().st_size if begun and begun.validator and self.part.exists() else 0
            answer = ask(self.url, headers=self._headers(begun, offset), key=self.key, patience=self.patience)
            with answer.body:
                if answer.status == 304 and self.found is not None:
                    return self._pinned(Download(self.found[0], self.found[1].sha256, True))
                what = self._accept(answer, begun, offset)
                if what is not None:
                    self._receive(answer, offset if answer.status == 206 else 0, what)
                    size = self.part.stat().st_size
                    if size == what.size or (what.size < 0 and not self.broken):
                        return self._finish(what)
                    if size > what.size >= 0:
                        self._drop()
                        raise SourceError(f"the server sent more than the {what.size:,} bytes that it announced: try later", file=self.name)
            if not self.patience.again():
                size = self.part.stat().st_size if self.part.exists() else 0
                of = f" of {what.size:,}" if what is not None and what.size >= 0 else ""
                raise TruncatedSource(
                    f"broke off after {size:,}{of} bytes, tried {self.patience.tried} times: nothing was loaded; start it again to go on",
                    file=self.name,
                )

    def _headers(self, begun: Kept | None, offset: int) -> dict[str, str]:
        headers = dict(self.found[1].conditions) if self.found is not None else {}
        if offset and begun is not None and begun.validator:
            headers |= {"Range": f"bytes={offset}-", "If-Range": begun.validator}
        return headers

    def _accept(self, answer: Answer, begun: Kept | None, offset: int) -> Kept | None:
        """What is coming; None where the part is of another version and was dropped."""
        headers = answer.headers
        coding = (headers.get("Content-Encoding") or "identity").lower()
        if coding != "identity" and not self.url.lower().endswith((".gz", ".tgz", ".xz", ".bz2", ".zst", ".zip")):
            raise SourceError(
                f"the server sends it coded as {coding}, expected it plain as asked for: give another address", file=self.name
            )
        length = headers.get("Content-Length", "")
        size = int(length) if length.isdigit() else -1
        version = Kept(self.name, headers.get("ETag"), headers.get("Last-Modified"), size)
        if answer.status == 206 and begun is not None:
            found = _RANGE.fullmatch(headers.get("Content-Range", ""))
            same = version.etag in (None, begun.etag)
            if found is None or int(found[1]) != offset or not same:
                self._drop()
                return None
            total = int(found[2]) if found[2] != "*" else offset + size if size >= 0 else -1
            return replace(begun, size=total)
        self._drop()
        if answer.status == 416:
            return None
        if answer.status != 200:
            raise SourceError(f"the server answers {answer.status}, expected 200: check the address", file=self.name)
        write_state(self.folder / "part.json", version)
        return version

    def _receive(self, answer: Answer, offset: int, what: Kept) -> None:
        """Append the body to the part; ``broken`` where the connection failed."""
        self.broken = False
        free = shutil.disk_usage(self.folder).free
        if what.size - offset > free:
            raise SourceError(f"{what.size - offset:,} bytes are to come, {free:,} are free in {self.folder}: make room", file=self.name)
        with self.part.open("ab") as file:
            done = offset
            while block := self._block(answer.body):
                file.write(block)
                done += len(block)
                self.progress(done, what.size if what.size >= 0 else None)

    def _block(self, body: IO[bytes]) -> bytes:
        try:
            return body.read(_BLOCK)
        except http.client.IncompleteRead as error:
            self.broken = True
            return error.partial
        except (OSError, http.client.HTTPException):
            self.broken = True
            return b""

    def _finish(self, what: Kept) -> Download:
        digest = digest_of(self.part)
        if self.sha256 is not None and digest != self.sha256.lower():
            self._drop()
        self._pinned(Download(self.part, digest, False))
        unchanged = self.found is not None and self.found[1].sha256 == digest
        place = f"{digest[:12]}/{filename(self.url)}"
        path = self.folder / place
        path.parent.mkdir(exist_ok=True)
        self.part.replace(path)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        write_state(self.folder / "state.json", replace(what, size=path.stat().st_size, sha256=digest, file=place, fetched_at=now))
        self._drop()
        before = self.found[0].parent if self.found is not None else None
        for old in self.folder.iterdir():
            if old.is_dir() and old not in (path.parent, before):
                shutil.rmtree(old, ignore_errors=True)
        return Download(path, digest, unchanged)

    def _pinned(self, done: Download) -> Download:
        if self.sha256 is not None and done.sha256 != self.sha256.lower():
            raise SourceError(f"its sha256 is {done.sha256}, expected {self.sha256}: it is not the file that was agreed on", file=self.name)
        return done

    def _drop(self) -> None:
        self.part.unlink(missing_ok=True)
        (self.folder / "part.json").unlink(missing_ok=True)
