"""Texts that are known although they are built at run time: format(), concatenation, trigger arguments."""

from __future__ import annotations

from re import compile as pattern

from schemalint.catalog.catalog import Catalog, quoted
from schemalint.flow.value import Call, Constant, Field, Looked, Term, Value
from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.plpgsql_conditions import SQLSTATES

QUOTING = frozenset({"quote_literal", "quote_nullable", "quote_ident"})
LOOSE_TYPES = frozenset({"text", "varchar", "bpchar", "json", "jsonb", "xml", "name"})
PLACEHOLDER = pattern(r"%(?:(\d+)\$)?[-]?\d*([sIL%])")


def text_of(value: Value) -> str | None:
    """The text that an expression surely yields; None where it hangs on more than constants."""
    return _text(value.term)


def _text(term: Term) -> str | None:
    if isinstance(term, Constant):
        return term.text
    if not isinstance(term, Call):
        return None
    if term.name in ("::", ":=") and term.arguments:
        return _text(term.arguments[0])
    parts = [_text(each) for each in term.arguments]
    if term.name == "format" and parts and parts[0] is not None:
        return _formatted(parts[0], parts[1:])
    if any(each is None for each in parts):
        return None
    known = [each for each in parts if each is not None]
    if term.name in ("||", "concat"):
        return "".join(known)
    if term.name == "quote_ident":
        return quoted(known[0])
    if term.name in ("quote_literal", "quote_nullable"):
        return literal(known[0])
    if term.name in ("lower", "upper"):
        return known[0].lower() if term.name == "lower" else known[0].upper()
    return None


def unquoted_text(term: Term, catalog: Catalog) -> Field | None:
    """A text column of a row that becomes a part of a statement without being quoted; None where there is none."""
    if isinstance(term, Field | Looked):
        relation = catalog.relation(term.relation)
        column = relation.column_numbered(term.column) if relation is not None else None
        loose = column is not None and catalog.domain_base(column.type).id in LOOSE_TYPES
        return Field("new", term.relation, term.column) if loose else None
    if not isinstance(term, Call) or term.name in QUOTING:
        return None
    arguments = term.arguments
    if term.name == "format" and arguments and isinstance(arguments[0], Constant):
        kinds = [kind for _, kind in PLACEHOLDER.findall(arguments[0].text or "") if kind != "%"]
        arguments = tuple(each for each, kind in zip(arguments[1:], kinds, strict=False) if kind == "s")
    elif term.name not in ("||", "concat", "::", ":=", "coalesce", "replace", "lower", "upper"):
        return None
    return next((found for each in arguments if (found := unquoted_text(each, catalog)) is not None), None)


def _formatted(template: str, arguments: list[str | None]) -> str | None:
    next_argument = 0
    pieces: list[str] = []
    end = 0
    for match in PLACEHOLDER.finditer(template):
        pieces.append(template[end : match.start()])
        end = match.end()
        kind = match.group(2)
        if kind == "%":
            pieces.append("%")
            continue
        number = int(match.group(1)) - 1 if match.group(1) else next_argument
        next_argument = number + 1
        value = arguments[number] if number < len(arguments) else None
        if value is None:
            return None
        pieces.append(quoted(value) if kind == "I" else literal(value) if kind == "L" else value)
    return "".join(pieces) + template[end:]


def literal(text: str) -> str:
    """A string as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def raised_state(statement: tree.Raise) -> str:
    """The SQLSTATE that a RAISE EXCEPTION has."""
    for option in statement.options:
        if option.name.lower() == "errcode":
            word = option.value.text.strip().strip("'").lower()
            return SQLSTATES.get(word, (word.upper(),))[0]
    if statement.condition is None:
        return "P0001"
    condition = statement.condition.removeprefix("sqlstate:")
    return SQLSTATES.get(condition, (condition,))[0]
