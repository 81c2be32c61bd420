"""Children and partitions: who they are, and what goes down to them."""

from __future__ import annotations

from collections.abc import Iterator

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation


def children_of(catalog: Catalog, relation: Relation) -> list[Relation]:
    """The tables that inherit from this one directly, partitions included, oldest first."""
    users = catalog.get(("users", relation.oid))
    if not users:
        return []
    found = (catalog.relation(each) for each in sorted(users))
    return [each for each in found if each is not None and (each.partition_of == relation.oid or relation.oid in each.parents)]


def partitions_of(catalog: Catalog, relation: Relation) -> list[Relation]:
    return [each for each in children_of(catalog, relation) if each.partition_of == relation.oid]


def descendants(catalog: Catalog, relation: Relation) -> Iterator[Relation]:
    for each in children_of(catalog, relation):
        yield each
        yield from descendants(catalog, each)


def ancestors(catalog: Catalog, relation: Relation) -> Iterator[Relation]:
    for oid in (*relation.parents, *((relation.partition_of,) if relation.partition_of is not None else ())):
        parent = catalog.relation(oid)
        if parent is not None:
            yield parent
            yield from ancestors(catalog, parent)
