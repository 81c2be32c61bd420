from schemalint.flow.sync import Carried, Provenance, Remembered
from schemalint.rule import Certainty, Severity, State, Violation, Violations, invariant


@invariant(shown_by="a comparison of columns")
def value_replaced(state: State) -> Violations:
    """The same statement of the trigger now writes something else into a column.

    ## Why
    Nobody touched the function. But its INSERT has no column list and the target's columns stand in another order, or a new
    column has the name of a variable or of an outer column, and captures it. Writes succeed with the wrong value.

    ## Way out
    Name the columns in the INSERT, and qualify names in queries; then repeat the change.

    ## Not reported
    Functions that were replaced, where somebody has written the new value; writes that fail, which is an error of its own;
    values that are computed from fewer or more of the same columns than before, which are the same thing in other words.
    """
    for line in state.ledger:
        carried = state.now(line)
        if (
            carried is None
            or state.fails(line.event)
            or not line.mirror
            or not carried.complete
            or _body(state, carried) != line.body
            or not line.body
        ):
            continue
        now = {each.name: each for each in carried.provenance}
        for old in line.provenance:
            new = now.get(_name(state, line, old))
            if new is not None and _differs(old.inputs, new.inputs):
                yield _violation(state, line, new)


def _body(state: State, carried: Carried) -> str:
    function = state.catalog.function(carried.firings[0].function) if carried.firings else None
    return function.body.text if function is not None and function.body is not None else ""


def _name(state: State, line: Remembered, old: Provenance) -> str:
    """What the column is called now; a column that was dropped lives on in one that took its name."""
    column = state.column(line.target, old.column)
    return column.name if column is not None else old.name


def _differs(old: frozenset[str], new: frozenset[str]) -> bool:
    return bool(old) and (not new or not (old <= new or new <= old))


def _violation(state: State, line: Remembered, new: Provenance) -> Violation:
    return Violation(
        key=(line.source, line.identity, "replaced", line.event, new.name),
        message=f"{line.target_name}.{new.name} gets another value than before, by the same statement of {line.function_name}",
        at=(state.column_span(line.target, new.column),),
        certainty=Certainty.CERTAIN,
        severity=Severity.ERROR,
        sync=state.names_of(line),
        help=f"name the columns of the INSERT in {line.function_name}, and qualify the names in its queries",
    )
