"""A process that starts a PostgreSQL server, and stops and removes it when the process that asked for it is gone.

It runs on its own (`python -I -S guardian.py`) and imports nothing of the package. The first line of its input says what
to start; it answers with one line, and then waits. Input ends when the other side closes it or dies, whatever it dies of:
the kernel closes the pipe even after SIGKILL. So there is one way of cleaning up, and it is always taken.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

START_LIMIT = 60.0  # seconds
STOP_LIMIT = 5.0
PARENT_DEATH = 1  # PR_SET_PDEATHSIG
MEMORY = 6 << 30  # bytes of address space for each server process: SET work_mem is everybody's to say
LONGEST_SOCKET = 90  # of the directory; the path of a socket may have some 107 bytes


class StartError(Exception):
    """The server does not start; the message is one line."""


def main() -> int:
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, _leave)
    order = json.loads(sys.stdin.readline() or "null")
    if order is None:
        return 0
    directory = Path(tempfile.mkdtemp(prefix="schemalint-verify-", dir=_place()))
    server: subprocess.Popen[bytes] | None = None
    try:
        server = _start(directory, order)
        _answer({"socket": str(directory / "socket")})
        sys.stdin.read()
    except StartError as error:
        _answer({"error": str(error)})
    except (OSError, subprocess.SubprocessError) as error:
        _answer({"error": " ".join(str(error).split())})
    finally:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        if server is not None:
            _stop(server)
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _leave(*_: object) -> None:
    raise SystemExit(1)


def _place() -> str:
    place = tempfile.gettempdir()
    return place if len(place) + len("/schemalint-verify-12345678/socket") < LONGEST_SOCKET else "/tmp"


def _answer(answer: dict[str, str]) -> None:
    with contextlib.suppress(OSError):
        print(json.dumps(answer), flush=True)


def _start(directory: Path, order: dict[str, Any]) -> subprocess.Popen[bytes]:
    """The server, ready. `order` has: binaries, user (None: nobody to become), client, roles, superuser, settings, locale."""
    account = order["user"]
    binaries = Path(order["binaries"])
    data, socket = directory / "data", directory / "socket"
    for each in (data, socket):
        each.mkdir(mode=0o700)
        if account:
            shutil.chown(each, account)
    if account:
        directory.chmod(0o711)
        binaries = _reachable(binaries, directory, account)
    initdb = [binaries / "initdb", "-D", data, "-U", order["superuser"], "-E", "UTF8", "--auth=reject", "--no-sync"]
    _run([*initdb, *order["locale"]], account, directory)
    lines = "".join(f"schemalint {order['client']} {role}\n" for role in (order["superuser"], *order["roles"]))
    _write(data / "pg_hba.conf", "local all all peer map=schemalint\n", account)
    _write(data / "pg_ident.conf", lines, account)
    settings = {**order["settings"], "unix_socket_directories": str(socket), "listen_addresses": ""}
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=data, user=account or None,
            extra_groups=[] if account else None, env=_environment(), preexec_fn=_confine,
        )  # fmt: skip
    try:
        _wait(server, data, directory / "log")
    except BaseException:
        _stop(server)
        raise
    return server


def _write(path: Path, text: str, account: str | None) -> None:
    path.write_text(text)
    if account:
        shutil.chown(path, account)


def _environment() -> dict[str, str]:
    """No PG* variable, no library path of the caller: what the server is, the order says."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _confine() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if sys.platform == "linux":  # should somebody kill this process too
        ctypes.CDLL(None).prctl(PARENT_DEATH, signal.SIGQUIT)


def _reachable(binaries: Path, directory: Path, account: str) -> Path:
    """The binaries, or a copy of them where they lie in a folder that the account cannot enter."""
    try:
        _run([binaries / "postgres", "--version"], account, directory)
    except (OSError, StartError):
        install, package = binaries.parent, binaries.parent.parent
        copy = directory / "install"
        shutil.copytree(install, copy / package.name / install.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
        libraries = package.with_name(f"{package.name}.libs")  # where a wheel has them, found by the way there
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name)
        for root, _, _ in os.walk(copy):
            Path(root).chmod(0o755)
        return copy / package.name / install.name / binaries.name
    return binaries


def _run(command: list[object], account: str | None, directory: Path) -> None:
    finished = subprocess.run(
        [str(each) for each in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        cwd=directory, user=account or None, extra_groups=[] if account else None, env=_environment(), timeout=START_LIMIT,
    )  # fmt: skip
    if finished.returncode:
        raise StartError(f"{Path(str(command[0])).name}: {_last_line(finished.stderr) or finished.returncode}")


def _last_line(output: bytes) -> str:
    lines = [each for each in output.decode("utf-8", "replace").splitlines() if each.strip()]
    telling = [each for each in lines if "error" in each.lower() or "fatal" in each.lower()]
    return (telling or lines or [""])[-1].strip()


def _wait(server: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    """Until the server takes connections: it says so in the last line of its file."""
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end:
        if server.poll() is not None:
            raise StartError(f"postgres: {_last_line(log.read_bytes()) or f'ended with {server.returncode}'}")
        with contextlib.suppress(OSError):
            if (data / "postmaster.pid").read_text().rstrip().endswith("ready"):
                return
        time.sleep(0.01)
    raise StartError(f"postgres: not ready after {START_LIMIT:.0f} seconds")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """At once: nothing in it is worth writing down."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
