from schemalint.rule import State, Violations, invariant


@invariant()
def update_not_propagated(state: State) -> Violations:
    """Edits of the source never reach the target.

    ## Why
    The sync copies new rows and nothing else: no trigger fires on UPDATE, or what fires does not change the copy. As soon as
    a row of the source is edited, the two tables tell different stories, and no error says so.

    ## Way out
    Let the trigger fire on UPDATE as well, with ON CONFLICT … DO UPDATE for every copied column; or declare the sync
    insert-only.

    ## Not reported
    Syncs that carry updates, by whatever trigger; tables of which only the key is copied, which an edit leaves as it is;
    effects such as audit rows, which tell of the past. An UPDATE that used to be carried and no longer is is said as a loss
    of its own.
    """
    for sync in state.unpropagated("update"):
        yield from state.never_carried(
            sync,
            "update",
            help=f"fire the trigger on UPDATE too, with ON CONFLICT … DO UPDATE for every copied column of "
            f"{state.relation_name(sync.target)}",
        )
