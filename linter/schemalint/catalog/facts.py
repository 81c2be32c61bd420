"""What PostgreSQL knows of its own types, casts, operators, functions and relations.

The data file beside this module comes from a real server (`python -m tests.generate_facts`). Its sections are
decoded when they are first asked for, functions and operators name by name: most runs need a few dozen of 3,400.
What extensions bring along stands in a file of its own (`python -m tests.generate_extension_facts`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

Type = str | int  # a pg_catalog type's name, or the object id of a user-defined type


class TypeFact(msgspec.Struct, frozen=True, array_like=True):
    """A type, after pg_type and pg_range."""

    name: str
    category: str
    kind: str  # b(ase), c(omposite), p(seudo), r(ange), m(ultirange)
    preferred: bool
    display: str  # as error messages print it: format_type(oid, NULL)
    length: int
    reading: str  # volatility of its input function
    printing: str  # and of its output function
    element: str | None = None  # of a true array
    array: str | None = None
    subtype: str | None = None  # of a range its elements' type, of a multirange its range
    multirange: str | None = None


class CastFact(msgspec.Struct, frozen=True, array_like=True):
    source: str
    target: str
    context: str  # i(mplicit), a(ssignment), e(xplicit)
    method: str  # f(unction), b(inary coercible), i(n and out through text)
    volatility: str  # of the function


class OperatorFact(msgspec.Struct, frozen=True, array_like=True):
    name: str
    left: Type | None  # None: a prefix operator
    right: Type
    result: Type
    volatility: str = "i"
    strict: bool = True
    function: str = ""


class FunctionFact(msgspec.Struct, frozen=True, array_like=True):
    """A function as a call is resolved against it: PostgreSQL's own, or with an identity a user's."""

    name: str
    arguments: tuple[Type, ...]  # input arguments; the last one is the array where `variadic`
    result: Type
    volatility: str = "i"
    strict: bool = True
    kind: str = "f"  # f(unction), p(rocedure), a(ggregate), w(indow)
    returns_set: bool = False
    variadic: bool = False
    defaults: int = 0  # so many of the last arguments may be left out
    argument_names: tuple[str | None, ...] = ()  # of the input arguments
    columns: tuple[tuple[str, Type], ...] = ()  # OUT, INOUT and TABLE arguments: the row that comes out
    identity: int | None = None
    place: int = 0  # of the function's schema in the search path; pg_catalog's is 0


class _File(msgspec.Struct, frozen=True):
    types: msgspec.Raw
    casts: msgspec.Raw
    operators: dict[str, msgspec.Raw]
    functions: dict[str, msgspec.Raw]
    relations: dict[str, msgspec.Raw]


@cache
def _file() -> _File:
    return msgspec.json.decode(Path(__file__).with_name("facts.json").read_bytes(), type=_File)


@cache
def types() -> dict[str, TypeFact]:
    rows = msgspec.json.decode(_file().types, type=dict[str, list[str | int | bool | None]])
    return {name: msgspec.convert((name, *row), TypeFact) for name, row in rows.items()}


def type_named(name: str) -> TypeFact | None:
    return types().get(name)


@cache
def _casts() -> dict[tuple[str, str], CastFact]:
    rows = msgspec.json.decode(_file().casts, type=dict[str, list[tuple[str, str, str, str]]])
    return {(source, row[0]): CastFact(source, *row) for source, targets in rows.items() for row in targets}


def cast(source: str, target: str) -> CastFact | None:
    """The cast of pg_cast, if there is one. What is converted without one: `resolve.coercion`."""
    return _casts().get((source, target))


@cache
def operators_named(name: str) -> tuple[OperatorFact, ...]:
    return tuple(msgspec.convert((name, *row), OperatorFact) for row in _rows(_file().operators.get(name)))


@cache
def functions_named(name: str) -> tuple[FunctionFact, ...]:
    return tuple(msgspec.convert((name, *row), FunctionFact) for row in _rows(_file().functions.get(name)))


def _rows(raw: msgspec.Raw | None) -> list[list[object]]:
    return [] if raw is None else msgspec.json.decode(raw, type=list[list[object]])


@cache
def system_relation(schema: str, name: str) -> tuple[tuple[str, str], ...] | None:
    """The columns, with their types, of a relation of pg_catalog or information_schema."""
    raw = _file().relations.get(f"{schema}.{name}")
    return None if raw is None else msgspec.json.decode(raw, type=tuple[tuple[str, str], ...])


def system_relations() -> tuple[str, ...]:
    """The relations of pg_catalog and information_schema, with their schemas: "pg_catalog.pg_class"."""
    return tuple(_file().relations)


# The grammar's words for values: what libpg_query calls them, and their types.
SQL_VALUE_FUNCTIONS = {
    "SVFOP_CURRENT_DATE": "date",
    "SVFOP_CURRENT_TIME": "timetz",
    "SVFOP_CURRENT_TIME_N": "timetz",
    "SVFOP_CURRENT_TIMESTAMP": "timestamptz",
    "SVFOP_CURRENT_TIMESTAMP_N": "timestamptz",
    "SVFOP_LOCALTIME": "time",
    "SVFOP_LOCALTIME_N": "time",
    "SVFOP_LOCALTIMESTAMP": "timestamp",
    "SVFOP_LOCALTIMESTAMP_N": "timestamp",
    "SVFOP_CURRENT_ROLE": "name",
    "SVFOP_CURRENT_USER": "name",
    "SVFOP_USER": "name",
    "SVFOP_SESSION_USER": "name",
    "SVFOP_CURRENT_CATALOG": "name",
    "SVFOP_CURRENT_SCHEMA": "name",
}


def canonical_name(parts: list[str]) -> str | None:
    """The pg_catalog type that a type name of libpg_query means, which has spelled SQL's own names out already."""
    if len(parts) > 2 or (len(parts) == 2 and parts[0] != "pg_catalog"):
        return None
    return parts[-1] if parts[-1] in types() else None


