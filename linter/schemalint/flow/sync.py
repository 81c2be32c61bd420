"""Syncs: what a table's triggers carry to another table, event by event and column by column."""

from __future__ import annotations

import msgspec

from schemalint.flow.path import Firing, Write

Filter = frozenset[tuple[str, bool]]  # the conditions of a path that writes nothing: their keys, and how they stand


class Provenance(msgspec.Struct, frozen=True):
    """What one column of a target is made of, on the ordinary way of an event."""

    column: int
    name: str
    inputs: frozenset[str]  # the columns, of the firing row and of rows that are looked up, that go into it


class Carried(msgspec.Struct, frozen=True):
    """What reaches a target on one event of its source."""

    event: str
    firings: tuple[Firing, ...]  # those that write to the target
    columns: frozenset[tuple[int, int]]  # (target column, source column) that are copied
    skipped: frozenset[Filter] = frozenset()  # the ways on which a row does not arrive
    skipped_texts: tuple[str, ...] = ()
    missed: frozenset[tuple[int, int]] = frozenset()  # copied, but not on every path on which the source column changes
    write: Write | None = None  # one of the writes, to point at
    provenance: tuple[Provenance, ...] = ()
    defaults: frozenset[str] = frozenset()  # columns of the target that are left to a default other than NULL
    unset: frozenset[str] = frozenset()  # columns that an edit leaves as they are
    complete: bool = True


class Sync(msgspec.Struct, frozen=True):
    """All that the triggers of one table do to another."""

    source: int
    target: int
    mirror: bool  # the target's rows are the source's rows
    key: tuple[tuple[int, int], ...]  # (target column, source column) of a mirror's key
    carried: tuple[Carried, ...]
    identity: int = 0  # the target with which the sync began: a table rebuilt under its name is the same sync's

    def on(self, event: str) -> Carried | None:
        for each in self.carried:
            if each.event == event:
                return each
        return None


class Remembered(msgspec.Struct, frozen=True):
    """A line of the ledger: a flow that the history has established."""

    source: int
    target: int
    event: str
    source_name: str  # qualified, when the flow was last alive
    target_name: str
    mirror: bool
    trigger: int
    trigger_name: str
    function: int
    function_name: str  # its signature
    columns: frozenset[tuple[int, int]]
    skipped: frozenset[Filter]
    missed: frozenset[tuple[int, int]]
    identity: int = 0
    body: str = ""  # the function's text when the flow was last alive
    provenance: tuple[Provenance, ...] = ()
    defaults: frozenset[str] = frozenset()
    unset: frozenset[str] = frozenset()
