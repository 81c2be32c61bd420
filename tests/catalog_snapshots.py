"""The modelled schema and a real server's, said in the same words, for comparing."""

from __future__ import annotations

from typing import Any

from schemalint.catalog.catalog import SYSTEM_SCHEMAS, Catalog
from schemalint.catalog.model import ConstraintKind, Function, Relation, RelationKind, TypeKind, UserType
from schemalint.catalog.type_printing import format_type
from tests.catalog_details import add_function, add_publications, add_relation, add_schemas, add_type
from tests.server_snapshots import Snapshot

KINDS = {
    RelationKind.TABLE: "r",
    RelationKind.PARTITIONED_TABLE: "p",
    RelationKind.VIEW: "v",
    RelationKind.MATERIALIZED_VIEW: "m",
    RelationKind.SEQUENCE: "S",
    RelationKind.FOREIGN_TABLE: "f",
    RelationKind.COMPOSITE_TYPE: "c",
}
CONSTRAINTS = {
    ConstraintKind.PRIMARY_KEY: "p",
    ConstraintKind.UNIQUE: "u",
    ConstraintKind.FOREIGN_KEY: "f",
    ConstraintKind.CHECK: "c",
    ConstraintKind.EXCLUSION: "x",
    ConstraintKind.NOT_NULL: "n",
}
ACTIONS = {"no action": "a", "restrict": "r", "cascade": "c", "set null": "n", "set default": "d"}
IDENTITIES = {"": "", "always": "a", "by default": "d"}
GENERATED = {"": "", "stored": "s", "virtual": "v"}
EVENTS = ((4, "insert"), (8, "delete"), (16, "update"), (32, "truncate"))


def snapshot_of_catalog(catalog: Catalog, user: str = "postgres") -> Snapshot:
    """What the history has made, as `user` who has applied it would see it."""
    found: Snapshot = {}
    add_schemas(catalog, user, found)
    add_publications(catalog, found)
    for relation in catalog.objects(Relation):
        schema = catalog.schema_name(relation.schema)
        if schema not in (*SYSTEM_SCHEMAS, "pg_temp"):
            _relation(catalog, relation, f"{schema}.{relation.name}", found)
            add_relation(catalog, relation, user, found)
    for function in catalog.objects(Function):
        schema = catalog.schema_name(function.schema)
        if schema != "pg_catalog" and not (function.tainted and function.language == "c"):
            signature = _function(catalog, function, schema, found)
            add_function(catalog, function, signature, user, found)
    for type_ in catalog.objects(UserType):
        name = f"{catalog.schema_name(type_.schema)}.{type_.name}"
        add_type(catalog, type_, name, user, found)
        if type_.kind is TypeKind.ENUM:
            found[f"enum {name}"] = [list(type_.labels)]
        elif type_.kind is TypeKind.DOMAIN and type_.base is not None:
            checks = sorted(each.name for each in type_.checks)
            found[f"domain {name}"] = [format_type(type_.base, catalog), type_.not_null, type_.default is not None, checks]
    return found


def _relation(catalog: Catalog, relation: Relation, name: str, found: Snapshot) -> None:
    parent = catalog.relation(relation.partition_of or (relation.parents[0] if relation.parents else None))
    found[f"relation {name}"] = [
        KINDS[relation.kind], relation.row_security, relation.force_row_security, relation.persistence[0],
        {"full": "f", "nothing": "n", "default": "d"}.get(relation.replica_identity, "i")
        if relation.kind in (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE, RelationKind.MATERIALIZED_VIEW) else "n",
        None if parent is None else f"{catalog.schema_name(parent.schema)}.{parent.name}",
    ]  # fmt: skip
    if relation.kind is RelationKind.SEQUENCE:
        _sequence(catalog, relation, name, found)
        return
    columns = [
        [c.name, format_type(c.type, catalog), str(c.not_null).lower(), str(c.default is not None).lower(),
         IDENTITIES[c.identity], GENERATED[c.generated]]
        for c in relation.columns
    ]  # fmt: skip
    if columns:
        found[f"columns {name}"] = [columns]
    _constraints(catalog, relation, name, found)
    for index in relation.indexes:
        schema = catalog.schema_name(relation.schema)
        shown = _names(relation, (*index.columns, *index.included), ordered=True)
        found[f"index {schema}.{index.name}"] = [
            relation.name,
            index.unique,
            index.primary,
            index.nulls_not_distinct,
            index.predicate is not None,
            shown,
            index.method,
        ]
    for trigger in relation.triggers:
        bits = sum(bit for bit, event in EVENTS if event in trigger.events)
        bits += {"before": 2, "after": 0, "instead of": 64}[trigger.timing] + (1 if trigger.level == "row" else 0)
        function = catalog.function(trigger.function)
        columns = _names(relation, trigger.columns, ordered=True)
        found[f"trigger {name} {trigger.name}"] = [
            bits, trigger.enabled, function.name.removesuffix("()") if function else "?", columns,
            trigger.when is not None, trigger.constraint, trigger.deferrable, trigger.initially_deferred, len(trigger.arguments),
            trigger.old_table, trigger.new_table,
        ]  # fmt: skip
    for policy in relation.policies:
        letter = {"select": "r", "insert": "a", "update": "w", "delete": "d", "all": "*"}[policy.command]
        found[f"policy {name} {policy.name}"] = [letter, policy.permissive, policy.using is not None, policy.check is not None]


