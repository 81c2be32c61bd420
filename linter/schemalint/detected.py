"""What there is in a history: its syncs as they stand in the newest state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemalint.check import replay
from schemalint.course import Course, boundaries_of
from schemalint.migrations.migration import History

if TYPE_CHECKING:
    from schemalint.configuration import Configuration


class Detected(msgspec.Struct, frozen=True, order=True):
    """A mirror, by the names of its tables and the events that it carries."""

    source: str
    target: str
    events: tuple[str, ...]


def detected_mirrors(history: History, configuration: Configuration) -> list[Detected]:
    """The mirrors in the newest state, in order."""
    course = Course()
    for boundary in boundaries_of(list(replay(history, None, configuration))):
        course.advance(boundary)
    last = len(course.boundaries) - 1
    units = [unit for oid in course.sources() if (unit := course.at(oid, last)) is not None]
    return sorted(
        Detected(
            unit.catalog.qualified_name(unit.source),
            unit.catalog.qualified_name(target),
            tuple(each.event for each in sync.carried),
        )
        for unit in units
        for sync in unit.syncs
        if sync.mirror and (target := unit.catalog.relation(sync.target)) is not None
    )
