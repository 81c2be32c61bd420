"""What a rule sees and what it says: with `catalog` and `flow`, all that a rule may import.

A rule is a decorated generator function in a file of its own, `rules/<group>/<name>.py`. Its id is group/name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Column, Constraint, ConstraintKind, Function, Relation, RelationKind
from schemalint.decision import Decisions
from schemalint.finding import Certainty, Place, Severity
from schemalint.finding import Sync as SyncNames
from schemalint.flow.contract import Contract, contract_of
from schemalint.flow.path import Failure, Firing, Path, Write
from schemalint.flow.sync import Carried, Remembered, Sync
from schemalint.flow.value import Field, fields_of
from schemalint.flow.witness import witness_of
from schemalint.text import Span

Key = tuple[Any, ...]


OF_THE_ROW = ("required-column", "nullable-value", "check", "value-out-of-range", "foreign-key", "unique")


class Failing(msgspec.Struct, frozen=True):
    """A failure, over all paths and events of the triggers that meet it."""

    failure: Failure
    firing: Firing
    certainty: Certainty
    events: tuple[str, ...]


class Violation(msgspec.Struct, frozen=True):
    """One place where an invariant does not hold. The engine adds rule, severity and the statement to blame."""

    key: Key  # by identities, so that a rename makes no old violation new
    message: str
    at: tuple[Span | None, ...] = ()  # what the finding marks, where it lies in the blamed statement
    certainty: Certainty = Certainty.CERTAIN
    sync: SyncNames | None = None
    related: tuple[Place, ...] = ()
    sqlstate: str | None = None
    answer: str | None = None
    witness: str | None = None
    help: str | None = None
    severity: Severity | None = None  # where it is not the certainty that decides
    momentary: bool = False  # said at the migration that causes it, and not of later states


Violations = Iterator[Violation]


class State(msgspec.Struct, frozen=True):
    """One table's triggers in one state of the schema: what an invariant is asked about."""

    catalog: Catalog
    source: Relation
    firings: tuple[Firing, ...]
    syncs: tuple[Sync, ...]
    ledger: tuple[Remembered, ...]  # of before the migration at hand; retired flows are not in it
    mirrored: Callable[[int, int], bool]  # whether rows of one table are mirrored into another

    def failing(self, *kinds: str) -> Iterator[Failing]:
        """The failures of these kinds that no EXCEPTION clause takes, each once."""
        yield from _failing(self.firings, kinds, caught=False)

    def swallowed(self, *kinds: str) -> Iterator[Failing]:
        """The failures that an EXCEPTION clause takes: no error, but what its block wrote is undone."""
        yield from _failing(self.firings, kinds, caught=True)

    @property
    def mirrors(self) -> tuple[Sync, ...]:
        return tuple(each for each in self.syncs if each.mirror)

    def contract(self, target: int | None) -> Contract:
        """What is declared about the sync from the source to a table."""
        return contract_of(self.catalog, self.catalog.qualified_name(self.source), self.relation_name(target))

    @property
    def kept(self) -> tuple[Sync, ...]:
        """The mirrors that are to stay: those that are not declared retired."""
        return tuple(each for each in self.mirrors if not self.contract(each.target).retired)

    def fails(self, event: str) -> bool:
        """Whether every ordinary write of the event raises: then nothing is lost."""
        return any(firing.event == event and _always_fails(firing) for firing in self.firings)

    def writes(self, sync: Sync) -> Iterator[tuple[Carried, Path, Write]]:
        """The writes of a sync, on each path and event on which it makes one."""
        for carried in sync.carried:
            for firing in carried.firings:
                for path in firing.paths:
                    for write in path.writes:
                        if write.target == sync.target:
                            yield carried, path, write

    def column_span(self, relation: int, number: int) -> Span | None:
        """Where a column was made or last changed."""
        column = self.column(relation, number)
        return column.span if column is not None else None

    # -- losses

    def lost(self) -> Iterator[Remembered]:
        """Flows of the ledger of which nothing is left, although the writes of their event succeed."""
        for line in self.ledger:
            if not self.fails(line.event) and self._complete(line.event) and self.now(line) is None:
                yield line

    def narrowed(self) -> Iterator[tuple[Remembered, Carried]]:
        """Flows that now leave out rows which they used to carry."""
        for line in self.ledger:
            carried = self.now(line)
            if carried is not None and carried.complete and _new_ways(carried, line) and not self.fails(line.event):
                yield line, carried

    def uncopied(self) -> Iterator[tuple[Remembered, int, int]]:
        """Columns that a flow used to copy: (flow, target column, source column)."""
        for line in self.ledger:
            carried = self.now(line)
            if carried is None or not carried.complete or self.fails(line.event):
                continue
            target = self.catalog.relation(line.target)
            left_out = self.contract(line.target).left_out
            for column, source in sorted(line.columns - (carried.columns - carried.missed)):
                if left_out & {self.column_name(line.target, column), self.column_name(line.source, source)}:
                    continue
                there = target is not None and target.column_numbered(column) is not None
                if not there or self.source.column_numbered(source) is None or _new_ways(carried, line):
                    continue
                now = carried.columns - carried.missed
                filled = any(each == column for each, _ in now)
                filled = filled or self._decides(line, column, source)
                moved = any(own == source and (each, own) not in line.columns for each, own in now)
                if not filled or moved:
                    yield line, column, source

    def _decides(self, line: Remembered, column: int, source: int) -> bool:
        """Whether a column still decides what another gets: by a condition on the way to the write."""
        name = repr(Field("new", self.source.oid, source))
        return any(
            write.given(column) is not None and any(name in each.key for each in path.conditions)
            for sync in self.syncs
            if sync.target == line.target
            for carried, path, write in self.writes(sync)
            if carried.event == line.event
        )

    def now(self, line: Remembered) -> Carried | None:
        """What is left of a flow of the ledger."""
        for sync in self.syncs:
            if sync.target == line.target:
                return sync.on(line.event)
        return None

    def _complete(self, event: str) -> bool:
        return not any(each.gaps for each in self.firings if each.event == event)

    def reason_of_loss(self, line: Remembered) -> str:
        """ "gone", "disabled" or "filtered": what became of the trigger that carried a flow."""
        trigger = next((each for each in self.source.triggers if each.oid == line.trigger), None)
        if trigger is None:
            trigger = next((each for each in self.source.triggers if each.function == line.function), None)
        if trigger is None:
            return "gone"
        return "disabled" if trigger.enabled in ("D", "R") else "filtered"

    def of_event(self, line: Remembered) -> str:
        words = {"insert": "rows inserted into", "update": "edits of", "delete": "deletes from"}
        return f"{words.get(line.event, line.event)} {line.source_name}"

    def loss(
        self, line: Remembered, message: str, help: str, certainty: Certainty = Certainty.CERTAIN, kind: str | int = "lost"
    ) -> Violation:
        """The violation that a lost flow is: an error for a mirror, a warning of its moment for an effect."""
        function = self.catalog.function(line.function)
        return Violation(
            key=(line.source, line.target, line.event, kind),
            message=message,
            certainty=certainty,
            sync=self.names_of(line),
            related=(Place(function.span, "this carried them"),) if function is not None and function.span is not None else (),
            witness=witness_of(self.source, line.event, {}, self.catalog),
            help=help,
            severity=Severity.ERROR if line.mirror else Severity.WARNING,
            momentary=not line.mirror,
        )

    def unpropagated(self, event: str) -> Iterator[Sync]:
        """Mirrors that carry new rows, or have done so, and have never carried this event."""
        known = {(line.target, line.event) for line in self.ledger}
        if not self._complete(event) or self.fails(event):
            return
        for sync in (*self.mirrors, *self._past_mirrors()):
            carried = sync.on("insert")
            if carried is None or sync.on(event) is not None or (sync.target, event) in known:
                continue
            if not self.contract(sync.target).covers(event):
                continue
            target = self.catalog.relation(sync.target)
            if target is None or target.kind is RelationKind.VIEW:
                continue  # the table below the view is a target of its own
            if self.mirrored(sync.target, sync.source) and sync.target < sync.source:
                continue  # a sync in both directions is said once
            if event == "update" and not any(pair not in sync.key for pair in carried.columns):
                continue
            if not self._by_foreign_key(sync, event):
                yield sync

    def _past_mirrors(self) -> Iterator[Sync]:
        """Mirrors of the ledger of which nothing is left: what they have never done is as true as before."""
        alive = {each.target for each in self.syncs}
        for line in self.ledger:
            if line.mirror and line.event == "insert" and line.target not in alive:
                carried = Carried("insert", (), line.columns, line.skipped)
                yield Sync(line.source, line.target, True, (), (carried,), line.identity)

    def _by_foreign_key(self, sync: Sync, event: str) -> bool:
        """Whether a cascading foreign key of the target does what no trigger does."""
        target = self.catalog.relation(sync.target)
        for each in target.constraints if target is not None else ():
            if each.references == sync.source and each.enforced:
                action = each.on_delete if event == "delete" else each.on_update
                if event == "delete" and action in ("cascade", "set null", "set default"):
                    return True
        return False

    def never_carried(self, sync: Sync, event: str, help: str) -> Violations:
        """What a mirror has never done: for writes of the source itself, and for those that a foreign key passes on to it."""
        source, target = self.catalog.qualified_name(self.source), self.relation_name(sync.target)
        verb, ends = {"update": ("edits of", "never reach"), "delete": ("rows deleted from", "stay in")}[event]
        firing = next(iter(sync.carried[0].firings), None)
        fired = firing is not None and any(each.event == event and each.function == firing.function for each in self.firings)
        trigger = next((each for each in self.source.triggers if firing is not None and each.oid == firing.trigger), None)
        key = (sync.source, sync.identity, event)
        why = "the function does nothing for them" if fired else "no trigger carries them"
        yield self._never(
            sync, (*key, "fired for nothing" if fired else "never"), f"{verb} {source} {ends} {target}: {why}",
            trigger.span if trigger is not None else None, witness_of(self.source, event, {}, self.catalog), help,
        )  # fmt: skip
        for own in self.cascades(event):
            parent = self.catalog.relation(own.references)
            if parent is not None:
                name = self.catalog.qualified_name(parent)
                message = f"{verb} {source} by the cascade from {name} {ends} {target}: {why}"
                witness = witness_of(parent, event, {}, self.catalog)
                yield self._never(sync, (*key, "cascade", parent.oid), message, own.span, witness, help)

    def _never(self, sync: Sync, key: Key, message: str, at: Span | None, witness: str | None, help: str) -> Violation:
        place = sync.carried[0].write.span if sync.carried[0].write is not None else None
        return Violation(
            key=key,
            message=message,
            at=(at,),
            sync=self.names_of_sync(sync),
            related=(Place(place, "only new rows are copied here"),) if place is not None else (),
            witness=witness,
            help=help,
            severity=Severity.WARNING,
        )

    def names_of_sync(self, sync: Sync) -> SyncNames | None:
        firing = next(iter(sync.carried[0].firings), None)
        if firing is not None:
            return self.names(firing, sync.target)
        return next((self.names_of(line) for line in self.ledger if line.target == sync.target), None)

    def cascades(self, event: str) -> list[Constraint]:
        """The foreign keys through which deletes from a parent, or new keys of it, come down to the source."""
        actions = ("cascade", "set null", "set default") if event == "update" else ("cascade",)
        return [
            each
            for each in self.source.constraints
            if each.references is not None and (each.on_delete if event == "delete" else each.on_update) in actions
        ]

    # -- names

    def constraint(self, relation: int | None, oid: Any) -> Constraint | None:
        found = self.catalog.relation(relation)
        return next((each for each in found.constraints if each.oid == oid), None) if found is not None else None

    def parents_are_mirrored(self, failure: Failure) -> bool:
        """Whether the rows that a foreign key asks for are put there by a sync of the source's own parent."""
        key = self.constraint(failure.relation, failure.subject[1])
        if key is None or key.references is None:
            return False
        fields = fields_of(failure.value.term)
        return any(
            own.references is not None and self.mirrored(own.references, key.references)
            for own in self.source.constraints
            for field in fields
            if own.kind is ConstraintKind.FOREIGN_KEY and field.column in own.columns
        )

    def cleared_first(self, failing: Failing, child: int) -> bool:
        """Whether the rows of a table that refers to the target are gone before the target's row is deleted."""
        if any(w.target == child and w.operation != "insert" for p in failing.firing.paths for w in p.writes):
            return True
        for oid in self.catalog.users(self.source.oid):
            own = self.catalog.relation(oid)
            if own is not None and oid != self.source.oid and self.mirrored(oid, child):
                return True
        return False

    def relation_name(self, oid: int | None) -> str:
        relation = self.catalog.relation(oid)
        return self.catalog.qualified_name(relation) if relation is not None else "?"

    def column(self, relation: int | None, number: int | None) -> Column | None:
        found = self.catalog.relation(relation)
        return found.column_numbered(number) if found is not None and number is not None else None

    def column_name(self, relation: int | None, number: int | None) -> str:
        column = self.column(relation, number)
        return column.name if column is not None else "?"

    def names(self, firing: Firing, target: int | None = None) -> SyncNames:
        """The sync that a finding is about, by name."""
        if target not in {*(each.target for each in self.syncs), *(line.target for line in self.ledger)}:
            own = [each.target for each in self.syncs if any(w.target == each.target for p in firing.paths for w in p.writes)]
            past = [line.target for line in self.ledger if firing.function == line.function]
            target = next(iter([*own, *past]), target)
        return SyncNames(
            self.catalog.qualified_name(self.source),
            self.relation_name(target) if target is not None else None,
            firing.trigger_name,
            self.signature(firing.function),
        )

    def names_of(self, line: Remembered) -> SyncNames:
        return SyncNames(line.source_name, line.target_name, line.trigger_name, line.function_name)

    def signature(self, function: int) -> str | None:
        found = self.catalog.function(function)
        return f"{self.catalog.qualified_name(found)}()" if isinstance(found, Function) else None

    def all_or_some(self, failing: Failing) -> str:
        return "every" if failing.certainty is Certainty.CERTAIN else "some"

    def definition_of(self, failure: Failure) -> Span | None:
        """Where the column that a failure is about was made or last changed."""
        column = self.column(failure.relation, failure.column)
        return column.span if column is not None else None

    def witness(self, failing: Failing) -> str | None:
        """A write that shows the failure."""
        return witness_of(self.source, failing.events[0], dict(failing.failure.witness), self.catalog)

    def violation(self, failing: Failing, what: str, place: str, help: str, at: tuple[Span | None, ...] = ()) -> Violation:
        """The violation that a failure is: who fails, what for, and the place in the function."""
        failure = failing.failure
        ends = "fails" if failing.certainty is Certainty.CERTAIN else "fail"
        certainty = failing.certainty
        if (
            certainty is Certainty.CONDITIONAL
            and failure.relation is not None
            and self.mirrored(failure.relation, self.source.oid)
        ):
            certainty = Certainty.UNKNOWN  # a sync in both directions: whether such rows are ever written on this side is open
        if certainty is Certainty.CONDITIONAL and failure.relation == self.source.oid and failure.kind in OF_THE_ROW:
            certainty = Certainty.UNKNOWN  # the row comes back to where it came from
        if any(each is not None and each.tainted for each in (self.source, self.catalog.relation(failure.relation))):
            certainty = Certainty.UNKNOWN
        who = f"{self.all_or_some(failing)} {self.writes_in_words(failing)} {ends}"
        return Violation(
            key=failure.subject,
            message=f"{who}: {what}",
            at=(*at, failure.definition, failure.span),
            certainty=certainty,
            sync=self.names(failing.firing, failure.relation),
            related=(Place(failure.span, place),) if failure.span is not None else (),
            sqlstate=failure.sqlstate,
            answer=f"{failure.sqlstate} {failure.message}",
            witness=self.witness(failing),
            help=help,
        )

    def writes_in_words(self, failing: Failing) -> str:
        """Which writes: "INSERT into public.a", "INSERT or UPDATE of public.a"."""
        return writes_in_words(failing.events, self.catalog.qualified_name(self.source))


