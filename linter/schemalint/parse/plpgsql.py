"""PL/pgSQL bodies → statements: a recursive descent over the tokens of PostgreSQL's own scanner.

It accepts what PL/pgSQL's grammar (pl_gram.y) accepts, as far as that can be told without knowing which variables and
types there are. Like there, SQL is not looked into while a body is read; `check_fragments` does it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

from schemalint.parse import plpgsql_cursors as cursors
from schemalint.parse import plpgsql_statements as simple
from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.libpg_query import ParseError, parse_json
from schemalint.parse.plpgsql_declarations import declarations
from schemalint.parse.plpgsql_tokens import END, NUMBER, UNRESERVED, BodySyntaxError, TokenCursor, sql_error
from schemalint.parse.plpgsql_tree import Block, Body, Fragment, Statement, fragments, walk

__all__ = ["BodySyntaxError", "check_fragments", "fragments", "parse_body", "walk"]

DEEPEST = 100  # blocks in blocks; Python's own limit must never be met
BODY_ENDS = frozenset({"end", "exception", "else", "elsif", "elseif", "when"})
THEN = frozenset({"then"})
LOOP = frozenset({"loop"})
CONFLICTS = ("error", "use_variable", "use_column")
FIRST_WORDS_OF_SQL = frozenset({"import", "insert", "merge"})  # of PL/pgSQL's own keywords


def parse_body(body: str) -> Block:
    """The block that a function's text is; raises BodySyntaxError where PL/pgSQL would refuse it."""
    cursor = TokenCursor(body)
    options = read_options(cursor)
    block = block_statement(cursor, cursor.start, label(cursor), options)
    cursor.accept(";")
    if cursor.kind != END:
        raise cursor.error()
    return block


def check_fragments(block: Block) -> BodySyntaxError | None:
    """The first syntax error in the SQL of a body, which CREATE FUNCTION would report."""
    for fragment in fragments(block):
        error = check_fragment(fragment)
        if error is not None:
            return error
    return None


def check_fragment(fragment: Fragment) -> BodySyntaxError | None:
    try:
        parse_json(fragment.sql)
    except ParseError as error:
        return sql_error(error, fragment.start - len(fragment.leader or ""), fragment.end)
    return None


def read_options(cursor: TokenCursor) -> tree.Options:
    conflict: str | None = None
    strict: bool | None = None
    dump = False
    while cursor.accept("#"):
        word, value = cursor.kind, cursor.kinds[cursor.at + 1]
        if word == "option" and value == "dump":
            dump = True
        elif word == "print_strict_params" and value in ("on", "off"):
            strict = value == "on"
        elif word == "variable_conflict" and value in CONFLICTS:
            conflict = value
        else:
            raise cursor.error()
        cursor.at += 2
    return tree.Options(conflict, strict, dump)


def label(cursor: TokenCursor) -> str | None:
    """Reads the label that may stand before a block or a loop."""
    if not cursor.accept("<<"):
        return None
    name = cursor.name()
    cursor.expect(">>")
    return name


def block_statement(cursor: TokenCursor, start: int, name: str | None, options: tree.Options | None = None) -> Block:
    """Reads a block up to its END and the label there, but not the semicolon."""
    outer_cursors = cursor.bound_cursors
    declared = declarations(cursor) if cursor.kind == "declare" else ()
    cursor.expect("begin")
    cursor.scopes.append((name, False))
    body = statements(cursor)
    handlers = exception_handlers(cursor) if cursor.accept("exception") else ()
    cursor.scopes.pop()
    cursor.bound_cursors = outer_cursors
    cursor.expect("end")
    cursor.end_label(name)
    return Block(
        start=start,
        end=cursor.end,
        options=options or tree.Options(),
        label=name,
        declarations=declared,
        body=body,
        handlers=handlers,
    )


def exception_handlers(cursor: TokenCursor) -> tuple[tree.Handler, ...]:
    handlers: list[tree.Handler] = []
    while not handlers or cursor.kind == "when":
        start = cursor.start
        cursor.expect("when")
        conditions = [handled_condition(cursor)]
        while cursor.accept("or"):
            conditions.append(handled_condition(cursor))
        cursor.expect("then")
        body = statements(cursor)
        handlers.append(tree.Handler(start=start, end=cursor.end, conditions=tuple(conditions), body=body))
    return tuple(handlers)


