"""The variables of a PL/pgSQL body that something is assigned to: CREATE FUNCTION refuses names that it does not know."""

from __future__ import annotations

from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.plpgsql_tokens import BodySyntaxError
from schemalint.parse.plpgsql_tree import Block, Name, Part, Statement

EVERYWHERE = frozenset({"found"})
IN_HANDLERS = frozenset({"sqlstate", "sqlerrm"})
IN_TRIGGERS = frozenset(
    {"new", "old", "tg_name", "tg_when", "tg_level", "tg_op", "tg_relid", "tg_relname", "tg_table_name", "tg_table_schema"}
    | {"tg_nargs", "tg_argv"}
)
IN_EVENT_TRIGGERS = frozenset({"tg_event", "tg_tag"})
ROWS = "loop variable of loop over rows must be a record variable or list of scalar variables"


def unknown_variable(block: Block, known: frozenset[str]) -> BodySyntaxError | None:
    """The first target of an assignment, an INTO or a loop that is no variable.

    `known` are the names from outside the body: the function's own, its arguments', and those that a trigger has.
    """
    ahead: list[tuple[Statement, frozenset[str]]] = [(block, known | EVERYWHERE)]
    while ahead:
        statement, names = ahead.pop()
        inside = names | _declared(statement)
        for target, part, message in _targets(statement):
            if target[0] not in names:
                shown = message or f'"{".".join(target)}" is not a known variable'
                return BodySyntaxError(shown, part.start, max(part.start + 1, part.end))
        handled = {id(each) for h in statement.handlers for each in h.body} if isinstance(statement, Block) else set()
        for body in reversed(tree.bodies(statement)):
            ahead.extend((each, inside | IN_HANDLERS if id(each) in handled else inside) for each in reversed(body))
    return None


def _declared(statement: Statement) -> frozenset[str]:
    match statement:
        case tree.Block():
            names = frozenset(each.name for each in statement.declarations)
            return names | {statement.label} if statement.label is not None else names
        case tree.ForRange() | tree.ForCursor():
            return frozenset({statement.variable, *([statement.label] if statement.label else [])})
    return frozenset()


def _targets(statement: Statement) -> list[tuple[Name, Part, str]]:
    """What a statement assigns to, where it stands, and what PostgreSQL says instead of "not a known variable"."""
    match statement:
        case tree.Assign():
            return [(statement.target_parts, statement, "")]
        case tree.Sql(into=tree.Into() as into) | tree.Execute(into=tree.Into() as into):
            return [(each, into, "") for each in into.targets]
        case tree.ForQuery() | tree.ForExecute():
            return [(each, statement, ROWS) for each in statement.targets]
        case tree.Foreach() | tree.Fetch():
            return [(each, statement, "") for each in statement.targets]
        case tree.GetDiagnostics():
            return [(each.target, statement, "") for each in statement.items]
    return []
