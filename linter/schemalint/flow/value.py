"""Abstract values: what is known of a value before any row has been seen.

A value has a type, says whether it can be NULL, and carries the term that computes it from the row that
fired the trigger. Terms are what tells a copied column from a constant, and what constraints are decided on.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from schemalint.catalog.model import UNKNOWN, Type


class Null(StrEnum):
    """Whether a value is NULL."""

    NEVER = "never"
    MAYBE = "maybe"  # some rows have it so
    ALWAYS = "always"
    UNKNOWN = "unknown"  # the analysis cannot tell

    def either(self, other: Null) -> Null:
        """The nullness of a value that is one or the other."""
        if self is other:
            return self
        if Null.UNKNOWN in (self, other):
            return Null.UNKNOWN if Null.NEVER in (self, other) else Null.MAYBE
        return Null.MAYBE

    def strict(self, other: Null) -> Null:
        """The nullness of a result that is NULL as soon as one of its inputs is."""
        for each in (Null.ALWAYS, Null.MAYBE, Null.UNKNOWN):
            if each in (self, other):
                return each
        return Null.NEVER


class Field(msgspec.Struct, frozen=True):
    """A column of the row that fired the trigger."""

    row: str  # "new" or "old"
    relation: int
    column: int


class Constant(msgspec.Struct, frozen=True):
    text: str | None  # as PostgreSQL prints the value; None is NULL
    type: str | int = "unknown"


class Call(msgspec.Struct, frozen=True):
    """A function or operator over other terms.

    An explicit cast is Call("::", …), one by assignment Call(":=", …), each with the type as detail.
    """

    name: str
    arguments: tuple[Term, ...]
    detail: str = ""
    volatile: bool = False


class Looked(msgspec.Struct, frozen=True):
    """A column of a row that a query found in a table, and by which of the table's columns it was found."""

    relation: int
    column: int
    by: tuple[tuple[int, Term], ...] = ()


class Choice(msgspec.Struct, frozen=True):
    """One of several terms, depending on what is not decided."""

    of: tuple[Term, ...]
    by: tuple[Term, ...] = ()  # what decides between them


class Opaque(msgspec.Struct, frozen=True):
    """Something that the analysis does not see into."""

    what: str = ""


Term = Field | Constant | Call | Looked | Choice | Opaque
NULL_TERM = Constant(None)


class Value(msgspec.Struct, frozen=True):
    type: Type = UNKNOWN
    null: Null = Null.UNKNOWN
    term: Term = Opaque()
    row: tuple[tuple[str, Value], ...] | None = None  # the fields of a composite value, where they are known
    relation: int | None = None  # the table whose row it is

    def field(self, name: str) -> Value | None:
        for each, value in self.row or ():
            if each == name:
                return value
        return None

    def with_field(self, name: str, value: Value) -> Value:
        row = tuple((each, value if each == name else old) for each, old in self.row or ())
        return msgspec.structs.replace(self, row=row, null=Null.NEVER)

    @property
    def constant(self) -> Constant | None:
        return self.term if isinstance(self.term, Constant) else None


NOTHING = Value()
NULL = Value(Type("unknown"), Null.ALWAYS, NULL_TERM)


def constant(text: str, type_: str = "unknown") -> Value:
    return Value(Type(type_), Null.NEVER, Constant(text, type_))


def boolean(truth: bool | None) -> Value:
    if truth is None:
        return Value(Type("bool"), Null.ALWAYS, Constant(None, "bool"))
    return constant("true" if truth else "false", "bool")


def subterms(term: Term) -> Iterator[Term]:
    """The term and all below it."""
    yield term
    match term:
        case Call():
            for each in term.arguments:
                yield from subterms(each)
        case Choice():
            for each in (*term.of, *term.by):
                yield from subterms(each)
        case Looked():
            for _, each in term.by:
                yield from subterms(each)


def fields_of(term: Term) -> frozenset[Field]:
    """The columns of the firing row that a term is computed from."""
    return frozenset(each for each in subterms(term) if isinstance(each, Field))


def copied_field(term: Term) -> Field | None:
    """The column that a term copies: itself, or through casts that lose no row's identity."""
    while isinstance(term, Call) and term.name in ("::", ":=") and term.arguments:
        term = term.arguments[0]
    return term if isinstance(term, Field) else None


def join_terms(first: Term, second: Term) -> Term:
    if first == second:
        return first
    options: list[Term] = []
    for each in (first, second):
        for option in each.of if isinstance(each, Choice) else (each,):
            if option not in options:
                options.append(option)
    return Choice(tuple(options)) if len(options) <= 8 else Opaque("one of many")


def join(first: Value, second: Value) -> Value:
    """A value that is one or the other."""
    if first == second:
        return first
    null = first.null.either(second.null)
    type_ = first.type
    if first.type != second.type:
        loose = [each for each in (first, second) if each.type.id not in ("unknown", "?")]
        type_ = loose[0].type if len(loose) == 1 else UNKNOWN
    row = None
    if first.row is not None and second.row is not None and len(first.row) == len(second.row):
        row = tuple((name, join(value, other)) for (name, value), (_, other) in zip(first.row, second.row, strict=True))
    relation = first.relation if first.relation == second.relation else None
    return Value(type_, null, join_terms(first.term, second.term), row, relation)
