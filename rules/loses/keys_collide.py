from schemalint.catalog.model import Relation
from schemalint.flow.value import copied_field
from schemalint.rule import Certainty, Place, Severity, State, Violation, Violations, invariant


@invariant(shown_by="a second row with the same key")
def keys_collide(state: State) -> Violations:
    """Two rows of the source become one row of the target.

    ## Why
    The upsert finds the row to update by columns that no longer tell the source's rows apart: its key was made wider, or
    dropped. The second row with the same values overwrites the copy of the first, and no statement raises.

    ## Way out
    Give the target the source's key, and name it in ON CONFLICT.

    ## Not reported
    Tables that collect rows on purpose (counters, latest values), which were never copies row by row, so that no row goes
    missing.
    """
    for sync in state.mirrors:
        for _, path, write in state.writes(sync):
            conflict = write.conflict
            if conflict is None or not conflict.update or not conflict.columns or not path.typical:
                continue
            fields = [copied_field(write.value_of(each).term) for each in conflict.columns]
            columns = {each.column for each in fields if each is not None and each.relation == sync.source}
            if len(columns) != len(fields) or _is_unique(state.source, columns):
                continue
            names = ", ".join(state.column_name(sync.source, each) for each in sorted(columns))
            yield Violation(
                key=(sync.source, sync.identity, "keys"),
                message=f"rows of {state.relation_name(sync.source)} with the same {names} overwrite each other in "
                f"{state.relation_name(sync.target)}",
                certainty=Certainty.CONDITIONAL,
                severity=Severity.WARNING,
                sync=state.names_of_sync(sync),
                related=(Place(write.span, "the copy is found by these columns only"),),
                help=f"give {state.relation_name(sync.target)} the source's key, and name it in ON CONFLICT",
            )


def _is_unique(relation: Relation, columns: set[int]) -> bool:
    keys = [each for each in relation.indexes if each.unique and each.valid and each.predicate is None and 0 not in each.columns]
    return any(each.columns and set(each.columns) <= columns for each in keys)
