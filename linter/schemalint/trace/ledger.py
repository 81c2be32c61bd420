"""The ledger: flows that the history has established, and what has become of them."""

from __future__ import annotations

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation, RelationKind
from schemalint.flow.contract import contract_of
from schemalint.flow.sync import Carried, Filter, Remembered, Sync
from schemalint.interpret.views import updatable

Ledger = tuple[Remembered, ...]
MOST_WAYS = 256  # past it, no way of either is held against what comes later


def remembered(before: Ledger, syncs: tuple[Sync, ...], catalog: Catalog) -> Ledger:
    """The ledger of one source after a commit: what is alive now, and of what was before that which is not retired."""
    lines = {(each.target, each.event): each for each in before if each.mirror}
    for sync in syncs:
        for carried in sync.carried:
            line = _line(sync, carried, catalog)
            if line is not None:
                key = (sync.target, carried.event)
                lines[key] = _merged(lines.get(key), line)
    return tuple(lines[key] for key in sorted(lines))


def _line(sync: Sync, carried: Carried, catalog: Catalog) -> Remembered | None:
    source, target = catalog.relation(sync.source), catalog.relation(sync.target)
    if source is None or target is None or not carried.firings:
        return None
    firing = carried.firings[0]
    function = catalog.function(firing.function)
    return Remembered(
        source=sync.source,
        target=sync.target,
        event=carried.event,
        source_name=catalog.qualified_name(source),
        target_name=catalog.qualified_name(target),
        mirror=sync.mirror,
        trigger=firing.trigger,
        trigger_name=firing.trigger_name,
        function=firing.function,
        function_name=f"{catalog.qualified_name(function)}()" if function is not None else "?",
        columns=carried.columns - carried.missed,
        skipped=carried.skipped,
        missed=carried.missed,
        identity=sync.identity,
        body=function.body.text if function is not None and function.body is not None else "",
        provenance=carried.provenance,
        defaults=carried.defaults,
        unset=carried.unset if carried.event == "update" else frozenset(),
    )


def _merged(old: Remembered | None, new: Remembered) -> Remembered:
    """What was established stays so: columns that were copied, rows that were not filtered."""
    if old is None:
        return new
    return msgspec.structs.replace(
        new, columns=old.columns | new.columns, skipped=_skipped_always(old.skipped, new.skipped),
        missed=old.missed & new.missed, mirror=old.mirror or new.mirror,
        provenance=old.provenance if old.body == new.body else new.provenance, defaults=old.defaults | new.defaults,
        unset=old.unset | new.unset,
    )  # fmt: skip


def _skipped_always(old: frozenset[Filter], new: frozenset[Filter]) -> frozenset[Filter]:
    """The ways on which a row has never arrived: on one of the old and one of the new."""
    if len(old) * len(new) > MOST_WAYS:
        return old | new
    both = {first | second for first in old for second in new}
    possible = {each for each in both if not any((key, not holds) in each for key, holds in each)}
    return frozenset(each for each in possible if not any(other < each for other in possible))


def standing(ledger: Ledger, source: Relation, catalog: Catalog) -> Ledger:
    """The lines that are not retired: both tables are there, under the names that they had, and no contract has ended them.

    A table that has taken the name of one that is gone stands in its place.
    """
    found = []
    for line in ledger:
        target = _at(line.target, line.target_name, catalog)
        now = _at(line.source, line.source_name, catalog)
        if target is None or target.oid == source.oid or now is None or now.oid != source.oid:
            continue
        if not contract_of(catalog, line.source_name, line.target_name).covers(line.event):
            continue
        found.append(line if target.oid == line.target else msgspec.structs.replace(line, target=target.oid))
    return tuple(found)


def _at(oid: int, name: str, catalog: Catalog) -> Relation | None:
    relation = catalog.relation(oid)
    if relation is not None and catalog.qualified_name(relation) == name:
        return relation
    return below(named(name, catalog), catalog)


def below(relation: Relation | None, catalog: Catalog) -> Relation | None:
    """The table that takes what is written to a view; a table itself, and a view that passes nothing on."""
    if relation is None or relation.kind is not RelationKind.VIEW:
        return relation
    passed = updatable(relation, catalog)
    return passed.base if passed is not None else relation


def named(qualified: str, catalog: Catalog) -> Relation | None:
    """The relation of a name as `qualified_name` prints it."""
    schema, _, name = qualified.partition(".")
    return catalog.find_relation(schema.strip('"'), name.strip('"').replace('""', '"'))
