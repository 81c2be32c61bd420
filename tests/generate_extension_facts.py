"""Writes what the common extensions bring along to the linter's data file: types, functions, operators, casts.

    python -m tests.generate_extension_facts --pg-bin DIR            ask that server, and the embedded one for `vector`
    python -m tests.generate_extension_facts --pg-bin DIR --check    end with 1 where the file is not what they say

DIR holds the programs of a PostgreSQL with its contrib modules (Debian: the package postgresql-contrib, pg_config --bindir).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from schemalint.verify.server import embedded_binaries, started
from tests.generate_facts import function_row, printed
from tests.postgres import Connection

FILE = Path(__file__).parents[1] / "linter" / "schemalint" / "catalog" / "extensions.json"
# Contrib modules that schemas are made with; those for the inspection of servers are left out.
CONTRIB = (
    "autoinc", "btree_gin", "btree_gist", "citext", "cube", "dblink", "dict_int", "earthdistance", "fuzzystrmatch", "hstore",
    "insert_username", "intarray", "isn", "lo", "ltree", "moddatetime", "pg_trgm", "pgcrypto", "pgrowlocks", "postgres_fdw",
    "refint", "seg", "tablefunc", "tcn", "unaccent", "uuid-ossp", "xml2",
)  # fmt: skip
EMBEDDED = ("vector",)

MEMBERS = """
SELECT {columns} FROM pg_catalog.{catalog} m {joins}
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.{catalog}'::pg_catalog.regclass AND d.objid = m.oid AND d.deptype = 'e'
JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid WHERE e.extname = %s ORDER BY {order}
"""
TYPES = MEMBERS.format(
    columns="m.typname, m.typcategory::text, m.typtype::text, b.typname", catalog="pg_type",
    joins="LEFT JOIN pg_catalog.pg_type b ON b.oid = m.typbasetype", order="1",
)  # fmt: skip
FUNCTIONS = MEMBERS.format(
    columns="m.proname, m.proargtypes::pg_catalog.oid[], r.typname, m.provolatile::text, m.proisstrict, m.prokind::text, "
    "m.proretset, m.provariadic <> 0, m.pronargdefaults, m.proargnames, m.proargmodes::pg_catalog.text[], m.proallargtypes",
    catalog="pg_proc", joins="JOIN pg_catalog.pg_type r ON r.oid = m.prorettype", order="1, m.proargtypes::text",
)  # fmt: skip
OPERATORS = MEMBERS.format(columns="DISTINCT m.oprname", catalog="pg_operator", joins="", order="1")
CASTS = MEMBERS.format(
    columns="s.typname, t.typname, m.castcontext::text", catalog="pg_cast",
    joins="JOIN pg_catalog.pg_type s ON s.oid = m.castsource JOIN pg_catalog.pg_type t ON t.oid = m.casttarget", order="1, 2",
)  # fmt: skip
# Functions that only serve operator classes and types' own input and output: nobody calls them by name.
SUPPORT = ("internal", "cstring", "gbtreekey")


def facts_of(connection: Connection, extension: str) -> dict[str, Any]:
    connection.execute(f'CREATE EXTENSION IF NOT EXISTS "{extension}" CASCADE'.encode())
    names = dict(connection.execute("SELECT oid::pg_catalog.int8, typname FROM pg_catalog.pg_type").fetchall())
    types, operators, casts = (
        [list(row) for row in connection.execute(query, (extension,)).fetchall()] for query in (TYPES, OPERATORS, CASTS)
    )
    functions = [function_row(row, names) for row in connection.execute(FUNCTIONS, (extension,)).fetchall()]
    called = [row for row in functions if not any(part in name for part in SUPPORT for name in (*row[1], row[2]))]
    plain = [row for row in types if row[2] != "p" and not row[0].startswith("_")]
    return {"types": plain, "functions": called, "operators": [row[0] for row in operators], "casts": casts}


def facts(binaries: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for programs, extensions in ((binaries, CONTRIB), (embedded_binaries(18), EMBEDDED)):
        with started(programs) as server, server.preparing(server.clone()) as connection:
            found |= {each: facts_of(connection, each) for each in extensions}
    return found


def installed_binaries() -> Path | None:
    """The programs of an installed PostgreSQL that has the contrib modules."""
    try:
        shown = subprocess.run(["pg_config", "--bindir", "--sharedir"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    programs, shared = map(Path, shown.splitlines())
    return programs if (programs / "postgres").exists() and (shared / "extension" / "hstore.control").exists() else None


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pg-bin", type=Path, default=None)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    binaries = given.pg_bin or installed_binaries()
    if binaries is None:
        parser.error("no PostgreSQL with contrib modules is installed: name one with --pg-bin")
    text = printed({"extensions": facts(binaries)})
    if given.check:
        same = FILE.read_text(encoding="utf-8") == text
        print("The file is what the servers say." if same else "The file is not what the servers say: run without --check.")
        return 0 if same else 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
