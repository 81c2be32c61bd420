"""The statements of PL/pgSQL that hold no other statements.

Each reader begins after the keyword that led to it, reads to behind the semicolon, and is given where it all began.
"""

from __future__ import annotations

import re

from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.libpg_query import ParseError
from schemalint.parse.plpgsql_conditions import SQLSTATES
from schemalint.parse.plpgsql_tokens import (
    END,
    STATEMENT_END,
    STRING,
    BodySyntaxError,
    TokenCursor,
    string_value,
    words,
)
from schemalint.parse.plpgsql_tree import Fragment, Into

LEVELS = ("exception", "warning", "notice", "info", "log", "debug")
RAISE_OPTIONS = ("errcode", "message", "detail", "hint", "column", "constraint", "datatype", "table", "schema")
ROUTINE_FACTS = frozenset({"row_count", "pg_routine_oid"})
ERROR_FACTS = words(
    """pg_exception_detail pg_exception_hint pg_exception_context column_name constraint_name pg_datatype_name message_text
    table_name schema_name returned_sqlstate"""
)
SQLSTATE = re.compile(r"[0-9A-Z]{5}\Z")
ASSIGNMENT = (":=", "=")
ROUTINES = (["function"], ["procedure"])


def literal(cursor: TokenCursor) -> str:
    """Reads a string constant."""
    if cursor.kind != STRING:
        raise cursor.error()
    cursor.at += 1
    start, end = cursor.starts[cursor.at - 1], cursor.end
    try:
        return string_value(cursor.body[start:end])
    except ParseError as error:
        raise BodySyntaxError(str(error.args[0]), start, end) from None


def sqlstate(cursor: TokenCursor) -> str:
    """Reads the code after SQLSTATE."""
    code = literal(cursor)
    if not SQLSTATE.match(code):
        raise cursor.error("invalid SQLSTATE code", cursor.at - 1)
    return f"sqlstate:{code}"


def assign_operator(cursor: TokenCursor) -> None:
    if cursor.kind not in ASSIGNMENT:
        raise cursor.error()
    cursor.at += 1


def assign_statement(cursor: TokenCursor, start: int) -> tree.Assign:
    first = cursor.at
    if cursor.classes[first] in ("RESERVED_KEYWORD", "TYPE_FUNC_NAME_KEYWORD"):
        raise cursor.error()
    parts = [cursor.word(first)]
    cursor.at += 1
    subscripted = False
    while cursor.kind not in ASSIGNMENT:
        if cursor.accept("["):
            subscripted = True
            cursor.query(frozenset({"]"}))
            cursor.at += 1
        elif cursor.kind == "." and cursor.is_word(cursor.at + 1):
            parts.append(cursor.word(cursor.at + 1))
            cursor.at += 2
        else:
            raise cursor.error()
    target = cursor.fragment(first, cursor.at, "SELECT " if subscripted else None)
    cursor.at += 1
    value = cursor.expression()
    cursor.at += 1
    return tree.Assign(
        start=start, end=cursor.end, target=target, target_parts=tuple(parts), subscripted=subscripted, value=value
    )


def exit_statement(cursor: TokenCursor, start: int, is_continue: bool = False) -> tree.Exit:
    place = cursor.at - 1
    label = None if cursor.kind in (";", "when") else cursor.name()
    cursor.check_exit(label, is_continue, place)
    when = cursor.expression() if cursor.accept("when") else None
    cursor.expect(";")
    return tree.Exit(start=start, end=cursor.end, is_continue=is_continue, label=label, when=when)


def continue_statement(cursor: TokenCursor, start: int) -> tree.Exit:
    return exit_statement(cursor, start, is_continue=True)


def return_statement(cursor: TokenCursor, start: int) -> tree.Return | tree.ReturnNext | tree.ReturnQuery:
    if cursor.accept_word("query"):
        return return_query(cursor, start)
    is_next = cursor.accept_word("next")
    value = None if cursor.kind == ";" else cursor.expression()
    cursor.expect(";")
    if is_next:
        return tree.ReturnNext(start=start, end=cursor.end, value=value)
    return tree.Return(start=start, end=cursor.end, value=value)


