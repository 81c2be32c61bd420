"""The mirrors that live in the newest state of a history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemalint.catalog.catalog import Catalog
from schemalint.check import replay
from schemalint.course import Course, boundaries_of
from schemalint.flow.sync import Sync
from schemalint.migrations.migration import History

if TYPE_CHECKING:
    from schemalint.configuration import Configuration


def newest_syncs(history: History, configuration: Configuration) -> Iterator[tuple[Sync, Catalog]]:
    """Each mirror with something alive, in the order of its tables' names, and the catalog that it stands in."""
    course = Course()
    for boundary in boundaries_of(replay(history, None, configuration)):
        course.advance(boundary)
    last = len(course.boundaries) - 1
    found: list[tuple[Sync, Catalog]] = []
    for oid in course.sources():
        unit = course.at(oid, last) if last >= 0 else None
        if unit is not None:
            catalog = unit.catalog
            found.extend((sync, catalog) for sync in unit.syncs if sync.mirror and sync.carried)
    yield from sorted(found, key=lambda each: (_name(each[0].source, each[1]), _name(each[0].target, each[1])))


def _name(oid: int, catalog: Catalog) -> str:
    relation = catalog.relation(oid)
    return catalog.qualified_name(relation) if relation is not None else ""
