"""A process that drops what a run has made on somebody's server, once the process that made it is gone.

As `guardian.py` it runs on its own, is told by one line what to do, and does it when its input ends.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from typing import Any

import psycopg
from psycopg import sql

DATABASES = "SELECT datname FROM pg_catalog.pg_database WHERE pg_catalog.starts_with(datname, %s)"
# What a role has made it may administer.
MADE = """
SELECT made.rolname FROM pg_catalog.pg_auth_members membership
JOIN pg_catalog.pg_roles made ON made.oid = membership.roleid
JOIN pg_catalog.pg_roles member ON member.oid = membership.member
WHERE member.rolname = %s AND membership.admin_option
"""


def main() -> int:
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    order = json.loads(sys.stdin.readline() or "null")
    if order is None:
        return 0
    print(json.dumps({"ready": ""}), flush=True)
    sys.stdin.read()
    with contextlib.suppress(psycopg.OperationalError), contextlib.closing(_connect(order["admin"])) as admin:
        _sweep(admin, order["prefix"], order["owner"])
    return 0


def _connect(parameters: dict[str, Any]) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect("", **parameters, autocommit=True, connect_timeout=10)


def _sweep(admin: psycopg.Connection[tuple[Any, ...]], prefix: str, owner: str) -> None:
    for (name,) in admin.execute(DATABASES, [prefix]).fetchall():
        _try(admin, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    for (name,) in admin.execute(MADE, [owner]).fetchall():
        _try(admin, sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    _try(admin, sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(owner)))


def _try(admin: psycopg.Connection[tuple[Any, ...]], statement: sql.Composed) -> None:
    with contextlib.suppress(psycopg.Error):
        admin.execute(statement)


if __name__ == "__main__":
    sys.exit(main())
