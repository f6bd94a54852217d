"""An HTTP server on the loopback that does what servers do on bad days."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Page:
    """What lies at a path.

    Attributes:
        body: all of it.
        etag, last_modified: what it is called.
        breaks: how often the connection breaks off half-way; -1 always.
        answers: statuses to answer before anything else.
        ranges: knows ranges.
    """

    body: bytes = b""
    etag: str | None = None
    last_modified: str | None = None
    breaks: int = 0
    answers: list[int] = field(default_factory=list)
    ranges: bool = True
    more: dict[str, str] = field(default_factory=dict)


@dataclass
class Loopback:
    """The server: its pages by path, and what it was asked for."""

    pages: dict[str, Page] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    base: str = ""

    def asked(self, path: str) -> list[dict[str, str]]:
        """The headers of the requests for a path."""
        return [headers for url, headers in self.seen if url.partition("?")[0] == path]


@contextmanager
def serving() -> Iterator[Loopback]:
    """A server for the time of the block."""
    here = Loopback()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

        def do_GET(self) -> None:
            here.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            page = here.pages.get(self.path.partition("?")[0])
            if page is None or page.answers:
                self.send_error(page.answers.pop(0) if page else 404)
                return
            if page.etag and self.headers.get("If-None-Match") == page.etag:
                self.send_response(304)
                self.end_headers()
                return
            asked, start = self.headers.get("Range"), 0
            if asked and page.ranges and self.headers.get("If-Range") in (None, page.etag, page.last_modified):
                start = int(asked.split("=")[1].split("-")[0])
            if start > len(page.body):
                self.send_error(416)
                return
            body = page.body[start:]
            self.send_response(206 if start else 200)
            headers = {"Content-Length": str(len(body)), "ETag": page.etag, "Last-Modified": page.last_modified, **page.more}
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(page.body) - 1}/{len(page.body)}"
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            if page.breaks:
                page.breaks -= 1
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
                return
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.base = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
