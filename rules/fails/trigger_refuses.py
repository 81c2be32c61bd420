from schemalint.catalog.model import Rows
from schemalint.rule import Certainty, Change, Severity, Violation, Violations, step

EVENTS = {"InsertStmt": "insert", "UpdateStmt": "update", "DeleteStmt": "delete"}


@step("42703", "42P01", "23502", "42804", "42883", momentary=True)
def trigger_refuses(change: Change) -> Violations:
    """A data migration fires a trigger that fails in the state in which it finds the schema.

    ## Why
    An UPDATE in a migration fires the table's triggers like any other. Between a change of the schema and the statement
    that replaces the function, the trigger still runs its old body, and its error ends the migration. On an empty database
    nothing is updated, nothing fires, and all is green.

    ## Way out
    Replace the function before the rows are touched, or leave the data to a migration of its own.

    ## Not reported
    Tables that are known to be empty, where no trigger fires; triggers that fail for some rows only, as the rows in
    production are not known.
    """
    event = EVENTS.get(change.kind)
    if event is None or change.sqlstate is not None:
        return
    named = change.node["relation"]
    relation = change.before.find_relation(named.get("schemaname"), named["relname"], change.before.search_path)
    if relation is None or not relation.triggers or (event != "insert" and relation.rows is Rows.NONE):
        return
    failure = change.refusing(relation.oid, event)
    if failure is None:
        return
    sure = event != "insert" and relation.rows is Rows.SOME
    sure = sure or (event == "insert" and "valuesLists" in change.node.get("selectStmt", {}).get("SelectStmt", {}))
    yield Violation(
        key=(change.span.source.path, change.span.start, "trigger", failure.sqlstate),
        message=f"PostgreSQL refuses this{'' if sure else ' where it finds a row'}: the trigger that it fires fails, "
        f"{failure.message}",
        certainty=Certainty.CERTAIN if sure else Certainty.CONDITIONAL,
        severity=Severity.ERROR if sure else Severity.WARNING,
        sqlstate=failure.sqlstate,
        answer=f"{failure.sqlstate} {failure.message}",
        help="replace the trigger's function first, or touch the rows in a migration of its own",
    )
