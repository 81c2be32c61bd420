"""What a PL/pgSQL body is made of, as immutable values.

Offsets count characters of the body, from `start` to before `end`. Names are folded as PostgreSQL folds them, and a
name with dots is the tuple of its parts: `NEW.content` is `("new", "content")`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

Name = tuple[str, ...]
Body = tuple["Statement", ...]


class Fragment(msgspec.Struct, frozen=True):
    """A piece of SQL in the body, without white space and comments at its rim.

    `leader` is what has to stand before the text to make a statement of it; None where it is no SQL of its own (the
    target of an assignment, `messages%ROWTYPE`). The text is body[start:end], except that an INTO clause of PL/pgSQL is
    blanked in it.
    """

    text: str
    start: int
    end: int
    leader: str | None = "SELECT "

    @property
    def sql(self) -> str:
        """A statement that libpg_query parses; an offset in it minus len(leader) is one in the text."""
        return (self.leader or "") + self.text


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Anything in a body that has a place."""

    start: int
    end: int


class Statement(Part, frozen=True, kw_only=True):
    """Something that runs, with its semicolon; a block is one too, and ends at its END."""


class Declaration(Part, frozen=True, kw_only=True):
    name: str


class Variable(Declaration, frozen=True, kw_only=True):
    constant: bool
    type_text: Fragment
    collation: Name | None
    not_null: bool
    default: Fragment | None


class Alias(Declaration, frozen=True, kw_only=True):
    of: Name


class Argument(msgspec.Struct, frozen=True):
    """A parameter of a cursor."""

    name: str
    type_text: Fragment


class Cursor(Declaration, frozen=True, kw_only=True):
    scroll: bool | None
    arguments: tuple[Argument, ...]
    query: Fragment


class Options(msgspec.Struct, frozen=True):
    """The lines that begin with # before the outermost block."""

    variable_conflict: str | None = None
    print_strict_params: bool | None = None
    dump: bool = False


class Handler(Part, frozen=True, kw_only=True):
    """One WHEN of an EXCEPTION section. A condition is a name such as `others`, or `sqlstate:` and a code."""

    conditions: tuple[str, ...]
    body: Body


class Block(Statement, frozen=True, kw_only=True):
    options: Options = Options()
    label: str | None
    declarations: tuple[Declaration, ...]
    body: Body
    handlers: tuple[Handler, ...]


class Into(Part, frozen=True, kw_only=True):
    strict: bool
    targets: tuple[Name, ...]


class Assign(Statement, frozen=True, kw_only=True):
    """`target := value`. Subscripts are in the target's text only, and `subscripted` says that there are some."""

    target: Fragment
    target_parts: Name
    subscripted: bool
    value: Fragment


class Branch(Part, frozen=True, kw_only=True):
    condition: Fragment
    body: Body


class If(Statement, frozen=True, kw_only=True):
    branches: tuple[Branch, ...]
    otherwise: Body | None


class CaseBranch(Part, frozen=True, kw_only=True):
    """A WHEN of CASE: the values that the subject may have or, where there is no subject, one condition."""

    values: tuple[Fragment, ...]
    body: Body


class Case(Statement, frozen=True, kw_only=True):
    subject: Fragment | None
    branches: tuple[CaseBranch, ...]
    otherwise: Body | None


class Looping(Statement, frozen=True, kw_only=True):
    """What EXIT and CONTINUE can leave."""

    label: str | None


class Loop(Looping, frozen=True, kw_only=True):
    body: Body


class While(Looping, frozen=True, kw_only=True):
    condition: Fragment
    body: Body


class ForRange(Looping, frozen=True, kw_only=True):
    variable: str
    reverse: bool
    lower: Fragment
    upper: Fragment
    step: Fragment | None
    body: Body


class ForQuery(Looping, frozen=True, kw_only=True):
    targets: tuple[Name, ...]
    query: Fragment
    body: Body


class ForExecute(Looping, frozen=True, kw_only=True):
    targets: tuple[Name, ...]
    query: Fragment
    using: tuple[Fragment, ...]
    body: Body


class ForCursor(Looping, frozen=True, kw_only=True):
    variable: str
    cursor: Name
    arguments: Fragment | None
    body: Body


class Foreach(Looping, frozen=True, kw_only=True):
    targets: tuple[Name, ...]
    slice: int
    array: Fragment
    body: Body


