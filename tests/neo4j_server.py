"""A Neo4j server for the tests: the one of ``NEO4J_URI``, or a community server of our own from Maven's artefacts.

The server is a separate program (GPLv3), fetched once into a cache folder; nothing of it is shipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

VERSION = os.environ.get("ONTOGRAFT_NEO4J_VERSION", "5.26.30")
_POM = """<project><modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>neo4j-lib</artifactId><version>1</version>
<packaging>pom</packaging><dependencies>
<dependency><groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{version}</version></dependency>
<dependency><groupId>org.neo4j.app</groupId><artifactId>neo4j-server</artifactId><version>{version}</version></dependency>
</dependencies></project>
"""
_OPENED = ("java.base/java.nio", "java.base/java.io", "java.base/sun.nio.ch", "java.base/java.util.concurrent")
_JAVA = ("-Xms256m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_START_SECONDS = 180


class NoServer(Exception):
    """There is no server and none can be started here; says what is missing."""


def _cache() -> Path:
    """Where the server's jars lie: read when this module is imported, before tests get a home of their own."""
    named = os.environ.get("ONTOGRAFT_HOME")
    home = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ontograft"
    return home / f"neo4j-{VERSION}"


CACHE = _cache()


def library() -> Path:
    """The folder of the server's jars, fetched where it is not there yet."""
    jars = CACHE / "lib"
    if (CACHE / ".done").exists():
        return jars
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise NoServer(f"no Neo4j server: NEO4J_URI is not set and {program} is not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "pom.xml").write_text(_POM.format(version=VERSION))
    fetch = ["mvn", "-q", "-B", "-f", str(CACHE / "pom.xml"), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    done = subprocess.run([*fetch, f"-DoutputDirectory={jars}"], capture_output=True, text=True)
    if done.returncode:
        raise NoServer(f"no Neo4j server: Maven cannot fetch it: {(done.stdout + done.stderr).strip()[-300:]}")
    (CACHE / ".done").touch()
    return jars


class Server:
    """A server of our own, in a folder. As tests want it, it starts soon and takes little; benchmarks give it more."""

    def __init__(self, folder: Path, *, password: str | None = None, java: Iterable[str] = _JAVA, page_cache: str = "64m") -> None:
        self.folder, self.password, self.port = folder, password, _free_port()
        self._java, self._page_cache = tuple(java), page_cache
        self.url = f"neo4j://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._prepare()

    def _prepare(self) -> None:
        jars, data, home = library(), self.folder / "data", self.folder / "home"
        for part in (home / "conf", home / "plugins", *(data / name for name in ("data", "logs", "run", "import", "tx"))):
            part.mkdir(parents=True, exist_ok=True)
        settings = {
            "server.directories.data": data / "data",
            "server.directories.logs": data / "logs",
            "server.directories.run": data / "run",
            "server.directories.import": data / "import",
            "server.directories.plugins": home / "plugins",
            "server.directories.transaction.logs.root": data / "tx",
            "server.default_listen_address": "127.0.0.1",
            "server.bolt.enabled": "true",
            "server.bolt.listen_address": f"127.0.0.1:{self.port}",
            "server.bolt.advertised_address": f"127.0.0.1:{self.port}",
            "server.http.enabled": "false",
            "server.https.enabled": "false",
            "dbms.security.auth_enabled": "true" if self.password else "false",
            "dbms.usage_report.enabled": "false",
            "server.memory.pagecache.size": self._page_cache,
        }
        (home / "conf/neo4j.conf").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self._path = f"{home / 'plugins'}/*:{jars}/*"
        if self.password:
            command = ["java", "-cp", self._path, "org.neo4j.cli.AdminTool", "dbms", "set-initial-password", self.password]
            environment = {**os.environ, "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
            subprocess.run(command, env=environment, check=True, capture_output=True)

    def start(self) -> None:
        """Start and wait until it answers."""
        home, log = self.folder / "home", self.folder / "log"
        options = [*self._java, *(f"--add-opens={part}=ALL-UNNAMED" for part in _OPENED)]
        options += ["--enable-native-access=ALL-UNNAMED", "-Dio.netty.tryReflectionSetAccessible=true", "-Dlog4j2.disable.jmx=true"]
        main = ["org.neo4j.server.CommunityEntryPoint", f"--home-dir={home}", f"--config-dir={home / 'conf'}", "--console-mode"]
        with log.open("wb") as out:
            command = ["java", *options, "-Dfile.encoding=UTF-8", "-cp", self._path, *main]
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        until = time.monotonic() + _START_SECONDS
        while "Started." not in log.read_text(errors="replace"):
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise NoServer(f"no Neo4j server: it did not start: {log.read_text(errors='replace').strip()[-300:]}")
            time.sleep(0.2)

    @property
    def peak_mib(self) -> int:
        """The most memory that its process has held so far."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def stop(self, *, hard: bool = False) -> None:
        """End it; ``hard`` as a crash would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
            self._process.wait(60)
            self._process = None


@contextlib.contextmanager
def running(folder: Path, *, java: Iterable[str] = _JAVA, page_cache: str = "64m") -> Iterator[str]:
    """The address of a server that holds no store."""
    named = os.environ.get("NEO4J_URI")
    if named:
        if ask(named, "MATCH (n:_OntograftRelease) RETURN count(n)")[0][0]:
            raise NoServer(f"the Neo4j server of NEO4J_URI, {named}, holds a store; the tests need a database without one")
        try:
            yield named
        finally:
            wipe(named)
        return
    server = Server(folder, java=java, page_cache=page_cache)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def ask(url: str, query: str, **parameters: object) -> list[list[object]]:
    """Rows of a statement, as a user of the server would run it."""
    from neo4j import GraphDatabase

    user = os.environ.get("NEO4J_USERNAME")
    auth = (user, os.environ.get("NEO4J_PASSWORD", "")) if user else None
    with GraphDatabase.driver(url, auth=auth) as driver, driver.session(database=os.environ.get("NEO4J_DATABASE")) as session:
        return [record.values() for record in session.run(query, parameters)]  # type: ignore[arg-type]


def wipe(url: str) -> None:
    """Take our own nodes away."""
    ask(url, "MATCH (n) WHERE n:Concept OR any(label IN labels(n) WHERE label STARTS WITH '_Ontograft') DETACH DELETE n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
