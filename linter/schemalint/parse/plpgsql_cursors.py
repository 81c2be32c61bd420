"""The statements of PL/pgSQL that move cursors."""

from __future__ import annotations

from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.plpgsql_statements import dynamic_query
from schemalint.parse.plpgsql_tokens import STATEMENT_END, TokenCursor
from schemalint.parse.plpgsql_tree import Fragment

FETCH_SOURCE = frozenset({"from", "in"})
SINGLE_ROW_DIRECTIONS = ("next", "prior", "first", "last")
DIRECTIONS = (*SINGLE_ROW_DIRECTIONS, "absolute", "relative", "forward", "backward", "all")


def open_statement(cursor: TokenCursor, start: int) -> tree.OpenCursor:
    name = cursor.variable()
    arguments, scroll, query, dynamic = None, None, None, None
    using: tuple[Fragment, ...] = ()
    if name[-1] in cursor.bound_cursors:
        arguments = cursor_arguments(cursor) if cursor.kind == "(" else None
    else:
        scroll = scroll_clause(cursor)
        cursor.expect("for")
        if cursor.accept("execute"):
            dynamic, using = dynamic_query(cursor, STATEMENT_END)
        else:
            query = cursor.query()
    cursor.expect(";")
    return tree.OpenCursor(
        start=start, end=cursor.end, cursor=name, arguments=arguments, scroll=scroll, query=query, dynamic=dynamic, using=using
    )


def scroll_clause(cursor: TokenCursor) -> bool | None:
    if cursor.accept("no"):
        cursor.expect("scroll")
        return False
    return True if cursor.accept("scroll") else None


def cursor_arguments(cursor: TokenCursor) -> Fragment:
    """Reads the values for a cursor's parameters and the parentheses around them."""
    first = cursor.at
    cursor.expect("(")
    cursor.query(frozenset({")"}))
    cursor.expect(")")
    # `name := value` is allowed, and so it takes a call to make SQL of it.
    return cursor.fragment(first, cursor.at, "SELECT arguments")


def fetch_statement(cursor: TokenCursor, start: int, is_move: bool = False) -> tree.Fetch:
    place = cursor.at - 1
    direction, count = fetch_direction(cursor)
    name = cursor.variable()
    targets: tuple[tree.Name, ...] = ()
    if not is_move:
        cursor.expect("into")
        if direction.endswith("all") or (count is not None and not direction.startswith(("absolute", "relative"))):
            raise cursor.error("FETCH statement cannot return multiple rows", place)
        targets = cursor.variables()
    cursor.expect(";")
    return tree.Fetch(
        start=start, end=cursor.end, is_move=is_move, direction=direction, count=count, cursor=name, targets=targets
    )


def move_statement(cursor: TokenCursor, start: int) -> tree.Fetch:
    return fetch_statement(cursor, start, is_move=True)


def fetch_direction(cursor: TokenCursor) -> tuple[str, Fragment | None]:
    """Reads everything through FROM or IN, if there is a direction: its words, and how many rows."""
    word, following = cursor.kind, cursor.kinds[cursor.at + 1]
    if word in FETCH_SOURCE:
        cursor.at += 1
        return "", None
    if cursor.is_variable(cursor.at) and following in (";", "into", "."):
        return "", None
    spoken, count = "", None
    if following != "." and word in DIRECTIONS:
        cursor.at += 1
        spoken = word
    if word in ("forward", "backward") and cursor.accept("all"):
        spoken += " all"
    elif word in ("absolute", "relative") or not spoken or (word in ("forward", "backward") and cursor.kind not in FETCH_SOURCE):
        count = cursor.expression(FETCH_SOURCE)
    if cursor.kind not in FETCH_SOURCE:
        raise cursor.error("expected FROM or IN")
    cursor.at += 1
    return spoken, count


def close_statement(cursor: TokenCursor, start: int) -> tree.Close:
    name = cursor.variable()
    cursor.expect(";")
    return tree.Close(start=start, end=cursor.end, cursor=name)
