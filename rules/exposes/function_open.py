import re

from schemalint.catalog.model import Function
from schemalint.rule import Certainty, Change, Severity, Violation, Violations, step

WRITES = re.compile(r"\b(?:insert\s+into|update|delete\s+from)\s+(?:only\s+)?(?:\"?\w+\"?\.)?\"?(\w+)", re.IGNORECASE)
ASKS = re.compile(r"\b(?:auth\.\w+|session_user|current_setting|has_\w+_privilege|pg_has_role)\b", re.IGNORECASE)


@step(momentary=True)
def function_open(change: Change) -> Violations:
    """Everybody can call a SECURITY DEFINER function that writes a table of the sync.

    ## Why
    EXECUTE on a new function is granted to PUBLIC, and in a schema that an API exposes it is a remote procedure for
    everybody: with the owner's rights, past all policies.

    ## Way out
    REVOKE EXECUTE ON FUNCTION … FROM PUBLIC; GRANT EXECUTE … to those who need it.

    ## Not reported
    Trigger functions, which cannot be called; functions that ask who calls them, which have a check of their own, right or
    wrong; functions that write other tables, whose protection is not the sync's.
    """
    if change.kind != "CreateFunctionStmt" or change.sqlstate is not None:
        return
    for key in change.after.changes_since(change.before) or ():
        function = change.after.get(key) if isinstance(key, int) else None
        if not isinstance(function, Function) or not function.security_definer or function.body is None:
            continue
        if function.result.id in ("trigger", "event_trigger") or ASKS.search(function.body.text):
            continue
        at_last = change.end.function(function.oid) or function
        if not any(each.role == "public" and each.name == "execute" for each in at_last.privileges):
            continue
        written = {each.lower() for each in WRITES.findall(function.body.text)}
        for oid, part in sorted(change.parts().items()):
            table = change.after.relation(oid)
            if table is None or table.name not in written or part.role not in ("source", "target"):
                continue
            yield Violation(
                key=(function.oid, "open"),
                message=f"everybody can call {change.after.qualified_name(function)}(), which writes "
                f"{change.after.qualified_name(table)} with its owner's rights",
                certainty=Certainty.CERTAIN,
                severity=Severity.WARNING,
                sync=part.names,
                help=f"REVOKE EXECUTE ON FUNCTION {change.after.qualified_name(function)} FROM PUBLIC;",
                fix=f"REVOKE EXECUTE ON FUNCTION {change.after.qualified_name(function)} FROM PUBLIC;",
            )
            break
