from schemalint.catalog import access
from schemalint.rule import Certainty, Severity, State, Violation, Violations, invariant


@invariant()
def target_claimed(state: State) -> Violations:
    """A role that cannot write the source may write the target directly.

    ## Why
    Whoever inserts into the target first, under a key that the source will use, keeps what the upsert does not set: the
    recipient, the owner. The sync then fills the content in.

    ## Way out
    REVOKE INSERT, UPDATE on the target from everybody but the owner of the function.

    ## Not reported
    Roles that may write the source too, and need no detour; targets whose row security the role has to pass; functions that
    run as the writer, whose own rights decide over the copy.
    """
    for sync in state.mirrors:
        target = state.catalog.relation(sync.target)
        writes = [write for carried, _, write in state.writes(sync) if carried.event == "insert" and write.conflict is not None]
        definers = [f for w in writes if (f := state.catalog.function(w.function)) is not None and f.security_definer]
        if target is None or not definers or (target.row_security and target.policies):
            continue
        sources = set(access.grantees(state.source, "insert", state.catalog))
        for role in access.grantees(target, "insert", state.catalog):
            if role in sources or role == definers[0].owner:
                continue
            name = state.catalog.qualified_name(target)
            yield Violation(
                key=(sync.source, sync.identity, "claimed", role),
                message=f"{role} may insert into {name} directly, and claim a key before the sync does",
                certainty=Certainty.CONDITIONAL,
                severity=Severity.WARNING,
                sync=state.names_of_sync(sync),
                help=f"REVOKE INSERT, UPDATE ON {name} FROM {role};",
            )
