from schemalint.rule import State, Violations, invariant


@invariant()
def delete_not_propagated(state: State) -> Violations:
    """Rows deleted from the source stay in the target.

    ## Why
    No trigger fires on DELETE, or what fires does not take the copy away, and no foreign key of the target cascades. Rows go
    from the source by DELETE, or by a cascade from a parent table, and readers of the target go on seeing them.

    ## Way out
    A trigger on DELETE that deletes the copy, or a foreign key from the target's key to the source with ON DELETE CASCADE;
    or declare the sync insert-only.

    ## Not reported
    Syncs that carry deletes, also as a mark on the copy; a target with a cascading foreign key to the source, which deletes
    the copy without a trigger; effects such as audit rows, which are to outlive their row. A DELETE that used to be carried
    and no longer is is said as a loss of its own.
    """
    for sync in state.unpropagated("delete"):
        yield from state.never_carried(
            sync,
            "delete",
            help=f"add a trigger on DELETE, or a foreign key from {state.relation_name(sync.target)} to "
            f"{state.relation_name(sync.source)} with ON DELETE CASCADE",
        )
