"""A real PostgreSQL server of the test's own: in a temporary directory, on a Unix socket alone, as a user that is not root."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

from tests.support import require

PLACES = "/usr/lib/postgresql"
START_SECONDS = 30

SECRETIVE = "secretive"
"""A user who has to say a password."""
PASSWORD = "correct horse"


def programs() -> Path | None:
    """Where the server's programs are; None where it is not installed."""
    found = shutil.which("postgres")
    if found and Path(found).resolve().with_name("initdb").exists():
        return Path(found).resolve().parent
    versions = sorted(Path(PLACES).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def whose() -> str | None:
    """As whom the server runs: it refuses root. None for the test's own user."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def missing() -> str:
    """Why there is no server to be had; empty where there is."""
    return "" if programs() else "PostgreSQL is not installed (`apt-get install postgresql`)"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A cluster of databases. Each test takes a database of its own."""

    root: Path
    """Short, since its socket is below."""
    bin: Path
    numbers: "count[int]"

    @property
    def socket(self) -> Path:
        """The directory of the socket."""
        return self.root / "s"

    def uri(self, database: str, user: str = "stigmer") -> str:
        """A storage's URI."""
        return f"postgresql://{user}@/{database}?host={self.socket}"

    def database(self, encoding: str = "UTF8") -> str:
        """A new database, and its URI."""
        name = f"d{os.getpid()}x{next(self.numbers)}"
        self.sql(
            f"CREATE DATABASE {name} OWNER stigmer TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'", "postgres"
        )
        return self.uri(name)

    def sql(self, statement: str, database: str) -> str:
        """What the server's owner is answered."""
        command = [self.bin / "psql", "-h", self.socket, "-U", "owner", "-d", database, "-XAtqc", statement]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=START_SECONDS, cwd="/"
        ).stdout.strip()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-k {self.socket} -c listen_addresses='' -c fsync=off -c max_connections=60 -c shared_buffers=16MB"
        self._control("start", "-w", "-t", str(START_SECONDS), "-l", str(self.root / "log"), "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; `immediate` as a crash would, `fast` properly."""
        self._control("stop", "-m", mode, "-w", "-t", str(START_SECONDS))

    def pid(self) -> int:
        """The server's first process."""
        return int((self.root / "d" / "postmaster.pid").read_text().splitlines()[0])

    def pause(self) -> None:
        """Nothing answers until `go_on`."""
        os.kill(self.pid(), signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        os.kill(self.pid(), signal.SIGCONT)

    def _control(self, *arguments: str) -> None:
        run_as_owner([str(self.bin / "pg_ctl"), "-D", str(self.root / "d"), *arguments])


def run_as_owner(command: list[str]) -> None:
    """Run a program of the server's, which does not take root."""
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=2 * START_SECONDS,
        user=whose(),
        cwd="/",
    )


@cache
def shared() -> PostgresServer:
    """The server of this process's tests, started for the first that asks; that is skipped, with the reason, where there is none."""
    if reason := missing():
        require.missing(reason)
    kept = ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(running())


@cache
def database_for(directory: Path) -> str:
    """URI of a database that is to a test what the directory would be: the same one each time."""
    return shared().database()


@contextmanager
def running() -> Generator[PostgresServer]:
    """A server, until the block ends."""
    found = programs()
    if found is None:
        raise RuntimeError(missing())
    root = Path(tempfile.mkdtemp(prefix="stg-pg-", dir="/tmp"))
    server = PostgresServer(root, found, count())
    try:
        root.chmod(0o755)
        for name in ("s", "d"):
            (root / name).mkdir(mode=0o700 if name == "d" else 0o777)
            (root / name).chmod(0o700 if name == "d" else 0o777)
        owner = whose()
        if owner is not None:
            for path in (root, root / "s", root / "d"):
                shutil.chown(path, owner)
        run_as_owner(
            [
                str(found / "initdb"),
                "-D",
                str(root / "d"),
                "-U",
                "owner",
                "-A",
                "trust",
                "-N",
                "-E",
                "UTF8",
                "--locale=C",
            ]
        )
        rules = root / "d" / "pg_hba.conf"
        rules.write_text(f"local all {SECRETIVE} scram-sha-256\nlocal all all trust\n")
        server.start()
        server.sql("CREATE ROLE stigmer LOGIN", "postgres")
        server.sql(f"CREATE ROLE {SECRETIVE} LOGIN PASSWORD '{PASSWORD}'", "postgres")
        yield server
    finally:
        try:
            if (root / "d" / "postmaster.pid").exists():
                server.stop()
        finally:
            shutil.rmtree(root, ignore_errors=True)
