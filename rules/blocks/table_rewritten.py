from schemalint.catalog.locks import keeps_out, locks
from schemalint.catalog.model import Rows
from schemalint.rule import Certainty, Change, Severity, Violation, Violations, step

WORK = {
    "rewrite": "the whole table is written anew",
    "scan": "the whole table is read",
    "build": "an index over the whole table is built",
}
INSTEAD = {
    "rewrite": "add a column without the volatile default, or a new column of the new type, and fill it in batches",
    "scan": "add the constraint NOT VALID, and VALIDATE CONSTRAINT in a migration of its own",
    "build": "CREATE INDEX CONCURRENTLY in a migration of its own, then ADD CONSTRAINT … USING INDEX",
}


@step("55P03", momentary=True)
def table_rewritten(change: Change) -> Violations:
    """A long piece of work on a table that the writers of a sync need, under a lock that keeps them out.

    ## Why
    The statement rewrites or scans the table, or builds an index, and holds its lock meanwhile. On a table of some size that
    takes minutes, in which no write to the source goes through, neither directly nor, where it is the target or a table that
    the trigger reads, inside the trigger.

    ## Way out
    NOT VALID and then VALIDATE CONSTRAINT; CREATE INDEX CONCURRENTLY; a CHECK (x IS NOT NULL) that is validated before SET
    NOT NULL; a new column that is filled in batches.

    ## Not reported
    Tables that take no part in a sync, whose writers wait for nobody but themselves; tables made in the same migration or
    known to be empty, where the work is none; changes of type that leave the rows as they are (varchar to text, a larger
    length); SET NOT NULL that a validated CHECK already proves, which PostgreSQL believes without a scan.
    """
    if change.sqlstate is not None:
        return
    for lock in locks(change.kind, change.node, change.before, change.after):
        relation, part = change.before.relation(lock.relation), change.parts().get(lock.relation)
        if relation is None or part is None or relation.rows is Rows.NONE or lock.work == "catalog":
            continue
        if not keeps_out(lock.mode, part.role):
            continue
        name = change.before.qualified_name(relation)
        source = part.names.source if part.names is not None else name
        yield Violation(
            key=(change.span.source.path, change.span.start, relation.oid, "work"),
            message=f"writes to {source} wait while {WORK[lock.work]}: {lock.why} ({lock.mode} lock on {name})",
            certainty=Certainty.CERTAIN,
            severity=Severity.WARNING,
            sync=part.names,
            sqlstate="55P03",
            answer="55P03 canceling statement due to lock timeout, where a writer has set one",
            help=INSTEAD[lock.work],
        )
