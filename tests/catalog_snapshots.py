# ruff: noqa: E501 (SQL)
"""The modelled schema and a real server's, said in the same words, for comparing."""

from __future__ import annotations

from typing import Any

from schemalint.catalog.catalog import SYSTEM_SCHEMAS, Catalog
from schemalint.catalog.model import ConstraintKind, Function, Relation, RelationKind, TypeKind, UserType
from schemalint.catalog.type_printing import format_type
from tests.postgres import Connection

Snapshot = dict[str, Any]
USER_SCHEMA = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\\_%temp\\_%'"
NOT_FROM_EXTENSION = "NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = {oid} AND e.deptype = 'e')"
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

SERVER = {
    "relation": f"""
        SELECT n.nspname || '.' || c.relname, c.relkind::text, c.relrowsecurity, c.relforcerowsecurity, c.relpersistence::text,
               c.relreplident::text, (SELECT pn.nspname || '.' || p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
                JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {USER_SCHEMA} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'c', 'f') AND {NOT_FROM_EXTENSION.format(oid="c.oid")}""",
    "columns": f"""
        SELECT n.nspname || '.' || c.relname, array_agg(ARRAY[a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
                (d.oid IS NOT NULL)::text, a.attidentity::text, a.attgenerated::text] ORDER BY a.attnum)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE {USER_SCHEMA} AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'f') AND {NOT_FROM_EXTENSION.format(oid="c.oid")} GROUP BY 1""",
    "constraint": f"""
        SELECT n.nspname || '.' || c.relname || ' ' || k.conname, k.contype::text,
               coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)), '{{}}'),
               k.convalidated, k.condeferrable, k.condeferred, k.conenforced, k.connoinherit AND k.contype IN ('c', 'n'),
               (SELECT tn.nspname || '.' || t.relname FROM pg_class t JOIN pg_namespace tn ON tn.oid = t.relnamespace
                WHERE t.oid = k.confrelid),
               coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)), '{{}}'),
               nullif(k.confdeltype::text, ' '), nullif(k.confupdtype::text, ' ')
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {USER_SCHEMA} AND k.contype <> 't' AND (k.contype <> 'f' OR k.conparentid = 0 OR k.conrelid <>
              (SELECT conrelid FROM pg_constraint WHERE oid = k.conparentid))""",
    "index": f"""
        SELECT n.nspname || '.' || i.relname, c.relname::text, x.indisunique, x.indisprimary, x.indnullsnotdistinct, x.indpred IS NOT NULL,
               (SELECT array_agg(coalesce(a.attname::text, '') ORDER BY k.place) FROM unnest(x.indkey::int2[]) WITH ORDINALITY k (n, place)
                LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n AND k.n > 0), am.amname::text
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid JOIN pg_am am ON am.oid = i.relam
        JOIN pg_namespace n ON n.oid = i.relnamespace WHERE {USER_SCHEMA}""",
    "trigger": f"""
        SELECT n.nspname || '.' || c.relname || ' ' || t.tgname, t.tgtype::int, t.tgenabled::text, p.proname::text,
               coalesce((SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(t.tgattr::int2[]) WITH ORDINALITY k (n, place)
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n), '{{}}'),
               t.tgqual IS NOT NULL, t.tgconstraint <> 0, t.tgdeferrable, t.tginitdeferred, t.tgnargs::int, t.tgoldtable::text, t.tgnewtable::text
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_proc p ON p.oid = t.tgfoid WHERE {USER_SCHEMA} AND NOT t.tgisinternal""",
    "function": f"""
        SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', l.lanname::text,
               p.prosecdef, p.provolatile::text, p.proisstrict, p.prokind::text, p.proretset, format_type(p.prorettype, NULL),
               coalesce(p.proconfig::text[], '{{}}')
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        WHERE {USER_SCHEMA} AND {NOT_FROM_EXTENSION.format(oid="p.oid")} AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_type t
              ON t.oid = d.refobjid WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'i')""",
    "enum": f"""
        SELECT n.nspname || '.' || t.typname, (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {USER_SCHEMA} AND t.typtype = 'e'""",
    "domain": f"""
        SELECT n.nspname || '.' || t.typname, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault IS NOT NULL,
               coalesce((SELECT array_agg(k.conname::text ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid
                AND k.contype = 'c'), '{{}}')
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {USER_SCHEMA} AND t.typtype = 'd'""",
    "policy": f"""
        SELECT n.nspname || '.' || c.relname || ' ' || p.polname, p.polcmd::text, p.polpermissive, p.polqual IS NOT NULL,
               p.polwithcheck IS NOT NULL
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {USER_SCHEMA}""",
    "sequence": f"""
        SELECT n.nspname || '.' || c.relname, format_type(s.seqtypid, NULL), d.deptype::text,
               (SELECT r.relname || '.' || a.attname FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid
                WHERE r.oid = d.refobjid AND a.attnum = d.refobjsubid)
        FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
          AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
        WHERE {USER_SCHEMA}""",
}


def snapshot_of_server(connection: Connection) -> Snapshot:
    connection.execute("SET search_path = ''")
    found: Snapshot = {}
    for kind, query in SERVER.items():
        for name, *rest in connection.execute(query.encode()).fetchall():
            found[f"{kind} {name}"] = rest
    return found


def snapshot_of_catalog(catalog: Catalog) -> Snapshot:
    found: Snapshot = {}
    for relation in catalog.objects(Relation):
        schema = catalog.schema_name(relation.schema)
        if schema not in (*SYSTEM_SCHEMAS, "pg_temp"):
            _relation(catalog, relation, f"{schema}.{relation.name}", found)
    for function in catalog.objects(Function):
        schema = catalog.schema_name(function.schema)
        if schema != "pg_catalog" and not (function.tainted and function.language == "c"):
            _function(catalog, function, schema, found)
    for type_ in catalog.objects(UserType):
        name = f"{catalog.schema_name(type_.schema)}.{type_.name}"
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
        [c.name, format_type(c.type, catalog), str(c.not_null).lower(), str(c.default is not None).lower(), IDENTITIES[c.identity],
         GENERATED[c.generated]]
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
        found[f"trigger {name} {trigger.name}"] = [
            bits, trigger.enabled, function.name.removesuffix("()") if function else "?", _names(relation, trigger.columns, ordered=True),
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


def _function(catalog: Catalog, function: Function, schema: str, found: Snapshot) -> None:
    words = {"out": "OUT ", "inout": "INOUT ", "variadic": "VARIADIC "}
    shown = []
    for each in function.arguments:
        if each.mode == "table":
            continue
        mode = "IN " if function.kind == "procedure" and each.mode == "in" else words.get(each.mode, "")
        shown.append(f"{mode}{each.name + ' ' if each.name else ''}{_plain(each.type, catalog)}")
    kinds = {"function": "f", "procedure": "p", "aggregate": "a", "window": "w"}
    found[f"function {schema}.{function.name}({', '.join(shown)})"] = [
        function.language, function.security_definer, function.volatility[0], function.strict, kinds[function.kind],
        function.returns_set, _plain(function.result, catalog), [f"{name}={value}" for name, value in function.settings],
    ]  # fmt: skip


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
