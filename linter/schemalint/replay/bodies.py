"""Function bodies, checked as CREATE FUNCTION checks them (check_function_bodies): for syntax, not for what they name."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Function
from schemalint.parse.libpg_query import ParseError, parse_json, parse_plpgsql_json
from schemalint.parse.plpgsql import BodySyntaxError, check_fragments, parse_body
from schemalint.parse.plpgsql_names import IN_EVENT_TRIGGERS, IN_TRIGGERS, unknown_variable
from schemalint.text import Span


def body_error(before: Catalog, after: Catalog, text: str) -> tuple[str, Span] | None:
    """PostgreSQL's message and the place, where the body of the function that a statement made does not parse."""
    for key in after.changes_since(before) or ():
        function = after.get(key)
        if isinstance(key, int) and isinstance(function, Function) and function.body is not None:
            if function.language == "plpgsql":
                return None if _parses(text) else _plpgsql_error(function)
            if function.language == "sql":
                return _sql_error(function)
    return None


def _parses(text: str) -> bool:
    """Whether libpg_query's own PL/pgSQL takes it: quick, but it refuses some that PostgreSQL takes."""
    try:
        parse_plpgsql_json(text)
    except ParseError:
        return False
    return True


def _plpgsql_error(function: Function) -> tuple[str, Span] | None:
    assert function.body is not None
    try:
        block = parse_body(function.body.text)
        error = unknown_variable(block, _known(function)) or check_fragments(block)
    except BodySyntaxError as raised:
        error = raised
    return None if error is None else (error.message, function.body.span(error.start, error.end))


def _known(function: Function) -> frozenset[str]:
    """The names that a body can use without declaring them."""
    names = {function.name, *(f"${number}" for number in range(1, len(function.arguments) + 1))}
    names |= {each.name for each in function.arguments if each.name is not None}
    if function.result.id == "trigger":
        return IN_TRIGGERS.union(names)
    return IN_EVENT_TRIGGERS.union(names) if function.result.id == "event_trigger" else frozenset(names)


def _sql_error(function: Function) -> tuple[str, Span] | None:
    assert function.body is not None
    try:
        parse_json(function.body.text)
    except ParseError as error:
        place = error.args[1] if len(error.args) > 1 and error.args[1] is not None else len(function.body.text) - 1
        return str(error.args[0]), function.body.span(max(place, 0), max(place, 0) + 1)
    return None
