"""The flows of a source around one migration, by the names that the server knows, and what of them a write shows to be lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from re import compile as pattern
from typing import Any

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation
from schemalint.flow.sync import Sync
from schemalint.trace.ledger import Ledger
from schemalint.trace.unit import Unit
from schemalint.verify.probe import Asked, Outcome

Name = tuple[str, str]  # schema and table
Pairs = tuple[tuple[int, int], ...]  # numbers of a target's columns and of the source's that they are taken from
# What a function makes anew at each write: the same in no two.
MADE_ANEW = pattern(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+.*")


class Line(msgspec.Struct, frozen=True):
    """One flow in one state: what a row of the target takes from which column of the source."""

    event: str
    oid: int  # of the target in the model; a table rebuilt under its name is another
    source: Name
    target: Name
    key: tuple[tuple[str, str], ...]  # (target column, source column); empty where rows do not correspond
    columns: tuple[tuple[int, str, str], ...]  # (number in the target, target column, source column)


class Lost(msgspec.Struct, frozen=True):
    """What a write does not leave in a target: a row, or a column's value."""

    message: str
    line: Line
    column: tuple[str, str] | None = None  # of the target and of the source


def asked_of(unit: Unit | None, earlier: Unit | None, witnesses: Sequence[str]) -> Asked | None:
    """What to ask a state about a source; None where it has no such table."""
    if unit is None:
        return None
    lines = unit.before if earlier is None else (*unit.before, *earlier.after)
    targets = {each.target for each in unit.syncs} | {line.target for line in lines}
    names = [_name(found, unit.catalog) for each in sorted(targets) if (found := unit.catalog.relation(each)) is not None]
    carrying = {f.trigger_name for f in unit.firings if f.gaps or any(_reaches_out(p, unit.source.oid) for p in f.paths)}
    carrying |= {line.trigger_name for line in lines}
    own = {each.name for each in unit.source.triggers}
    schema, table = _name(unit.source, unit.catalog)
    return Asked(schema, table, tuple(sorted(carrying & own)), tuple(names), tuple(dict.fromkeys(witnesses)))


def _reaches_out(path: Any, own: int) -> bool:
    return any(each.target != own for each in path.writes) or any(each.kind != "raised" for each in path.failures)


def lines_of(old: Unit | None, new: Unit | None) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """The flows that a source had before a migration, and those that it has or should still have after it."""
    keys = {sync.target: sync.key for unit in (old, new) if unit is not None for sync in unit.syncs if sync.mirror and sync.key}
    before = _lines(old, old.after if old is not None else (), (), keys)
    return before, _lines(new, new.before if new is not None else (), new.syncs if new is not None else (), keys)


def _lines(unit: Unit | None, ledger: Ledger, syncs: Iterable[Sync], keys: Mapping[int, Pairs]) -> tuple[Line, ...]:
    if unit is None:
        return ()
    found = {(line.event, line.target): line.columns for line in ledger}
    for sync in syncs:
        for carried in sync.carried:
            found.setdefault((carried.event, sync.target), carried.columns)
    lines = (_line(unit, event, target, keys.get(target, ()), columns) for (event, target), columns in found.items())
    return tuple(each for each in lines if each is not None)


def _line(
    unit: Unit, event: str, target: int, key: tuple[tuple[int, int], ...], columns: frozenset[tuple[int, int]]
) -> Line | None:
    relation = unit.catalog.relation(target)
    if relation is None:
        return None
    pairs = [(number, *names) for number, own in sorted(columns) if (names := _pair(relation, unit.source, number, own))]
    keys = tuple(names for number, own in key if (names := _pair(relation, unit.source, number, own)))
    return Line(event, target, _name(unit.source, unit.catalog), _name(relation, unit.catalog), keys, tuple(pairs))


def _pair(target: Relation, source: Relation, number: int, own: int) -> tuple[str, str] | None:
    there, here = target.column_numbered(number), source.column_numbered(own)
    return (there.name, here.name) if there is not None and here is not None else None


def _name(relation: Relation, catalog: Catalog) -> Name:
    return catalog.schema_name(relation.schema), relation.name


# -- losses


def newly_lost(before: Outcome, after: Outcome, old: Line, new: Line) -> Iterator[Lost]:
    """What a write left in the target before a migration and does not after it: a row, or each column that is another."""
    if before.failed or after.failed or before.unsynced or after.unsynced:
        return
    if old.target not in before.rows or new.target not in after.rows:
        return
    if after.write.event == "delete":
        stays = len(after.rows.get(new.target, ())) > len(before.rows.get(old.target, ()))
        if stays and not after.rows.get(new.source):
            yield Lost(f"the row stays in {'.'.join(new.target)}", new)
    elif len(after.rows.get(new.target, ())) < len(before.rows.get(old.target, ())):
        yield Lost(f"no row arrives in {'.'.join(new.target)}", new)
    else:
        yield from _values_lost(before, after, old, new)


def _values_lost(before: Outcome, after: Outcome, old: Line, new: Line) -> Iterator[Lost]:
    new = msgspec.structs.replace(new, key=new.key or old.key, columns=new.columns or old.columns)
    if not old.key:
        return
    were = {number: (target, source) for number, target, source in old.columns}
    for number, target, source in new.columns:
        if number in were:
            first = _values(before, old, *were[number])
            second = _values(after, new, target, source)
            for (given, got), (given_now, got_now) in zip(first, second, strict=False):
                is_now = f"{'.'.join(new.target)}.{target} is {_shown(got_now)}"
                if _same(got, given) and not _same(got_now, given_now):
                    yield Lost(f"{is_now} where {source} is {_shown(given_now)}", new, (target, source))
                elif _same(given, given_now) and not _same(got, got_now) and not MADE_ANEW.fullmatch(str(got)):
                    yield Lost(f"{is_now} and was {_shown(got)}", new, (target, source))


def left_behind(outcome: Outcome, line: Line) -> str | None:
    """What a write has not taken along in one state, whatever was before it."""
    if outcome.failed or outcome.unsynced or not line.key or line.target not in outcome.rows:
        return None
    rows, copies = outcome.rows.get(line.source, ()), outcome.rows.get(line.target, ())
    if outcome.write.event == "delete":
        return f"the row stays in {'.'.join(line.target)}" if copies and not rows else None
    if rows and not copies:
        return f"no row arrives in {'.'.join(line.target)}"
    for _, target, source in line.columns:
        for given, got in _values(outcome, line, target, source):
            if outcome.write.column in (None, source) and not _same(given, got):
                return f"{'.'.join(line.target)}.{target} is {_shown(got)} where {source} is {_shown(given)}"
    return None


def _values(outcome: Outcome, line: Line, target: str, source: str) -> Iterator[tuple[Any, Any]]:
    """For each row of the source that has arrived: its value, and the copy's."""
    for row in outcome.rows.get(line.source, ()):
        for copy in outcome.rows.get(line.target, ()):
            if all(_same(copy.get(there), row.get(here)) for there, here in line.key):
                yield row.get(source), copy.get(target)
                break


def _same(first: Any, second: Any) -> bool:
    """Whether two values, of types that may differ, say the same."""
    if first == second:
        return True
    if first is None or second is None or isinstance(first, dict | list) or isinstance(second, dict | list):
        return False
    one, other = _text(first), _text(second)
    return one == other or _number(one) == _number(other) is not None


def _text(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.removesuffix("+00:00").removesuffix("T00:00:00")


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(value)
    return repr(text) if len(text) <= 40 else f"{len(text)} characters"