def writes_in_words(events: tuple[str, ...], table: str) -> str:
    words = " or ".join(each.upper() for each in events)
    joint = {"insert": "into", "delete": "from"}.get(events[-1], "of")
    return f"{words} {joint} {table}"


def _new_ways(carried: Carried, line: Remembered) -> bool:
    """Whether rows stay behind on a way on which none did: one that is not a part of a way that was there before."""
    return any(not any(old <= new for old in line.skipped) for new in carried.skipped)


def _is_write(path: Path, firing: Firing) -> bool:
    """Whether something changes on the path: an UPDATE that leaves all as it was is no case of its own."""
    return firing.event != "update" or not path.unchanged or bool(path.writes)


def _always_fails(firing: Firing) -> bool:
    ordinary = [path for path in firing.paths if path.typical and path.outcome != "unfired" and _is_write(path, firing)]
    return bool(ordinary) and all(path.outcome in ("failed", "raised") for path in ordinary)


def _failing(firings: tuple[Firing, ...], kinds: tuple[str, ...], caught: bool) -> Iterator[Failing]:
    found: dict[Key, Failing] = {}
    for firing in firings:
        for subject, failure in _subjects(firing, kinds, caught).items():
            if failure.kind == "duplicate-key" and not any(p.typical and _of_path(p, subject) != "none" for p in firing.paths):
                continue  # the row that would be in the way is not there on the path that inserts
            certainty = _certainty(firing, subject, failure.kind)
            old = found.get(subject)
            if old is None:
                found[subject] = Failing(failure, firing, certainty, (firing.event,))
                continue
            events = old.events if firing.event in old.events else (*old.events, firing.event)
            graver = _gravity(certainty) < _gravity(old.certainty)
            found[subject] = Failing(
                failure if graver else old.failure,
                firing if graver else old.firing,
                certainty if graver else old.certainty,
                events,
            )
    yield from found.values()