class Exit(Statement, frozen=True, kw_only=True):
    """EXIT or CONTINUE."""

    is_continue: bool
    label: str | None
    when: Fragment | None


class Return(Statement, frozen=True, kw_only=True):
    value: Fragment | None


class ReturnNext(Statement, frozen=True, kw_only=True):
    value: Fragment | None


class ReturnQuery(Statement, frozen=True, kw_only=True):
    """RETURN QUERY with a query, or with the expression (`dynamic`) whose value is one."""

    query: Fragment | None
    dynamic: Fragment | None
    using: tuple[Fragment, ...]


class RaiseOption(msgspec.Struct, frozen=True):
    """What follows USING in RAISE: `errcode`, `message`, `detail`, `hint`, `column`, `constraint`, `table` …"""

    name: str
    value: Fragment


class Raise(Statement, frozen=True, kw_only=True):
    """`format` is the string's value. A condition is a name, or `sqlstate:` and a code."""

    level: str
    format: str | None
    condition: str | None
    arguments: tuple[Fragment, ...]
    options: tuple[RaiseOption, ...]

    @property
    def rethrows(self) -> bool:
        """Whether it is the bare `RAISE;` that throws the current error again."""
        return self.format is None and self.condition is None and not self.options


class Assert(Statement, frozen=True, kw_only=True):
    condition: Fragment
    message: Fragment | None


class Perform(Statement, frozen=True, kw_only=True):
    query: Fragment


class Execute(Statement, frozen=True, kw_only=True):
    query: Fragment
    into: Into | None
    using: tuple[Fragment, ...]


class Sql(Statement, frozen=True, kw_only=True):
    """A statement of SQL, CALL and DO among them; `keyword` is its first word."""

    keyword: str
    query: Fragment
    into: Into | None


class Diagnostic(msgspec.Struct, frozen=True):
    target: Name
    item: str


class GetDiagnostics(Statement, frozen=True, kw_only=True):
    stacked: bool
    items: tuple[Diagnostic, ...]


class OpenCursor(Statement, frozen=True, kw_only=True):
    """OPEN of a bound cursor (neither query nor dynamic), for a query, or for what an expression says."""

    cursor: Name
    arguments: Fragment | None
    scroll: bool | None
    query: Fragment | None
    dynamic: Fragment | None
    using: tuple[Fragment, ...]


class Fetch(Statement, frozen=True, kw_only=True):
    """FETCH or MOVE. The direction is its lower-case words without FROM or IN, `count` the expression in it."""

    is_move: bool
    direction: str
    count: Fragment | None
    cursor: Name
    targets: tuple[Name, ...]


class Close(Statement, frozen=True, kw_only=True):
    cursor: Name


class Commit(Statement, frozen=True, kw_only=True):
    chain: bool


class Rollback(Statement, frozen=True, kw_only=True):
    chain: bool


class Null(Statement, frozen=True, kw_only=True):
    """NULL, which does nothing."""


def bodies(statement: Statement) -> tuple[Body, ...]:
    """The lists of statements directly inside a statement."""
    match statement:
        case Block(body=body, handlers=handlers):
            return (body, *(handler.body for handler in handlers))
        case If(branches=branches, otherwise=otherwise):
            return (*(branch.body for branch in branches), otherwise or ())
        case Case(branches=choices, otherwise=otherwise):
            return (*(choice.body for choice in choices), otherwise or ())
        case Loop(body=body) | While(body=body) | ForRange(body=body) | ForQuery(body=body):
            return (body,)
        case ForExecute(body=body) | ForCursor(body=body) | Foreach(body=body):
            return (body,)
    return ()


def walk(statement: Statement) -> Iterator[Statement]:
    """A statement and all that are inside it, in the order of the text."""
    ahead = [statement]
    while ahead:
        following = ahead.pop()
        yield following
        for body in reversed(bodies(following)):
            ahead.extend(reversed(body))


def fragments(value: object) -> Iterator[Fragment]:
    """The SQL in a block, a statement or a part of one, in the order of the text; what has no leader is none."""
    ahead = [value]
    while ahead:
        following = ahead.pop()
        if isinstance(following, Fragment):
            if following.leader is not None:
                yield following
        elif isinstance(following, tuple):
            ahead.extend(reversed(following))
        elif isinstance(following, msgspec.Struct):
            ahead.extend(getattr(following, field) for field in reversed(following.__struct_fields__))
