from collections.abc import Iterator

from schemalint.catalog.model import Relation
from schemalint.flow.value import Call, Choice, Looked, Term
from schemalint.rule import Certainty, Place, Severity, State, Violation, Violations, invariant


@invariant(shown_by="more rows of what is looked up")
def lookup_arbitrary(state: State) -> Violations:
    """A value is looked up by columns that several rows can share: the copy gets that of any of them.

    ## Why
    SELECT … INTO takes the first row that comes. Where the key of the table that is looked up was dropped or made wider,
    several rows match, and which of them is first is nobody's choice: a message can go to the wrong person.

    ## Way out
    Look up by a unique key, or say with ORDER BY which row is meant.

    ## Not reported
    INTO STRICT and subqueries, which fail instead; look-ups by a unique key, which find one row at most; tables that are
    looked up without a condition, which are made to have one row.
    """
    strict = {each.failure.reason for each in state.failing("many-rows")}
    for sync in state.mirrors:
        for carried, path, write in state.writes(sync):
            if carried.event == "delete" or not path.typical:
                continue
            for each in write.assignments:
                found = next((term for term in _looked(each.value.term) if term.by), None)
                table = state.catalog.relation(found.relation) if found is not None else None
                if found is None or table is None or not each.given or table.oid in (sync.target, sync.source):
                    continue
                if any(table.name in each for each in strict) or _is_unique(table, {column for column, _ in found.by}):
                    continue
                name = state.catalog.qualified_name(table)
                columns = ", ".join(state.column_name(table.oid, column) for column, _ in found.by)
                yield Violation(
                    key=(sync.source, sync.identity, each.column, "arbitrary"),
                    message=f"{state.relation_name(sync.target)}.{each.name} comes from any row of {name} with the same "
                    f"{columns}: nothing keeps it to one",
                    certainty=Certainty.CONDITIONAL,
                    severity=Severity.WARNING,
                    sync=state.names_of_sync(sync),
                    related=(Place(each.span, "looked up for this"),) if each.span is not None else (),
                    help=f"a unique constraint on {name} ({columns}), or ORDER BY … LIMIT 1",
                )


def _looked(term: Term) -> Iterator[Looked]:
    """What is looked up for a value, but for the first row of several that a query asks for itself."""
    match term:
        case Looked():
            yield term
        case Call(name="limit 1"):
            return
        case Call():
            for each in term.arguments:
                yield from _looked(each)
        case Choice():
            for each in term.of:
                yield from _looked(each)


def _is_unique(relation: Relation, columns: set[int]) -> bool:
    keys = [each for each in relation.indexes if each.unique and each.valid and each.predicate is None and 0 not in each.columns]
    return any(each.columns and set(each.columns) <= columns for each in keys)
