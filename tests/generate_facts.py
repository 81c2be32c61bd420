"""Writes what PostgreSQL knows of its own types, casts, operators, functions and relations to the linter's data file.

    python -m tests.generate_facts           start the embedded server and write the file
    python -m tests.generate_facts --check   end with 1 where the file is not what the server says

Only objects of pg_catalog are taken, before anybody has made any, and the relations of information_schema.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from tests.postgres import Connection, Row, running_server

FILE = Path(__file__).parents[1] / "linter" / "schemalint" / "catalog" / "facts.json"

TYPES = """
SELECT t.typname, t.typcategory, t.typtype, t.typispreferred, pg_catalog.format_type(t.oid, NULL), t.typlen,
       reading.provolatile, printing.provolatile,
       CASE WHEN t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc THEN e.typname END,
       a.typname, coalesce(s.typname, r.typname), m.typname
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_proc reading ON reading.oid = t.typinput
JOIN pg_catalog.pg_proc printing ON printing.oid = t.typoutput
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
LEFT JOIN pg_catalog.pg_type a ON a.oid = t.typarray
LEFT JOIN pg_catalog.pg_range ranges ON ranges.rngtypid = t.oid
LEFT JOIN pg_catalog.pg_type s ON s.oid = ranges.rngsubtype
LEFT JOIN pg_catalog.pg_type m ON m.oid = ranges.rngmultitypid
LEFT JOIN pg_catalog.pg_range multiranges ON multiranges.rngmultitypid = t.oid
LEFT JOIN pg_catalog.pg_type r ON r.oid = multiranges.rngtypid
WHERE t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
"""

CASTS = """
SELECT s.typname, t.typname, c.castcontext, c.castmethod, coalesce(p.provolatile, 'i')
FROM pg_catalog.pg_cast c
LEFT JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc
JOIN pg_catalog.pg_type s ON s.oid = c.castsource AND s.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
JOIN pg_catalog.pg_type t ON t.oid = c.casttarget AND t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
"""

OPERATORS = """
SELECT o.oprname, l.typname, r.typname, result.typname, p.provolatile, p.proisstrict, p.proname
FROM pg_catalog.pg_operator o
LEFT JOIN pg_catalog.pg_type l ON l.oid = o.oprleft
JOIN pg_catalog.pg_type r ON r.oid = o.oprright
JOIN pg_catalog.pg_type result ON result.oid = o.oprresult
JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
WHERE o.oprnamespace = 'pg_catalog'::pg_catalog.regnamespace
"""

FUNCTIONS = """
SELECT p.proname, p.proargtypes::pg_catalog.oid[], result.typname, p.provolatile, p.proisstrict, p.prokind, p.proretset,
       p.provariadic <> 0, p.pronargdefaults, p.proargnames, p.proargmodes::pg_catalog.text[], p.proallargtypes
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_type result ON result.oid = p.prorettype
WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
"""

# A column of information_schema has a domain of that schema: its base type stands for it.
RELATIONS = """
SELECT n.nspname, c.relname, a.attname, coalesce(b.typname, t.typname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v')
ORDER BY n.nspname, c.relname, a.attnum
"""


def function_row(row: Row, type_names: dict[int, str]) -> list[Any]:
    name, inputs, result, volatility, strict, kind, returns_set, variadic, defaults, names, modes, all_types = row
    modes = modes or ["i"] * len(inputs)
    names = [each or None for each in names or []] or [None] * len(modes)
    input_names = [each for each, mode in zip(names, modes, strict=True) if mode in "ibv"]
    types = [type_names[each] for each in all_types or inputs]
    columns = [(n or "", t) for n, t, mode in zip(names, types, modes, strict=True) if mode in "bot"]
    return trimmed(
        [name, [type_names[each] for each in inputs], result, volatility, strict, kind, returns_set, variadic, defaults,
         input_names if any(input_names) else [], columns],
        [None, None, None, "i", True, "f", False, False, 0, [], []],
    )  # fmt: skip


def trimmed(row: list[Any], defaults: list[Any]) -> list[Any]:
    """A row without the values at its end that are what they are anyway."""
    while row and defaults[len(row) - 1] is not None and row[-1] == defaults[len(row) - 1]:
        row = row[:-1]
    return row


def type_row(row: Row) -> list[Any]:
    shown = list(row)
    while shown[-1] is None:
        shown.pop()
    return shown


def by_name(rows: Iterable[list[Any]]) -> dict[str, list[list[Any]]]:
    ordered = sorted(rows, key=lambda row: [str(each) for each in row])
    return {name: [row[1:] for row in group] for name, group in groupby(ordered, key=lambda row: row[0])}


def relations(rows: Iterable[Row]) -> dict[str, list[tuple[str, str]]]:
    return {
        f"{schema}.{name}": [(row[2], row[3]) for row in group]
        for (schema, name), group in groupby(rows, key=lambda row: (row[0], row[1]))
    }


def facts(connection: Connection) -> dict[str, Any]:
    """All sections of the file."""
    oids = connection.execute("SELECT oid::pg_catalog.int8, typname FROM pg_catalog.pg_type").fetchall()
    type_names: dict[int, str] = dict(oids)
    functions = connection.execute(FUNCTIONS).fetchall()
    return {
        "types": {row[0]: type_row(row[1:]) for row in sorted(connection.execute(TYPES).fetchall())},
        "casts": by_name([list(row) for row in connection.execute(CASTS).fetchall()]),
        "operators": by_name([list(row) for row in connection.execute(OPERATORS).fetchall()]),
        "functions": by_name([function_row(row, type_names) for row in functions]),
        "relations": relations(connection.execute(RELATIONS).fetchall()),
    }


def printed(found: dict[str, Any]) -> str:
    """The file's text, one entry on a line, so that the step to another version can be read."""
    sections = []
    for section, entries in found.items():
        lines = [f"{msgspec.json.encode(name).decode()}:{msgspec.json.encode(entries[name]).decode()}" for name in entries]
        sections.append(f'"{section}":{{\n' + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(sections) + "\n}\n"


def main(arguments: list[str]) -> int:
    with running_server() as server, server.database() as connect:
        text = printed(facts(connect()))
    if "--check" in arguments:
        same = FILE.read_text(encoding="utf-8") == text
        print("The file is what the server says." if same else "The file is not what the server says: run without --check.")
        return 0 if same else 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
