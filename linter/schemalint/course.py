"""The course of a history: its states at each commit, and the units of each state.

A unit is traced again only where something that it was made from has changed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from schemalint.catalog.catalog import Catalog, Key
from schemalint.catalog.model import Relation
from schemalint.replay.replay import Replayed, Step
from schemalint.trace.ledger import Ledger
from schemalint.trace.plain import records, signature
from schemalint.trace.unit import Unit, heirs, trace


class Boundary(msgspec.Struct, frozen=True):
    """A commit: the steps since the one before it, and the schema that others see from then on."""

    migration: int  # its place in the history
    steps: tuple[Step, ...]
    before: Catalog
    after: Catalog


def boundaries_of(replayed: Iterable[Replayed]) -> Iterator[Boundary]:
    for number, each in enumerate(replayed):
        before = each.before
        gathered: list[Step] = []
        for step in each.steps:
            gathered.append(step)
            if step.commits:
                yield Boundary(number, tuple(gathered), before, step.after)
                before, gathered = step.after, []
        if gathered or each.after is not before:
            yield Boundary(number, tuple(gathered), before, each.after)


class Late(msgspec.Struct, frozen=True, eq=False):
    """A unit that is traced when somebody asks, because its flows can be told without it.

    Either its triggers touch their own row only (`signature` says what their behaviour hangs on), or nothing but
    columns have changed since the unit before it, which leaves the flows that are established as they were.
    """

    source: Relation
    catalog: Catalog
    before: Ledger
    after: Ledger
    seen: set[Key]
    signature: tuple[object, ...] | None = None


Version = Unit | Late | None


def _version_of(
    oid: int, old: Version, inherited: Ledger, boundary: Boundary, changes: set[Key] | None, samples: dict[Any, Unit]
) -> Version:
    ledger = (*(old.after if old is not None else ()), *inherited)
    relation = boundary.after.relation(oid)
    if relation is not None and not ledger and relation.triggers and (found := signature(relation, boundary.after)) is not None:
        seen: set[Key] = {oid, *(each.function for each in relation.triggers)}
        if not records(relation, boundary.after):
            return Late(relation, boundary.after, (), (), seen, found)
        sample = samples.get(found)
        if sample is not None and _stands(sample, boundary.after):
            return Late(relation, boundary.after, (), (), seen | _shared(sample), found)
        unit = trace(oid, (), boundary.after)
        if unit is not None and _is_quiet(unit):
            samples[found] = unit
        return unit
    if relation is None or old is None or inherited or changes is None:
        return trace(oid, ledger, boundary.after)
    if all(_of_columns(key, boundary) for key in changes & old.seen):
        return Late(relation, boundary.after, ledger, ledger, old.seen)
    return trace(oid, ledger, boundary.after)


def _shared(sample: Unit) -> set[Key]:
    """What a unit was made from, but for what is its own table's."""
    oid = sample.source.oid
    return {key for key in sample.seen if key != oid and not (isinstance(key, tuple) and oid in key)}


def _stands(sample: Unit, catalog: Catalog) -> bool:
    """Whether a unit would be made the same in another state, for a table of the same signature."""
    return all(sample.catalog.entries.get(key) is catalog.entries.get(key) for key in _shared(sample))


def _is_quiet(unit: Unit) -> bool:
    """Whether there is nothing to say of a unit: it mirrors nothing, and nothing is known to fail."""
    failures = [each for firing in unit.firings for path in firing.paths for each in path.failures]
    known = any(each.kind != "input-syntax" or each.certainty != "unknown" for each in failures)
    return not known and not any(each.mirror for each in unit.syncs)


def _of_columns(key: Key, boundary: Boundary) -> bool:
    """Whether what was written under a key leaves triggers and names alone."""
    before, after = boundary.before.get(key), boundary.after.get(key)
    if not isinstance(before, Relation) or not isinstance(after, Relation):
        return before is after or (isinstance(key, tuple) and key[0] == "users")
    same_names = (before.name, before.schema, before.kind) == (after.name, after.schema, after.kind)
    return same_names and before.triggers is after.triggers and before.query is after.query and before.rules is after.rules


class Course:
    """Units over the boundaries of a history, in order; `at` looks back."""

    def __init__(self) -> None:
        self.boundaries: list[Boundary] = []
        self._versions: dict[int, tuple[list[int], list[Version]]] = {}
        self._watchers: dict[Key, set[int]] = {}
        self._changed: dict[int, set[int]] = {}
        self._samples: dict[Any, Unit] = {}  # of tables whose triggers only record, by signature

    def advance(self, boundary: Boundary) -> None:
        index = len(self.boundaries)
        self.boundaries.append(boundary)
        changes = boundary.after.changes_since(boundary.before)
        touched = set(self._versions) if changes is None else set(self._touched(changes))
        for oid in changes or ():
            if isinstance(oid, int) and isinstance(relation := boundary.after.get(oid), Relation) and relation.triggers:
                touched.add(oid)
        self._retrace(touched, changes, boundary, index)

    def _touched(self, changes: set[Key]) -> Iterator[int]:
        for key in changes:
            yield from self._watchers.get(key, ())

    def _retrace(self, touched: set[int], changes: set[Key] | None, boundary: Boundary, index: int) -> None:
        inherited: dict[int, Ledger] = {}
        for oid in sorted(touched):
            old = self._version(oid, index)
            if old is None or not old.after:
                continue
            relation = boundary.after.relation(oid)
            if relation is None or relation.name != old.source.name or relation.schema != old.source.schema:
                for heir, lines in heirs(old.after, boundary.after).items():
                    inherited[heir] = (*inherited.get(heir, ()), *lines)
        for oid in sorted(touched | inherited.keys()):
            old = self._version(oid, index)
            unit = _version_of(oid, old, inherited.get(oid, ()), boundary, changes, self._samples)
            if unit is None and old is None:
                continue
            self._record(oid, unit, index)

    def _record(self, oid: int, unit: Version, index: int) -> None:
        indices, units = self._versions.setdefault(oid, ([], []))
        for key in units[-1].seen if units and units[-1] is not None else ():
            self._watchers[key].discard(oid)
        self._changed.setdefault(index, set()).add(oid)
        if indices and indices[-1] == index:
            units[-1] = unit
        else:
            indices.append(index)
            units.append(unit)
        for key in unit.seen if unit is not None else ():
            self._watchers.setdefault(key, set()).add(oid)

    def at(self, oid: int, index: int) -> Unit | None:
        """The unit of a table as it stands after the boundary of that index."""
        indices, units = self._versions.get(oid, ([], []))
        place = bisect_right(indices, index)
        found = units[place - 1] if place else None
        if isinstance(found, Late):
            found = units[place - 1] = trace(oid, found.before, found.catalog)
        return found

    def signature(self, oid: int, index: int) -> tuple[object, ...] | None:
        """What a unit's behaviour hangs on, where its triggers touch their own row only and nobody has asked for it yet."""
        found = self._version(oid, index)
        return found.signature if isinstance(found, Late) else None

    def _version(self, oid: int, index: int) -> Version:
        indices, units = self._versions.get(oid, ([], []))
        place = bisect_right(indices, index)
        return units[place - 1] if place else None

    def changed_at(self, index: int) -> list[int]:
        """The tables whose units changed at a boundary."""
        return sorted(self._changed.get(index, ()))

    def changes_of(self, oid: int) -> list[int]:
        """The boundaries at which the unit changed."""
        return self._versions.get(oid, ([], []))[0]

    def sources(self) -> list[int]:
        return sorted(self._versions)
