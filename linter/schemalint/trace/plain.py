"""Trigger functions that touch nothing but their own row, as those that keep updated_at, and those that only record it, as
an audit log does: most of those that there are.

They make no mirrors, so their tables need no tracing until somebody asks, and tables whose columns of the same names
have the same types give the same answer.
"""

from __future__ import annotations

from functools import lru_cache
from re import IGNORECASE
from re import compile as pattern

from schemalint.catalog import facts
from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation

REACHES_OUT = pattern(
    r"\b(?:insert|update|delete|merge|execute|call|perform|select|copy|truncate|refresh|into|from|for)\b", IGNORECASE
)
CALLED = pattern(r"([A-Za-z_][A-Za-z0-9_$.]*)\s*\(")
OWN_FIELD = pattern(r'\b(?:new|old)\s*\.\s*("[^"]+"|[A-Za-z_][A-Za-z0-9_$]*)', IGNORECASE)
SYNTAX = frozenset(
    {"coalesce", "nullif", "greatest", "least", "if", "and", "or", "not", "in", "when", "elsif", "then", "is", "return"}
)


@lru_cache(maxsize=2048)
def fields_if_plain(body: str) -> frozenset[str] | None:
    """The fields of NEW and OLD that a body names; None where it may do more than look at its row."""
    if REACHES_OUT.search(body):
        return None
    for match in CALLED.finditer(body):
        name = match.group(1).lower().removeprefix("pg_catalog.")
        if name not in SYNTAX and not facts.functions_named(name):
            return None
    found = (match.group(1) for match in OWN_FIELD.finditer(body))
    return frozenset(each[1:-1] if each.startswith('"') else each.lower() for each in found)


STRINGS = pattern(r"'(?:[^']|'')*'")
REACHES_FAR = pattern(
    r"\b(?:update|delete|merge|execute|call|perform|select|copy|truncate|refresh|from|for|loop|while|exception|conflict)\b",
    IGNORECASE,
)
INTO = pattern(r"\binto\b", IGNORECASE)
INSERT_INTO = pattern(r"\binsert\s+into\b", IGNORECASE)
WHOLE_ROW = pattern(
    r"\b(?:to_jsonb|to_json|row_to_json)\s*\(\s*(?:new|old)\s*\)"
    r"|\breturn\s+(?:new|old|null|coalesce\s*\(\s*new\s*,\s*old\s*\))\s*;",
    IGNORECASE,
)
ROW = pattern(r"\b(?:new|old)\b(?!\s*\.)", IGNORECASE)


@lru_cache(maxsize=2048)
def fields_if_recording(body: str) -> frozenset[str] | None:
    """The fields that a body names which does no more than insert something about the row; None for any other."""
    text = STRINGS.sub("''", body)
    if "tg_table_name" not in text.lower() or REACHES_FAR.search(text):
        return None
    if len(INTO.findall(text)) != len(INSERT_INTO.findall(text)) or ROW.search(WHOLE_ROW.sub("", text)):
        return None
    found = (match.group(1) for match in OWN_FIELD.finditer(text))
    return frozenset(each[1:-1] if each.startswith('"') else each.lower() for each in found)


def records(relation: Relation, catalog: Catalog) -> bool:
    """Whether one of the table's triggers only records its rows somewhere."""
    bodies = [f.body.text for t in relation.triggers if (f := catalog.function(t.function)) is not None and f.body is not None]
    return any(fields_if_plain(each) is None for each in bodies)


def signature(relation: Relation, catalog: Catalog) -> tuple[object, ...] | None:
    """The same for tables whose triggers behave the same; None where they may reach out."""
    parts: list[object] = [relation.tainted]
    for trigger in relation.triggers:
        function = catalog.function(trigger.function)
        if function is None or function.body is None or function.language != "plpgsql" or trigger.when is not None:
            return None
        fields = fields_if_plain(function.body.text)
        if fields is None:
            fields = fields_if_recording(function.body.text) if function.security_definer else None
            if fields is None:
                return None
            parts.append(tuple((name, _kind(relation, name)) for name in sorted(fields)))
        types = tuple((name, column.type if (column := relation.column(name)) is not None else None) for name in sorted(fields))
        parts.append(
            (function.body.text, function.settings, trigger.timing, trigger.level, trigger.events, trigger.enabled, types)
        )
    return tuple(parts)


def _kind(relation: Relation, name: str) -> tuple[bool, bool] | None:
    """Whether a column may be NULL, and whether it is a key by itself."""
    column = relation.column(name)
    if column is None:
        return None
    return column.not_null, any(each.unique and each.columns == (column.number,) for each in relation.indexes)
