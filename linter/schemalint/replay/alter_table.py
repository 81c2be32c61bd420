"""ALTER TABLE: its sub-commands in the order in which PostgreSQL applies them."""

from __future__ import annotations

from collections.abc import Callable
from re import DOTALL, IGNORECASE
from re import compile as pattern

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Constraint, ConstraintKind, Node, Relation, RelationKind, Rows
from schemalint.replay import alter_column
from schemalint.replay.columns import column_named, define_column, partition_columns, with_generated
from schemalint.replay.constraints import constraint_named, put_changed, table
from schemalint.replay.context import Context, NotModelled, Refused, element_end
from schemalint.replay.dependencies import describe, drop
from schemalint.replay.indexes import find_index
from schemalint.replay.inheritance import children_of
from schemalint.replay.names import find_relation, range_name, relation_of, replace
from schemalint.replay.tables import Constrained, add_constraint, add_constraints, options_of
from schemalint.replay.triggers import set_enabled
from schemalint.text import Span

_GAP = r"(?:\s|--[^\n]*\n?|/\*.*?\*/)"
_WORD = r'(?:"(?:[^"]|"")*"|[^\s".,;()*]+)'
BLANK = pattern(f"{_GAP}*", DOTALL)
# ALTER TABLE [IF EXISTS] [ONLY] name [*], up to the first sub-command
HEAD = pattern(
    rf"ALTER{_GAP}+(?:MATERIALIZED{_GAP}+|FOREIGN{_GAP}+)?\w+{_GAP}+(?:IF{_GAP}+EXISTS{_GAP}+)?(?:ONLY{_GAP}+)?"
    rf"{_WORD}(?:{_GAP}*\.{_GAP}*{_WORD})*(?:{_GAP}*\*)?{_GAP}*",
    DOTALL | IGNORECASE,
)

# AlterTablePass of tablecmds.c
DROP, TYPE, ADD_COLUMN, EXPRESSION, ADD_CONSTRAINT, ATTRIBUTES, ADD_INDEX, OTHER_CONSTRAINT, MISC = range(9)

Command = Callable[[Catalog, int, Node, Context], Catalog]
Task = tuple[int, Callable[[Catalog], Catalog]]

IGNORED = frozenset({
    "AT_SetTableSpace", "AT_DropCluster", "AT_SetAccessMethod", "AT_DropOids", "AT_GenericOptions",
    "AT_AlterColumnGenericOptions", "AT_ReAddStatistics",
})  # fmt: skip
TRIGGER_STATES = {
    "AT_EnableTrig": "O", "AT_EnableAlwaysTrig": "A", "AT_EnableReplicaTrig": "R", "AT_DisableTrig": "D",
    "AT_EnableTrigAll": "O", "AT_DisableTrigAll": "D", "AT_EnableTrigUser": "O", "AT_DisableTrigUser": "D",
}  # fmt: skip
COLUMN_OPTIONS = ("AT_SetStatistics", "AT_SetStorage", "AT_SetCompression", "AT_SetOptions", "AT_ResetOptions")
RULE_STATES = {"AT_EnableRule": "O", "AT_EnableAlwaysRule": "A", "AT_EnableReplicaRule": "R", "AT_DisableRule": "D"}
SECURITY = {
    "AT_EnableRowSecurity": {"row_security": True},
    "AT_DisableRowSecurity": {"row_security": False},
    "AT_ForceRowSecurity": {"force_row_security": True},
    "AT_NoForceRowSecurity": {"force_row_security": False},
}
_ANY = ("AT_ChangeOwner", "AT_SetRelOptions", "AT_ResetRelOptions", "AT_ReplaceRelOptions")
ALLOWED = {
    RelationKind.VIEW: (*_ANY, "AT_ColumnDefault"),
    RelationKind.MATERIALIZED_VIEW: (*_ANY, "AT_SetStatistics", "AT_SetOptions", "AT_ResetOptions", "AT_SetStorage",
                                     "AT_SetCompression", "AT_ClusterOn", "AT_SetTableSpace", "AT_SetAccessMethod"),
}  # fmt: skip
IDENTITIES = {"d": "default", "n": "nothing", "f": "full", "i": "index"}


