"""A unit: one table's triggers in one state of the schema, and all that the answer hangs on."""

from __future__ import annotations

import msgspec

from schemalint.catalog.catalog import Catalog, Key, Watched
from schemalint.catalog.model import Relation
from schemalint.flow.path import Firing
from schemalint.flow.sync import Sync
from schemalint.trace.firings import firings_of
from schemalint.trace.ledger import Ledger, below, named, remembered, standing
from schemalint.trace.syncs import syncs_of


class Unit(msgspec.Struct, frozen=True, eq=False):
    source: Relation
    catalog: Watched
    firings: tuple[Firing, ...]
    syncs: tuple[Sync, ...]
    before: Ledger  # flows of before the commit that still should be there
    after: Ledger

    @property
    def seen(self) -> set[Key]:
        """The keys of the catalog that the unit was made from; it stands as long as they do."""
        return self.catalog.seen


def trace(oid: int, ledger: Ledger, catalog: Catalog) -> Unit | None:
    """The unit of a table; None where there is no such table, or it has neither triggers nor a past."""
    watched = Watched(catalog)
    source = watched.relation(oid)
    if source is None:
        return None
    before = standing(ledger, source, watched)
    if not source.triggers and not before:
        return None
    firings = firings_of(source, watched)
    syncs = syncs_of(source, firings, watched, before)
    _look_around(source, syncs, watched)
    return Unit(source, watched, firings, syncs, before, remembered(before, syncs, watched))


def _look_around(source: Relation, syncs: tuple[Sync, ...], catalog: Watched) -> None:
    """Reads what rules ask of the tables around a sync, so that the unit is made anew where it changes."""
    catalog.get(("broad publications",))
    for oid in (source.oid, source.partition_of, *source.parents, *(each.target for each in syncs if each.mirror)):
        relation = catalog.relation(oid)
        if relation is None:
            continue
        catalog.get(("published", relation.schema, relation.name))
        catalog.get(("had row security", relation.schema, relation.name))
        for user in catalog.users(relation.oid):
            catalog.get(user)


def heirs(ledger: Ledger, catalog: Catalog) -> dict[int, Ledger]:
    """The lines of a source that is gone or renamed, by the table that has taken its name.

    What was copied column by column is not carried over: the new table's columns are others.
    """
    found: dict[int, Ledger] = {}
    for line in ledger:
        heir = below(named(line.source_name, catalog), catalog)
        if line.mirror and heir is not None and heir.oid not in (line.source, line.target):
            moved = msgspec.structs.replace(line, source=heir.oid, columns=frozenset(), missed=frozenset())
            found[heir.oid] = (*found.get(heir.oid, ()), moved)
    return found
