from schemalint.catalog.model import Policy
from schemalint.flow.value import copied_field
from schemalint.rule import Certainty, Place, Severity, State, Violation, Violations, invariant


@invariant()
def upsert_overwrites(state: State) -> Violations:
    """A client that chooses the key of its row overwrites somebody else's row in the target.

    ## Why
    The source's policies let each client insert rows of its own only. But the key is the client's to choose, and the trigger
    runs as its owner, past all policies: ON CONFLICT DO UPDATE writes over the row of that key in the target, which may be
    of the time before the source, and another's.

    ## Way out
    DO UPDATE … WHERE target.owner = EXCLUDED.owner, or keys that the database makes (GENERATED ALWAYS AS IDENTITY).

    ## Not reported
    Functions that run as the writer, whom the target's policies stop; sources without a policy that binds new rows to their
    writer, where anybody may write anybody's row already; upserts with a condition on the row that is there, which can ask
    whose it is.
    """
    if not state.source.row_security or not any(_binds(each) for each in state.source.policies):
        return
    for sync in state.mirrors:
        for carried, path, write in state.writes(sync):
            conflict = write.conflict
            function = state.catalog.function(write.function)
            if carried.event != "insert" or conflict is None or not conflict.update or conflict.filtered or not path.typical:
                continue
            if function is None or not function.security_definer:
                continue
            fields = [copied_field(write.value_of(each).term) for each in conflict.columns]
            keys = [state.column(each.relation, each.column) for each in fields if each is not None]
            if not keys or any(each is None or each.identity == "always" or each.generated for each in keys):
                continue
            yield Violation(
                key=(sync.source, sync.identity, "overwrites"),
                message=f"a client of {state.relation_name(sync.source)} that chooses {', '.join(k.name for k in keys if k)} "
                f"overwrites any row of {state.relation_name(sync.target)}",
                certainty=Certainty.CONDITIONAL,
                severity=Severity.WARNING,
                sync=state.names_of_sync(sync),
                related=(Place(write.span, "overwrites without asking whose row it is"),),
                help="DO UPDATE SET … WHERE the row that is there has the same owner as EXCLUDED",
            )


def _binds(policy: Policy) -> bool:
    """Whether a policy lets a role insert some rows only."""
    check = policy.check or policy.using
    return policy.command in ("insert", "all") and check is not None and "A_Const" not in check.node
