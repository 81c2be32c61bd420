"""Roles, membership, and what they own."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node, Role
from schemalint.replay.context import Context, Refused
from schemalint.replay.names import owner_now, replace
from schemalint.replay.owners import Owned, with_owner
from schemalint.replay.policies import role_names

FLAGS = {"superuser": "superuser", "bypassrls": "bypass_row_security", "canlogin": "login"}


def create_role(catalog: Catalog, node: Node, context: Context) -> Catalog:
    name = node["role"]
    if catalog.role(name) is not None:
        raise Refused("42710", f'role "{name}" already exists')
    catalog, oid = catalog.new_oid()
    role = _with_options(Role(oid, name, login=node.get("stmt_type") == "ROLESTMT_USER"), node)
    return catalog.put(role)


def _with_options(role: Role, node: Node) -> Role:
    for each in node.get("options") or ():
        element = each["DefElem"]
        field = FLAGS.get(element["defname"])
        if field is not None:
            role = replace(role, **{field: bool(element.get("arg", {}).get("Boolean", {}).get("boolval"))})
        elif element["defname"] == "addroleto":
            names = [item["RoleSpec"].get("rolename", "") for item in element["arg"]["List"]["items"]]
            role = replace(role, member_of=(*role.member_of, *names))
    return role


def alter_role(catalog: Catalog, node: Node, context: Context) -> Catalog:
    role = catalog.role(node["role"].get("rolename", ""))
    return catalog if role is None else catalog.put(_with_options(role, node))


def drop_role(catalog: Catalog, node: Node, context: Context) -> Catalog:
    for name in role_names(catalog, node["roles"]):
        role = catalog.role(name)
        if role is None:
            continue
        if any(each.owner == name for each in _owned(catalog)):
            raise Refused("2BP01", f'role "{name}" cannot be dropped because some objects depend on it')
        catalog = catalog.remove(role.oid)
    return catalog


def grant_role(catalog: Catalog, node: Node, context: Context) -> Catalog:
    granted = [each["AccessPriv"]["priv_name"] for each in node["granted_roles"]]
    for name in role_names(catalog, node["grantee_roles"]):
        role = catalog.role(name)
        if role is None:
            known = tuple(each for each in catalog.get(("member of", name)) or () if each not in granted)
            catalog = catalog.bind(("member of", name), (*known, *granted) if node.get("is_grant") else known)
        else:
            kept = tuple(each for each in role.member_of if each not in granted)
            catalog = catalog.put(replace(role, member_of=(*kept, *granted) if node.get("is_grant") else kept))
    return catalog


def reassign_owned(catalog: Catalog, node: Node, context: Context) -> Catalog:
    old = set(role_names(catalog, node["roles"]))
    new = node["newrole"].get("rolename") or owner_now(catalog)
    for each in _owned(catalog):
        if each.owner in old:
            catalog = with_owner(catalog, each, new)
    return catalog


def _owned(catalog: Catalog) -> list[Owned]:
    return [each for each in catalog.entries.values() if isinstance(each, Owned)]
