from schemalint.rule import State, Violations, invariant


@invariant()
def trigger_disabled(state: State) -> Violations:
    """The trigger that carried the rows is disabled.

    ## Why
    DISABLE TRIGGER (by name, USER or ALL) or ENABLE REPLICA TRIGGER: the trigger still stands in the catalog, but ordinary
    writes do not fire it. They succeed, and nothing reaches the target.

    ## Way out
    Enable it again before the migration ends, and copy the rows that were written in between.

    ## Not reported
    A trigger disabled and enabled again in the same migration, as no write comes between; triggers disabled on the target,
    which carry nothing there; ENABLE ALWAYS, under which it fires all the more.
    """
    for line in state.lost():
        if state.reason_of_loss(line) == "disabled":
            yield state.loss(
                line,
                f"{state.of_event(line)} no longer reach {line.target_name}: the trigger {line.trigger_name} is disabled",
                help=f"ALTER TABLE {line.source_name} ENABLE TRIGGER {line.trigger_name}; in the same migration",
            )