def handled_condition(cursor: TokenCursor) -> str:
    if cursor.accept_word("sqlstate"):
        return simple.sqlstate(cursor)
    if cursor.is_name(cursor.at) and cursor.word(cursor.at) == "others":
        cursor.at += 1
        return "others"
    return simple.condition_name(cursor)


def statements(cursor: TokenCursor) -> Body:
    """Reads statements up to a word that ends the list of them."""
    found: list[Statement] = []
    if len(cursor.scopes) > DEEPEST:
        raise BodySyntaxError("nested too deeply", cursor.start, cursor.ends[cursor.at])
    cursor.scopes.append((None, False))
    while cursor.kind not in BODY_ENDS or is_assignment(cursor):
        found.append(statement(cursor))
    cursor.scopes.pop()
    return tuple(found)


def is_assignment(cursor: TokenCursor) -> bool:
    """Whether a statement begins with a variable. What follows decides; only reserved words cannot be one."""
    return cursor.kinds[cursor.at + 1] in (":=", "=", "[", ".") and cursor.is_variable(cursor.at)


def statement(cursor: TokenCursor) -> Statement:
    start = cursor.start
    if is_assignment(cursor):
        return simple.assign_statement(cursor, start)
    word = cursor.kind
    if word == "<<" or word in LABELLED:
        return labelled_statement(cursor, start)
    read = STATEMENTS.get(word)
    if read is not None:
        cursor.at += 1
        return read(cursor, start)
    if not cursor.is_name(cursor.at) or (word in UNRESERVED and word not in FIRST_WORDS_OF_SQL):
        raise cursor.error()
    return simple.sql_statement(cursor, start)


def labelled_statement(cursor: TokenCursor, start: int) -> Statement:
    name = label(cursor)
    if cursor.kind in ("declare", "begin"):
        block = block_statement(cursor, start, name)
        cursor.expect(";")
        return block
    read = LOOPS.get(cursor.kind)
    if read is None:
        raise cursor.error()
    cursor.at += 1
    cursor.scopes.append((name, True))
    loop = read(cursor, start, name)
    cursor.scopes.pop()
    return loop


def if_statement(cursor: TokenCursor, start: int) -> tree.If:
    branches: list[tree.Branch] = []
    while not branches or cursor.accept("elsif") or cursor.accept("elseif"):
        place = cursor.starts[cursor.at - 1]
        condition = cursor.expression(THEN)
        cursor.expect("then")
        body = statements(cursor)
        branches.append(tree.Branch(start=place, end=cursor.end, condition=condition, body=body))
    otherwise = statements(cursor) if cursor.accept("else") else None
    cursor.expect("end", "if", ";")
    return tree.If(start=start, end=cursor.end, branches=tuple(branches), otherwise=otherwise)


def case_statement(cursor: TokenCursor, start: int) -> tree.Case:
    subject = None if cursor.kind == "when" else cursor.expression(frozenset({"when"}))
    branches: list[tree.CaseBranch] = []
    while not branches or cursor.kind == "when":
        place = cursor.start
        cursor.expect("when")
        values = cursor.expressions(THEN) if subject is not None else (cursor.expression(THEN),)
        cursor.expect("then")
        body = statements(cursor)
        branches.append(tree.CaseBranch(start=place, end=cursor.end, values=values, body=body))
    otherwise = statements(cursor) if cursor.accept("else") else None
    cursor.expect("end", "case", ";")
    return tree.Case(start=start, end=cursor.end, subject=subject, branches=tuple(branches), otherwise=otherwise)


def loop_body(cursor: TokenCursor, name: str | None) -> Body:
    """Reads from LOOP to the semicolon behind END LOOP."""
    cursor.expect("loop")
    body = statements(cursor)
    cursor.expect("end", "loop")
    cursor.end_label(name)
    cursor.expect(";")
    return body


def loop_statement(cursor: TokenCursor, start: int, name: str | None) -> tree.Loop:
    cursor.at -= 1
    body = loop_body(cursor, name)
    return tree.Loop(start=start, end=cursor.end, label=name, body=body)


def while_statement(cursor: TokenCursor, start: int, name: str | None) -> tree.While:
    condition = cursor.expression(LOOP)
    body = loop_body(cursor, name)
    return tree.While(start=start, end=cursor.end, label=name, condition=condition, body=body)


