"""Which publications send a table's changes on, and which of its columns identify a row (chapter "Logical Replication")."""

from __future__ import annotations

from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Publication, Published, Relation

Node = dict[str, Any]
Sent = tuple[Publication, Published | None]  # None: the publication names no table


def publications_of(relation: Relation, catalog: Catalog) -> list[Sent]:
    """The publications that a table is in by itself, by its schema, or as one of all tables."""
    found: list[Sent] = []
    oids = [*sorted(catalog.users(relation.oid)), *(catalog.get(("broad publications",)) or ())]
    for oid in dict.fromkeys(oids):
        publication = catalog.get(oid)
        if not isinstance(publication, Publication):
            continue
        own = next((each for each in publication.tables if each.relation == relation.oid), None)
        if own is not None or publication.all_tables or relation.schema in publication.schemas:
            found.append((publication, own))
    return found


def identity_of(relation: Relation) -> frozenset[int] | None:
    """The columns of a table's replica identity; None where it has none."""
    kind = relation.replica_identity
    if kind == "full":
        return frozenset(each.number for each in relation.columns)
    if kind.startswith("index "):
        index = next((each for each in relation.indexes if each.name == kind.removeprefix("index ")), None)
        return frozenset(index.columns) if index is not None else None
    key = relation.primary_key
    return frozenset(key.columns) if key is not None and kind == "default" else None
