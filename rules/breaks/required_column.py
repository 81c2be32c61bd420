from schemalint.rule import Certainty, Failing, State, Violations, invariant
from schemalint.rule.steps import safe_steps


@invariant("23502", "23514")
def required_column(state: State) -> Violations:
    """A column of the target that must not be NULL gets no value.

    ## Why
    The trigger's INSERT leaves the column out and it has no default (or one that is NULL), or the trigger writes NULL
    itself. PostgreSQL checks the finished row, so every write to the source raises and is rolled back with the row that
    the application wanted to store. It makes no difference how the column came to demand a value: NOT NULL when it was
    added, SET NOT NULL, DROP DEFAULT, a domain that is NOT NULL, a primary key, NOT NULL … NOT VALID, or
    CHECK (x IS NOT NULL). All of them hold for new rows at once.

    ## Way out
    Three migrations, each safe by itself: add the column with a default (`ADD COLUMN c … NOT NULL DEFAULT …`); replace the
    trigger function with one that supplies the value; then drop the default.

    ## Not reported
    Columns that a BEFORE trigger on the target fills; identity, serial and generated columns, and columns whose default is
    not NULL: PostgreSQL has a value for them. A column that the function supplies by the end of the same migration, as no
    write comes between; tables that no trigger writes to, where each application answers for its own INSERT.
    """
    for failing in state.failing("required-column"):
        failure = failing.failure
        column = state.column_name(failure.relation, failure.column)
        target = state.relation_name(failure.relation)
        left_out = failure.reason.endswith("left out")
        if not left_out and failing.certainty is not Certainty.CERTAIN:
            continue  # NULL on some of the paths: breaks/nullable-value says it
        got = "the trigger leaves it out and it has no default" if left_out else "the trigger writes NULL to it"
        yield state.violation(
            failing,
            f"{target}.{column} must not be NULL, {got}",
            place=f"{column} is left out here" if left_out else "this is NULL",
            help=_steps(state, failing)
            or f"give it a default until the function supplies it: ALTER TABLE {target} ALTER COLUMN {column} SET DEFAULT …;\n"
            f"then replace {state.signature(failing.firing.function)} so that it writes {column}, and drop the default later.\n"
            f"on a table that has rows, adding the column without a default fails at once (23502)",
            at=(state.definition_of(failure),),
        )


def _steps(state: State, failing: Failing) -> str | None:
    """The way out as SQL, where one INSERT of the trigger's own function leaves the column out."""
    failure = failing.failure
    function, target = state.catalog.function(failing.firing.function), state.catalog.relation(failure.relation)
    column = state.column(failure.relation, failure.column)
    if function is None or target is None or column is None or failure.function != function.oid:
        return None
    writes = [
        each
        for path in failing.firing.paths
        for each in path.writes
        if each.operation == "insert" and each.target == target.oid and each.function == function.oid
    ]
    if len({each.span for each in writes}) != 1:
        return None
    return safe_steps(state.catalog, state.source, function, writes[0], target, column)
