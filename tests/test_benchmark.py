"""The migrations that the benchmark makes are migrations: a real server applies them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.fixture_files import in_one_transaction
from tests.postgres import Server

ROOT = Path(__file__).parents[1]


def write(count: int, folder: Path) -> list[Path]:
    command = (sys.executable, "-m", "benchmarks.history", str(count), str(folder))
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return sorted(folder.iterdir())


def test_the_server_applies_them(postgres: Server, tmp_path: Path) -> None:
    files = write(60, tmp_path / "migrations")
    assert len(files) == 60
    with postgres.database() as connect:
        for path in files:
            session = connect()
            text = path.read_text(encoding="utf-8")
            if in_one_transaction(text):
                with session.transaction():
                    session.execute(text)
            else:
                session.execute(text)
        triggers = connect().execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'sync%'").fetchall()
    assert triggers, "a history of that length has a sync"


def test_the_same_number_gives_the_same_text(tmp_path: Path) -> None:
    first, second = (write(30, tmp_path / name) for name in ("first", "second"))
    assert [each.name for each in first] == [each.name for each in second]
    assert [each.read_bytes() for each in first] == [each.read_bytes() for each in second]
