from schemalint.rule import State, Violations, invariant


@invariant()
def trigger_gone(state: State) -> Violations:
    """The trigger that carried the rows is not there any more.

    ## Why
    DROP TRIGGER, DROP FUNCTION … CASCADE, DROP COLUMN … CASCADE, or a table that was rebuilt without its triggers: writes to
    the source go on succeeding, and nothing reaches the target. No error tells of it; readers of the target see old data.

    ## Way out
    Create the trigger again in the same migration. If the sync is really over, drop or rename the target in the same
    migration, or declare the sync retired.

    ## Not reported
    A trigger dropped and created again in the same migration, as no write comes between; a trigger replaced by another that
    carries the same; a sync whose source or target is dropped or renamed away with it, which is how a sync ends. The loss
    of an effect (an audit row, a counter) is a warning, once.
    """
    for line in state.lost():
        if state.reason_of_loss(line) == "gone":
            yield state.loss(
                line,
                f"{state.of_event(line)} no longer reach {line.target_name}: the trigger {line.trigger_name} is gone",
                help=f"create the trigger {line.trigger_name} again in the same migration, or retire {line.target_name} with it",
            )
