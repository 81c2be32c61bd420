from schemalint.catalog.model import Relation
from schemalint.rule import Certainty, Place, Remembered, Severity, State, Sync, Violation, Violations, invariant


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
    for sync in state.kept:
        yield from _of_rows(state, sync)


def _of_rows(state: State, sync: Sync) -> Violations:
    """A row variable that is inserted whole hands over NULL for a column that the function knows nothing of."""
    target, carried = state.catalog.relation(sync.target), sync.on("insert")
    if target is None or carried is None or carried.write is None or state.fails("insert"):
        return
    for each in carried.write.assignments:
        column = target.column_numbered(each.column)
        if column is None or column.default is None or column.not_null or column.generated or each.value.null != "always":
            continue
        if not each.given or each.span is None or not each.span.text.rstrip("() *").endswith("."):
            continue
        yield Violation(
            key=(sync.source, sync.identity, "default", each.name),
            message=f"new rows of {state.relation_name(target.oid)} get NULL in {each.name} instead of its default: the function "
            "inserts a whole row",
            at=(column.span,),
            certainty=Certainty.CERTAIN,
            severity=Severity.WARNING,
            sync=state.names_of_sync(sync),
            related=(Place(each.span, "the whole row, with NULL where nothing was assigned"),),
            help=f"name the columns that the INSERT is about, or assign {each.name}",
        )


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
