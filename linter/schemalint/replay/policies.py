"""Row security policies and rewrite rules."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Expression, Node, Policy, Reference, Relation, RelationKind, RewriteRule
from schemalint.replay.columns import used_by
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.names import owner_now, range_name, relation_of, replace, shown, use_all
from schemalint.replay.operators import refuse_unknown_operators
from schemalint.replay.reading import Reader, Scope, expression_in, table_of

EVENTS = {"CMD_SELECT": "select", "CMD_INSERT": "insert", "CMD_UPDATE": "update", "CMD_DELETE": "delete"}


def role_names(catalog: Catalog, nodes: list[Node] | None) -> tuple[str, ...]:
    """Roles by name; "public" for everyone, "" for the one that runs the migrations."""
    found = []
    for each in nodes or ():
        role = each["RoleSpec"]
        kind = role.get("roletype", "ROLESPEC_CSTRING")
        if kind == "ROLESPEC_CSTRING":
            found.append(role["rolename"])
        else:
            found.append("public" if kind == "ROLESPEC_PUBLIC" else owner_now(catalog) or "")
    return tuple(found)


def create_policy(catalog: Catalog, node: Node, context: Context) -> Catalog:
    relation = relation_of(catalog, node["table"])
    if relation.kind not in (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE):
        raise Refused("42809", f'"{relation.name}" is not a table')
    name = node["policy_name"]
    if any(each.name == name for each in relation.policies):
        raise Refused("42710", f'policy "{name}" for table "{relation.name}" already exists', certain=not relation.tainted)
    catalog, using = _condition(catalog, relation, node.get("qual"), context)
    catalog, check = _condition(catalog, relation, node.get("with_check"), context)
    catalog, oid = catalog.new_oid()
    roles = role_names(catalog, node.get("roles")) or ("public",)
    policy = Policy(oid, name, node.get("cmd_name", "all"), node.get("permissive", False), roles, using, check, span=context.span)
    catalog = catalog.unbind(("policy dropped", relation.oid))
    return catalog.put(replace(relation, policies=(*relation.policies, policy)))


def _condition(catalog: Catalog, relation: Relation, tree: Node | None, context: Context) -> tuple[Catalog, Expression | None]:
    if tree is None:
        return catalog, None
    expression, reader = expression_in(catalog, tree, context.span, (table_of(relation, catalog),), relation.oid)
    if reader.missing and reader.resolved and not relation.tainted:
        missing, name = reader.missing[0]
        raise Refused(
            "42703", f"column {name} does not exist" if "." in name else f'column "{name}" does not exist', context.here(missing)
        )
    for each in reader.absent:
        context.gap(f'relation "{shown(*range_name(each))}" is not made by any migration', each)
    if not relation.tainted:
        refuse_unknown_operators(catalog, tree, Scope((table_of(relation, catalog),)), context.span)
    return use_all(catalog, relation.oid, used_by(expression)), expression


def alter_policy(catalog: Catalog, node: Node, context: Context) -> Catalog:
    relation = relation_of(catalog, node["table"])
    found = next((each for each in relation.policies if each.name == node["policy_name"]), None)
    if found is None:
        if relation.tainted:
            raise NotModelled(f'policy "{node["policy_name"]}" of relation "{relation.name}" is not known')
        raise Refused("42704", f'policy "{node["policy_name"]}" for table "{relation.name}" does not exist')
    catalog, using = _condition(catalog, relation, node.get("qual"), context)
    catalog, check = _condition(catalog, relation, node.get("with_check"), context)
    roles = role_names(catalog, node.get("roles"))
    changed = replace(
        found, using=using or found.using, check=check or found.check, roles=roles or found.roles, span=context.span
    )
    return catalog.put(replace(relation, policies=tuple(changed if each is found else each for each in relation.policies)))


def create_rule(catalog: Catalog, node: Node, context: Context) -> Catalog:
    relation = relation_of(catalog, node["relation"])
    name = node["rulename"]
    existing = next((each for each in relation.rules if each.name == name), None)
    if existing is not None and not node.get("replace"):
        raise Refused("42710", f'rule "{name}" for relation "{relation.name}" already exists')
    reader = Reader(catalog)
    scope = Scope(tuple(table_of(relation, catalog, word)._replace(schema=None) for word in ("old", "new")))
    condition = node.get("whereClause")
    if condition is not None:
        reader.visit(condition, scope)
    actions = tuple(each for each in node.get("actions") or () if each)
    for each in actions:
        reader.visit(each, scope)
    if reader.missing and reader.resolved and not relation.tainted:
        raise Refused("42703", f"column {reader.missing[0][1]} does not exist", certain=False)
    references = (*reader.references, *(Reference(each) for each in reader.functions))
    oid = existing.oid if existing is not None else 0
    if existing is None:
        catalog, oid = catalog.new_oid()
    rule = RewriteRule(
        oid, name, EVENTS[node["event"]], bool(node.get("instead")), condition, actions, references, span=context.span
    )
    kept = tuple(each for each in relation.rules if each is not existing)
    catalog = catalog.put(replace(relation, rules=(*kept, rule)))
    return use_all(catalog, relation.oid, [each.oid for each in references])