# -- types as PostgreSQL prints them

WITHOUT_LENGTH = {"bpchar": "bpchar", "bit": '"bit"'}  # "character" and "bit" alone would mean a length of 1
INTERVAL_FULL_RANGE = 0x7FFF
INTERVAL_FIELDS = {
    1 << 2: "year", 1 << 1: "month", 1 << 3: "day", 1 << 10: "hour", 1 << 11: "minute", 1 << 12: "second",
    1 << 2 | 1 << 1: "year to month", 1 << 3 | 1 << 10: "day to hour", 1 << 3 | 1 << 10 | 1 << 11: "day to minute",
    1 << 3 | 1 << 10 | 1 << 11 | 1 << 12: "day to second", 1 << 10 | 1 << 11: "hour to minute",
    1 << 10 | 1 << 11 | 1 << 12: "hour to second", 1 << 11 | 1 << 12: "minute to second",
}  # fmt: skip
LARGEST_PRECISION = 6  # of times; PostgreSQL takes more down to it


def display_name(name: str) -> str:
    """A type as error messages print it, which never show modifiers."""
    found = type_named(name)
    return name if found is None else found.display


def format_type(name: str, modifiers: tuple[int, ...] = ()) -> str:
    """A column's type with the modifiers as the user wrote them, as PostgreSQL's format_type prints it."""
    found = type_named(name)
    if found is not None and found.element is not None and name.startswith("_"):
        return format_type(found.element, modifiers) + "[]"
    if not modifiers:
        return WITHOUT_LENGTH.get(name) or display_name(name)
    if name == "interval":
        return _interval(modifiers)
    display = display_name(name)
    if name in ("time", "timetz", "timestamp", "timestamptz"):
        word, _, rest = display.partition(" ")
        return f"{word}({min(modifiers[0], LARGEST_PRECISION)}) {rest}"
    if name == "numeric":
        modifiers = (*modifiers, 0)[:2]
    return f"{display}({','.join(str(each) for each in modifiers)})"


def _interval(modifiers: tuple[int, ...]) -> str:
    fields = INTERVAL_FIELDS.get(modifiers[0])
    precision = f"({min(modifiers[1], LARGEST_PRECISION)})" if len(modifiers) > 1 else ""
    return "interval" + (f" {fields}" if fields else "") + precision


class ExtensionFact(msgspec.Struct, frozen=True):
    """What an extension brings along. Types that stand in none of pg_catalog's rows are its own."""

    types: tuple[tuple[str, str, str, str | None], ...]  # name, category, kind, base of a domain
    functions: tuple[FunctionFact, ...]
    operators: tuple[str, ...]
    casts: tuple[tuple[str, str, str], ...]


class _Extensions(msgspec.Struct):
    extensions: dict[str, msgspec.Raw]


@cache
def _extensions() -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(Path(__file__).with_name("extensions.json").read_bytes(), type=_Extensions).extensions


@cache
def extension(name: str) -> ExtensionFact | None:
    """The facts of an extension of PostgreSQL's distribution, and of pgvector; None of any other."""
    raw = _extensions().get(name)
    return None if raw is None else msgspec.json.decode(raw, type=ExtensionFact)