def _constraints(catalog: Catalog, relation: Relation, name: str, found: Snapshot) -> None:
    for each in relation.constraints:
        target = catalog.relation(each.references)
        foreign = each.kind is ConstraintKind.FOREIGN_KEY
        found[f"constraint {name} {each.name}"] = [
            CONSTRAINTS[each.kind], _names(relation, each.columns), each.validated, each.deferrable, each.initially_deferred,
            each.enforced, each.no_inherit, None if target is None else f"{catalog.schema_name(target.schema)}.{target.name}",
            _names(target, each.referenced_columns) if target is not None else [],
            ACTIONS[each.on_delete] if foreign else None, ACTIONS[each.on_update] if foreign else None,
        ]  # fmt: skip


def _names(relation: Relation, numbers: tuple[int, ...], ordered: bool = False) -> list[str]:
    found = [(number, column.name if (column := relation.column_numbered(number)) else "") for number in numbers]
    return [name for _, name in (found if ordered else sorted(set(found)))]


def _sequence(catalog: Catalog, relation: Relation, name: str, found: Snapshot) -> None:
    state = relation.sequence
    assert state is not None
    owner = catalog.relation(state.owner_table)
    column = owner.column_numbered(state.owner_column) if owner is not None else None
    shown = f"{owner.name}.{column.name}" if owner is not None and column is not None else None
    letter = None if shown is None else "i" if state.identity else "a"
    found[f"sequence {name}"] = [format_type(state.type, catalog), letter, shown]


def _function(catalog: Catalog, function: Function, schema: str, found: Snapshot) -> str:
    words = {"out": "OUT ", "inout": "INOUT ", "variadic": "VARIADIC "}
    shown = []
    for each in function.arguments:
        if each.mode == "table":
            continue
        mode = "IN " if function.kind == "procedure" and each.mode == "in" else words.get(each.mode, "")
        shown.append(f"{mode}{each.name + ' ' if each.name else ''}{_plain(each.type, catalog)}")
    kinds = {"function": "f", "procedure": "p", "aggregate": "a", "window": "w"}
    signature = f"{schema}.{function.name}({', '.join(shown)})"
    found[f"function {signature}"] = [
        function.language, function.security_definer, function.volatility[0], function.strict, kinds[function.kind],
        function.returns_set, _plain(function.result, catalog), [f"{name}={value}" for name, value in function.settings],
    ]  # fmt: skip
    return signature


def _plain(type_: Any, catalog: Catalog) -> str:
    return format_type(type(type_)(type_.id), catalog) if type_.id != "bpchar" else "character"


def differences(modelled: Snapshot, real: Snapshot) -> list[str]:
    found = []
    for key in sorted(modelled.keys() | real.keys()):
        if key not in real:
            found.append(f"only modelled: {key} {modelled[key]}")
        elif key not in modelled:
            found.append(f"only real: {key} {real[key]}")
        elif not _same(modelled[key], real[key]):
            found.append(f"{key}: modelled {modelled[key]}, real {real[key]}")
    return found


def _same(modelled: Any, real: Any) -> bool:
    """Equal, where an unknown type may be anything."""
    if isinstance(modelled, list) and isinstance(real, list):
        return len(modelled) == len(real) and all(_same(a, b) for a, b in zip(modelled, real, strict=True))
    return bool(modelled == real or modelled == "?")