def _subjects(firing: Firing, kinds: tuple[str, ...], caught: bool) -> dict[Key, Failure]:
    found: dict[Key, Failure] = {}
    for path in firing.paths:
        for each in path.failures:
            if caught and any(write.target == each.relation for write in path.writes):
                continue  # the handler writes in its stead
            if each.kind in kinds and (each.caught and not each.deferred) == caught:
                subject = (each.kind, *each.subject)
                if subject not in found or _weight(each) < _weight(found[subject]):
                    found[subject] = each
    return found


def _weight(failure: Failure) -> int:
    return ("certain", "conditional", "unknown").index(failure.certainty)


def _gravity(certainty: Certainty) -> int:
    return (Certainty.CERTAIN, Certainty.CONDITIONAL, Certainty.UNKNOWN).index(certainty)


def _certainty(firing: Firing, subject: Key, kind: str) -> Certainty:
    """Certain where every ordinary path meets it, unknown where none surely does."""
    ordinary = [
        path
        for path in firing.paths
        if path.typical
        and path.outcome != "unfired"
        and (path.outcome != "raised" or kind == "raised")
        and _is_write(path, firing)
    ]
    meets = [_of_path(path, subject) for path in firing.paths]
    usual = [_of_path(path, subject) for path in ordinary]
    if usual and all(each == "certain" for each in usual):
        return Certainty.CERTAIN
    return Certainty.CONDITIONAL if "certain" in meets or "conditional" in meets else Certainty.UNKNOWN


