"""The catalog: one persistent map from keys to values, and what is looked up in it.

A catalog is never changed; `put` and its like give a new one that shares all else. Each read goes through
`get` and each write through `_set`, so that who reads can note what an answer hangs on (`Watched`),
and what changed between two catalogs is known without comparing them (`changes_since`).
"""

from __future__ import annotations

from collections.abc import Iterator
from re import compile as pattern
from typing import Any, TypeVar

import immutables
import msgspec

from schemalint.catalog.model import (
    Column,
    Extension,
    Function,
    IndexName,
    Object,
    Opaque,
    Publication,
    Relation,
    RelationKind,
    Role,
    Schema,
    Type,
    UserType,
)

Key = int | tuple[Any, ...]
Journal = tuple[Key, Any]  # the key that was written last, and the journal before it
Kind = TypeVar("Kind")

SYSTEM_SCHEMAS = ("pg_catalog", "information_schema", "pg_toast")
FIRST_OID = 16384  # as FirstNormalObjectId


class Catalog:
    """A state of the schema. Keys: an oid for an object, a tuple that starts with a word for all else:

    ("relation", schema oid, name), ("type", schema oid, name) → oid
    ("function", schema oid, name) → the overloads' oids
    ("schemas",) → the oids of all schemas that there have been
    ("schema", name), ("role", name), ("publication", name), ("extension", name) → oid
    ("opaque", kind, schema oid, name) → oid
    ("users", oid) → frozenset of the oids of objects that refer to it
    ("cast", source, target) → "i", "a" or "e"
    ("setting", name) → value in force for the statements to come
    ("constraint", schema oid, name) → oids of the relations and domains that had a constraint of that name
    ("gone", "relation" | "type" | "function", schema oid, name), ("gone", "schema", name) → True where one was and is no more
    ("member of", name) → the roles that a role is a member of which no migration made
    ("revoked", oid) → True where a REVOKE has taken a privilege on the object from somebody
    ("fewer partitions", oid) → how many times a partition of the table was detached or dropped
    ("published", schema oid, name) → whether a table of that name was published with all its rows, and as no partitioned one
    ("broad publications",) → the oids of those FOR ALL TABLES or TABLES IN SCHEMA
    ("policy dropped", oid) → True where DROP POLICY took a policy from the table, and none was made since
    ("had row security", schema oid, name) → True where a table of that name has had row security
    ("safe search_path", oid) → True where a SECURITY DEFINER function has had one
    ("unmodelled", name) → True where something unmodelled may have made or changed an object of that name
    """

    __slots__ = ("entries", "journal", "next_oid")

    def __init__(self, entries: immutables.Map[Key, Any], journal: Journal | None = None, next_oid: int = FIRST_OID) -> None:
        self.entries = entries
        self.journal = journal
        self.next_oid = next_oid

    # -- reading

    def get(self, key: Key) -> Any:
        return self.entries.get(key)

    def relation(self, oid: int | None) -> Relation | None:
        return self._of(Relation, oid)

    def function(self, oid: int | None) -> Function | None:
        return self._of(Function, oid)

    def user_type(self, oid: int | None) -> UserType | None:
        return self._of(UserType, oid)

    def _of(self, kind: type[Kind], oid: int | None) -> Kind | None:
        found = None if oid is None else self.get(oid)
        return found if isinstance(found, kind) else None

    def schema_named(self, name: str) -> Schema | None:
        return self._of(Schema, self.get(("schema", name)))

    @property
    def schemas(self) -> tuple[int, ...]:
        """The oids of all schemas that there have been."""
        return self.get(("schemas",)) or ()

    def schema_name(self, oid: int) -> str:
        schema = self.get(oid)
        return schema.name if isinstance(schema, Schema) else "?"

    def role(self, name: str) -> Role | None:
        return self._of(Role, self.get(("role", name)))

    def publication(self, name: str) -> Publication | None:
        return self._of(Publication, self.get(("publication", name)))

    def extension(self, name: str) -> Extension | None:
        return self._of(Extension, self.get(("extension", name)))

    def opaque(self, kind: str, schema: int, name: str) -> Opaque | None:
        return self._of(Opaque, self.get(("opaque", kind, schema, name)))

    def users(self, oid: int) -> frozenset[int]:
        """Objects that refer to this one: views, foreign keys' tables, triggers' tables, columns of its type …"""
        return self.get(("users", oid)) or frozenset()

    @property
    def search_path(self) -> tuple[str, ...]:
        """The schemas in which names are looked up, by name; those that do not exist are still in it."""
        return self.get(("setting", "search_path")) or ()

    def named(self, kind: str, schema: str | None, name: str, path: tuple[str, ...] | None = None) -> Any:
        """What ("relation" | "type" | "function", schema oid, name) holds, in `schema` or the first of `path` that has it."""
        schemas = (schema,) if schema is not None else self.search_path if path is None else path
        for each in schemas:
            schema_oid = self.get(("schema", each))
            if schema_oid is not None and (found := self.get((kind, schema_oid, name))) is not None:
                return found
        return None

    def find_relation(self, schema: str | None, name: str, path: tuple[str, ...] | None = None) -> Relation | None:
        """The table, view, sequence … (not index) that the name means."""
        return self.relation(self.named("relation", schema, name, path))

    def find_index(self, schema: str | None, name: str, path: tuple[str, ...] | None = None) -> IndexName | None:
        return self._of(IndexName, self.named("relation", schema, name, path))

    def find_type(self, schema: str | None, name: str, path: tuple[str, ...] | None = None) -> UserType | Relation | None:
        """The user-defined type, or the relation whose row type it is."""
        found = self.get(oid) if (oid := self.named("type", schema, name, path)) is not None else None
        return found if isinstance(found, UserType | Relation) else None

    def find_functions(self, schema: str | None, name: str, path: tuple[str, ...] | None = None) -> tuple[Function, ...]:
        """All overloads that the name can mean, those of schemas earlier in the path first."""
        schemas = (schema,) if schema is not None else self.search_path if path is None else path
        found: list[Function] = []
        for each in schemas:
            schema_oid = self.get(("schema", each))
            if schema_oid is not None:
                found.extend(f for oid in self.get(("function", schema_oid, name)) or () if (f := self.function(oid)) is not None)
        return tuple(found)

    def objects(self, kind: type[Kind]) -> Iterator[Kind]:
        """All objects of a kind. Not watched: for listings only."""
        return (value for value in self.entries.values() if isinstance(value, kind))

    def domain_base(self, type_: Type) -> Type:
        """The type below all domains."""
        while isinstance(type_.id, int) and (user := self.user_type(type_.id)) is not None and user.kind == "domain":
            assert user.base is not None
            type_ = user.base
        return type_

    def qualified_name(self, object_: Relation | Function | UserType | IndexName) -> str:
        return f"{quoted(self.schema_name(object_.schema))}.{quoted(object_.name)}"

    # -- writing: each gives a new catalog

    def new_oid(self) -> tuple[Catalog, int]:
        return Catalog(self.entries, self.journal, self.next_oid + 1), self.next_oid

    def bind(self, key: Key, value: Any) -> Catalog:
        return Catalog(self.entries.set(key, value), (key, self.journal), self.next_oid)

    def unbind(self, key: Key) -> Catalog:
        if key not in self.entries:
            return self
        return Catalog(self.entries.delete(key), (key, self.journal), self.next_oid)

    def put(self, object_: Object) -> Catalog:
        """With this object, new or in place of the one with its oid; its names follow."""
        before = self.get(object_.oid)
        catalog = self.bind(object_.oid, object_)
        if before is None and isinstance(object_, Schema):
            catalog = catalog.bind(("schemas",), (*catalog.schemas, object_.oid))
        old = names_of(before) if before is not None else ()
        new = names_of(object_)
        if old == new:
            return catalog
        for key in old:
            catalog = catalog._forget_name(key, object_.oid)
        for key in new:
            catalog = catalog._remember_name(key, object_.oid)
        return catalog

    def remove(self, oid: int) -> Catalog:
        """Without this object and its names. Who refers to it is the caller's business."""
        object_ = self.get(oid)
        if object_ is None:
            return self
        catalog = self.unbind(oid).unbind(("users", oid))
        for key in names_of(object_):
            catalog = catalog._forget_name(key, oid)
        return catalog

    def use(self, user: int, used: int) -> Catalog:
        """Notes that `user` refers to `used`."""
        key = ("users", used)
        users = self.get(key) or frozenset()
        return self if user in users else self.bind(key, users | {user})

    def disuse(self, user: int, used: int) -> Catalog:
        key = ("users", used)
        users = self.get(key) or frozenset()
        return self.bind(key, users - {user}) if user in users else self

    def _remember_name(self, key: Key, oid: int) -> Catalog:
        if isinstance(key, tuple) and key[0] == "function":
            return self.bind(key, (*(self.get(key) or ()), oid))
        return self.bind(key, oid)

    def _forget_name(self, key: Key, oid: int) -> Catalog:
        if isinstance(key, tuple) and key[0] == "function":
            rest = tuple(each for each in self.get(key) or () if each != oid)
            return self.bind(key, rest) if rest else self.unbind(key)
        return self.unbind(key) if self.get(key) == oid else self

    def changes_since(self, before: Catalog) -> set[Key] | None:
        """The keys written between `before` and this state; None where this one does not come from `before`."""
        changed: set[Key] = set()
        journal = self.journal
        while journal is not before.journal:
            if journal is None:
                return None
            changed.add(journal[0])
            journal = journal[1]
        return changed


