from schemalint.rule import Certainty, State, Violations, invariant


@invariant("22P02", "22007", shown_by="another text")
def input_refused(state: State) -> Violations:
    """A text that the trigger reads as another type can be one that this type does not take.

    ## Why
    `NEW.content::jsonb`, `NEW.status::text::old_status`, or an assignment in PL/pgSQL between types that have no cast: the
    value goes through its text, and what is no JSON, no number or no label of the enum raises. A label that the source's
    enum has gained, and the target's has not, is such a text.

    ## Way out
    Keep such texts out of the source (a CHECK, the same enum), or read them in an IF that asks pg_input_is_valid() first.
    (In a CASE, PostgreSQL may read the value while it plans the statement.)

    ## Not reported
    Values that the source's type, an enum or a CHECK keeps to texts that fit; texts that a condition around the cast is
    about, which is there to let only good ones through; constants, which fail at once or never; computed texts, in triggers
    that copy nothing: what they can be is a guess.
    """
    for failing in state.failing("input-syntax"):
        written = {write.target for path in failing.firing.paths for write in path.writes}
        if failing.certainty is Certainty.UNKNOWN and not any(each.target in written for each in state.mirrors):
            continue  # of a trigger that copies nothing
        yield state.violation(
            failing,
            f"a text that is no {failing.failure.reason} is read as one",
            place="read here",
            help="keep such texts out of the source with a CHECK, or read them in an IF that asks pg_input_is_valid first",
        )
