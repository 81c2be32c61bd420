"""Rules × states → violations, and which statement brought each of them about.

Blame walks: from the state that is asked about back to the first one in which the violation stands without a break,
and then statement by statement through the migration that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.locks import BLOCKS_WRITES, locks
from schemalint.catalog.model import Function
from schemalint.course import Boundary, Course
from schemalint.decision import Decisions
from schemalint.finding import Severity
from schemalint.flow.path import Failure
from schemalint.flow.sync import Sync
from schemalint.flow.value import Looked, subterms
from schemalint.parse.statements import Broken, MetaCommand, Statement, Unread
from schemalint.replay.replay import Step
from schemalint.rule import Change, Key, Part, Parts, Rule, State, Violation
from schemalint.text import Span
from schemalint.trace.calls import newly_broken
from schemalint.trace.ledger import Ledger
from schemalint.trace.unit import Unit, trace

Standing = dict[tuple[str, Key], Violation]  # by rule and key
Walk = Callable[[int, int, "Standing"], dict[tuple[str, Key], Step]]
Mirrored = Callable[[int, int], bool]


class Blamed(msgspec.Struct, frozen=True):
    """A violation and the statement that brought it about."""

    rule: str
    violation: Violation
    migration: int
    span: Span


class Crash(msgspec.Struct, frozen=True):
    """A rule that did not end well: said, so that its silence is not taken for consent."""

    rule: str
    message: str


class Judge:
    """Asks the rules about units, each question once."""

    def __init__(self, rules: Iterable[Rule], course: Course) -> None:
        self._rules = [each for each in rules if each.kind == "invariant"]
        self._steps = [each for each in rules if each.kind == "step"]
        self._decisions = [each for each in rules if each.kind == "decision"]
        self._course = course
        self._answers: dict[tuple[int, int], Standing] = {}
        self._kept: list[Unit] = []  # so that an id stays the unit's own
        self._clean: dict[tuple[object, ...], bool] = {}
        self.crashes: dict[tuple[str, str], Crash] = {}

    def judge(self, unit: Unit | None, index: int) -> Standing:
        """The violations of a unit, as it stands at a boundary."""
        if unit is None:
            return {}
        key = (id(unit), index)
        if key not in self._answers:
            self._kept.append(unit)
            self._answers[key] = self._ask(unit, self._mirrored(index))
        return self._answers[key]

    def _ask(self, unit: Unit, mirrored: Mirrored) -> Standing:
        state = State(unit.catalog, unit.source, unit.firings, unit.syncs, unit.before, mirrored)
        standing: Standing = {}
        for rule in self._rules:
            try:
                for violation in rule.check(state):
                    standing.setdefault((rule.id, violation.key), violation)
            except Exception as error:
                self.crashes.setdefault((rule.id, repr(error)), Crash(rule.id, f"{type(error).__name__}: {error}"))
        return standing

    def _mirrored(self, index: int) -> Mirrored:
        def mirrored(source: int, target: int) -> bool:
            unit = self._course.at(source, index)
            return unit is not None and any(each.mirror and each.target == target for each in unit.syncs)

        return mirrored

    # -- the newest state

    def newest(self) -> Iterator[Blamed]:
        """The violations that live in the last state."""
        last = len(self._course.boundaries) - 1
        for oid in self._course.sources():
            if self._known_clean(oid, last):
                continue
            waiting = dict(self.judge(self._course.at(oid, last), last))
            indices = self._course.changes_of(oid)
            minor = {key: each for key, each in waiting.items() if each.severity not in (None, Severity.ERROR)}
            yield from self._began(oid, indices, minor)
            waiting = {key: each for key, each in waiting.items() if key not in minor}
            for place in range(len(indices) - 1, -1, -1):
                if not waiting:
                    break
                index = indices[place]
                earlier = self.judge(self._course.at(oid, index - 1), index - 1) if place else {}
                fresh = {key: waiting[key] for key in waiting if key not in earlier}
                yield from self._blame(oid, index, fresh)
                waiting = {key: each for key, each in waiting.items() if key in earlier}

    def _began(self, oid: int, indices: list[int], violations: Standing) -> Iterator[Blamed]:
        """What is no error, at a change that brought it about: searched for, where an error is followed back step by step.

        Of what came, went and came again, one of the comings is found.
        """
        found: dict[int, Standing] = {}
        for key, violation in violations.items():
            low, high = 0, len(indices) - 1
            while low < high:
                middle = (low + high) // 2
                if key in self.judge(self._course.at(oid, indices[middle]), indices[middle]):
                    high = middle
                else:
                    low = middle + 1
            found.setdefault(indices[low], {})[key] = violation
        for index, began in found.items():
            yield from self._blame(oid, index, began, self._sought)

    def _known_clean(self, oid: int, index: int) -> bool:
        """Whether a table whose triggers behave the same has been asked about, and nothing was found."""
        signature = self._course.signature(oid, index)
        if signature is None:
            return False
        if signature not in self._clean:
            self._clean[signature] = not self.judge(self._course.at(oid, index), index)
        return self._clean[signature]

    # -- a change

    def introduced(self, index: int) -> Iterator[Blamed]:
        """The violations that a boundary has and the one before it has not."""
        for oid in self._course.changed_at(index):
            after = self._course.at(oid, index)
            before = self._course.at(oid, index - 1) if index else None
            if after is before or after is None:
                continue
            earlier = self.judge(before, index - 1) if index else {}
            yield from self._blame(oid, index, {k: v for k, v in self.judge(after, index).items() if k not in earlier})

    def _blame(self, oid: int, index: int, violations: Standing, walk: Walk | None = None) -> Iterator[Blamed]:
        if not violations:
            return
        boundary = self._course.boundaries[index]
        blamed = (walk or self._walk)(oid, index, violations)
        for (rule, key), violation in violations.items():
            step = blamed.get((rule, key)) or (boundary.steps[-1] if boundary.steps else None)
            if step is None:
                continue
            yield Blamed(rule, violation, boundary.migration, place_of(violation, step.statement.span))

    def _walk(self, oid: int, index: int, violations: Standing) -> dict[tuple[str, Key], Step]:
        """For each violation the step after which it stands for good."""
        boundary = self._course.boundaries[index]
        target = self._course.at(oid, index)
        ledger = target.before if target is not None else ()
        unit: Unit | None = None
        standing: set[tuple[str, Key]] = set()
        before = self._course.at(oid, index - 1) if index else None
        if before is not None:
            standing = set(self.judge(before, index - 1)) & violations.keys()
            unit = before
        blamed: dict[tuple[str, Key], Step] = {}
        for number, step in enumerate(boundary.steps):
            if number + 1 == len(boundary.steps):
                now = set(violations)
            else:
                fresh = self._unit_after(oid, ledger, unit, step)
                if fresh is unit:
                    continue
                unit = fresh
                now = set(self._ask(unit, self._mirrored(index))) & violations.keys() if unit is not None else set()
            for key in now - standing:
                blamed[key] = step
            standing = now
        return blamed

    def _sought(self, oid: int, index: int, violations: Standing) -> dict[tuple[str, Key], Step]:
        """For each violation a step that brought it about, looked for by halves."""
        steps = self._course.boundaries[index].steps
        if not steps:
            return {}
        target = self._course.at(oid, index)
        ledger = target.before if target is not None else ()
        standing: dict[int, set[tuple[str, Key]]] = {len(steps) - 1: set(violations)}
        blamed: dict[tuple[str, Key], Step] = {}
        for key in violations:
            low, high = 0, len(steps) - 1
            while low < high:
                middle = (low + high) // 2
                if middle not in standing:
                    unit = trace(oid, ledger, steps[middle].after)
                    standing[middle] = set(self._ask(unit, self._mirrored(index))) if unit is not None else set()
                low, high = (low, middle) if key in standing[middle] else (middle + 1, high)
            blamed[key] = steps[low]
        return blamed

    def _unit_after(self, oid: int, ledger: Ledger, unit: Unit | None, step: Step) -> Unit | None:
        changes = step.after.changes_since(step.before)
        if changes is not None and not changes:
            return unit
        if unit is not None and changes is not None and not (changes & unit.seen):
            return unit
        return trace(oid, ledger, step.after)

    # -- steps

    def steps(self, index: int, running: bool = True) -> Iterator[Blamed]:
        """What the step rules say of the statements of a boundary; those of a moment only of a migration yet to run."""
        boundary = self._course.boundaries[index]
        parts = cache(lambda: self._parts(index))
        held: frozenset[int] = frozenset()
        rules = [each for each in self._steps if running or not each.momentary]
        together = tuple(map(change_of, _statements(boundary))) if running else ()
        for step in boundary.steps:
            if isinstance(step.statement, MetaCommand | Unread):
                continue
            change = msgspec.structs.replace(
                change_of(step), parts=parts, held=held, refusing=partial(_refusing, step.before), together=together,
                broken_calls=partial(_broken_calls, step, boundary.after, parts),
            )  # fmt: skip
            if running:
                held |= _locked(change)
            for rule in rules:
                try:
                    for violation in rule.check(change):
                        yield Blamed(rule.id, violation, boundary.migration, place_of(violation, change.span))
                except Exception as error:
                    self.crashes.setdefault((rule.id, repr(error)), Crash(rule.id, f"{type(error).__name__}: {error}"))

    def _parts(self, index: int) -> Parts:
        """The tables that mirrors read or write before or after a boundary, and what each is to its mirror."""
        found: Parts = {}
        for oid in self._course.sources():
            if self._course.signature(oid, index) is not None:
                continue  # its triggers touch their own row only
            for unit in (self._course.at(oid, index - 1) if index else None, self._course.at(oid, index)):
                for sync in unit.syncs if unit is not None else ():
                    if unit is not None and sync.mirror:
                        _add_parts(found, unit, sync)
        return found

    # -- decisions

    def decided(self, decisions: Decisions) -> Iterator[Blamed]:
        """What the rules say of decisions themselves, at the place where each was made."""
        for rule in self._decisions:
            try:
                for violation in rule.check(decisions):
                    span = next(each for each in violation.at if each is not None)
                    yield Blamed(rule.id, violation, -1, span)
            except Exception as error:
                self.crashes.setdefault((rule.id, repr(error)), Crash(rule.id, f"{type(error).__name__}: {error}"))


def _refusing(catalog: Catalog, oid: int, event: str) -> Failure | None:
    """The error that every ordinary write of an event meets in a trigger of the table, in a state between two statements."""
    unit = trace(oid, (), catalog)
    for firing in unit.firings if unit is not None else ():
        ordinary = [each for each in firing.paths if each.typical and each.outcome != "unfired"]
        if firing.event == event and ordinary and all(each.outcome == "failed" for each in ordinary):
            return next((f for f in ordinary[0].failures if f.certainty == "certain" and not f.caught), None)
    return None


def _broken_calls(step: Step, end: Catalog, parts: Callable[[], Parts]) -> list[tuple[Function, Failure]]:
    """The functions of applications that read a mirror's tables, and whose calls fail from a statement on."""
    relations = (r for oid in parts() for r in (step.before.relation(oid), step.after.relation(oid)) if r is not None)
    names = {each.name for each in relations}
    return list(newly_broken(step.before, step.after, end, names)) if names else []


