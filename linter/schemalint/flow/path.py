"""What a trigger does with one row: the paths through its function, their writes and their failures."""

from __future__ import annotations

import msgspec

from schemalint.flow.value import NOTHING, Value
from schemalint.text import Span


class Condition(msgspec.Struct, frozen=True):
    """Something not decided that a path takes for true."""

    text: str  # in words or SQL, for people
    key: str  # the same for the same condition, whatever the columns are called now
    holds: bool  # whether the path is the one on which it is true
    typical: bool = True  # False where ordinary writes do not go this way
    span: Span | None = None
    lookup: bool = False  # a row of another table is missing: not ordinary, but no write of the application's own doing
    parts: tuple[tuple[str, bool], ...] = ()  # the simplest conditions that it comes to, where it is made of some

    @property
    def facts(self) -> tuple[tuple[str, bool], ...]:
        """What holds on the path, as simple conditions and how they stand: the same in whatever words it is asked."""
        return self.parts or ((self.key, self.holds),)


class Assignment(msgspec.Struct, frozen=True):
    """What one column of a target gets."""

    column: int
    name: str
    value: Value
    span: Span | None  # the expression; None where no value is written
    given: bool = True  # False: the column is left out, so that its default stands


class Conflict(msgspec.Struct, frozen=True):
    """ON CONFLICT of an INSERT."""

    columns: tuple[int, ...]  # of the arbiter; empty where none is named
    update: bool  # DO UPDATE
    assignments: tuple[Assignment, ...] = ()
    filtered: bool = False  # DO UPDATE … WHERE
    condition: Condition | None = None  # that WHERE, where it can pass over an edit


class Handler(msgspec.Struct, frozen=True):
    """An EXCEPTION clause that stands around a statement."""

    conditions: tuple[str, ...]  # condition names, or "sqlstate:…"


class Write(msgspec.Struct, frozen=True):
    """One DML statement of a trigger function, on one path."""

    operation: str  # "insert", "update", "delete"
    target: int  # the table that takes the row in the end (under a view, its base table)
    assignments: tuple[Assignment, ...]
    span: Span  # the statement
    target_span: Span  # the target's name in it
    function: int  # the function whose body holds it
    depth: int = 1  # 1: of the trigger itself; more: of a trigger that its write fires
    matches: tuple[tuple[int, Value], ...] = ()  # UPDATE and DELETE: target columns that must equal a value
    filtered: bool = False  # UPDATE and DELETE: other conditions in its WHERE
    conflict: Conflict | None = None
    caught: tuple[Handler, ...] = ()
    position: int = 0  # conditions of the path that stood when it was reached

    def value_of(self, column: int) -> Value:
        for each in self.assignments:
            if each.column == column:
                return each.value
        return NOTHING

    def given(self, column: int) -> Assignment | None:
        for each in self.assignments:
            if each.column == column and each.given:
                return each
        return None


class Failure(msgspec.Struct, frozen=True):
    """An error that PostgreSQL raises on a path, or raises for some of the rows that take it."""

    kind: str  # what rules ask for: "required-column", "target-gone", …
    sqlstate: str
    message: str  # in PostgreSQL's words
    span: Span | None
    subject: tuple[int | str, ...]  # what it is about, by identities: the same failure has the same subject
    certainty: str = "certain"  # on this path: "certain", "conditional", "unknown"
    relation: int | None = None
    column: int | None = None
    value: Value = NOTHING
    reason: str = ""  # what brings it about, for people
    definition: Span | None = None  # of the constraint, column … that refuses
    witness: tuple[tuple[int, str], ...] = ()  # source columns and the SQL values that show it
    function: int | None = None
    caught: bool = False  # an EXCEPTION clause takes it: no error, but what the block did is undone
    deferred: bool = False  # raised at COMMIT


class Path(msgspec.Struct, frozen=True):
    conditions: tuple[Condition, ...] = ()
    writes: tuple[Write, ...] = ()  # also those that fail, as far as they were understood
    failures: tuple[Failure, ...] = ()
    outcome: str = "done"  # "done"; "raised" by the code itself; "failed"; "skipped": a BEFORE trigger returned NULL; "unfired"
    unchanged: frozenset[int] = frozenset()  # columns of the source that an UPDATE on this path leaves as they are

    @property
    def typical(self) -> bool:
        return all(each.typical for each in self.conditions)

    @property
    def possible(self) -> bool:
        """Whether rows can come this way without a setting or a state of the target that is out of the ordinary."""
        return all(each.typical or each.lookup for each in self.conditions)


class Firing(msgspec.Struct, frozen=True):
    """One trigger, one event: all that it may do."""

    trigger: int
    trigger_name: str
    function: int
    event: str  # "insert", "update", "delete", "truncate"
    timing: str
    paths: tuple[Path, ...]
    columns: tuple[int, ...] = ()  # UPDATE OF
    overtaken: frozenset[int] = frozenset()  # columns of the row that a later BEFORE trigger changes
    modified: frozenset[int] = frozenset()  # columns that earlier BEFORE triggers may have changed
    gaps: tuple[Gap, ...] = ()  # what is not understood: where there are some, absence proves nothing


class Gap(msgspec.Struct, frozen=True):
    """Something that the analysis of a function does not understand."""

    span: Span | None
    reason: str
