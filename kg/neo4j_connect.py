"""The connection to a Neo4j server: credentials from the environment, managed transactions that are retried, errors with names."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ontograft.errors import OptionError, StoreError

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

_RETRY_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
_OLDEST = (5, 26)
T = TypeVar("T")


class Connection:
    """One driver; every call is a managed transaction of its own, tried again where the server says that this may help."""

    def __init__(self, url: str) -> None:
        """Connect and look whether the server answers.

        Raises:
            StoreError: It does not, or it refuses the credentials.
        """
        _import_driver()
        if logging.getLogger("neo4j").level == logging.NOTSET:
            logging.getLogger("neo4j").setLevel(logging.CRITICAL)  # each retry would be a warning; what fails in the end is raised
        from neo4j import GraphDatabase

        self.url = url
        self._database = os.environ.get("NEO4J_DATABASE") or None
        user = os.environ.get("NEO4J_USERNAME")
        auth = (user, os.environ.get("NEO4J_PASSWORD", "")) if user else None
        try:
            with self.named_errors():
                self._driver = GraphDatabase.driver(
                    url,
                    auth=auth,
                    notifications_min_severity="OFF",
                    connection_timeout=_CONNECT_SECONDS,
                    connection_acquisition_timeout=_CONNECT_SECONDS,
                    max_transaction_retry_time=_RETRY_SECONDS,
                    user_agent="ontograft",
                )
        except ValueError as error:
            raise OptionError(f"{url}: {error}; expected neo4j://HOST:PORT or bolt://HOST:PORT") from error
        with self.named_errors():
            try:
                agent = self._driver.get_server_info().agent
            except BaseException:
                self._driver.close()
                raise
        if _version(agent) < _OLDEST:
            self.close()
            raise StoreError(f"{url}: the server is {agent}; expected Neo4j {'.'.join(map(str, _OLDEST))} or newer")

    @contextlib.contextmanager
    def named_errors(self) -> Iterator[None]:
        """The driver's errors as ours; they never quote a parameter."""
        from neo4j import exceptions as bolt

        try:
            yield
        except bolt.AuthError as error:
            user = os.environ.get("NEO4J_USERNAME")
            said = f"the user name {user!r} or its password" if user else "a connection without user name"
            raise StoreError(f"{self.url}: the server refuses {said}; set NEO4J_USERNAME and NEO4J_PASSWORD") from error
        except bolt.IncompleteCommit as error:
            raise StoreError(f"{self.url}: the connection broke in mid-commit; start again, what is unfinished is undone first") from error
        except (bolt.ServiceUnavailable, bolt.SessionExpired, OSError) as error:
            raise StoreError(f"{self.url}: no Neo4j server answers there; start it, or correct the address") from error
        except bolt.ConfigurationError as error:
            raise StoreError(f"{self.url}: {error}; expected neo4j://HOST:PORT or bolt://HOST:PORT") from error
        except bolt.Neo4jError as error:
            code = error.code or "an unnamed error"
            hint = ": the server has too little memory or disk for this" if "Memory" in code or "OutOf" in code else ""
            raise StoreError(f"{self.url}: the server stopped with {code}{hint}; nothing of it is seen") from error
        except bolt.DriverError as error:
            raise StoreError(f"{self.url}: {type(error).__name__}: {error}") from error

    def read(self, query: str, /, **parameters: Any) -> list[list[Any]]:
        """Rows of one reading statement."""
        return self.reading(lambda tx: rows(tx, query, **parameters))

    def read_pairs(self, query: str, /, **parameters: Any) -> dict[str, Any]:
        """Rows of two columns, as a mapping."""
        return dict(self.read(query, **parameters))

    def reading(self, work: Callable[[ManagedTransaction], T]) -> T:
        """Several reading statements in one transaction."""
        with self.named_errors(), self._driver.session(database=self._database) as session:
            return session.execute_read(work)

    def writing(self, work: Callable[[ManagedTransaction], T]) -> T:
        """One transaction that writes, all or nothing; it may be tried several times."""
        with self.named_errors(), self._driver.session(database=self._database) as session:
            return session.execute_write(work)

    def once(self, query: str, /, **parameters: Any) -> list[list[Any]]:
        """Rows of one statement that is not tried again."""
        with self.named_errors(), self._driver.session(database=self._database) as session, session.begin_transaction() as tx:
            found = [record.values() for record in tx.run(query, parameters)]
            tx.commit()
            return found

    def schema(self, statement: str) -> None:
        """A statement on constraints and indexes."""
        self.writing(lambda tx: tx.run(statement).consume())

    def close(self) -> None:
        """Let go of the server."""
        with contextlib.suppress(Exception):
            self._driver.close()


def rows(tx: ManagedTransaction, query: str, /, **parameters: Any) -> list[list[Any]]:
    """Rows of one statement inside a transaction."""
    return [record.values() for record in tx.run(query, parameters)]


def _import_driver() -> None:
    """Import the driver without the libraries for tables that it would load along where they are installed, which takes a second."""
    if "neo4j" in sys.modules:
        return
    heavy = [name for name in ("numpy", "pandas", "pyarrow") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(heavy))  # type: ignore[arg-type]  # None: not to be imported
    try:
        importlib.import_module("neo4j")
    finally:
        for name in heavy:
            del sys.modules[name]


def _version(agent: str) -> tuple[int, ...]:
    """``Neo4j/5.26.30`` as numbers; of calendar versions the year comes first, which is greater."""
    parts = agent.rpartition("/")[2].split("-")[0].split(".")
    return tuple(int(part) for part in parts[:2] if part.isdigit())