def _locked(change: Change) -> set[int]:
    """The tables that a statement locks against writers."""
    if change.sqlstate is not None:
        return set()
    found = locks(change.kind, change.node, change.before, change.after)
    return {each.relation for each in found if each.mode in BLOCKS_WRITES}


def _add_parts(found: Parts, unit: Unit, sync: Sync) -> None:
    state = State(unit.catalog, unit.source, unit.firings, unit.syncs, unit.before, lambda source, target: False)
    names = state.names_of_sync(sync)
    found.setdefault(sync.source, Part("source", sync, names))
    found.setdefault(sync.target, Part("target", sync, names))
    lookups: set[int] = set()
    for _, _, write in state.writes(sync):
        terms = [t for each in write.assignments for t in subterms(each.value.term)]
        looked = {t.relation for t in terms if isinstance(t, Looked)}
        lookups |= looked
    for key in unit.source.constraints:
        if key.references is not None:
            found.setdefault(key.references, Part("parent", sync, names))
    for oid in lookups:
        found.setdefault(oid, Part("lookup", sync, names))


def _statements(boundary: Boundary) -> list[Step]:
    return [each for each in boundary.steps if not isinstance(each.statement, MetaCommand | Unread)]


def change_of(step: Step) -> Change:
    statement = step.statement
    if isinstance(statement, Broken):
        return Change("", {}, statement.span, step.before, step.after, "42601", statement.message, statement.at)
    assert isinstance(statement, Statement)
    refusal = step.refusal
    if refusal is None:
        return Change(statement.kind, statement.node, statement.span, step.before, step.after)
    return Change(
        statement.kind, statement.node, statement.span, step.before, step.after, refusal.sqlstate, refusal.message,
        refusal.span, refusal.certain,
    )  # fmt: skip


def place_of(violation: Violation, statement: Span) -> Span:
    """Where the finding marks: the part of the blamed statement that it is about, or the whole."""
    for each in violation.at:
        if each is not None and each.source is statement.source and statement.start <= each.start and each.end <= statement.end:
            return each
    return statement
