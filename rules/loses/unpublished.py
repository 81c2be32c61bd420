from schemalint.catalog.model import Relation, RelationKind
from schemalint.catalog.publishing import Sent, publications_of
from schemalint.rule import Certainty, Severity, State, Sync, Violation, Violations, invariant


@invariant(shown_by="a subscriber")
def unpublished(state: State) -> Violations:
    """Changes of the target are copied, and no longer sent on to those who subscribe to it.

    ## Why
    Old clients listen to the target through a publication (Supabase Realtime, logical replication). ALTER PUBLICATION …
    DROP or SET TABLE, a publication made anew with another list, or a table rebuilt and swapped in by renaming: the rows
    arrive in the target, and the listeners hear nothing. The same holds for a row filter, for a column that the list of
    columns does not name, and for a table that has become partitioned, whose changes go out under its partitions' names.

    ## Way out
    ALTER PUBLICATION … ADD TABLE in the same migration; publish_via_partition_root for a partitioned table.

    ## Not reported
    Tables that were never published under their name, to which nobody listens; a table that another publication still
    sends.
    """
    for sync in state.mirrors:
        target = state.catalog.relation(sync.target)
        if target is None or not sync.carried or any(state.fails(each.event) for each in sync.carried):
            continue
        was = state.catalog.get(("published", target.schema, target.name))
        if was is None:
            continue
        found = _missing(target, publications_of(target, state.catalog), was)
        for kind, what in found:
            yield _violation(state, sync, target, kind, what)


def _missing(target: Relation, sent: list[Sent], was: tuple[bool, bool]) -> list[tuple[object, str]]:
    whole, plain = was
    if not sent:
        return [("none", "no publication has it any more")]
    found: list[tuple[object, str]] = []
    if whole and all(own is not None and own.where is not None for _, own in sent):
        found.append(("rows", "the publication filters its rows"))
    if plain and target.kind is RelationKind.PARTITIONED_TABLE and not any(each.via_root for each, _ in sent):
        found.append(("root", "they go out under the names of its partitions"))
    if all(own is not None and own.columns for _, own in sent):
        named = {number for _, own in sent if own is not None for number in own.columns}
        for each in target.columns:
            if each.number not in named and each.number > max(named):
                found.append((each.number, f"the publication's list of columns does not have {each.name}"))
    return found


def _violation(state: State, sync: Sync, target: Relation, kind: object, what: str) -> Violation:
    name = state.catalog.qualified_name(target)
    return Violation(
        key=(sync.source, target.schema, target.name, "published", kind),
        message=f"subscribers of {name} no longer hear of all that the sync writes: {what}",
        certainty=Certainty.CERTAIN,
        severity=Severity.WARNING,
        sync=state.names_of_sync(sync),
        help=f"ALTER PUBLICATION … ADD TABLE {name}; in the same migration",
    )
