from schemalint.catalog.model import Rows
from schemalint.rule import Certainty, Severity, State, Violation, Violations, invariant


@invariant(shown_by="older rows")
def old_values_dropped(state: State) -> Violations:
    """A column that the sync fills was dropped and made again: the values of the rows that were there are gone.

    ## Why
    DROP COLUMN and ADD COLUMN of the same name look like a change of type. The trigger goes on writing the column, and
    every older copy has NULL or a default in it.

    ## Way out
    ALTER COLUMN … TYPE … USING keeps the values; or copy them over from the source in the same migration.

    ## Not reported
    Tables that are known to be empty, which have no values to lose; columns that come back under another name, or as
    generated ones: that is another column, not the same one made again.
    """
    for line in state.ledger:
        target = state.catalog.relation(line.target)
        if target is None or target.oid != line.identity or target.rows is Rows.NONE or not line.mirror:
            continue
        for old in line.provenance:
            column = target.column(old.name)
            if column is None or column.generated or target.column_numbered(old.column) is not None or line.event == "delete":
                continue
            yield Violation(
                key=(line.source, line.identity, "dropped", old.name),
                message=f"the values that rows of {line.target_name} had in {old.name} are gone: it was dropped and made again",
                at=(column.span,),
                certainty=Certainty.CERTAIN,
                severity=Severity.WARNING,
                sync=state.names_of(line),
                help=f"ALTER TABLE {line.target_name} ALTER COLUMN {old.name} TYPE … USING … keeps them",
            )