def return_query(cursor: TokenCursor, start: int) -> tree.ReturnQuery:
    query: Fragment | None = None
    dynamic: Fragment | None = None
    using: tuple[Fragment, ...] = ()
    if cursor.accept("execute"):
        dynamic, using = dynamic_query(cursor, STATEMENT_END)
    else:
        query = cursor.query()
    cursor.expect(";")
    return tree.ReturnQuery(start=start, end=cursor.end, query=query, dynamic=dynamic, using=using)


def dynamic_query(cursor: TokenCursor, stops: frozenset[str]) -> tuple[Fragment, tuple[Fragment, ...]]:
    """Reads what follows EXECUTE: an expression and the values of its parameters."""
    query = cursor.expression(stops | {"using"})
    using = cursor.expressions(stops) if cursor.accept("using") else ()
    return query, using


def raise_statement(cursor: TokenCursor, start: int) -> tree.Raise:
    level, message, condition = "exception", None, None
    arguments: tuple[Fragment, ...] = ()
    options: tuple[tree.RaiseOption, ...] = ()
    place = cursor.at - 1
    if cursor.kind != ";":
        if cursor.kind in LEVELS:
            level = cursor.kind
            cursor.at += 1
        if cursor.kind == STRING:
            message = literal(cursor)
            if cursor.accept(","):
                arguments = cursor.expressions(frozenset({";", "using"}))
            check_placeholders(cursor, message, len(arguments), place)
        elif cursor.kind != "using":
            condition = sqlstate(cursor) if cursor.accept("sqlstate") else condition_name(cursor)
        if cursor.accept("using"):
            options = raise_options(cursor)
    cursor.expect(";")
    return tree.Raise(
        start=start, end=cursor.end, level=level, format=message, condition=condition, arguments=arguments, options=options
    )


def check_placeholders(cursor: TokenCursor, message: str, given: int, place: int) -> None:
    wanted = message.replace("%%", "").count("%")
    if wanted != given:
        raise cursor.error(f"too {'few' if given < wanted else 'many'} parameters specified for RAISE", place)


def raise_options(cursor: TokenCursor) -> tuple[tree.RaiseOption, ...]:
    options = []
    while True:
        name = cursor.kind
        if name not in RAISE_OPTIONS:
            raise cursor.error("unrecognized RAISE statement option")
        cursor.at += 1
        assign_operator(cursor)
        options.append(tree.RaiseOption(name, cursor.expression(frozenset({";", ","}))))
        if not cursor.accept(","):
            return tuple(options)


def assert_statement(cursor: TokenCursor, start: int) -> tree.Assert:
    condition = cursor.expression(frozenset({";", ","}))
    message = cursor.expression() if cursor.accept(",") else None
    cursor.expect(";")
    return tree.Assert(start=start, end=cursor.end, condition=condition, message=message)


def perform_statement(cursor: TokenCursor, start: int) -> tree.Perform:
    nothing = Fragment("", cursor.end, cursor.end)  # a SELECT of no columns runs
    query = nothing if cursor.kind == ";" else cursor.query(leader="SELECT ")
    cursor.expect(";")
    return tree.Perform(start=start, end=cursor.end, query=query)


def into_clause(cursor: TokenCursor) -> Into:
    """Reads the targets after INTO."""
    start = cursor.starts[cursor.at - 1]
    strict = cursor.accept("strict")
    targets = cursor.variables()
    return Into(start=start, end=cursor.end, strict=strict, targets=targets)


def execute_statement(cursor: TokenCursor, start: int) -> tree.Execute:
    query = cursor.expression(frozenset({"into", "using", ";"}))
    into: Into | None = None
    using: tuple[Fragment, ...] = ()
    while not cursor.accept(";"):
        if into is None and cursor.accept("into"):
            into = into_clause(cursor)
        elif not using and cursor.accept("using"):
            using = cursor.expressions(frozenset({"into", ";"}))
        else:
            raise cursor.error()
    return tree.Execute(start=start, end=cursor.end, query=query, into=into, using=using)


