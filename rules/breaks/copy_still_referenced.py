from schemalint.rule import State, Violations, invariant


@invariant("23503", "23001", shown_by="rows of a third table")
def copy_still_referenced(state: State) -> Violations:
    """A delete that the trigger carries over can be refused, because another table refers to the copy.

    ## Why
    The trigger deletes the row of the target in the same transaction. A foreign key of a third table to the target, with
    NO ACTION or RESTRICT, refuses that as soon as one of its rows refers to the copy, and the DELETE on the source raises.

    ## Way out
    ON DELETE CASCADE or SET NULL on that foreign key, or let the function delete the referring rows first.

    ## Not reported
    Foreign keys that cascade, or are not enforced, which refuse nothing; tables that the same function clears first; tables
    whose rows are copies of rows that refer to the source, which go before.
    """
    for failing in state.failing("still-referenced"):
        failure = failing.failure
        if failure.relation is None or state.cleared_first(failing, failure.relation):
            continue
        child = state.relation_name(failure.relation)
        yield state.violation(
            failing,
            f"rows of {child} can refer to the copy ({failure.reason})",
            place="deleted here",
            help=f"ALTER TABLE {child} … FOREIGN KEY … ON DELETE CASCADE, or delete its rows in the function first",
        )