def _of_path(path: Path, subject: Key) -> str:
    grades = [each.certainty for each in path.failures if (each.kind, *each.subject) == subject]
    return min(grades, key=("certain", "conditional", "unknown").index, default="none")


class Part(msgspec.Struct, frozen=True):
    """What a table is to a mirror."""

    role: str  # "source", "target", "lookup": the trigger reads it; "parent": the source has a foreign key to it
    sync: Sync
    names: SyncNames | None


Parts = dict[int, Part]


class Change(msgspec.Struct, frozen=True):
    """One statement, with the schema before and after it: what a step rule is asked about."""

    kind: str  # libpg_query's node name; "" where it does not parse
    node: dict[str, Any]
    span: Span
    before: Catalog
    after: Catalog
    sqlstate: str | None = None  # where PostgreSQL refuses it
    refusal: str | None = None  # in PostgreSQL's words
    at: Span | None = None  # the token that it stumbles over
    sure: bool = True
    parts: Callable[[], Parts] = dict  # the tables that take part in mirrors before or after the migration
    held: frozenset[int] = frozenset()  # the tables that the same transaction has locked against writers before
    refusing: Callable[[int, str], Failure | None] = lambda relation, event: None  # what every such write meets in a trigger


# -- rules


class Rule(msgspec.Struct, frozen=True):
    """A rule as the engine knows it."""

    id: str
    check: Callable[..., Violations]
    sqlstates: tuple[str, ...] = ()
    kind: str = "invariant"
    momentary: bool = False  # of the migration while it runs: not asked of those that have run long ago
    shown_by: str = ""  # what shows a violation, where an ordinary write of the source does not: "another role" …

    @property
    def group(self) -> str:
        return self.id.partition("/")[0]

    @property
    def documentation(self) -> str:
        return (self.check.__doc__ or "").strip()


