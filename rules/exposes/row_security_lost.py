from schemalint.catalog import access
from schemalint.catalog.model import Relation
from schemalint.rule import Certainty, Severity, State, Violation, Violations, invariant


@invariant()
def row_security_lost(state: State) -> Violations:
    """A table of the sync lets roles read or write rows that row security kept from them.

    ## Why
    The same rows stand in two tables. Where one of them has row security and the other has not, those who may read the
    other see everything: after DISABLE ROW LEVEL SECURITY, for a new target that default privileges open to all, for a table
    that was rebuilt (LIKE copies neither row security nor policies). On the source, anybody can then forge rows, and the
    trigger carries them over with its owner's rights.

    ## Way out
    ENABLE ROW LEVEL SECURITY and the same policies, in the same migration.

    ## Not reported
    Roles that see all rows of the other table as well, to whom nothing new is shown; tables that nobody was granted
    anything on, which only their owner reaches.
    """
    for sync in state.mirrors:
        target = state.catalog.relation(sync.target)
        for table, other in ((target, state.source), (state.source, target)):
            if table is None or other is None or table.row_security:
                continue
            had = bool(state.catalog.get(("had row security", table.schema, table.name)))
            if not had and not (other.row_security and table is target):
                continue
            roles = [each for each in _open_to(table, had, state) if not access.reads_all(each, other, state.catalog) or had]
            if not roles:
                continue
            name = state.catalog.qualified_name(table)
            why = "it had row security, and has none now" if had else f"{state.catalog.qualified_name(other)} has row security"
            yield Violation(
                key=(sync.source, sync.identity, "row security", table.oid),
                message=f"{', '.join(roles)} can get at every row of {name}: {why}",
                at=(table.span,),
                certainty=Certainty.CERTAIN,
                severity=Severity.ERROR if had else Severity.WARNING,
                sync=state.names_of_sync(sync),
                help=f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY; with the policies of {state.catalog.qualified_name(other)}",
            )


def _open_to(table: Relation, had: bool, state: State) -> list[str]:
    """The roles that row security would bind: readers, and where it was taken away, writers too."""
    named = set(access.readers(table, state.catalog))
    if had:
        named |= set(access.grantees(table, "insert", state.catalog))
    return sorted(each for each in named if each not in access.PAST_ROW_SECURITY)
