"""The schema as immutable values, in PostgreSQL's own terms (chapter "System Catalogs").

Every object has an `oid` of the model's own: it stays the same through RENAME, SET SCHEMA and CREATE OR REPLACE,
so it is what violations are keyed by. Columns are known by their `number` (pg_attribute.attnum), which is
never used again within a relation.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from schemalint.text import Excerpt, Span

Node = dict[str, Any]  # a node of libpg_query's tree, as decoded from JSON


class Type(msgspec.Struct, frozen=True):
    """A type with what was written behind it: varchar(50) is Type("varchar", (50,)).

    `id` is pg_type.typname for a type of pg_catalog ("int4", "_text" for text[]), an oid for a
    user-defined one (a table's row type has the table's oid), the negated oid for an array of it,
    and `UNKNOWN` where the name was not found or hangs on something unmodelled.
    """

    id: str | int
    modifiers: tuple[int, ...] = ()


UNKNOWN = Type("?")


class Reference(msgspec.Struct, frozen=True):
    """What an object depends on: another object, or one column of a relation."""

    oid: int
    column: int = 0


class Expression(msgspec.Struct, frozen=True):
    """A default, CHECK, predicate, WHEN … : its tree, in which columns bear their present names."""

    node: Node
    span: Span | None
    functions: tuple[int, ...] = ()  # user-defined functions that it calls (dependencies)
    columns: tuple[int, ...] = ()  # numbers of the columns of its own relation that it reads
    references: tuple[Reference, ...] = ()  # other relations and their columns, sequences, user-defined types


class Column(msgspec.Struct, frozen=True):
    number: int
    name: str
    type: Type
    not_null: bool = False
    default: Expression | None = None  # also the expression of a generated column
    identity: str = ""  # "always", "by default"
    generated: str = ""  # "stored", "virtual"
    collation: str | None = None
    inherited: bool = False  # from a parent table only
    span: Span | None = None  # where it was added, or last changed


class ConstraintKind(StrEnum):
    PRIMARY_KEY = "primary key"
    UNIQUE = "unique"
    FOREIGN_KEY = "foreign key"
    CHECK = "check"
    EXCLUSION = "exclusion"
    NOT_NULL = "not null"


class Constraint(msgspec.Struct, frozen=True):
    oid: int
    name: str
    kind: ConstraintKind
    columns: tuple[int, ...] = ()
    expression: Expression | None = None  # of a CHECK
    index: int | None = None  # oid of the index behind a key or exclusion; of a foreign key, of the index that it relies on
    references: int | None = None  # oid of the referenced table
    referenced_columns: tuple[int, ...] = ()
    on_update: str = "no action"  # "restrict", "cascade", "set null", "set default"
    on_delete: str = "no action"
    delete_columns: tuple[int, ...] = ()  # SET NULL (a, b)
    match_full: bool = False
    validated: bool = True
    enforced: bool = True
    deferrable: bool = False
    initially_deferred: bool = False
    no_inherit: bool = False
    inherited: bool = False
    parent: int | None = None  # the partitioned table's constraint that this one belongs to
    span: Span | None = None


class Index(msgspec.Struct, frozen=True):
    oid: int
    name: str
    columns: tuple[int, ...]  # key columns in order; 0 stands for the next of `expressions`
    expressions: tuple[Expression, ...] = ()
    included: tuple[int, ...] = ()
    unique: bool = False
    primary: bool = False
    nulls_not_distinct: bool = False
    predicate: Expression | None = None
    method: str = "btree"
    immediate: bool = True  # False where its constraint is deferrable
    valid: bool = True
    operator_classes: tuple[str, ...] = ()  # as written, "" where none
    collations: tuple[str, ...] = ()
    orderings: tuple[str, ...] = ()  # "", "desc", "asc nulls first" …
    options: Node | None = None
    parent: int | None = None
    span: Span | None = None


class Trigger(msgspec.Struct, frozen=True):
    oid: int
    name: str
    relation: int
    function: int
    timing: str  # "before", "after", "instead of"
    events: frozenset[str]  # "insert", "update", "delete", "truncate"
    level: str = "statement"  # "row", "statement"
    columns: tuple[int, ...] = ()  # UPDATE OF
    when: Expression | None = None
    arguments: tuple[str, ...] = ()
    enabled: str = "O"  # pg_trigger.tgenabled: O(rigin), D(isabled), R(eplica), A(lways)
    constraint: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    old_table: str | None = None
    new_table: str | None = None
    parent: int | None = None  # the partitioned table's trigger that this one is a clone of
    span: Span | None = None


class Policy(msgspec.Struct, frozen=True):
    oid: int
    name: str
    command: str = "all"  # "select", "insert", "update", "delete"
    permissive: bool = True
    roles: tuple[str, ...] = ("public",)
    using: Expression | None = None
    check: Expression | None = None
    span: Span | None = None


class RewriteRule(msgspec.Struct, frozen=True):
    oid: int
    name: str
    event: str
    instead: bool
    condition: Node | None
    actions: tuple[Node, ...]
    references: tuple[Reference, ...] = ()
    enabled: str = "O"
    span: Span | None = None


class Privilege(msgspec.Struct, frozen=True):
    """One grant: what to whom, on some columns only where `columns` says so."""

    role: str  # "public" for everyone
    name: str  # "select", "insert", "execute" …
    columns: tuple[int, ...] = ()
    grantable: bool = False


class RelationKind(StrEnum):
    TABLE = "table"
    PARTITIONED_TABLE = "partitioned table"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    FOREIGN_TABLE = "foreign table"
    SEQUENCE = "sequence"
    COMPOSITE_TYPE = "composite type"


class Rows(StrEnum):
    """Whether a table holds rows when a statement reaches it."""

    NONE = "none"  # made in the migration at hand, nothing put into it
    POSSIBLE = "possible"  # out there in production
    SOME = "some"  # the history itself has put rows into it


class ViewQuery(msgspec.Struct, frozen=True):
    node: Node  # SelectStmt
    references: tuple[Reference, ...]
    resolved: bool = True  # False where some of what it reads is not known
    search_path: tuple[str, ...] = ()  # in force when the names in it were resolved
    check_option: str = ""
    security_invoker: bool = False


class SequenceState(msgspec.Struct, frozen=True):
    type: Type = Type("int8")
    owner_table: int | None = None
    owner_column: int = 0
    identity: bool = False  # it serves an identity column
    start: int = 1
    increment: int = 1
    minimum: int | None = None
    maximum: int | None = None
    cycle: bool = False
    cache: int = 1


class Relation(msgspec.Struct, frozen=True):
    oid: int
    schema: int
    name: str
    kind: RelationKind
    columns: tuple[Column, ...] = ()
    next_number: int = 1
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    policies: tuple[Policy, ...] = ()
    rules: tuple[RewriteRule, ...] = ()
    row_security: bool = False
    force_row_security: bool = False
    persistence: str = "permanent"  # "unlogged", "temporary"
    owner: str | None = None  # None: the role that runs the migrations
    privileges: tuple[Privilege, ...] = ()
    rows: Rows = Rows.POSSIBLE
    parents: tuple[int, ...] = ()  # INHERITS
    partition_of: int | None = None
    partition_bound: Node | None = None
    partition_key: Node | None = None
    replica_identity: str = "default"
    query: ViewQuery | None = None
    sequence: SequenceState | None = None
    options: tuple[tuple[str, str], ...] = ()  # storage parameters, view options
    of_type: int | None = None
    tainted: bool = False  # something unmodelled has touched it: what it is like is not known in whole
    span: Span | None = None

    def column(self, name: str) -> Column | None:
        for column in self.columns:
            if column.name == name:
                return column
        return None

    def column_numbered(self, number: int) -> Column | None:
        for column in self.columns:
            if column.number == number:
                return column
        return None

    @property
    def primary_key(self) -> Constraint | None:
        for constraint in self.constraints:
            if constraint.kind is ConstraintKind.PRIMARY_KEY:
                return constraint
        return None


class IndexName(msgspec.Struct, frozen=True):
    """An index as an object of its own: it is kept with its relation, but takes a name among relations."""

    oid: int
    schema: int
    name: str
    relation: int


class Argument(msgspec.Struct, frozen=True):
    name: str | None
    type: Type
    mode: str = "in"  # "in", "out", "inout", "variadic", "table"
    default: Expression | None = None


class Function(msgspec.Struct, frozen=True):
    oid: int
    schema: int
    name: str
    arguments: tuple[Argument, ...] = ()
    result: Type = Type("void")
    returns_set: bool = False
    kind: str = "function"  # "procedure", "aggregate", "window"
    language: str = "sql"
    body: Excerpt | None = None  # the string after AS, with its place in the file
    atomic: Node | None = None  # an SQL-standard body (BEGIN ATOMIC, RETURN)
    references: tuple[Reference, ...] = ()  # of an SQL-standard body
    volatility: str = "volatile"
    strict: bool = False
    security_definer: bool = False
    settings: tuple[tuple[str, str], ...] = ()  # SET search_path = …, as pg_proc.proconfig has them
    owner: str | None = None
    privileges: tuple[Privilege, ...] = (Privilege("public", "execute"),)
    tainted: bool = False
    span: Span | None = None  # of the CREATE FUNCTION statement that stands

    @property
    def input_types(self) -> tuple[Type, ...]:
        return tuple(a.type for a in self.arguments if a.mode in ("in", "inout", "variadic"))


class TypeKind(StrEnum):
    ENUM = "enum"
    DOMAIN = "domain"
    COMPOSITE = "composite"  # stands as a Relation of kind COMPOSITE_TYPE; never as a UserType
    RANGE = "range"
    BASE = "base"  # brought by an extension, or made in C


class UserType(msgspec.Struct, frozen=True):
    oid: int
    schema: int
    name: str
    kind: TypeKind
    labels: tuple[str, ...] = ()  # of an enum, in order
    fresh_labels: tuple[str, ...] = ()  # added by the transaction at hand
    base: Type | None = None  # of a domain; subtype of a range
    not_null: bool = False
    default: Expression | None = None
    checks: tuple[Constraint, ...] = ()
    category: str = "U"
    owner: str | None = None
    span: Span | None = None


class Schema(msgspec.Struct, frozen=True):
    oid: int
    name: str
    owner: str | None = None
    privileges: tuple[Privilege, ...] = ()
    own: bool = False  # a CREATE SCHEMA without IF NOT EXISTS made it: what is in it, the history made
    assumed: bool = False  # no migration made it, one names it: the platform's
    span: Span | None = None


class Role(msgspec.Struct, frozen=True):
    oid: int
    name: str
    superuser: bool = False
    bypass_row_security: bool = False
    login: bool = False
    member_of: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


class Published(msgspec.Struct, frozen=True):
    relation: int
    columns: tuple[int, ...] = ()
    where: Node | None = None


class Publication(msgspec.Struct, frozen=True):
    oid: int
    name: str
    all_tables: bool = False
    tables: tuple[Published, ...] = ()
    schemas: tuple[int, ...] = ()
    operations: frozenset[str] = frozenset({"insert", "update", "delete", "truncate"})
    via_root: bool = False
    span: Span | None = None


class Extension(msgspec.Struct, frozen=True):
    oid: int
    name: str
    schema: int
    members: tuple[int, ...] = ()


class Opaque(msgspec.Struct, frozen=True):
    """An object that is known by its kind and name only: an operator, an event trigger, a text search thing."""

    oid: int
    kind: str
    name: str
    schema: int = 0
    references: tuple[Reference, ...] = ()
    span: Span | None = None


Object = Relation | IndexName | Function | UserType | Schema | Role | Publication | Extension | Opaque
