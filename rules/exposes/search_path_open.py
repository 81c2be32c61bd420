import re

from schemalint.catalog import access
from schemalint.catalog.model import Function
from schemalint.rule import Certainty, Severity, State, Violation, Violations, invariant

UNQUALIFIED = re.compile(r"\b(?:into|update|from|join)\s+(?:only\s+)?([a-z_][a-z0-9_]*)(?![\w.\"(])", re.IGNORECASE)
NO_TABLES = frozenset({"set", "select", "lateral", "new", "old", "strict", "only", "values", "distinct"})


@invariant()
def search_path_open(state: State) -> Violations:
    """Others can put a table of their own in the way of a SECURITY DEFINER sync function.

    ## Why
    The function runs with its owner's rights and looks up its tables through the search_path. Without SET search_path that
    is the caller's; and pg_temp is searched first unless it is named. A temporary table called like the target takes the
    write, and a trigger on it runs as the owner of the function.

    ## Way out
    SET search_path = '' with qualified names, or SET search_path = public, pg_temp.

    ## Not reported
    SECURITY INVOKER functions, which have no rights but the caller's; functions whose table names are all qualified, which
    nothing can stand in front of; a path that ends with pg_temp, which is then searched last. A path that lacks pg_temp
    from the first day on is an info; one that has lost it is a warning.
    """
    seen: set[int] = set()
    for sync in state.mirrors:
        for carried in sync.carried:
            for firing in carried.firings:
                function = state.catalog.function(firing.function)
                if function is None or function.oid in seen or not function.security_definer or not _has_plain_names(function):
                    continue
                seen.add(function.oid)
                found = _gap(function, state)
                if found is None:
                    continue
                what, severity = found
                yield Violation(
                    key=(function.oid, "search_path", what),
                    message=f"{state.signature(function.oid)} is SECURITY DEFINER, and {what}",
                    at=(function.span,),
                    certainty=Certainty.CERTAIN,
                    severity=severity,
                    sync=state.names(firing, sync.target),
                    help=f"ALTER FUNCTION {state.signature(function.oid)} SET search_path = public, pg_temp;",
                    fix=f"ALTER FUNCTION {state.signature(function.oid)} SET search_path = public, pg_temp;",
                )


def _gap(function: Function, state: State) -> tuple[str, Severity] | None:
    path = dict(function.settings).get("search_path")
    if path is None:
        return "its tables are looked up in the caller's search_path", Severity.WARNING
    opened = access.open_schemas(path, state.catalog)
    if opened:
        return f"everybody may create tables in {opened[0]}, where its tables are looked up", Severity.WARNING
    if access.is_safe_path(path):
        return None
    lost = state.catalog.get(("safe search_path", function.oid))
    return "temporary tables come before its own: pg_temp is not in its search_path", Severity.WARNING if lost else Severity.INFO


def _has_plain_names(function: Function) -> bool:
    text = function.body.text if function.body is not None else ""
    return any(each.lower() not in NO_TABLES for each in UNQUALIFIED.findall(text))
