"""One statement with the schema before and after it, as step rules see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Function, Relation
from schemalint.finding import Sync as SyncNames
from schemalint.flow.path import Failure
from schemalint.flow.sync import Sync
from schemalint.text import Span


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
    together: tuple[Change, ...] = ()  # all that is committed with it, itself included
    refusing: Callable[[int, str], Failure | None] = lambda relation, event: None  # what every such write meets in a trigger

    broken_calls: Callable[[], Iterable[tuple[Function, Failure]]] = tuple  # functions whose calls fail from this statement on

    @property
    def start(self) -> Catalog:
        """The schema before all that is committed with it."""
        return self.together[0].before if self.together else self.before

    @property
    def end(self) -> Catalog:
        """The schema that others see once it is committed."""
        return self.together[-1].after if self.together else self.after

    def role(self, oid: int, role: str) -> Part | None:
        """What a table is to a mirror, where it has that role in one."""
        part = self.parts().get(oid)
        return part if part is not None and part.role == role else None

    def relation_named(self, node: dict[str, Any]) -> Relation | None:
        """The relation that a RangeVar of the statement means."""
        return self.before.find_relation(node.get("schemaname"), node["relname"], self.before.search_path)

    def mentions(self, name: str) -> bool:
        """Whether a word of the statement's tree is that name."""
        return _mentions(self.node, name)


def _mentions(node: Any, name: str) -> bool:
    if isinstance(node, dict):
        return any(_mentions(each, name) for each in node.values())
    if isinstance(node, list):
        return any(_mentions(each, name) for each in node)
    return bool(node == name)
