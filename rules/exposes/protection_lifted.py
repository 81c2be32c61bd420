from collections.abc import Iterator

from schemalint.catalog import access
from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation, RelationKind
from schemalint.rule import Certainty, Change, Parts, Severity, Violation, Violations, step


@step(momentary=True)
def protection_lifted(change: Change) -> Violations:
    """A statement takes away what kept rows of the sync's tables from some roles.

    ## Why
    A restrictive policy is dropped, by CASCADE with a column or a function too; a new policy without TO is for everybody;
    the table's owner becomes a role that clients use, and owners are exempt; a role gets BYPASSRLS; a view over the table
    is no longer security_invoker, which CREATE OR REPLACE VIEW forgets unless it is said again; a table without row
    security takes the name of one that had it.

    ## Way out
    Make the policy again in the same migration, name the roles with TO, repeat WITH (security_invoker = true).

    ## Not reported
    Permissive policies that are dropped, which only takes access away; tables without row security, which had no protection
    to lift; roles that have no privilege on the tables, and so reach no row either way.
    """
    if change.sqlstate is not None:
        return
    for key, what, help in _lifted(change):
        part = change.parts().get(key)
        yield Violation(
            key=(change.span.source.path, change.span.start, "lifted", what),
            message=what,
            certainty=Certainty.CERTAIN,
            severity=Severity.ERROR,
            sync=part.names if part is not None else None,
            help=help,
        )


def _lifted(change: Change) -> Iterator[tuple[int, str, str]]:
    if change.kind == "AlterRoleStmt":
        yield from _bypassing(change, change.parts())
        return
    changed = [each for each in change.after.changes_since(change.before) or () if isinstance(each, int)]
    relations = [each for each in changed if isinstance(change.after.get(each), Relation)]
    if not relations:
        return
    for oid in relations:
        before, after = change.before.relation(oid), change.after.relation(oid)
        if after is None:
            continue
        if after.kind is RelationKind.VIEW and before is not None:
            yield from _view(before, after, change)
        elif before is not None and oid in change.parts():
            yield from _table(before, after, change.after)


def _table(before: Relation, after: Relation, catalog: Catalog) -> Iterator[tuple[int, str, str]]:
    name = catalog.qualified_name(after)
    if after.row_security:
        kept = {each.oid for each in after.policies}
        for policy in before.policies:
            if not policy.permissive and policy.oid not in kept:
                yield after.oid, f"{name} loses its restrictive policy {policy.name}", f"CREATE POLICY {policy.name} ON {name} …"
        known = {each.oid for each in before.policies}
        for policy in after.policies:
            everybody = policy.permissive and access.EVERYONE in policy.roles and policy.command in ("select", "all")
            if policy.oid not in known and everybody and access.is_always_true(policy):
                what = f"the policy {policy.name} shows every row of {name} to everybody: it names no roles"
                yield after.oid, what, f"CREATE POLICY {policy.name} ON {name} … TO …"
        owner = after.owner
        if owner != before.owner and owner is not None and any(owner in each.roles for each in after.policies):
            yield (
                after.oid,
                f"{owner} becomes the owner of {name}, and owners are exempt from its policies",
                (f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"),
            )
    renamed = before.name != after.name or before.schema != after.schema
    if renamed and not after.row_security and catalog.get(("had row security", after.schema, after.name)):
        roles = [each for each in access.readers(after, catalog) if each not in access.PAST_ROW_SECURITY]
        if roles:
            what = f"{name} is now a table without row security, open to {', '.join(roles)}; the one before it had policies"
            yield after.oid, what, f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, with policies"


def _view(before: Relation, after: Relation, change: Change) -> Iterator[tuple[int, str, str]]:
    if before.query is None or after.query is None or not before.query.security_invoker or after.query.security_invoker:
        return
    for reference in after.query.references:
        table = change.after.relation(reference.oid)
        if table is not None and table.row_security and table.oid in change.parts():
            name = change.after.qualified_name(after)
            what = f"{name} no longer runs as its reader: it shows every row of {change.after.qualified_name(table)}"
            yield table.oid, what, f"ALTER VIEW {name} SET (security_invoker = true)"
            return


def _bypassing(change: Change, parts: Parts) -> Iterator[tuple[int, str, str]]:
    options = {each["DefElem"]["defname"]: each["DefElem"].get("arg", {}) for each in change.node.get("options") or ()}
    role = change.node.get("role", {}).get("rolename", "")
    if not options.get("bypassrls", {}).get("Boolean", {}).get("boolval"):
        return
    for oid in sorted(parts):
        table = change.after.relation(oid)
        if table is not None and table.row_security and access.may_any_column(role, "select", table, change.after):
            what = f"{role} goes past the policies of {change.after.qualified_name(table)}"
            yield oid, what, f"ALTER ROLE {role} NOBYPASSRLS"
            return
