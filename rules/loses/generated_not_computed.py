from schemalint.flow.value import copied_field
from schemalint.rule import Certainty, Place, Severity, State, Violation, Violations, invariant


@invariant(shown_by="a comparison of columns")
def generated_not_computed(state: State) -> Violations:
    """The trigger copies a generated column, which has no value yet when it runs.

    ## Why
    Stored generated columns are computed after the BEFORE triggers, and virtual ones (the default since PostgreSQL 18) only
    when they are read: NEW has NULL there, a virtual column's in AFTER triggers too. The copy gets NULL.

    ## Way out
    Compute the expression in the function, or make the trigger AFTER (for stored columns).

    ## Not reported
    Stored generated columns in AFTER triggers, which are computed by then; columns of the target that may not be NULL,
    where the write fails instead.
    """
    for sync in state.mirrors:
        for carried, path, write in state.writes(sync):
            for each in write.assignments:
                field = copied_field(each.value.term)
                own = state.column(field.relation, field.column) if field is not None else None
                target = state.column(sync.target, each.column)
                if own is None or not own.generated or each.value.null != "always" or carried.event == "delete":
                    continue
                if not path.typical or target is None or target.not_null or (field is not None and field.row == "old"):
                    continue
                yield Violation(
                    key=(sync.source, sync.identity, each.column, "generated"),
                    message=f"{state.relation_name(sync.target)}.{each.name} gets NULL: {own.name} of "
                    f"{state.relation_name(sync.source)} is not computed when the trigger runs",
                    at=(own.span,),
                    certainty=Certainty.CERTAIN,
                    severity=Severity.WARNING,
                    sync=state.names_of_sync(sync),
                    related=(Place(each.span, "copied here"),) if each.span is not None else (),
                    help="compute the expression in the function, or copy a stored column in an AFTER trigger",
                )