def alter_table(catalog: Catalog, node: Node, context: Context) -> Catalog:
    if node.get("objtype") == "OBJECT_INDEX":
        return _alter_index(catalog, node, context)
    relation = find_relation(catalog, node["relation"])
    if relation is None:
        try:
            relation = relation_of(catalog, node["relation"])
        except (Refused, NotModelled):
            if node.get("missing_ok") and not catalog.get(("unmodelled", node["relation"]["relname"])):
                return catalog
            raise
    commands = [each["AlterTableCmd"] for each in node["cmds"]]
    if relation.kind in ALLOWED or node.get("objtype") == "OBJECT_TABLE":
        _refuse_kind(relation, node, commands)
    tasks: list[Task] = []
    for place, each in enumerate(commands):
        tasks.extend(_tasks(relation, each, context, place, commands))
    if len(tasks) > 1:
        tasks.sort(key=lambda task: task[0])
    for _, task in tasks:
        catalog = task(catalog)
    return catalog


def _refuse_kind(relation: Relation, node: Node, commands: list[Node]) -> None:
    """What PostgreSQL does to tables only (ATSimplePermissions)."""
    if relation.kind is RelationKind.COMPOSITE_TYPE and node.get("objtype") == "OBJECT_TABLE":
        raise Refused("42809", f'"{relation.name}" is a composite type')
    allowed = ALLOWED.get(relation.kind)
    for each in commands if allowed is not None else ():
        kind = each["subtype"]
        if kind not in (allowed or ()) and kind in COMMANDS.keys() | {"AT_AddColumn", "AT_AddConstraint"}:
            raise Refused("42809", f'ALTER action cannot be performed on relation "{relation.name}"')


def _tasks(relation: Relation, command: Node, context: Context, place: int, commands: list[Node]) -> list[Task]:
    """What a sub-command does, by pass."""
    oid = relation.oid
    kind = command["subtype"]
    if kind in IGNORED:
        return []
    if kind == "AT_AddColumn":
        return [(ADD_COLUMN, lambda catalog: _add_column(catalog, oid, command, context))]
    if kind == "AT_AddConstraint":
        constraint = command["def"]["Constraint"]
        constrained = Constrained(constraint, context.here(constraint))
        step = CONSTRAINT_PASSES.get(constraint["contype"], ADD_CONSTRAINT)
        return [(step, lambda catalog: add_constraint(catalog, oid, constrained, context, creating=False))]
    found = COMMANDS.get(kind)
    if found is None:
        context.gap(f"{kind.removeprefix('AT_')} of ALTER TABLE is not modelled")
        return [(MISC, lambda catalog: catalog.put(replace(table(catalog, oid), tainted=True)))]
    step, function = found
    if kind == "AT_ColumnDefault" and "def" in command:
        step = OTHER_CONSTRAINT
    span = command_place(context, command, place, commands)
    return [(step, lambda catalog: function(catalog, oid, command, Located(context, span)))]


class Located(Context):
    """The context of one sub-command: its span is the sub-command's."""

    __slots__ = ()

    def __init__(self, context: Context, span: Span) -> None:
        super().__init__(context.place, context.block)
        self.span = span
        self.unmodelled = context.unmodelled


CONSTRAINT_PASSES = {
    "CONSTR_FOREIGN": OTHER_CONSTRAINT,
    "CONSTR_PRIMARY": ADD_INDEX,
    "CONSTR_UNIQUE": ADD_INDEX,
    "CONSTR_EXCLUSION": ADD_INDEX,
}


def command_place(context: Context, command: Node, place: int, commands: list[Node]) -> Span:
    """The span of a sub-command. Its node has no location, so the list is read from the statement's text."""
    if len(commands) == 1 and "\n" not in context.source.text[context.span.start : context.span.end]:
        return context.span
    spans = command_spans(context, len(commands))
    return spans[place] if place < len(spans) else context.span


def command_spans(context: Context, count: int) -> list[Span]:
    """Where the sub-commands of an ALTER TABLE stand."""
    text, limit = context.source.text, context.span.end
    start = _after_name(text, context.span.start, limit)
    spans: list[Span] = []
    for _ in range(count):
        end = element_end(text, start, limit)
        spans.append(Span(context.source, start, end))
        comma = text.find(",", end, limit)
        if comma < 0:
            break
        start = _skip_blank(text, comma + 1, limit)
    return spans


def _skip_blank(text: str, start: int, limit: int) -> int:
    found = BLANK.match(text, start, limit)
    return found.end() if found is not None else start


def _after_name(text: str, start: int, limit: int) -> int:
    found = HEAD.match(text, start, limit)
    return found.end() if found is not None else start


# -- columns


