"""The table locks that a statement takes until its transaction ends, and the work that it does under them.

From the chapters "Explicit Locking", "ALTER TABLE" (which form takes which lock, and what rewrites or scans the table),
"CREATE INDEX", "CREATE TRIGGER", "CLUSTER", "REINDEX" and "TRUNCATE".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Column, ConstraintKind, Expression, Function, Relation, RelationKind
from schemalint.catalog.type_names import strings

Node = dict[str, Any]

ROWS, UPDATING, SHARE, ROW_EXCLUSIVE, ALL = (
    "ROW SHARE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE",
)  # fmt: skip
BLOCKS_WRITES = frozenset({SHARE, ROW_EXCLUSIVE, "EXCLUSIVE", ALL})
BLOCKS_READS = frozenset({ALL})
BLOCKS_KEY_CHECKS = frozenset({"EXCLUSIVE", ALL})  # what conflicts with the ROW SHARE lock of a foreign key's look-up


class Lock(msgspec.Struct, frozen=True):
    relation: int
    mode: str
    work: str = "catalog"  # "catalog": short; "scan", "rewrite", "build": as long as the table is large
    why: str = ""


def keeps_out(mode: str, role: str) -> bool:
    """Whether writers of a source wait for a lock on its table ("source", "target"), or on one that they read."""
    blocking = {"lookup": BLOCKS_READS, "parent": BLOCKS_KEY_CHECKS}.get(role, BLOCKS_WRITES)
    return mode in blocking


def locks(kind: str, node: Node, before: Catalog, after: Catalog) -> list[Lock]:
    """The locks that keep others waiting, the strongest of each table; none on tables that the statement makes."""
    finder = FINDERS.get(kind)
    strongest: dict[int, Lock] = {}
    for each in finder(node, before, after) if finder is not None else ():
        if before.relation(each.relation) is None:
            continue
        old = strongest.get(each.relation)
        if old is None or _weight(each) > _weight(old):
            strongest[each.relation] = each
    return list(strongest.values())


def _weight(lock: Lock) -> tuple[int, int]:
    modes = (ROWS, UPDATING, SHARE, ROW_EXCLUSIVE, "EXCLUSIVE", ALL)
    return ("catalog", "scan", "build", "rewrite").index(lock.work), modes.index(lock.mode) if lock.mode in modes else 0


def _find(range_variable: Node | None, catalog: Catalog) -> Relation | None:
    if range_variable is None or "relname" not in range_variable:
        return None
    return catalog.find_relation(range_variable.get("schemaname"), range_variable["relname"], catalog.search_path)


# -- ALTER TABLE


WEAKER = {
    **dict.fromkeys(("AT_SetStatistics", "AT_ClusterOn", "AT_DropCluster", "AT_ValidateConstraint", "AT_SetOptions"), UPDATING),
    **dict.fromkeys(("AT_ResetOptions", "AT_SetRelOptions", "AT_ResetRelOptions", "AT_AttachPartition"), UPDATING),
    **dict.fromkeys(("AT_EnableTrig", "AT_DisableTrig", "AT_EnableTrigAll", "AT_DisableTrigAll"), ROW_EXCLUSIVE),
    **dict.fromkeys(("AT_EnableTrigUser", "AT_DisableTrigUser", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig"), ROW_EXCLUSIVE),
}
REWRITES = {
    "AT_SetLogged": "SET LOGGED", "AT_SetUnLogged": "SET UNLOGGED", "AT_SetTableSpace": "SET TABLESPACE",
    "AT_SetAccessMethod": "SET ACCESS METHOD", "AT_SetExpression": "SET EXPRESSION",
}  # fmt: skip


def _alter_table(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
    relation = _find(node.get("relation"), before)
    if relation is None or relation.kind not in (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE):
        return
    now = after.relation(relation.oid) or relation
    for each in node.get("cmds") or ():
        yield from _command(each["AlterTableCmd"], relation, now, before, after)


def _command(command: Node, relation: Relation, now: Relation, before: Catalog, after: Catalog) -> Iterator[Lock]:
    kind = command.get("subtype", "AT_AddColumn")
    definition = command.get("def", {})
    if kind == "AT_AddColumn":
        yield _add_column(definition["ColumnDef"], relation, now, after)
        for each in definition["ColumnDef"].get("constraints") or ():
            yield from _referenced(each["Constraint"], before)
    elif kind == "AT_AlterColumnType":
        yield _change_type(command["name"], definition["ColumnDef"], relation, now)
    elif kind == "AT_SetNotNull":
        yield _set_not_null(command["name"], relation)
    elif kind == "AT_AddConstraint":
        yield from _add_constraint(definition["Constraint"], relation, before)
    elif kind == "AT_AttachPartition":
        child = _find(definition["PartitionCmd"].get("name"), before)
        if child is not None:
            yield Lock(child.oid, ALL, "catalog" if child.rows.value == "none" else "scan", "ATTACH PARTITION")
    elif kind == "AT_DetachPartition":
        concurrent = definition.get("PartitionCmd", {}).get("concurrent")
        yield Lock(relation.oid, UPDATING if concurrent else ALL, why="DETACH PARTITION")
    elif kind in REWRITES:
        yield Lock(relation.oid, ALL, "rewrite", REWRITES[kind])
    else:
        yield Lock(relation.oid, WEAKER.get(kind, ALL))


def _add_column(definition: Node, relation: Relation, now: Relation, after: Catalog) -> Lock:
    column = now.column(definition["colname"])
    if column is None or relation.column(definition["colname"]) is not None:
        return Lock(relation.oid, ALL)
    if column.generated == "stored":
        return Lock(relation.oid, ALL, "rewrite", f"{column.name} is computed for every row")
    if column.identity or (column.default is not None and not column.generated and _is_volatile(column.default, after)):
        return Lock(relation.oid, ALL, "rewrite", f"the default of {column.name} is another for every row")
    return Lock(relation.oid, ALL)


VOLATILE = frozenset(
    {"nextval", "gen_random_uuid", "uuid_generate_v4", "uuid_generate_v1", "uuidv4", "uuidv7", "random", "clock_timestamp"}
    | {"timeofday", "gen_random_bytes", "setval", "currval"}
)


def _is_volatile(expression: Expression, catalog: Catalog) -> bool:
    for oid in expression.functions:
        function = catalog.function(oid)
        if isinstance(function, Function) and function.volatility == "volatile":
            return True
    return bool(VOLATILE & set(_called(expression.node)))


def _called(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "FuncCall" in node:
            yield strings(node["FuncCall"]["funcname"])[-1]
        for each in node.values():
            yield from _called(each)
    elif isinstance(node, list):
        for each in node:
            yield from _called(each)


def _change_type(name: str, definition: Node, relation: Relation, now: Relation) -> Lock:
    old, new = relation.column(name), now.column(name)
    if old is None or new is None or (is_binary_compatible(old, new) and "raw_default" not in definition):
        return Lock(relation.oid, ALL)
    return Lock(relation.oid, ALL, "rewrite", f"{name} is converted in every row")


def is_binary_compatible(old: Column, new: Column) -> bool:
    """Whether a change of type leaves the rows as they are on disk."""
    if old.type == new.type:
        return True
    first, second = old.type, new.type
    texts = {"text", "varchar"}
    if first.id in texts and second.id in texts:
        limit = second.modifiers[0] if second.id == "varchar" and second.modifiers else None
        own = first.modifiers[0] if first.id == "varchar" and first.modifiers else None
        return limit is None or (own is not None and own <= limit)
    if first.id != second.id:
        return (first.id, second.id) in {("cidr", "inet"), ("xml", "text")}
    if first.id == "numeric":
        if not second.modifiers:
            return True
        return bool(first.modifiers) and first.modifiers[0] <= second.modifiers[0] and first.modifiers[1:] == second.modifiers[1:]
    if first.id in ("timestamp", "timestamptz", "time", "timetz", "interval", "varbit"):
        return not second.modifiers or (bool(first.modifiers) and first.modifiers[0] <= second.modifiers[0])
    return False


def _set_not_null(name: str, relation: Relation) -> Lock:
    column = relation.column(name)
    proved = column is not None and (column.not_null or any(_proves(each.expression, name) for each in relation.constraints
                                                            if each.kind is ConstraintKind.CHECK and each.validated))  # fmt: skip
    return Lock(relation.oid, ALL) if proved else Lock(relation.oid, ALL, "scan", f"every row is looked at for NULL in {name}")


def _proves(expression: Expression | None, name: str) -> bool:
    test = expression.node.get("NullTest") if expression is not None else None
    if test is None or test.get("nulltesttype", "IS_NULL") != "IS_NOT_NULL":
        return False
    return strings(test["arg"].get("ColumnRef", {}).get("fields"))[-1:] == [name]


def _add_constraint(constraint: Node, relation: Relation, before: Catalog) -> Iterator[Lock]:
    kind = constraint.get("contype", "")
    valid = not constraint.get("skip_validation")
    if kind == "CONSTR_FOREIGN":
        yield Lock(relation.oid, ROW_EXCLUSIVE, "scan" if valid else "catalog", "every row is looked up" if valid else "")
        yield from _referenced(constraint, before)
    elif kind in ("CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_EXCLUSION"):
        built = "indexname" not in constraint
        yield Lock(relation.oid, ALL, "build" if built else "catalog", "its index is built" if built else "")
    elif kind in ("CONSTR_CHECK", "CONSTR_NOTNULL") and valid:
        yield Lock(relation.oid, ALL, "scan", "every row is checked")
    else:
        yield Lock(relation.oid, ALL)


def _referenced(constraint: Node, before: Catalog) -> Iterator[Lock]:
    other = _find(constraint.get("pktable"), before) if constraint.get("contype") == "CONSTR_FOREIGN" else None
    if other is not None:
        yield Lock(other.oid, ROW_EXCLUSIVE)


# -- other statements


def _on(field: str, mode: str, work: str = "catalog", why: str = "") -> Callable[[Node, Catalog, Catalog], Iterator[Lock]]:
    """A statement that locks the relation named in one of its fields."""

    def find(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
        relation = _find(node.get(field), before)
        if relation is not None:
            yield Lock(relation.oid, mode, work, why)

    return find


def _create_index(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
    relation = _find(node.get("relation"), before)
    if relation is not None and not node.get("concurrent"):
        yield Lock(relation.oid, SHARE, "build", "the index is built")


def _create_table(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
    for element in node.get("tableElts") or ():
        for each in element.get("ColumnDef", {}).get("constraints") or [element]:
            if "Constraint" in each:
                yield from _referenced(each["Constraint"], before)
    if "partbound" in node:
        for each in node.get("inhRelations") or ():
            parent = _find(each.get("RangeVar"), before)
            if parent is not None:
                yield Lock(parent.oid, ALL)


def _drop(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
    """What is dropped, and every table that loses a trigger, policy, rule, constraint or index with it."""
    if node.get("concurrent"):
        return
    for key in after.changes_since(before) or ():
        relation = before.get(key) if isinstance(key, int) else None
        if not isinstance(relation, Relation) or relation.kind not in (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE):
            continue
        now = after.relation(relation.oid)
        parts = ("triggers", "policies", "rules", "constraints", "indexes", "columns")
        if now is None or any(getattr(now, each) != getattr(relation, each) for each in parts):
            yield Lock(relation.oid, ALL)


def _rename(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
    if node.get("renameType") in ("OBJECT_INDEX", "OBJECT_FUNCTION", "OBJECT_TYPE", "OBJECT_SCHEMA", "OBJECT_ROLE"):
        return
    yield from _on("relation", ALL)(node, before, after)


def _truncate(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
    waiting = [_find(each.get("RangeVar"), before) for each in node.get("relations") or ()]
    seen: set[int] = set()
    while waiting:
        relation = waiting.pop()
        if relation is None or relation.oid in seen:
            continue
        seen.add(relation.oid)
        yield Lock(relation.oid, ALL)
        if node.get("behavior") == "DROP_CASCADE":
            users = [before.relation(each) for each in before.users(relation.oid)]
            waiting.extend(u for u in users if u is not None and any(c.references == relation.oid for c in u.constraints))


def _vacuum(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
    full = any(each["DefElem"]["defname"] == "full" for each in node.get("options") or ())
    for each in node.get("rels") or ():
        relation = _find(each["VacuumRelation"].get("relation"), before)
        if relation is not None and full:
            yield Lock(relation.oid, ALL, "rewrite", "VACUUM FULL writes the table anew")


def _reindex(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
    concurrent = any(each["DefElem"]["defname"] == "concurrently" for each in node.get("params") or ())
    relation = _find(node.get("relation"), before)
    if relation is None and node.get("relation") is not None:
        named = before.find_index(node["relation"].get("schemaname"), node["relation"]["relname"], before.search_path)
        relation = before.relation(named.relation) if named is not None else None
    if relation is not None and not concurrent:
        yield Lock(relation.oid, SHARE, "build", "its indexes are built anew")


LOCK_MODES = {1: "ACCESS SHARE", 2: ROWS, 3: "ROW EXCLUSIVE", 4: UPDATING, 5: SHARE, 6: ROW_EXCLUSIVE, 7: "EXCLUSIVE", 8: ALL}


def _lock(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
    for each in node.get("relations") or ():
        relation = _find(each.get("RangeVar"), before)
        if relation is not None:
            yield Lock(relation.oid, LOCK_MODES[node.get("mode", 8)], why="LOCK TABLE")


def _owner(node: Node, before: Catalog, after: Catalog) -> Iterator[Lock]:
    if node.get("objectType") in ("OBJECT_TABLE", None):
        yield from _on("relation", ALL)(node, before, after)


Finder = Callable[[Node, Catalog, Catalog], Iterator[Lock]]
FINDERS: dict[str, Finder] = {
    "AlterTableStmt": _alter_table,
    "IndexStmt": _create_index,
    "CreateStmt": _create_table,
    "DropStmt": _drop,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _owner,
    "AlterOwnerStmt": _owner,
    "CreateTrigStmt": _on("relation", ROW_EXCLUSIVE),
    "CreatePolicyStmt": _on("table", ALL),
    "AlterPolicyStmt": _on("table", ALL),
    "RuleStmt": _on("relation", ALL),
    "TruncateStmt": _truncate,
    "ClusterStmt": _on("relation", ALL, "rewrite", "CLUSTER writes the table anew"),
    "VacuumStmt": _vacuum,
    "ReindexStmt": _reindex,
    "LockStmt": _lock,
}
