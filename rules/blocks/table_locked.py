from schemalint.catalog.locks import keeps_out, locks
from schemalint.catalog.model import Rows
from schemalint.rule import Certainty, Change, Severity, Violation, Violations, step

WHAT = {
    "source": "writes to {name} wait",
    "target": "writes to {source} wait inside the trigger",
    "lookup": "writes to {source} wait for what the trigger looks up",
    "parent": "writes to {source} wait for their foreign key",
}


@step("55P03", momentary=True)
def table_locked(change: Change) -> Violations:
    """A short lock on a table that the writers of a sync need.

    ## Why
    The statement only changes the catalog, but its lock is kept until the transaction ends, and it waits in front of all
    others for every transaction that has used the table. Meanwhile every write to the source stands still: one that needs
    the target waits inside its trigger.

    ## Way out
    SET lock_timeout = '2s'; before it, and try again; nothing long after it in the same transaction.

    ## Not reported
    Tables that take no part in a sync, whose writers wait for nobody but themselves; tables made in the same migration,
    which no writer knows yet; locks that writers do not meet, as that of CREATE INDEX CONCURRENTLY; migrations with a
    lock_timeout, of their own or of their runner (`runner.lock_timeout`), which give up rather than let everybody wait.
    """
    if change.sqlstate is not None or change.before.get(("setting", "lock_timeout")) is not None:
        return
    for lock in locks(change.kind, change.node, change.before, change.after):
        relation, part = change.before.relation(lock.relation), change.parts().get(lock.relation)
        if relation is None or part is None or relation.rows is Rows.NONE:
            continue
        if lock.work != "catalog" or not keeps_out(lock.mode, part.role):
            continue
        name = change.before.qualified_name(relation)
        source = part.names.source if part.names is not None else name
        yield Violation(
            key=(change.span.source.path, change.span.start, relation.oid, "lock"),
            message=f"{lock.mode} lock on {name} until the transaction ends: {WHAT[part.role].format(name=name, source=source)}",
            certainty=Certainty.CERTAIN,
            severity=Severity.INFO,
            sync=part.names,
            sqlstate="55P03",
            answer="55P03 canceling statement due to lock timeout, where a writer has set one",
            help="SET lock_timeout = '2s'; first, and nothing long after it in the same transaction",
        )
