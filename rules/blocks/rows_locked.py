from schemalint.catalog.model import Rows
from schemalint.rule import Certainty, Change, Severity, Violation, Violations, step

VERBS = {"UpdateStmt": "UPDATE", "DeleteStmt": "DELETE"}


@step("55P03", momentary=True)
def rows_locked(change: Change) -> Violations:
    """A data migration locks rows that writers of a sync need, until its transaction ends.

    ## Why
    UPDATE and DELETE lock every row that they touch. A write to the source that needs one of them, the row itself, its copy,
    or the parent that its foreign key refers to, waits for the whole migration.

    ## Way out
    In batches, each in a transaction of its own.

    ## Not reported
    Tables that take no part in a sync, whose writers wait for nobody but themselves; tables made in the same migration,
    which no writer knows yet; INSERT, whose new rows nobody else has yet.
    """
    verb = VERBS.get(change.kind)
    if verb is None or change.sqlstate is not None:
        return
    named = change.node["relation"]
    relation = change.before.find_relation(named.get("schemaname"), named["relname"], change.before.search_path)
    part = change.parts().get(relation.oid) if relation is not None else None
    if relation is None or part is None or relation.rows is Rows.NONE or part.role == "lookup":
        return
    name = change.before.qualified_name(relation)
    yield Violation(
        key=(change.span.source.path, change.span.start, relation.oid, "rows"),
        message=f"{verb} locks rows of {name} until the transaction ends: writes to "
        f"{part.names.source if part.names is not None else name} that need one of them wait",
        certainty=Certainty.CONDITIONAL,
        severity=Severity.INFO,
        sync=part.names,
        sqlstate="55P03",
        help="in batches, each in a transaction of its own",
    )
