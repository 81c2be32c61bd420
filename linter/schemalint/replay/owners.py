"""Owners: OWNER TO, REASSIGN OWNED, and what a new object of theirs is granted at once."""

from __future__ import annotations

from collections.abc import Iterator

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Function, Relation, RelationKind, Schema, UserType
from schemalint.replay.names import replace

Owned = Relation | Function | UserType | Schema


def with_privileges(catalog: Catalog, relation: Relation) -> Relation:
    """The new relation with what ALTER DEFAULT PRIVILEGES grants on it."""
    if catalog.get(("setting", "default_privileges")) is None:
        return relation
    from schemalint.replay.privileges import default_privileges

    kind = "sequences" if relation.kind is RelationKind.SEQUENCE else "tables"
    return replace(relation, privileges=default_privileges(catalog, kind, relation.schema, relation.owner))


def with_owner(catalog: Catalog, object_: Owned, owner: str | None) -> Catalog:
    """The object in other hands. What was granted to either of the two is the new owner's own (aclnewowner, acl.c)."""
    changed = replace(object_, owner=owner)
    if not isinstance(changed, UserType):
        hands = {object_.owner or "", owner or ""}
        changed = replace(changed, privileges=tuple(each for each in changed.privileges if each.role not in hands))
    catalog = catalog.put(changed)
    if isinstance(object_, Relation):
        for sequence in owned_sequences(catalog, object_):
            catalog = with_owner(catalog, sequence, owner)
    return catalog


def identity_sequence(catalog: Catalog, relation: Relation, number: int) -> Relation | None:
    """The sequence behind an identity column; a partition's is its parent's."""
    for each in owned_sequences(catalog, relation):
        if each.sequence is not None and each.sequence.identity and each.sequence.owner_column == number:
            return each
    return None


def owned_sequences(catalog: Catalog, relation: Relation) -> Iterator[Relation]:
    for oid in catalog.users(relation.oid):
        found = catalog.relation(oid)
        if found is not None and found.sequence is not None and found.sequence.owner_table == relation.oid:
            yield found
