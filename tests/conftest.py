"""The server that tests ask: started for the first that does, gone after the last."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.postgres import Server, running_server

# Started in the background by a shell, a process ignores Ctrl-C, and so do the programs that it starts: some of the tests
# are about that key.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with running_server() as server:
        yield server