class Watched(Catalog):
    """A catalog that notes every key that is read, found or not."""

    __slots__ = ("seen",)

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog.entries, catalog.journal, catalog.next_oid)
        self.seen: set[Key] = set()

    def get(self, key: Key) -> Any:
        self.seen.add(key)
        return self.entries.get(key)


def names_of(object_: Object) -> tuple[Key, ...]:
    """The keys under which an object is found by name."""
    match object_:
        case Relation(kind=RelationKind.COMPOSITE_TYPE) | Relation(kind=RelationKind.TABLE):
            return (("relation", object_.schema, object_.name), ("type", object_.schema, object_.name))
        case Relation(kind=RelationKind.SEQUENCE) | IndexName():
            return (("relation", object_.schema, object_.name),)
        case Relation():
            return (("relation", object_.schema, object_.name), ("type", object_.schema, object_.name))
        case UserType():
            return (("type", object_.schema, object_.name),)
        case Function():
            return (("function", object_.schema, object_.name),)
        case Schema():
            return (("schema", object_.name),)
        case Role():
            return (("role", object_.name),)
        case Publication():
            return (("publication", object_.name),)
        case Extension():
            return (("extension", object_.name),)
        case Opaque():
            return (("opaque", object_.kind, object_.schema, object_.name),)
    raise TypeError(object_)


PLAIN_NAME = pattern(r"[a-z_][a-z0-9_]*")


def quoted(name: str) -> str:
    """A name as PostgreSQL prints it (quote_ident, without its list of reserved words)."""
    return name if PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def empty_catalog(search_path: tuple[str, ...] = ("public",)) -> Catalog:
    """A database as `CREATE DATABASE` makes it: the schemas public, pg_catalog and information_schema."""
    catalog = Catalog(immutables.Map())
    for name in (*SYSTEM_SCHEMAS, "public"):
        catalog, oid = catalog.new_oid()
        catalog = catalog.put(Schema(oid=oid, name=name))
    return catalog.bind(("setting", "search_path"), search_path)


def with_column(relation: Relation, column: Column) -> Relation:
    """The relation with this column in the place of the one of its number, or at the end."""
    columns = tuple(column if each.number == column.number else each for each in relation.columns)
    if all(each.number != column.number for each in relation.columns):
        columns = (*columns, column)
    return msgspec.structs.replace(relation, columns=columns)
