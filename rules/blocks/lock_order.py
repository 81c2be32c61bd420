from schemalint.catalog.locks import BLOCKS_WRITES, locks
from schemalint.catalog.model import Rows
from schemalint.rule import Certainty, Change, Severity, Violation, Violations, step


@step("40P01", momentary=True)
def lock_order(change: Change) -> Violations:
    """The migration locks the target first and the source second; writers lock them the other way round.

    ## Why
    A write to the source holds its lock there, and asks for one on the target inside the trigger. A migration that holds the
    target and asks for the source waits for that writer, who waits for the migration: a deadlock, and PostgreSQL ends one of
    them.

    ## Way out
    The source first, or each in a transaction of its own.

    ## Not reported
    Statements in transactions of their own, which let go of the one lock before they ask for the other; tables made in the
    same migration, which no writer knows yet.
    """
    if change.sqlstate is not None or not change.held:
        return
    for lock in locks(change.kind, change.node, change.before, change.after):
        part, relation = change.parts().get(lock.relation), change.before.relation(lock.relation)
        if part is None or relation is None or relation.rows is Rows.NONE or lock.mode not in BLOCKS_WRITES:
            continue
        target = change.before.relation(part.sync.target)
        if part.role != "source" or target is None or target.rows is Rows.NONE:
            continue
        if part.sync.target not in change.held or part.sync.source in change.held:
            continue
        yield Violation(
            key=(change.span.source.path, change.span.start, "lock order"),
            message=f"a deadlock with writers: {change.before.qualified_name(target)} is locked before "
            f"{change.before.qualified_name(relation)}, and the trigger locks them the other way round",
            certainty=Certainty.CONDITIONAL,
            severity=Severity.WARNING,
            sync=part.names,
            sqlstate="40P01",
            answer="40P01 deadlock detected",
            help=f"change {change.before.qualified_name(relation)} first, or each in a transaction of its own",
        )