def invariant(*sqlstates: str, shown_by: str = "") -> Callable[[Callable[[State], Violations]], Callable[[State], Violations]]:
    """Marks a rule over one state: each violation that is new after a migration is blamed on it."""

    def mark(function: Callable[[State], Violations]) -> Callable[[State], Violations]:
        function.rule_kind = "invariant"  # type: ignore[attr-defined]
        function.sqlstates = sqlstates  # type: ignore[attr-defined]
        function.shown_by = shown_by  # type: ignore[attr-defined]
        return function

    return mark


def step(*sqlstates: str, momentary: bool = False) -> Callable[[Callable[..., Violations]], Callable[..., Violations]]:
    """Marks a rule over one change: a statement, with the catalogs before and after it."""

    def mark(function: Callable[..., Violations]) -> Callable[..., Violations]:
        function.rule_kind = "step"  # type: ignore[attr-defined]
        function.sqlstates = sqlstates  # type: ignore[attr-defined]
        function.momentary = momentary  # type: ignore[attr-defined]
        return function

    return mark


def decision() -> Callable[[Callable[[Decisions], Violations]], Callable[[Decisions], Violations]]:
    """Marks a rule over what has been decided about findings."""

    def mark(function: Callable[[Decisions], Violations]) -> Callable[[Decisions], Violations]:
        function.rule_kind = "decision"  # type: ignore[attr-defined]
        function.sqlstates = ()  # type: ignore[attr-defined]
        return function

    return mark


