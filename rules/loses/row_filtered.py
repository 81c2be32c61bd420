from schemalint.rule import Certainty, State, Violations, invariant


@invariant()
def row_filtered(state: State) -> Violations:
    """Rows that used to reach the target are left behind.

    ## Why
    The trigger still fires, but its events were narrowed, a WHEN was added, or the function now returns before its write,
    has no branch for the event, or swallows the error and goes on. Writes succeed, and some or all rows do not arrive.

    ## Way out
    Take the event or the branch back in, or copy what is left out by another trigger.

    ## Not reported
    Conditions that have always been there, which are what the sync is; conditions on a custom setting or on
    pg_trigger_depth() that ordinary sessions do not meet; an UPDATE that is skipped because nothing that is copied has
    changed.
    """
    for line in state.lost():
        if state.reason_of_loss(line) == "filtered":
            yield state.loss(
                line,
                f"{state.of_event(line)} no longer reach {line.target_name}: the trigger does not carry them any more",
                help=f"let {line.function_name} write to {line.target_name} on {line.event.upper()} again",
            )
    for line, carried in state.narrowed():
        texts = " and ".join(carried.skipped_texts[:2])
        yield state.loss(
            line,
            f"some {state.of_event(line)} no longer reach {line.target_name}: none where {texts}",
            help="take the condition back, or carry the rows that it leaves out by another trigger",
            certainty=Certainty.CONDITIONAL,
            kind="narrowed",
        )