def sql_statement(cursor: TokenCursor, start: int) -> tree.Sql:
    """Reads SQL. An INTO anywhere in it names PL/pgSQL's variables, except in INSERT INTO, MERGE INTO and IMPORT."""
    first, kinds = cursor.at, cursor.kinds
    keyword = kinds[first]
    into: Into | None = None
    last = first
    depth = 0
    is_routine = creates_routine(cursor)
    cursor.at += 1
    while (kind := kinds[cursor.at]) != ";" or depth:
        if kind == END:
            raise cursor.error("unexpected end of function definition")
        if is_routine:  # whose body may be BEGIN ATOMIC … END, with semicolons in it
            depth = max(depth + {"begin": 1, "case": 1, "end": -1}.get(kind, 0), 0)
        before = kinds[cursor.at - 1]
        if kind == "into" and keyword != "import" and (before not in ("insert", "merge") or kinds[cursor.at - 2] == "."):
            if into is not None:
                raise cursor.error("INTO specified more than once")
            cursor.at += 1
            into = into_clause(cursor)
        else:
            last = cursor.at
            cursor.at += 1
    query = cursor.fragment(first, last + 1, "")
    cursor.at += 1
    return tree.Sql(start=start, end=cursor.end, keyword=keyword, query=without(query, into), into=into)


def creates_routine(cursor: TokenCursor) -> bool:
    after = cursor.kinds[cursor.at + 1 : cursor.at + 4]
    return cursor.kind == "create" and (after[2:] if after[:2] == ["or", "replace"] else after)[:1] in ROUTINES


def without(query: Fragment, into: Into | None) -> Fragment:
    """The query with blanks for its INTO, as PL/pgSQL hands it to SQL."""
    if into is None or into.start >= query.end:
        return query
    text = cut(query.text, into.start - query.start, into.end - query.start)
    return Fragment(text, query.start, query.end, query.leader)


def cut(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]


def query_statement(cursor: TokenCursor, start: int) -> tree.Sql:
    """Reads CALL and DO, in which INTO means nothing."""
    cursor.at -= 1
    keyword = cursor.kind
    query = cursor.query()
    cursor.expect(";")
    return tree.Sql(start=start, end=cursor.end, keyword=keyword, query=query, into=None)


def transaction_end(cursor: TokenCursor) -> bool:
    """Reads what may follow COMMIT and ROLLBACK: whether a new transaction takes over the settings."""
    chain = False
    if cursor.accept("and"):
        chain = not cursor.accept("no")
        cursor.expect("chain")
    cursor.expect(";")
    return chain


def commit_statement(cursor: TokenCursor, start: int) -> tree.Commit:
    chain = transaction_end(cursor)
    return tree.Commit(start=start, end=cursor.end, chain=chain)


def rollback_statement(cursor: TokenCursor, start: int) -> tree.Rollback:
    chain = transaction_end(cursor)
    return tree.Rollback(start=start, end=cursor.end, chain=chain)


def null_statement(cursor: TokenCursor, start: int) -> tree.Null:
    cursor.expect(";")
    return tree.Null(start=start, end=cursor.end)


def diagnostics_statement(cursor: TokenCursor, start: int) -> tree.GetDiagnostics:
    stacked = cursor.accept("stacked")
    if not stacked:
        cursor.accept("current")
    cursor.expect("diagnostics")
    items = []
    while True:
        target = cursor.variable()
        assign_operator(cursor)
        item = cursor.kind
        if item not in ERROR_FACTS and item not in ROUTINE_FACTS and item != "pg_context":
            raise cursor.error("unrecognized GET DIAGNOSTICS item")
        if item in (ROUTINE_FACTS if stacked else ERROR_FACTS):
            area = "STACKED" if stacked else "CURRENT"
            raise cursor.error(f"diagnostics item {item.upper()} is not allowed in GET {area} DIAGNOSTICS")
        cursor.at += 1
        items.append(tree.Diagnostic(target, item))
        if not cursor.accept(","):
            break
    cursor.expect(";")
    return tree.GetDiagnostics(start=start, end=cursor.end, stacked=stacked, items=tuple(items))


def condition_name(cursor: TokenCursor) -> str:
    """Reads the name of an error condition."""
    name = cursor.name()
    if name not in SQLSTATES:
        raise cursor.error(f'unrecognized exception condition "{name}"', cursor.at - 1)
    return name
