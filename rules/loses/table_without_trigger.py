from schemalint.catalog.model import Relation, RelationKind
from schemalint.rule import Certainty, Severity, State, Violation, Violations, invariant


@invariant(shown_by="rows of another table")
def table_without_trigger(state: State) -> Violations:
    """A partition or child table takes rows of the source, and the trigger does not stand on it.

    ## Why
    A trigger on one partition fires for that partition only, and a trigger on a parent table does not fire for the tables
    that inherit from it. A new partition, or a child made with INHERITS, brings none along: its rows are seen by everybody
    who reads the source, and never copied.

    ## Way out
    Put the trigger on the partitioned table, which gives it to every partition; create it on each child table.

    ## Not reported
    Partitions of a table that has the trigger itself, which come with it; tables with a trigger of the same function, which
    copies their rows too.
    """
    for sync in state.mirrors:
        functions = {firing.function for carried in sync.carried for firing in carried.firings}
        if not functions:
            continue
        for other in _others(state):
            if functions & {each.function for each in other.triggers}:
                continue
            name = state.catalog.qualified_name(other)
            yield Violation(
                key=(sync.source, sync.identity, "without trigger", other.oid),
                message=f"rows of {name} belong to {state.relation_name(_root(state))} and never reach "
                f"{state.relation_name(sync.target)}: it has no such trigger",
                at=(other.span,),
                certainty=Certainty.CERTAIN,
                severity=Severity.WARNING,
                sync=state.names_of_sync(sync),
                help=f"create the trigger on {name} too, or on the partitioned table in place of its partitions",
            )


def _root(state: State) -> int:
    return state.source.partition_of if state.source.partition_of is not None else state.source.oid


def _others(state: State) -> list[Relation]:
    """The source's sister partitions, and the tables that inherit from it."""
    source = state.source
    found = [state.catalog.relation(each) for each in sorted(state.catalog.users(_root(state)))]
    plain = [each for each in found if each is not None and each.oid != source.oid and each.kind is RelationKind.TABLE]
    if source.partition_of is not None:
        if all(each.parent is not None for each in source.triggers):
            return []
        return [each for each in plain if each.partition_of == source.partition_of]
    return [each for each in plain if source.oid in each.parents]
