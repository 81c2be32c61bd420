"""Rows of information_schema and pg_catalog, as a migration's own queries find them, from the modelled catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from schemalint.catalog.catalog import SYSTEM_SCHEMAS, Catalog
from schemalint.catalog.model import (
    ConstraintKind,
    Extension,
    Function,
    Publication,
    Relation,
    RelationKind,
    Role,
    Schema,
    TypeKind,
    UserType,
)

Row = dict[str, Any]
Rows = Iterator[Row]

KINDS = {
    RelationKind.TABLE: "r", RelationKind.PARTITIONED_TABLE: "p", RelationKind.VIEW: "v", RelationKind.MATERIALIZED_VIEW: "m",
    RelationKind.SEQUENCE: "S", RelationKind.FOREIGN_TABLE: "f", RelationKind.COMPOSITE_TYPE: "c",
}  # fmt: skip
CONSTRAINTS = {
    ConstraintKind.PRIMARY_KEY: ("p", "PRIMARY KEY"),
    ConstraintKind.UNIQUE: ("u", "UNIQUE"),
    ConstraintKind.FOREIGN_KEY: ("f", "FOREIGN KEY"),
    ConstraintKind.CHECK: ("c", "CHECK"),
    ConstraintKind.EXCLUSION: ("x", "EXCLUDE"),
    ConstraintKind.NOT_NULL: ("n", "CHECK"),
}
TYPES = {TypeKind.ENUM: "e", TypeKind.DOMAIN: "d", TypeKind.RANGE: "r", TypeKind.BASE: "b", TypeKind.COMPOSITE: "c"}
TABLES = (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE, RelationKind.FOREIGN_TABLE)


class Narrowed(Catalog):
    """A catalog of which a query asks for relations of one name only."""

    __slots__ = ("only",)

    def __init__(self, catalog: Catalog, only: str) -> None:
        super().__init__(catalog.entries, catalog.journal, catalog.next_oid)
        self.only = only


# The column in which a system relation names the relation that a row is about.
RELATION_NAMES = {
    "tables": "table_name", "columns": "table_name", "table_constraints": "table_name", "key_column_usage": "table_name",
    "triggers": "event_object_table", "views": "table_name", "sequences": "sequence_name", "pg_tables": "tablename",
    "pg_policies": "tablename", "pg_indexes": "tablename", "pg_views": "viewname", "pg_matviews": "matviewname",
    "pg_sequences": "sequencename",
}  # fmt: skip


def _relations(catalog: Catalog, *kinds: RelationKind) -> Iterator[tuple[str, Relation]]:
    if isinstance(catalog, Narrowed):
        found = (catalog.relation(catalog.get(("relation", schema, catalog.only))) for schema in catalog.schemas)
        relations = (each for each in found if each is not None)
    else:
        relations = (each for each in catalog.objects(Relation))
    for relation in relations:
        schema = catalog.schema_name(relation.schema)
        if (not kinds or relation.kind in kinds) and schema not in SYSTEM_SCHEMAS:
            yield schema, relation


def _tables(catalog: Catalog) -> Rows:
    words = {RelationKind.VIEW: "VIEW", RelationKind.FOREIGN_TABLE: "FOREIGN"}
    for schema, relation in _relations(catalog, *TABLES, RelationKind.VIEW):
        yield {"table_schema": schema, "table_name": relation.name, "table_type": words.get(relation.kind, "BASE TABLE")}


def _columns(catalog: Catalog) -> Rows:
    from schemalint.catalog.type_printing import format_type

    for schema, relation in _relations(catalog, *TABLES, RelationKind.VIEW):
        for column in relation.columns:
            found = catalog.get(column.type.id) if isinstance(column.type.id, int) and column.type.id > 0 else None
            user_defined, name = found is not None, found.name if found is not None else column.type.id
            array = str(column.type.id).startswith(("_", "-"))
            plain = format_type(type(column.type)(column.type.id), catalog)
            data_type = "ARRAY" if array else "USER-DEFINED" if user_defined else plain
            row = {
                "table_schema": schema, "table_name": relation.name, "column_name": column.name,
                "ordinal_position": column.number,
                "is_nullable": "NO" if column.not_null else "YES", "data_type": data_type, "udt_name": name,
                "is_identity": "YES" if column.identity else "NO", "is_generated": "ALWAYS" if column.generated else "NEVER",
            }  # fmt: skip
            if column.default is None or column.generated:
                row["column_default"] = None
            yield row


def _table_constraints(catalog: Catalog) -> Rows:
    for schema, relation in _relations(catalog):
        for each in relation.constraints:
            yield {
                "constraint_schema": schema, "table_schema": schema, "table_name": relation.name, "constraint_name": each.name,
                "constraint_type": CONSTRAINTS[each.kind][1],
            }  # fmt: skip


def _key_columns(catalog: Catalog) -> Rows:
    for schema, relation in _relations(catalog):
        for each in relation.constraints:
            for column in relation.columns:
                if column.number in each.columns and each.kind not in (ConstraintKind.CHECK, ConstraintKind.NOT_NULL):
                    yield {
                        "constraint_schema": schema, "table_schema": schema, "table_name": relation.name,
                        "constraint_name": each.name, "column_name": column.name,
                    }  # fmt: skip


def _triggers(catalog: Catalog) -> Rows:
    for schema, relation in _relations(catalog):
        for each in relation.triggers:
            for event in each.events:
                yield {
                    "trigger_schema": schema, "trigger_name": each.name, "event_object_schema": schema,
                    "event_object_table": relation.name, "event_manipulation": event.upper(),
                    "action_timing": each.timing.upper(),
                }  # fmt: skip


def _routines(catalog: Catalog) -> Rows:
    for each in catalog.objects(Function):
        schema = catalog.schema_name(each.schema)
        yield {"routine_schema": schema, "routine_name": each.name, "specific_schema": schema, "routine_type": each.kind.upper()}


def _schemata(catalog: Catalog) -> Rows:
    return ({"schema_name": each.name} for each in catalog.objects(Schema))


def _views(catalog: Catalog) -> Rows:
    return ({"table_schema": schema, "table_name": each.name} for schema, each in _relations(catalog, RelationKind.VIEW))


def _sequences(catalog: Catalog) -> Rows:
    return ({"sequence_schema": s, "sequence_name": each.name} for s, each in _relations(catalog, RelationKind.SEQUENCE))


def _pg_class(catalog: Catalog) -> Rows:
    for _, relation in _relations(catalog):
        yield {
            "oid": relation.oid, "relname": relation.name, "relnamespace": relation.schema, "relkind": KINDS[relation.kind],
            "relrowsecurity": relation.row_security, "relforcerowsecurity": relation.force_row_security,
            "relispartition": relation.partition_of is not None,
        }  # fmt: skip
        for index in relation.indexes:
            yield {
                "oid": index.oid,
                "relname": index.name,
                "relnamespace": relation.schema,
                "relkind": "i",
                "relispartition": False,
            }


def _pg_attribute(catalog: Catalog) -> Rows:
    for _, relation in _relations(catalog):
        for column in relation.columns:
            yield {
                "attrelid": relation.oid, "attname": column.name, "attnum": column.number, "attisdropped": False,
                "attnotnull": column.not_null, "atthasdef": column.default is not None,
                "attidentity": {"always": "a", "by default": "d"}.get(column.identity, ""),
                "attgenerated": column.generated[:1], "atttypid": column.type.id,
            }  # fmt: skip


def _pg_constraint(catalog: Catalog) -> Rows:
    for _, relation in _relations(catalog):
        for each in relation.constraints:
            yield {
                "oid": each.oid, "conname": each.name, "connamespace": relation.schema, "conrelid": relation.oid,
                "contype": CONSTRAINTS[each.kind][0], "confrelid": each.references or 0, "convalidated": each.validated,
                "contypid": 0,
            }  # fmt: skip
    for domain in catalog.objects(UserType):
        for each in domain.checks:
            yield {
                "oid": each.oid,
                "conname": each.name,
                "connamespace": domain.schema,
                "conrelid": 0,
                "contypid": domain.oid,
                "contype": "c",
            }


def _pg_type(catalog: Catalog) -> Rows:
    for type_ in catalog.objects(UserType):
        yield {"oid": type_.oid, "typname": type_.name, "typnamespace": type_.schema, "typtype": TYPES[type_.kind]}
    for _, relation in _relations(catalog):
        if relation.kind is not RelationKind.SEQUENCE:
            yield {
                "oid": relation.oid,
                "typname": relation.name,
                "typnamespace": relation.schema,
                "typtype": "c",
                "typrelid": relation.oid,
            }


def _pg_enum(catalog: Catalog) -> Rows:
    for type_ in catalog.objects(UserType):
        for place, label in enumerate(type_.labels):
            yield {"enumtypid": type_.oid, "enumlabel": label, "enumsortorder": place + 1}


def _pg_trigger(catalog: Catalog) -> Rows:
    for _, relation in _relations(catalog):
        for each in relation.triggers:
            yield {
                "oid": each.oid, "tgname": each.name, "tgrelid": relation.oid, "tgenabled": each.enabled, "tgisinternal": False,
                "tgfoid": each.function,
            }  # fmt: skip


def _pg_proc(catalog: Catalog) -> Rows:
    kinds = {"function": "f", "procedure": "p", "aggregate": "a", "window": "w"}
    for each in catalog.objects(Function):
        yield {
            "oid": each.oid, "proname": each.name, "pronamespace": each.schema, "prokind": kinds[each.kind],
            "prosecdef": each.security_definer, "pronargs": len(each.input_types),
        }  # fmt: skip


def _pg_policies(catalog: Catalog) -> Rows:
    for schema, relation in _relations(catalog):
        for each in relation.policies:
            yield {
                "schemaname": schema, "tablename": relation.name, "policyname": each.name, "cmd": each.command.upper(),
                "permissive": "PERMISSIVE" if each.permissive else "RESTRICTIVE",
            }  # fmt: skip


def _pg_policy(catalog: Catalog) -> Rows:
    return ({"polname": p.name, "polrelid": each.oid} for _, each in _relations(catalog) for p in each.policies)


def _pg_tables(catalog: Catalog) -> Rows:
    for schema, each in _relations(catalog, *TABLES):
        yield {"schemaname": schema, "tablename": each.name, "rowsecurity": each.row_security, "hastriggers": bool(each.triggers)}


def _pg_views(catalog: Catalog) -> Rows:
    return ({"schemaname": schema, "viewname": each.name} for schema, each in _relations(catalog, RelationKind.VIEW))


def _pg_matviews(catalog: Catalog) -> Rows:
    return ({"schemaname": s, "matviewname": each.name} for s, each in _relations(catalog, RelationKind.MATERIALIZED_VIEW))


def _pg_sequences(catalog: Catalog) -> Rows:
    return ({"schemaname": s, "sequencename": each.name} for s, each in _relations(catalog, RelationKind.SEQUENCE))


def _pg_indexes(catalog: Catalog) -> Rows:
    for schema, relation in _relations(catalog):
        for each in relation.indexes:
            yield {"schemaname": schema, "tablename": relation.name, "indexname": each.name}


def _pg_publication_tables(catalog: Catalog) -> Rows:
    for publication in catalog.objects(Publication):
        for each in publication.tables:
            relation = catalog.relation(each.relation)
            if relation is not None:
                schema = catalog.schema_name(relation.schema)
                yield {"pubname": publication.name, "schemaname": schema, "tablename": relation.name}


def _pg_namespace(catalog: Catalog) -> Rows:
    return ({"oid": each.oid, "nspname": each.name} for each in catalog.objects(Schema))


def _pg_roles(catalog: Catalog) -> Rows:
    return ({"oid": each.oid, "rolname": each.name, "rolsuper": each.superuser} for each in catalog.objects(Role))


SOURCES: dict[str, Callable[[Catalog], Rows]] = {
    "information_schema.tables": _tables,
    "information_schema.columns": _columns,
    "information_schema.table_constraints": _table_constraints,
    "information_schema.key_column_usage": _key_columns,
    "information_schema.triggers": _triggers,
    "information_schema.routines": _routines,
    "information_schema.schemata": _schemata,
    "information_schema.views": _views,
    "information_schema.sequences": _sequences,
    "pg_class": _pg_class,
    "pg_attribute": _pg_attribute,
    "pg_constraint": _pg_constraint,
    "pg_type": _pg_type,
    "pg_enum": _pg_enum,
    "pg_trigger": _pg_trigger,
    "pg_proc": _pg_proc,
    "pg_policies": _pg_policies,
    "pg_policy": _pg_policy,
    "pg_tables": _pg_tables,
    "pg_views": _pg_views,
    "pg_matviews": _pg_matviews,
    "pg_sequences": _pg_sequences,
    "pg_indexes": _pg_indexes,
    "pg_publication": lambda catalog: ({"oid": each.oid, "pubname": each.name} for each in catalog.objects(Publication)),
    "pg_publication_tables": _pg_publication_tables,
    "pg_namespace": _pg_namespace,
    "pg_roles": _pg_roles,
    "pg_authid": _pg_roles,
    "pg_extension": lambda catalog: (
        {"oid": e.oid, "extname": e.name, "extnamespace": e.schema} for e in catalog.objects(Extension)
    ),
}
# Of these the platform has more than the history says: that something is not found there proves nothing.
OPEN = frozenset({"pg_roles", "pg_authid", "pg_extension", "pg_publication", "pg_publication_tables"})


def rows_of(schema: str | None, name: str, catalog: Catalog, wanted: dict[str, str]) -> Rows | None:
    """The rows of a system relation; None where it is not answered.

    `wanted` holds what a query asks some columns to be: rows of relations by other names may be left out.
    """
    only = wanted.get(RELATION_NAMES.get(name, ""))
    if only is not None:
        catalog = Narrowed(catalog, only)
    source = SOURCES.get(f"{schema}.{name}" if schema == "information_schema" else name)
    return source(catalog) if source is not None and schema in (None, "pg_catalog", "information_schema") else None
