from schemalint.flow.value import Constant
from schemalint.rule import Certainty, Place, Severity, State, Violation, Violations, invariant


@invariant(shown_by="a change of the copy")
def state_reset(state: State) -> Violations:
    """Every edit of the source sets a column of the target back to a constant.

    ## Why
    The upsert's DO UPDATE, or the UPDATE, writes a constant that is right for a new row: status = 'sent'. Whoever reads the
    target has moved it on ('read'), and the next edit in the source sets it back. The source does not have the column.

    ## Way out
    Leave the column out of DO UPDATE SET: the INSERT alone gives new rows their first value.

    ## Not reported
    Constants in the INSERT, which a new row is to have; constants that edits have set from the first day on, which the sync
    may be for; columns that get a value of the source on some path; NULL and the time of the edit, which are about the edit
    itself.
    """
    left = {(line.target, name) for line in state.ledger for name in line.unset}
    for sync in state.mirrors:
        copied = {column for carried in sync.carried for column, _ in carried.columns}
        for carried, path, write in state.writes(sync):
            if carried.event != "update" or not path.typical or write.operation == "delete":
                continue
            sets = write.conflict.assignments if write.conflict is not None else write.assignments
            if write.operation == "insert" and (write.conflict is None or not write.conflict.update):
                continue
            for each in sets:
                term = each.value.term
                if not each.given or not isinstance(term, Constant) or term.text is None or each.column in copied:
                    continue
                if (sync.target, each.name) not in left:
                    continue
                yield Violation(
                    key=(sync.source, sync.identity, "reset", each.column),
                    message=f"every edit of {state.relation_name(sync.source)} sets {each.name} of "
                    f"{state.relation_name(sync.target)} back to '{term.text}'",
                    certainty=Certainty.CONDITIONAL,
                    severity=Severity.WARNING,
                    sync=state.names_of_sync(sync),
                    related=(Place(each.span, "set back here"),) if each.span is not None else (),
                    help=f"leave {each.name} out of what an edit sets",
                )
