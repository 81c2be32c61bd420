"""The DECLARE section of a PL/pgSQL block."""

from __future__ import annotations

from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.plpgsql_cursors import scroll_clause
from schemalint.parse.plpgsql_tokens import END, NUMBER, TokenCursor
from schemalint.parse.plpgsql_tree import Fragment

AFTER_TYPE = frozenset({"collate", "not", "=", ":=", "default"})
NO_TYPE = ("setof", "using")  # which the grammar of the leader would let pass
LEADER = "ALTER TABLE t ALTER c TYPE "


def declarations(cursor: TokenCursor) -> tuple[tree.Declaration, ...]:
    """Reads from DECLARE to before BEGIN."""
    found: list[tree.Declaration] = []
    names: set[str] = set()
    while cursor.kind != "begin":
        if cursor.accept("declare"):
            continue
        if cursor.kind == "<<":
            raise cursor.error("block label must be placed before DECLARE, not after")
        place = cursor.at
        declared = declaration(cursor)
        if declared.name in names:
            raise cursor.error("duplicate declaration", place)
        names.add(declared.name)
        own = frozenset({declared.name})
        bound = cursor.bound_cursors
        cursor.bound_cursors = bound | own if isinstance(declared, tree.Cursor) else bound - own
        found.append(declared)
    return tuple(found)


def declaration(cursor: TokenCursor) -> tree.Declaration:
    start = cursor.start
    name = cursor.name()
    if cursor.accept_word("alias"):
        cursor.expect("for")
        of = cursor.variable()
        cursor.expect(";")
        return tree.Alias(start=start, end=cursor.end, name=name, of=of)
    if cursor.kind in ("cursor", "scroll") or (cursor.kind == "no" and cursor.kinds[cursor.at + 1] == "scroll"):
        return bound_cursor(cursor, start, name)
    return variable(cursor, start, name)


def bound_cursor(cursor: TokenCursor, start: int, name: str) -> tree.Cursor:
    scroll = scroll_clause(cursor)
    cursor.expect("cursor")
    arguments: list[tree.Argument] = []
    if cursor.accept("("):
        while not arguments or cursor.accept(","):
            place = cursor.at
            argument = cursor.name()
            if any(argument == other.name for other in arguments):
                raise cursor.error("duplicate declaration", place)
            arguments.append(tree.Argument(argument, data_type(cursor)))
        cursor.expect(")")
    if not cursor.accept("is"):
        cursor.expect("for")
    query = cursor.query()
    cursor.expect(";")
    return tree.Cursor(start=start, end=cursor.end, name=name, scroll=scroll, arguments=tuple(arguments), query=query)


def variable(cursor: TokenCursor, start: int, name: str) -> tree.Variable:
    constant = cursor.accept_word("constant")
    type_text = data_type(cursor)
    collation = cursor.variable() if cursor.accept("collate") else None
    not_null = cursor.accept("not")
    if not_null:
        cursor.expect("null")
    default: Fragment | None = None
    if cursor.kind in ("=", ":=", "default"):
        cursor.at += 1
        default = cursor.expression()
    elif not_null:
        raise cursor.error(f'variable "{name}" must have a default value, since it\'s declared NOT NULL')
    cursor.expect(";")
    return tree.Variable(
        start=start,
        end=cursor.end,
        name=name,
        constant=constant,
        type_text=type_text,
        collation=collation,
        not_null=not_null,
        default=default,
    )


def data_type(cursor: TokenCursor) -> Fragment:
    """Reads a type, up to what may follow one in a declaration or among a cursor's parameters."""
    first, depth = cursor.at, 0
    while (kind := cursor.kind) != ";" and kind not in AFTER_TYPE:
        if kind == END:
            raise cursor.error("mismatched parentheses" if depth else "incomplete data type declaration")
        if kind in (",", ")") and depth == 0:
            break
        if kind in NO_TYPE:
            raise cursor.error()
        depth += {"(": 1, ")": -1}.get(kind, 0)
        cursor.at += 1
    if cursor.at == first:
        raise cursor.error("missing data type declaration")
    if "%" in cursor.kinds[first : cursor.at]:
        return copied_type(cursor, first)
    return cursor.fragment(first, cursor.at, LEADER)


def copied_type(cursor: TokenCursor, first: int) -> Fragment:
    """The type of a column, a variable or a row, and perhaps an array of it: PL/pgSQL's own, no SQL."""
    last, cursor.at = cursor.at, first
    cursor.variable()
    cursor.expect("%")
    if cursor.kind not in ("type", "rowtype"):
        raise cursor.error()
    cursor.at += 1
    cursor.accept("array")
    while cursor.at < last:
        cursor.expect("[")
        cursor.accept(NUMBER)
        cursor.expect("]")
    return cursor.fragment(first, last, None)
