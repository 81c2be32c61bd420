from schemalint.catalog import access
from schemalint.rule import State, Violation, Violations, invariant, witness_of


@invariant("42501", shown_by="another role")
def source_refused_by_row_security(state: State) -> Violations:
    """Row security on the source refuses the writes that its grants allow.

    ## Why
    ENABLE ROW LEVEL SECURITY without a policy for INSERT, or the last such policy dropped: the roles that hold the INSERT
    privilege can write no row any more, so that nothing is copied either. Only the owner and roles with BYPASSRLS still can.

    ## Way out
    Create the policy in the same migration that enables row security.

    ## Not reported
    Tables that no sync reads; tables on which nobody was granted INSERT, or all the platform's roles at once, which says
    nothing of who writes; owners and roles that are past row security, who go on writing.
    """
    if not state.mirrors or not state.source.row_security:
        return
    for role in access.grantees(state.source, "insert", state.catalog):
        if access.passes(role, state.source, state.catalog) or access.policies(state.source, role, "insert", state.catalog):
            continue
        name = state.relation_name(state.source.oid)
        message = f'new row violates row-level security policy for table "{state.source.name}"'
        yield Violation(
            key=(state.source.oid, "row security", role),
            message=f"every INSERT into {name} as {role} fails: row security is enabled, and no policy lets {role} insert",
            sync=state.names_of_sync(state.mirrors[0]),
            sqlstate="42501",
            answer=f"42501 {message}",
            witness=witness_of(state.source, "insert", {}, state.catalog),
            help=f"CREATE POLICY … ON {name} FOR INSERT TO {role} WITH CHECK (…);",
        )
