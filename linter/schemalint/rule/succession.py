"""Names that pass from one relation to another: the swap by renaming with which a move to a new table ends."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from schemalint.catalog.model import Relation
from schemalint.rule.change import Change, Part


class Succession(msgspec.Struct, frozen=True):
    """A statement gives the name that a table of a mirror had to another relation."""

    old: Relation  # as it was before all that is committed with the statement
    new: Relation  # as it is after all of that
    part: Part  # what the old one is to the mirror


def successions(change: Change) -> Iterator[Succession]:
    start, end = change.start, change.end
    for oid, part in change.parts().items():
        old = start.relation(oid)
        if old is None or part.role not in ("source", "target"):
            continue
        name = ("relation", old.schema, old.name)
        holder = change.after.get(name)
        if holder in (None, oid) or change.before.get(name) == holder or end.get(name) != holder:
            continue
        new = end.relation(holder)
        if new is not None:
            yield Succession(old, new, part)
