"""One HTTP request: with patience where the server or the network fails for a while, named errors, and no secret in any of them."""

from __future__ import annotations

import base64
import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import IO, Final, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import ontograft
from ontograft.errors import SourceError

ATTEMPTS: Final = 6
"""How often one transfer is tried in all."""
PAUSE = 0.5
"""Seconds before it is tried again; doubled each time."""
LONGEST_PAUSE: Final = 30.0
TIMEOUT = 30.0
"""Seconds of silence after which a connection counts as broken."""

_FOR_A_WHILE = frozenset({408, 425, 429, 500, 502, 503, 504})
_ADVICE = {
    401: "the address wants credentials: check the key",
    403: "the server refuses: check the key or the licence terms of the source",
    404: "nothing is there: check the address",
    410: "it was taken away: look for its new address",
}
_SECRET = re.compile(r"key|token|secret|passw|signature|auth|credential", re.IGNORECASE)


class Key(NamedTuple):
    """A secret that goes into the query of an address, only at the moment it is asked for."""

    parameter: str
    value: str

    def __repr__(self) -> str:
        return f"Key({self.parameter})"


class Answer(NamedTuple):
    """What a server said: 2xx, 304 or 416."""

    status: int
    headers: Message
    body: IO[bytes]


class Patience:
    """How often something is tried again, and how long is waited in between."""

    def __init__(self, attempts: int = ATTEMPTS) -> None:
        self.attempts, self.tried = attempts, 1

    def again(self, wait: float | None = None) -> bool:
        """Wait, or False where it was tried often enough."""
        if self.tried >= self.attempts:
            return False
        time.sleep(min(wait if wait is not None else PAUSE * 2 ** (self.tried - 1), LONGEST_PAUSE))
        self.tried += 1
        return True


def is_address(source: str) -> bool:
    """Whether a source is an address of the web."""
    return source.lower().startswith(("http://", "https://"))


def shown(source: str) -> str:
    """A source as messages may call it: without user, password, keys and tokens."""
    if not is_address(source):
        return source
    parts = urlsplit(source)
    query = parts.query
    pairs = parse_qsl(query, keep_blank_values=True)
    if any(_SECRET.search(name) for name, _ in pairs):
        query = "&".join(f"{name}=***" if _SECRET.search(name) else f"{name}={value}" for name, value in pairs)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def ask(url: str, *, headers: Mapping[str, str] | None = None, key: Key | None = None, patience: Patience | None = None) -> Answer:
    """Send a GET request; the caller closes the body.

    Raises:
        SourceError: the server refuses, or cannot be reached however often it is asked.
    """
    patience = patience or Patience()
    while True:
        request = _request(url, headers or {}, key)
        wait = None
        try:
            answer = urllib.request.urlopen(request, timeout=TIMEOUT)
            return Answer(answer.status, answer.headers, answer)
        except urllib.error.HTTPError as error:
            if error.code in (304, 416):
                return Answer(error.code, error.headers, error)
            reason = f"the server answers {error.code} {http.client.responses.get(error.code, '')}".rstrip()
            error.close()
            if error.code not in _FOR_A_WHILE:
                raise SourceError(f"{reason}: {_ADVICE.get(error.code, 'check the address')}", file=shown(url)) from None
            after = error.headers.get("Retry-After", "") if error.headers else ""
            wait = float(after) if after.isdigit() else None
        except (OSError, http.client.HTTPException) as error:
            reason = _reason(error)
            if _hopeless(error):
                raise SourceError(f"cannot be reached ({reason}): check the address and its certificate", file=shown(url)) from None
        except ValueError:
            raise SourceError("is no address that can be asked for, expected http(s)://HOST/PATH", file=shown(url)) from None
        if not patience.again(wait):
            raise SourceError(f"{reason}, tried {patience.tried} times: check the network, or try later", file=shown(url)) from None


def _request(url: str, headers: Mapping[str, str], key: Key | None) -> urllib.request.Request:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    query = parts.query if key is None else "&".join(filter(None, (parts.query, urlencode({key.parameter: key.value}))))
    plain = urlunsplit((parts.scheme, host, parts.path, query, ""))
    request = urllib.request.Request(quote(plain, safe="%/:=&?~#+!$,;'@()*[]"))
    request.add_header("User-Agent", f"ontograft/{ontograft.__version__}")
    request.add_header("Accept-Encoding", "identity")
    for name, value in headers.items():
        request.add_header(name, value)
    if at:  # not sent to where the server redirects
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(unquote(user).encode()).decode())
    return request


def _hopeless(error: Exception) -> bool:
    """Whether asking again cannot help."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return isinstance(cause, (ssl.SSLCertVerificationError, http.client.InvalidURL, str))


def _reason(error: Exception) -> str:
    """The system's words for a failure; they never quote the address."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return (cause.strerror if isinstance(cause, OSError) else None) or type(cause).__name__
