"""The servers of `verify`: private, of no use to who wants more than SQL, and gone without a trace however a run ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from schemalint.verify.existing import on_existing
from schemalint.verify.server import Server, ServerError, TimeLimitError, embedded_binaries, started
from tests.postgres import Server as Neighbour

RUN = """
import sys, time
from schemalint.verify.server import embedded_binaries, started
with started(embedded_binaries(18)) as server:
    server.clone()
    print(server._admin["host"], flush=True)
    time.sleep(60)
"""
UNTIL_GONE = 15.0  # seconds


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with started(embedded_binaries(18)) as running:
        yield running


def gone(directory: Path, process: int) -> bool:
    """Whether neither the directory nor the process is there any more, soon."""
    end = time.monotonic() + UNTIL_GONE
    while time.monotonic() < end:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            if not directory.exists():
                return True
        time.sleep(0.05)
    return False


def postmaster(directory: Path) -> int:
    return int((directory / "data" / "postmaster.pid").read_text().split()[0])


def test_a_run_leaves_nothing_behind() -> None:
    with started(embedded_binaries(18)) as running:
        directory = Path(str(running._admin["host"])).parent
        process = postmaster(directory)
        assert (directory / "socket").stat().st_mode & 0o077 == 0
    assert gone(directory, process)


def test_a_run_that_fails_leaves_nothing_behind() -> None:
    with pytest.raises(ZeroDivisionError), started(embedded_binaries(18)) as running:
        directory = Path(str(running._admin["host"])).parent
        process = postmaster(directory)
        raise ZeroDivisionError
    assert gone(directory, process)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_run_that_is_killed_leaves_nothing_behind(name: str) -> None:
    running = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert running.stdout is not None
    directory = Path(running.stdout.readline().strip()).parent
    process = postmaster(directory)
    running.send_signal(getattr(signal, name))
    running.wait(UNTIL_GONE)
    running.stdout.close()
    assert gone(directory, process)


def test_the_replaying_role_is_no_superuser_and_owns_its_databases(server: Server) -> None:
    with server.session(server.clone()) as connection:
        connection.execute("CREATE TABLE public.a (id int)")
        row = connection.execute("SELECT current_setting('is_superuser'), current_setting('statement_timeout')").fetchone()
    assert row == ("off", "20s")


def test_a_clone_holds_what_its_template_holds(server: Server) -> None:
    first = server.clone()
    with server.session(first) as connection:
        connection.execute("CREATE TABLE a AS SELECT 1 AS id")
    second = server.clone(first)
    server.drop(first)
    with server.session(second) as connection:
        assert connection.execute("SELECT id FROM a").fetchall() == [(1,)]


def test_the_time_limit_ends_what_catches_every_cancellation() -> None:
    endless = "DO $$ BEGIN SET statement_timeout = 0; LOOP BEGIN PERFORM pg_sleep(60);"
    endless += " EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$"
    with started(embedded_binaries(18)) as running, running.time_limit(1.0):
        begun = time.monotonic()
        with pytest.raises(TimeLimitError), running.session(running.clone()) as connection:
            connection.execute(endless.encode())
        assert time.monotonic() - begun < 15
        with pytest.raises(TimeLimitError):
            running.clone()


def test_programs_of_another_folder(tmp_path: Path) -> None:
    with started(embedded_binaries(16)) as running:
        assert running.version == 16
    with pytest.raises(ServerError, match="there is no initdb in it"), started(tmp_path):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_programs_in_a_folder_that_is_roots_alone(tmp_path: Path) -> None:
    package = embedded_binaries(18).parents[1]
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for each in (package / "pginstall18", package.with_name(f"{package.name}.libs")):
        shutil.copytree(each, private / each.relative_to(package.parent))
    with started(private / package.name / "pginstall18" / "bin") as running:
        assert running.version == 18
    assert private.stat().st_mode & 0o777 == 0o700


# -- on a server of somebody else's


def url_of(neighbour: Neighbour) -> str:
    return make_conninfo(neighbour._uri, user="postgres", dbname="postgres")


def inventory(neighbour: Neighbour) -> set[str]:
    with psycopg.connect(url_of(neighbour), autocommit=True) as admin:
        names = admin.execute("SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles").fetchall()
    return {name for (name,) in names}


def test_scratch_databases_and_roles_are_dropped_from_a_server_that_stays(postgres: Neighbour) -> None:
    before = inventory(postgres)
    with on_existing(url_of(postgres)) as running:
        first = running.clone()
        with running.session(first) as connection:
            connection.execute("CREATE ROLE made_by_a_migration")
            connection.execute("CREATE TABLE a (id int)")
            assert connection.execute("SELECT current_setting('is_superuser')").fetchone() == ("off",)
        running.clone(first)
        assert inventory(postgres) > before
    assert inventory(postgres) == before


def test_a_killed_run_is_swept_from_a_server_that_stays(postgres: Neighbour) -> None:
    before = inventory(postgres)
    text = "import sys, time\nfrom schemalint.verify.existing import on_existing\n"
    text += "with on_existing(sys.argv[1]) as server:\n    server.clone()\n    print(flush=True)\n    time.sleep(60)\n"
    running = subprocess.Popen([sys.executable, "-c", text, url_of(postgres)], stdout=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.readline()
    assert inventory(postgres) > before
    running.kill()
    running.wait()
    running.stdout.close()
    end = time.monotonic() + UNTIL_GONE
    while inventory(postgres) != before and time.monotonic() < end:
        time.sleep(0.1)
    assert inventory(postgres) == before


def test_a_user_who_may_not_make_databases_is_told_so(postgres: Neighbour) -> None:
    url = make_conninfo(url_of(postgres), user="authenticated")
    with pytest.raises(ServerError, match="CREATEDB and CREATEROLE"), on_existing(url):
        pass


def test_no_password_is_told(postgres: Neighbour) -> None:
    for url in ("postgresql://u:s3cret@localhost:1/x", "postgresql://u:s3cret@[/x", "host=/nowhere password=s3cret"):
        with pytest.raises(ServerError) as raised, on_existing(url):
            pass
        assert "s3cret" not in str(raised.value)
        assert "\n" not in str(raised.value)
