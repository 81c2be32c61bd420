from schemalint.catalog import access
from schemalint.rule import Certainty, Severity, State, Violation, Violations, invariant


@invariant(shown_by="another role")
def readers_shut_out(state: State) -> Violations:
    """Row security on the target hides the copies from those who read it.

    ## Why
    The trigger goes on writing, and the roles that hold SELECT on the target see an empty table: row security is enabled
    and no policy lets them read, or the policy that did was dropped, by CASCADE with a column too. No statement raises.

    ## Way out
    Create the policy for SELECT in the same migration.

    ## Not reported
    Roles that are past row security, and those to whom the platform grants everything, who need not be readers; tables on
    which nobody was granted SELECT by name, of which nobody is known to read; a policy that DROP POLICY itself took away,
    which says what it does.
    """
    for sync in state.mirrors:
        target = state.catalog.relation(sync.target)
        if (
            target is None
            or not target.row_security
            or state.catalog.get(("policy dropped", target.oid))
            or any(state.failing("access"))
        ):
            continue
        for role in access.grantees(target, "select", state.catalog):
            if access.passes(role, target, state.catalog) or access.policies(target, role, "select", state.catalog):
                continue
            name = state.catalog.qualified_name(target)
            yield Violation(
                key=(sync.source, sync.identity, "readers", role),
                message=f"{role} reads no row of {name} any more: row security is enabled, and no policy is for it",
                certainty=Certainty.CERTAIN,
                severity=Severity.WARNING,
                sync=state.names_of_sync(sync),
                help=f"CREATE POLICY … ON {name} FOR SELECT TO {role} USING (…);",
            )
