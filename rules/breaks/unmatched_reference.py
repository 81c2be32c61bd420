from schemalint.rule import State, Violations, invariant


@invariant("23503")
def unmatched_reference(state: State) -> Violations:
    """A foreign key of the target asks for a row that nothing puts there.

    ## Why
    The trigger copies a key for which the target's parent table need not have a row: the source has no foreign key to the
    same table, and no sync fills it from the table that the source does refer to. The write raises as soon as such a key
    comes along.

    ## Way out
    Sync the parent table as well (and before its children), or point the target's foreign key at the table that the source
    refers to, or drop it for the time of the move.

    ## Not reported
    Keys for which the source has the same foreign key, and so refuses first; parents that another sync fills from the
    source's parent; keys that stay NULL and NOT ENFORCED ones, which are not checked; a foreign key to the source itself,
    where the trigger runs AFTER and finds the row.
    """
    for failing in state.failing("foreign-key"):
        failure = failing.failure
        if state.parents_are_mirrored(failure):
            continue
        constraint = state.constraint(failure.relation, failure.subject[1])
        parent = state.relation_name(constraint.references) if constraint is not None else "its parent"
        column = state.column_name(failure.relation, failure.column)
        yield state.violation(
            failing,
            f"{state.relation_name(failure.relation)}.{column} refers to {parent}, and nothing puts the row there",
            place="this key",
            help=f"fill {parent} by a sync of its own, or drop the foreign key {failure.reason} until the move is done",
        )
