from schemalint.catalog.model import Relation
from schemalint.rule import Certainty, Remembered, Severity, State, Violation, Violations, invariant


@invariant(shown_by="a comparison with older rows")
def default_gone(state: State) -> Violations:
    """Copies used to get a default in a column that the trigger leaves out, and now get NULL.

    ## Why
    The function does not name the column, so that its default fills it. After DROP DEFAULT, a table rebuilt without its
    defaults, or an INSERT that now hands over NULL for the whole row, new copies hold NULL where all older ones hold a value.

    ## Way out
    Let the function write the value before the default goes.

    ## Not reported
    Columns that the function writes itself, which never had the default; columns that are gone; NOT NULL columns, where the
    write fails instead.
    """
    for line in state.ledger:
        carried = state.now(line)
        target = state.catalog.relation(line.target)
        if line.event != "insert" or carried is None or carried.write is None or target is None or not line.mirror:
            continue
        yield from _of_line(state, line, target)


def _of_line(state: State, line: Remembered, target: Relation) -> Violations:
    carried = state.now(line)
    assert carried is not None and carried.write is not None
    for each in carried.write.assignments:
        column = target.column_numbered(each.column)
        if each.name not in line.defaults or column is None or each.value.null != "always" or column.not_null:
            continue
        if each.given and each.span is not None and each.span.text.upper() == "NULL":
            continue  # written so on purpose
        yield Violation(
            key=(line.source, line.identity, "default", each.name),
            message=f"new rows of {state.relation_name(target.oid)} get NULL in {each.name}, where older ones have its default",
            at=(column.span,),
            certainty=Certainty.CERTAIN,
            severity=Severity.WARNING,
            sync=state.names_of(line),
            help=f"let {line.function_name} write {each.name} before its default goes",
        )
