"""Who may do what: privileges, membership, ownership and row security (chapter "Privileges", "Row Security Policies").

A role is named; None is the one that runs the migrations, which owns what it makes. Of roles that are superusers
somewhere, or that the platform gives everything, nothing is said.
"""

from __future__ import annotations

from schemalint.catalog.catalog import SYSTEM_SCHEMAS, Catalog
from schemalint.catalog.model import Function, Policy, Relation, Schema

EVERYONE = "public"
POWERFUL = frozenset({"postgres", "supabase_admin", "rdsadmin", "rds_superuser", "cloudsqlsuperuser", "azure_pg_admin"})
PAST_ROW_SECURITY = POWERFUL | {"service_role", "supabase_auth_admin", "supabase_storage_admin"}
CLIENTS = frozenset({"anon", "authenticated", "service_role"})  # of Supabase, which grants them all on every table


def member_of(role: str, catalog: Catalog) -> frozenset[str]:
    """The roles whose privileges a role has: itself, those it is a member of, and everyone."""
    found = {role, EVERYONE}
    waiting = [role]
    while waiting:
        name = waiting.pop()
        known = catalog.role(name)
        for each in (*(known.member_of if known is not None else ()), *(catalog.get(("member of", name)) or ())):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return frozenset(found)


def is_powerful(role: str, catalog: Catalog) -> bool:
    known = catalog.role(role)
    return role in POWERFUL or (known is not None and known.superuser) or bool(member_of(role, catalog) & POWERFUL)


def owns(role: str, object_: Relation | Function | Schema, catalog: Catalog) -> bool:
    return object_.owner is not None and object_.owner in member_of(role, catalog)


def may(
    role: str | None,
    privilege: str,
    object_: Relation | Function | Schema,
    catalog: Catalog,
    columns: frozenset[int] = frozenset(),
) -> bool:
    """Whether a role has a privilege; on all of the columns, where some are given."""
    if role is None or is_powerful(role, catalog) or owns(role, object_, catalog):
        return True
    if isinstance(object_, Schema) and (object_.assumed or object_.name in (*SYSTEM_SCHEMAS, "public", "pg_temp")):
        return True
    names = member_of(role, catalog)
    granted = [each for each in object_.privileges if each.name == privilege and each.role in names]
    if any(not each.columns for each in granted):
        return True
    return bool(columns) and columns <= {number for each in granted for number in each.columns}


def may_any_column(role: str | None, privilege: str, relation: Relation, catalog: Catalog) -> bool:
    """Whether a role has a privilege on the table, or on one of its columns at least."""
    every = frozenset(each.number for each in relation.columns)
    return any(may(role, privilege, relation, catalog, frozenset({each})) for each in every) or may(
        role, privilege, relation, catalog
    )


def writers(relation: Relation, event: str, catalog: Catalog) -> tuple[str, ...]:
    """The roles that the history lets write a table: by a grant of its own, or by a policy that names them."""
    privilege = "truncate" if event == "truncate" else event
    granted = {each.role for each in relation.privileges if each.name == privilege} - {EVERYONE}
    declared = catalog.get(("setting", "writing_roles"))
    if declared:
        granted &= set(declared)
    elif granted >= CLIENTS:
        granted -= CLIENTS  # what the platform grants on every table says nothing of who writes this one
    if relation.row_security:
        named = {role for each in policies(relation, None, event, catalog) for role in each.roles} - {EVERYONE}
        allowed = {role for role in granted if passes(role, relation, catalog) or policies(relation, role, event, catalog)}
        granted = allowed | {each for each in named if may_any_column(each, privilege, relation, catalog)}
    return tuple(sorted(each for each in granted if not is_powerful(each, catalog)))


def grantees(relation: Relation, event: str, catalog: Catalog) -> tuple[str, ...]:
    """The roles to whom the history grants an event on a table, whatever its row security says."""
    granted = {each.role for each in relation.privileges if each.name == event} - {EVERYONE}
    if granted >= CLIENTS:
        granted -= CLIENTS
    return tuple(sorted(each for each in granted if not is_powerful(each, catalog)))


# -- row security


def passes(role: str | None, relation: Relation, catalog: Catalog) -> bool:
    """Whether row security does not hold for a role: its table has none, or it is the owner, or may go past it."""
    if not relation.row_security:
        return True
    if role is None:
        return relation.owner is None  # FORCE or not: the role that runs migrations often has BYPASSRLS
    known = catalog.role(role)
    if role in PAST_ROW_SECURITY or is_powerful(role, catalog) or (known is not None and known.bypass_row_security):
        return True
    return owns(role, relation, catalog) and not relation.force_row_security


def policies(relation: Relation, role: str | None, command: str, catalog: Catalog) -> tuple[Policy, ...]:
    """The permissive policies for a command that apply to a role; to any role, where it is None."""
    names = member_of(role, catalog) if role is not None else None
    return tuple(
        each
        for each in relation.policies
        if each.permissive and each.command in (command, "all") and (names is None or names & set(each.roles))
    )


def restrictions(relation: Relation, role: str, command: str, catalog: Catalog) -> tuple[Policy, ...]:
    """The restrictive policies for a command that apply to a role."""
    names = member_of(role, catalog)
    return tuple(
        each for each in relation.policies if not each.permissive and each.command in (command, "all") and names & set(each.roles)
    )


# -- SECURITY DEFINER


def path_of(setting: str) -> list[str]:
    """The schemas that a search_path names."""
    return [part.strip().strip("\"'") for part in setting.split(",") if part.strip().strip("\"'")]


def is_safe_path(setting: str) -> bool:
    """Whether temporary tables come last in a search_path, or it is empty (chapter "CREATE FUNCTION", Writing Safely)."""
    schemas = path_of(setting)
    return not schemas or schemas[-1] == "pg_temp" or schemas == ["pg_catalog"]


def open_schemas(setting: str, catalog: Catalog) -> list[str]:
    """The schemas of a search_path in which everybody may create objects."""
    found = []
    for name in path_of(setting):
        schema = catalog.schema_named(name)
        if schema is not None and any(each.role == EVERYONE and each.name == "create" for each in schema.privileges):
            found.append(name)
    return found


def reads_all(role: str, relation: Relation, catalog: Catalog) -> bool:
    """Whether a role reads every row of a table."""
    if not may_any_column(role, "select", relation, catalog):
        return False
    if passes(role, relation, catalog):
        return True
    if restrictions(relation, role, "select", catalog):
        return False
    return any(is_always_true(each) for each in policies(relation, role, "select", catalog))


def is_always_true(policy: Policy) -> bool:
    constant = policy.using.node.get("A_Const", {}) if policy.using is not None else {}
    return policy.using is None or bool(constant.get("boolval", {}).get("boolval"))


def readers(relation: Relation, catalog: Catalog) -> tuple[str, ...]:
    """The roles to which SELECT on a table is granted, but for the powerful ones."""
    named = {each.role for each in relation.privileges if each.name == "select"}
    return tuple(sorted(each for each in named if each == EVERYONE or not is_powerful(each, catalog)))