@cache
def load_rules() -> tuple[Rule, ...]:
    """All rules, in the order of their ids."""
    found = []
    for module_info in _modules():
        module = importlib.import_module(module_info.name)
        for value in vars(module).values():
            if getattr(value, "rule_kind", None) is not None and value.__module__ == module.__name__:
                _, _, group, name = module_info.name.split(".")
                id_ = f"{group}/{name.replace('_', '-')}"
                momentary = getattr(value, "momentary", False)
                found.append(Rule(id_, value, value.sqlstates, value.rule_kind, momentary, getattr(value, "shown_by", "")))
    return tuple(sorted(found, key=lambda each: each.id))


def _modules() -> list[pkgutil.ModuleInfo]:
    package = importlib.import_module("schemalint.rules")
    return [each for each in pkgutil.walk_packages(package.__path__, "schemalint.rules.") if not each.ispkg]


def rule_ids() -> tuple[str, ...]:
    """The ids of all rules, from the names of their files alone."""
    names = (each.name.split(".") for each in _modules())
    return tuple(sorted(f"{parts[-2]}/{parts[-1].replace('_', '-')}" for parts in names))


__all__ = [
    "Carried", "Certainty", "Change", "Decisions", "Failing", "Part", "Parts", "Place", "Remembered", "Rule", "Severity",
    "State", "Sync", "SyncNames", "Violation", "Violations", "Write", "contract_of", "decision", "invariant", "load_rules",
    "rule_ids", "step", "witness_of", "writes_in_words",
]  # fmt: skip