def _add_column(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    node = command["def"]["ColumnDef"]
    name = node["colname"]
    if relation.column(name) is not None:
        if command.get("missing_ok"):
            return catalog
        message = f'column "{name}" of relation "{relation.name}" already exists'
        raise Refused("42701", message, certain=not relation.tainted)
    if relation.partition_of is not None:
        raise Refused("42P16", "cannot add column to a partition")
    catalog, definition = define_column(catalog, relation, relation.next_number, node, context)
    column = definition.column
    keyed = any(each["contype"] == "CONSTR_PRIMARY" for each, _ in definition.constraints)
    empty = column.default is None and not column.identity and not column.generated
    if (column.not_null or keyed) and empty and _has_rows(catalog, relation):
        raise Refused("23502", f'column "{name}" of relation "{relation.name}" contains null values')
    relation = table(catalog, oid)
    catalog = catalog.put(replace(relation, columns=(*relation.columns, column), next_number=column.number + 1))
    if definition.generated is not None:
        catalog = with_generated(catalog, oid, column.number, definition.generated)
    for child in children_of(catalog, relation) if catalog.users(oid) else ():
        catalog = _add_to_child(catalog, oid, child, column.number)
    constraints = [Constrained(tree, span, name) for tree, span in definition.constraints]
    return add_constraints(catalog, oid, constraints, context, creating=True)


def _has_rows(catalog: Catalog, relation: Relation) -> bool:
    return relation.rows is Rows.SOME and not relation.tainted


def _add_to_child(catalog: Catalog, parent: int, child: Relation, number: int) -> Catalog:
    above = table(catalog, parent)
    column = above.column_numbered(number)
    assert column is not None
    current = table(catalog, child.oid)
    if current.column(column.name) is not None:
        return catalog
    added = replace(
        column, number=current.next_number, inherited=True, identity="" if above.kind is RelationKind.TABLE else column.identity
    )
    catalog = catalog.put(replace(current, columns=(*current.columns, added), next_number=current.next_number + 1))
    for each in children_of(catalog, current):
        catalog = _add_to_child(catalog, child.oid, each, added.number)
    return catalog


def _drop_column(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    name = command["name"]
    if relation.column(name) is None and command.get("missing_ok"):
        return catalog
    column = column_named(relation, name)
    if column.inherited:
        raise Refused("42P16", f'cannot drop inherited column "{name}"')
    if name in partition_columns(relation):
        raise Refused(
            "42P16", f'cannot drop column "{name}" because it is part of the partition key of relation "{relation.name}"'
        )
    parts = [("column", oid, column.number)]
    for child in children_of(catalog, relation):
        own = child.column(name)
        if own is not None and own.inherited:
            catalog = catalog.put(
                replace(child, columns=tuple(replace(c, inherited=False) if c is own else c for c in child.columns))
            )
            catalog = _drop_column(catalog, child.oid, command, context)
    what = describe(catalog, parts[0])
    return drop(catalog, parts, command.get("behavior") == "DROP_CASCADE", what)


# -- constraints


def _drop_constraint(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    found = constraint_named(relation, command["name"])
    if found is None:
        if command.get("missing_ok"):
            return catalog
        raise _no_constraint(relation, command["name"])
    if found.inherited:
        raise Refused("42P16", f'cannot drop inherited constraint "{found.name}" of relation "{relation.name}"')
    if found.kind is ConstraintKind.NOT_NULL:
        alter_column.refuse_needed_not_null(relation, found.columns[0])
    cascade = command.get("behavior") == "DROP_CASCADE"
    for child in children_of(catalog, relation):
        own = constraint_named(child, found.name)
        if own is not None and own.inherited and own.parent is None:
            catalog = put_changed(catalog, child, replace(own, inherited=False))
            catalog = _drop_constraint(catalog, child.oid, command, context)
    what = f"constraint {found.name} on table {relation.name}"
    return drop(catalog, [("constraint", oid, found.oid)], cascade, what)


def _no_constraint(relation: Relation, name: str) -> Exception:
    if relation.tainted:
        return NotModelled(f'constraint "{name}" of relation "{relation.name}" is not known', relation.name)
    return Refused("42704", f'constraint "{name}" of relation "{relation.name}" does not exist')


def _validate_constraint(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    found = constraint_named(relation, command["name"])
    if found is None:
        raise _no_constraint(relation, command["name"])
    if found.kind not in (ConstraintKind.CHECK, ConstraintKind.FOREIGN_KEY, ConstraintKind.NOT_NULL):
        message = f'cannot validate constraint "{found.name}" of relation "{relation.name}"'
        raise Refused("42809", message)
    if not found.enforced:
        raise Refused("42809", "cannot validate NOT ENFORCED constraint")
    catalog = put_changed(catalog, relation, replace(found, validated=True))
    for child in children_of(catalog, table(catalog, oid)):
        own = constraint_named(child, found.name)
        if own is not None and own.inherited:
            catalog = put_changed(catalog, child, replace(own, validated=True))
    return catalog


def _alter_constraint(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    change = command["def"]["ATAlterConstraint"]
    found = constraint_named(relation, change["conname"])
    if found is None:
        raise _no_constraint(relation, change["conname"])
    if change.get("alterInheritability") and found.kind is not ConstraintKind.NOT_NULL:
        raise Refused("42809", f'constraint "{found.name}" of relation "{relation.name}" is not a not-null constraint')
    if change.get("alterEnforceability") and found.kind is not ConstraintKind.FOREIGN_KEY:
        raise Refused("42809", f'cannot alter enforceability of constraint "{found.name}" of relation "{relation.name}"')
    if change.get("alterDeferrability") and found.kind is not ConstraintKind.FOREIGN_KEY:
        raise Refused("42809", f'constraint "{found.name}" of relation "{relation.name}" is not a foreign key constraint')
    return put_changed(catalog, relation, _altered(found, change))


def _altered(constraint: Constraint, change: Node) -> Constraint:
    if change.get("alterDeferrability"):
        constraint = replace(
            constraint, deferrable=bool(change.get("deferrable")), initially_deferred=bool(change.get("initdeferred"))
        )
    if change.get("alterEnforceability"):
        enforced = bool(change.get("is_enforced"))
        constraint = replace(constraint, enforced=enforced, validated=enforced)
    if change.get("alterInheritability"):
        constraint = replace(constraint, no_inherit=bool(change.get("noinherit")))
    return constraint


# -- the rest


def _triggers(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    return set_enabled(catalog, oid, TRIGGER_STATES[command["subtype"]], command.get("name"))


def _rule(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    if all(each.name != command["name"] for each in relation.rules):
        raise Refused("42704", f'rule "{command["name"]}" for relation "{relation.name}" does not exist')
    state = RULE_STATES[command["subtype"]]
    return catalog.put(
        replace(relation, rules=tuple(replace(r, enabled=state) if r.name == command["name"] else r for r in relation.rules))
    )


def _security(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = replace(table(catalog, oid), **SECURITY[command["subtype"]])
    if relation.row_security:
        catalog = catalog.bind(("had row security", relation.schema, relation.name), True)
    return catalog.put(relation)


def _set_logged(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    """SET LOGGED and UNLOGGED, of a table with the sequences that it owns."""
    relation, logged = table(catalog, oid), command["subtype"] == "AT_SetLogged"
    persistence = "permanent" if logged else "unlogged"
    if relation.persistence == "temporary":
        raise Refused("42P16", f'cannot change logged status of table "{relation.name}" because it is temporary')
    if relation.kind is RelationKind.PARTITIONED_TABLE:
        message = f'ALTER action SET {"LOGGED" if logged else "UNLOGGED"} cannot be performed on relation "{relation.name}"'
        raise Refused("42809", message)
    catalog = catalog.put(replace(relation, persistence=persistence))
    for each in catalog.users(oid):
        sequence = catalog.relation(each)
        if sequence is not None and sequence.sequence is not None and sequence.sequence.owner_table == oid:
            catalog = catalog.put(replace(sequence, persistence=persistence))
    return catalog


def _column_option(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    """What is only said of a column; it must be there."""
    if "name" in command:
        column_named(table(catalog, oid), command["name"])
    return catalog


def _cluster_on(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    if not relation.tainted and all(each.name != command["name"] for each in relation.indexes):
        raise Refused("42704", f'index "{command["name"]}" for table "{relation.name}" does not exist')
    return catalog


def _owner(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    from schemalint.replay.owners import with_owner
    from schemalint.replay.rename import role_of

    return with_owner(catalog, table(catalog, oid), role_of(catalog, command["newowner"]))


def _replica_identity(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    statement = command["def"]["ReplicaIdentityStmt"]
    identity = IDENTITIES[statement["identity_type"]]
    relation = table(catalog, oid)
    if identity == "index":
        _refuse_identity_index(relation, statement["name"])
        identity = f"index {statement['name']}"
    return catalog.put(replace(relation, replica_identity=identity))


def _refuse_identity_index(relation: Relation, name: str) -> None:
    index = next((each for each in relation.indexes if each.name == name), None)
    if index is None:
        if relation.tainted:
            return
        raise Refused("42704", f'index "{name}" for table "{relation.name}" does not exist')
    reasons = {
        "cannot use non-unique index": not index.unique,
        "cannot use non-immediate index": not index.immediate,
        "cannot use expression index": bool(index.expressions),
        "cannot use partial index": index.predicate is not None,
    }
    for reason, holds in reasons.items():
        if holds:
            raise Refused("42809", f'{reason} "{name}" as replica identity')
    for number in index.columns:
        column = relation.column_numbered(number)
        if column is not None and not column.not_null:
            message = f'index "{name}" cannot be used as replica identity because column "{column.name}" is nullable'
            raise Refused("42809", message)


def _set_options(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    if relation.kind is RelationKind.PARTITIONED_TABLE:
        raise Refused("42809", "cannot specify storage parameters for a partitioned table")
    items = (command.get("def") or {}).get("List", {}).get("items") or []
    options = dict(relation.options)
    for name, value in options_of(items):
        if command["subtype"] == "AT_SetRelOptions":
            options[name] = value
        else:
            options.pop(name, None)
    relation = replace(relation, options=tuple(options.items()))
    if relation.query is not None:
        invoker = options.get("security_invoker", "false") in ("true", "on", "1")
        relation = replace(relation, query=replace(relation.query, security_invoker=invoker))
    return catalog.put(relation)


def _derived(name: str) -> Command:
    """A command of `derived_tables`, loaded when it is first needed."""

    def run(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
        from schemalint.replay import derived_tables

        function: Command = getattr(derived_tables, name)
        return function(catalog, oid, command, context)

    return run


def _alter_index(catalog: Catalog, node: Node, context: Context) -> Catalog:
    schema, name = range_name(node["relation"])
    found = find_index(catalog, schema, name)
    if found is None:
        raise NotModelled(f'index "{name}" is not made by any migration')
    for each in node["cmds"]:
        command = each["AlterTableCmd"]
        if command["subtype"] == "AT_AttachPartition":
            child = find_index(catalog, *range_name(command["def"]["PartitionCmd"]["name"]))
            if child is not None:
                relation, index = child
                indexes = tuple(replace(i, parent=found[1].oid) if i.oid == index.oid else i for i in relation.indexes)
                catalog = catalog.put(replace(relation, indexes=indexes))
    return catalog


COMMANDS: dict[str, tuple[int, Command]] = {
    "AT_DropColumn": (DROP, _drop_column),
    "AT_DropConstraint": (DROP, _drop_constraint),
    "AT_AlterColumnType": (TYPE, alter_column.change_type),
    "AT_ColumnDefault": (DROP, alter_column.set_default),
    "AT_DropNotNull": (DROP, alter_column.drop_not_null),
    "AT_SetNotNull": (ATTRIBUTES, alter_column.set_not_null),
    "AT_AddIdentity": (OTHER_CONSTRAINT, alter_column.add_identity),
    "AT_SetIdentity": (MISC, alter_column.set_identity),
    "AT_DropIdentity": (DROP, alter_column.drop_identity),
    "AT_DropExpression": (DROP, alter_column.drop_expression),
    "AT_SetExpression": (EXPRESSION, alter_column.set_expression),
    "AT_ValidateConstraint": (MISC, _validate_constraint),
    "AT_AlterConstraint": (MISC, _alter_constraint),
    **dict.fromkeys(TRIGGER_STATES, (MISC, _triggers)),
    **dict.fromkeys(RULE_STATES, (MISC, _rule)),
    **dict.fromkeys(SECURITY, (MISC, _security)),
    "AT_ChangeOwner": (MISC, _owner),
    "AT_ClusterOn": (MISC, _cluster_on),
    **dict.fromkeys(COLUMN_OPTIONS, (MISC, _column_option)),
    **dict.fromkeys(("AT_SetLogged", "AT_SetUnLogged"), (MISC, _set_logged)),
    "AT_ReplicaIdentity": (MISC, _replica_identity),
    "AT_SetRelOptions": (MISC, _set_options),
    "AT_ResetRelOptions": (MISC, _set_options),
    "AT_AttachPartition": (MISC, _derived("attach_partition")),
    "AT_DetachPartition": (MISC, _derived("detach_partition")),
    "AT_DetachPartitionFinalize": (MISC, lambda catalog, oid, command, context: catalog),
    "AT_AddInherit": (MISC, _derived("add_inherit")),
    "AT_DropInherit": (MISC, _derived("drop_inherit")),
}
