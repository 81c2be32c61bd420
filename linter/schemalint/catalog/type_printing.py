"""Types as PostgreSQL prints them: format_type."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog, quoted
from schemalint.catalog.facts import type_named
from schemalint.catalog.model import Relation, Type, UserType

# Types whose modifier stands inside the name: timestamp(3) with time zone.
SPLIT = {
    "timestamptz": ("timestamp", " with time zone"),
    "timestamp": ("timestamp", " without time zone"),
    "timetz": ("time", " with time zone"),
    "time": ("time", " without time zone"),
}
FULL_PRECISION = 0x7FFF
INTERVALS = {
    4: " year", 2: " month", 8: " day", 1024: " hour", 2048: " minute", 4096: " second", 6: " year to month",
    1032: " day to hour",
    3080: " day to minute",
    7176: " day to second", 3072: " hour to minute", 7168: " hour to second", 6144: " minute to second",
}  # fmt: skip


def format_type(type_: Type, catalog: Catalog, path: tuple[str, ...] = ()) -> str:
    """The type's name with its modifiers; of a user-defined type with its schema unless that is in `path`."""
    if isinstance(type_.id, int):
        found = catalog.get(abs(type_.id))
        if not isinstance(found, UserType | Relation):
            return "?"
        schema = catalog.schema_name(found.schema)
        name = quoted(found.name) if schema in path else f"{quoted(schema)}.{quoted(found.name)}"
        return f"{name}{_plain_modifiers(type_)}{'[]' if type_.id < 0 else ''}"
    if type_.id.startswith("_") and type_named(type_.id) is not None:
        return f"{_built_in(type_.id[1:], type_)}[]"
    return _built_in(type_.id, type_)


def _built_in(name: str, type_: Type) -> str:
    fact = type_named(name)
    if fact is None:
        return name
    if not type_.modifiers:
        # A length-less CHARACTER would be CHARACTER(1).
        return "bpchar" if name == "bpchar" else fact.display
    if name in SPLIT:
        first, second = SPLIT[name]
        return f"{first}({type_.modifiers[0]}){second}"
    if name == "interval":
        return _interval(type_)
    if name == "numeric" and len(type_.modifiers) == 1:
        return f"numeric({type_.modifiers[0]},0)"
    return f"{fact.display}{_plain_modifiers(type_)}"


def _interval(type_: Type) -> str:
    fields = INTERVALS.get(type_.modifiers[0], "")
    precision = type_.modifiers[1] if len(type_.modifiers) > 1 else FULL_PRECISION
    return f"interval{fields}" + (f"({precision})" if precision != FULL_PRECISION else "")


def _plain_modifiers(type_: Type) -> str:
    return f"({','.join(map(str, type_.modifiers))})" if type_.modifiers else ""