def for_statement(cursor: TokenCursor, start: int, name: str | None) -> tree.Looping:
    place = cursor.at
    targets = cursor.variables()
    cursor.expect("in")
    if cursor.accept("execute"):
        query, using = simple.dynamic_query(cursor, LOOP)
        body = loop_body(cursor, name)
        return tree.ForExecute(start=start, end=cursor.end, label=name, targets=targets, query=query, using=using, body=body)
    if names_cursor(cursor):
        return for_cursor(cursor, start, name, single(cursor, targets, place, "cursor"))
    first = cursor.at
    reverse = cursor.accept_word("reverse")
    query = cursor.query(frozenset({"loop", ".."}))
    if cursor.kind == "..":
        cursor.at = first + reverse
        return for_range(cursor, start, name, single(cursor, targets, place, "integer"), reverse)
    if reverse:
        raise cursor.error("cannot specify REVERSE in query FOR loop", first)
    body = loop_body(cursor, name)
    return tree.ForQuery(start=start, end=cursor.end, label=name, targets=targets, query=query, body=body)


def single(cursor: TokenCursor, targets: tuple[tree.Name, ...], place: int, kind: str) -> str:
    """The one variable that a loop over numbers or a cursor brings along."""
    if len(targets) > 1:
        raise cursor.error(f"{kind} FOR loop must have only one target variable", place)
    return ".".join(targets[0])


def names_cursor(cursor: TokenCursor) -> bool:
    """Whether a cursor that has its query from its declaration comes next."""
    at = cursor.at
    while cursor.kinds[at + 1] == "." and cursor.is_name(at + 2):
        at += 2
    return cursor.is_name(at) and cursor.word(at) in cursor.bound_cursors and cursor.kinds[at + 1] in ("loop", "(")


def for_cursor(cursor: TokenCursor, start: int, name: str | None, variable: str) -> tree.ForCursor:
    query = cursor.variable()
    arguments = cursors.cursor_arguments(cursor) if cursor.kind == "(" else None
    body = loop_body(cursor, name)
    return tree.ForCursor(
        start=start, end=cursor.end, label=name, variable=variable, cursor=query, arguments=arguments, body=body
    )


def for_range(cursor: TokenCursor, start: int, name: str | None, variable: str, reverse: bool) -> tree.ForRange:
    lower = cursor.expression(frozenset({".."}))
    cursor.at += 1
    upper = cursor.expression(frozenset({"loop", "by"}))
    step = cursor.expression(LOOP) if cursor.accept("by") else None
    body = loop_body(cursor, name)
    return tree.ForRange(
        start=start,
        end=cursor.end,
        label=name,
        variable=variable,
        reverse=reverse,
        lower=lower,
        upper=upper,
        step=step,
        body=body,
    )


def foreach_statement(cursor: TokenCursor, start: int, name: str | None) -> tree.Foreach:
    targets = cursor.variables()
    dimensions = 0
    if cursor.accept("slice"):
        cursor.expect(NUMBER)
        dimensions = int(cursor.body[cursor.starts[cursor.at - 1] : cursor.end].replace("_", ""), 0)
    cursor.expect("in", "array")
    array = cursor.expression(LOOP)
    body = loop_body(cursor, name)
    return tree.Foreach(start=start, end=cursor.end, label=name, targets=targets, slice=dimensions, array=array, body=body)


LOOPS: dict[str, Callable[[TokenCursor, int, str | None], tree.Looping]] = {
    "loop": loop_statement,
    "while": while_statement,
    "for": for_statement,
    "foreach": foreach_statement,
}
LABELLED = frozenset({"declare", "begin", *LOOPS})
STATEMENTS: dict[str, Callable[[TokenCursor, int], Statement]] = {
    "if": if_statement,
    "case": case_statement,
    "exit": simple.exit_statement,
    "continue": simple.continue_statement,
    "return": simple.return_statement,
    "raise": simple.raise_statement,
    "assert": simple.assert_statement,
    "perform": simple.perform_statement,
    "execute": simple.execute_statement,
    "call": simple.query_statement,
    "do": simple.query_statement,
    "get": simple.diagnostics_statement,
    "open": cursors.open_statement,
    "fetch": cursors.fetch_statement,
    "move": cursors.move_statement,
    "close": cursors.close_statement,
    "commit": simple.commit_statement,
    "rollback": simple.rollback_statement,
    "null": simple.null_statement,
}
