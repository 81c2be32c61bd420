from schemalint.flow.value import Looked, Null, subterms
from schemalint.rule import Certainty, Place, Severity, State, Violation, Violations, invariant


@invariant()
def lookup_missing(state: State) -> Violations:
    """A value that the trigger looks up in another table can be missing.

    ## Why
    The trigger takes a column of the target from another table. Nothing guarantees that the row is there (no enforced
    NOT NULL foreign key leads to it), or the column itself can be NULL. SELECT INTO raises no error then: the target gets
    NULL, and whoever reads it by that column does not find the row.

    ## Way out
    A NOT NULL foreign key from the source to the table that is looked up, NOT NULL on the column, or INTO STRICT if an
    error is better than a hole.

    ## Not reported
    Look-ups through an enforced NOT NULL foreign key, which find their row; columns of the target that may not be NULL,
    where the write fails instead; look-ups of effects, whose rows are no copies that somebody reads in the place of the
    source.
    """
    for sync in state.kept:
        for carried, path, write in state.writes(sync):
            for each in write.assignments:
                column = state.column(sync.target, each.column)
                if not each.given or column is None or column.not_null or carried.event == "delete":
                    continue
                missing = each.value.null is Null.ALWAYS and any(c.lookup and not c.holds for c in path.conditions)
                looked = next((t for t in subterms(each.value.term) if isinstance(t, Looked) and t.relation != sync.target), None)
                nullable = looked is not None and each.value.null is Null.MAYBE
                if not missing and not nullable:
                    continue
                where = next((c.text for c in path.conditions if c.lookup and not c.holds), None)
                if where is None and looked is not None:
                    where = f"{state.relation_name(looked.relation)}.{state.column_name(looked.relation, looked.column)}"
                firing = carried.firings[0]
                yield Violation(
                    key=(sync.source, sync.identity, each.column, "lookup", "row" if missing else "value"),
                    message=f"{state.relation_name(sync.target)}.{column.name} becomes NULL for some rows of "
                    f"{state.relation_name(sync.source)}: {where} can be {'missing' if missing else 'NULL'}",
                    certainty=Certainty.CONDITIONAL,
                    severity=Severity.WARNING,
                    sync=state.names(firing, sync.target),
                    related=(Place(each.span, "looked up for this"),) if each.span is not None else (),
                    help="add a NOT NULL foreign key to what is looked up, or use INTO STRICT",
                )
