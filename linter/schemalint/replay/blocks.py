"""DO blocks: their statements are run in order, as far as constants and the catalog decide the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node
from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.libpg_query import ParseError
from schemalint.parse.plpgsql import BodySyntaxError, parse_body, walk
from schemalint.parse.statements import parse_one
from schemalint.replay.block_functions import UNKNOWN
from schemalint.replay.block_values import Values, as_type
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.functions import excerpt
from schemalint.text import ByteOffsets, Excerpt, Span

# What may or may not have run without a table being another one for it.
HARMLESS = frozenset({
    "GrantStmt", "GrantRoleStmt", "AlterDefaultPrivilegesStmt", "CreateRoleStmt", "AlterRoleStmt", "CommentStmt", "SelectStmt",
    "InsertStmt", "UpdateStmt", "DeleteStmt", "CreateExtensionStmt", "AlterPublicationStmt", "CreatePublicationStmt",
})  # fmt: skip
MOST_TURNS = 10_000  # of a loop over names
CONDITIONS = {
    "duplicate_object": "42710", "duplicate_table": "42P07", "duplicate_column": "42701", "duplicate_function": "42723",
    "duplicate_schema": "42P06", "undefined_table": "42P01", "undefined_column": "42703", "undefined_object": "42704",
    "undefined_function": "42883", "invalid_schema_name": "3F000", "dependent_objects_still_exist": "2BP01",
    "insufficient_privilege": "42501", "unique_violation": "23505", "not_null_violation": "23502", "wrong_object_type": "42809",
    "invalid_table_definition": "42P16", "invalid_parameter_value": "22023", "feature_not_supported": "0A000",
    "raise_exception": "P0001", "invalid_object_definition": "42P17", "datatype_mismatch": "42804",
}  # fmt: skip


class _Returned(Exception):  # noqa: N818
    """RETURN: the block is over."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self.catalog = catalog


class _Left(Exception):  # noqa: N818
    """EXIT or CONTINUE."""

    def __init__(self, catalog: Catalog, statement: tree.Exit, ends: bool) -> None:
        super().__init__()
        self.catalog = catalog
        self.statement = statement
        self.ends = ends


def do_block(catalog: Catalog, node: Node, context: Context) -> Catalog:
    elements = {each["DefElem"]["defname"]: each["DefElem"] for each in node.get("args") or ()}
    language = elements["language"]["arg"]["String"]["sval"] if "language" in elements else "plpgsql"
    if language.lower() != "plpgsql":
        raise NotModelled(f"DO in language {language} is not modelled")
    if "as" not in elements:
        raise Refused("42601", "no inline code specified")
    body = excerpt(elements["as"]["arg"]["String"].get("sval", ""), elements["as"], context)
    try:
        block = parse_body(body.text)
    except BodySyntaxError as error:
        raise Refused("42601", error.message, body.span(error.start, error.end)) from None
    try:
        return _Run(context, body, {}).block(block, catalog)
    except _Returned as returned:
        return returned.catalog


class _Inner:
    """A statement inside the block, as handlers see one."""

    def __init__(self, kind: str, span: Span, locate: Callable[[int], int]) -> None:
        self.kind = kind
        self.span = span
        self.offset = locate


class _Run:
    def __init__(self, context: Context, body: Excerpt, variables: dict[str, Any]) -> None:
        self.context = context
        self.body = body
        self.variables = variables
        self.scalars: set[str] = set()  # variables that hold one value, not a row
        self.types: dict[str, str] = {}
        self.turns = 0  # of all loops

    def span(self, part: tree.Part | tree.Fragment) -> Span:
        return self.body.span(part.start, part.end)

    def statements(self, body: tree.Body, catalog: Catalog) -> Catalog:
        for each in body:
            catalog = self.statement(each, catalog)
        return catalog

    def statement(self, statement: tree.Statement, catalog: Catalog) -> Catalog:
        function = STATEMENTS.get(type(statement))
        if function is None:
            return self.unknown(statement, catalog, f"{type(statement).__name__.upper()} in a DO block is not modelled")
        return function(self, statement, catalog)

    def unknown(self, statement: tree.Statement, catalog: Catalog, reason: str) -> Catalog:
        """What a statement does is not known: that is said, and what it names is tainted."""
        from schemalint.replay.replay import names_in, tainted

        names: list[str] = []
        for each in walk(statement):
            for fragment in _fragments(each):
                names.extend(name for kind, node in _parsed(fragment) if kind not in HARMLESS for name in names_in(node))
        for name in _assigned(statement):
            self.variables[name] = UNKNOWN
        self.remark(statement, reason)
        return tainted(catalog, tuple(dict.fromkeys(names)))

    def remark(self, part: tree.Part, reason: str) -> None:
        from schemalint.finding import Unmodelled

        remark = Unmodelled(self.span(part), reason)
        if remark not in self.context.unmodelled:
            self.context.unmodelled.append(remark)

    # -- values

    def value(self, fragment: tree.Fragment, catalog: Catalog) -> Any:
        parsed = _parsed(fragment)
        if len(parsed) != 1 or parsed[0][0] != "SelectStmt":
            return UNKNOWN
        node = parsed[0][1]
        targets = node.get("targetList") or []
        values = Values(catalog, self.variables)
        if len(targets) == 1 and "fromClause" not in node and "whereClause" not in node:
            return values.of(targets[0]["ResTarget"]["val"])
        rows = values.query(node)
        return UNKNOWN if rows is UNKNOWN else next(iter(rows[0].values())) if rows else None

    def rows(self, fragment: tree.Fragment, catalog: Catalog) -> Any:
        parsed = _parsed(fragment)
        if len(parsed) != 1 or parsed[0][0] != "SelectStmt":
            return UNKNOWN
        return Values(catalog, self.variables).query(parsed[0][1])

    def store(self, name: str, value: Any) -> None:
        """A variable gets a value, as its type has it."""
        self.variables[name] = as_type(value, self.types.get(name, ""))

    # -- statements

    def block(self, block: tree.Block, catalog: Catalog) -> Catalog:
        for each in block.declarations:
            if isinstance(each, tree.Variable):
                self.types[each.name] = each.type_text.text.strip().lower()
                self.store(each.name, self.value(each.default, catalog) if each.default is not None else None)
                if not _holds_row(each.type_text.text):
                    self.scalars.add(each.name)
        if not block.handlers:
            return self.statements(block.body, catalog)
        try:
            return self.statements(block.body, catalog)
        except Refused as refused:
            for handler in block.handlers:
                if any(_catches(each, refused.sqlstate) for each in handler.conditions):
                    # What the block did is undone before its handler runs.
                    return self.statements(handler.body, catalog)
            raise

    def sql(self, statement: tree.Sql, catalog: Catalog) -> Catalog:
        if statement.into is not None:
            return self.into(statement.into, self.rows(statement.query, catalog), catalog)
        return self.run(statement.query, catalog)

    def perform(self, statement: tree.Perform, catalog: Catalog) -> Catalog:
        return self.run(statement.query, catalog)

    def run(self, fragment: tree.Fragment, catalog: Catalog) -> Catalog:
        try:
            parsed = parse_one(fragment.sql)
        except ParseError as error:
            raise Refused("42601", str(error.args[0]), self.span(fragment)) from None
        lead = len(fragment.leader or "")
        offsets = ByteOffsets(fragment.sql)

        def locate(location: int) -> int:
            place = fragment.start + max(0, offsets.character(location) - lead)
            return self.body.span(place, place).start

        for kind, node in parsed:
            catalog = self.handled(kind, node, _Inner(kind, self.span(fragment), locate), catalog)
        return catalog

    def handled(self, kind: str, node: Node, place: _Inner, catalog: Catalog) -> Catalog:
        from schemalint.replay.replay import HANDLERS, names_in, tainted

        context = Context(place, block=True)
        context.unmodelled = self.context.unmodelled
        handler = HANDLERS.get(kind)
        try:
            if handler is None:
                raise NotModelled(f"{kind} is not modelled", *names_in(node))
            return handler(catalog, node, context)
        except Refused as refused:
            refused.span = refused.span or place.span
            raise
        except NotModelled as unknown:
            context.gap(unknown.reason)
            return tainted(catalog, unknown.names)

    def into(self, into: tree.Into, rows: Any, catalog: Catalog) -> Catalog:
        values = [UNKNOWN] if rows is UNKNOWN else list(rows[0].values()) if rows else []
        for place, target in enumerate(into.targets):
            if rows is UNKNOWN:
                self.variables[target[0]] = UNKNOWN
            elif len(into.targets) == 1 and rows and target[0] not in self.scalars:
                self.variables[target[0]] = rows[0]
            else:
                self.store(target[0], values[place] if place < len(values) else None)
        self.variables["found"] = UNKNOWN if rows is UNKNOWN else bool(rows)
        return catalog

    def execute(self, statement: tree.Execute, catalog: Catalog) -> Catalog:
        text = self.value(statement.query, catalog)
        if not isinstance(text, str):
            return self.unknown(statement, catalog, "EXECUTE of a text that is not known")
        try:
            parsed = parse_one(text)
        except ParseError as error:
            raise Refused("42601", str(error.args[0]), self.span(statement)) from None
        span = self.span(statement)
        for kind, node in parsed:
            catalog = self.handled(kind, node, _Inner(kind, span, lambda location: span.start), catalog)
        for target in statement.into.targets if statement.into is not None else ():
            self.variables[target[0]] = UNKNOWN
        return catalog

    def branch(self, statement: tree.If, catalog: Catalog) -> Catalog:
        for each in statement.branches:
            verdict = self.value(each.condition, catalog)
            if verdict is UNKNOWN:
                return self.unknown(statement, catalog, f"IF {each.condition.text}: what it asks is not known")
            if verdict is True:
                return self.statements(each.body, catalog)
        return self.statements(statement.otherwise, catalog) if statement.otherwise else catalog

    def assign(self, statement: tree.Assign, catalog: Catalog) -> Catalog:
        known = len(statement.target_parts) == 1 and not statement.subscripted
        self.store(statement.target_parts[0], self.value(statement.value, catalog) if known else UNKNOWN)
        return catalog

    def loop(self, statement: tree.ForQuery | tree.Foreach, catalog: Catalog) -> Catalog:
        if isinstance(statement, tree.Foreach):
            items = self.value(statement.array, catalog)
            rows: Any = [{"": each} for each in items] if isinstance(items, list) and not statement.slice else UNKNOWN
        else:
            rows = self.rows(statement.query, catalog)
        if rows is UNKNOWN or len(rows) > MOST_TURNS:
            return self.unknown(statement, catalog, "the rows that a loop of a DO block runs over are not known")
        for row in rows:
            single = len(statement.targets) == 1
            values = list(row.values())
            for place, target in enumerate(statement.targets):
                whole = single and isinstance(statement, tree.ForQuery) and target[0] not in self.scalars
                self.store(target[0], row if whole else values[place] if place < len(values) else None)
            catalog, goes_on = self.turn(statement, catalog)
            if not goes_on:
                break
        return catalog

    def turn(self, statement: Any, catalog: Catalog) -> tuple[Catalog, bool]:
        """Once through a loop's body, and whether the loop goes on."""
        self.turns += 1
        if self.turns > MOST_TURNS:
            raise _Returned(self.unknown(statement, catalog, "the loops of a DO block take too many turns"))
        try:
            return self.statements(statement.body, catalog), True
        except _Left as left:
            if left.statement.label not in (None, statement.label):
                raise
            return left.catalog, not left.ends

    def count(self, statement: tree.ForRange, catalog: Catalog) -> Catalog:
        """FOR i IN a..b"""
        lower, upper = self.value(statement.lower, catalog), self.value(statement.upper, catalog)
        step = self.value(statement.step, catalog) if statement.step is not None else 1
        if not all(isinstance(each, int) for each in (lower, upper, step)) or step < 1:
            return self.unknown(statement, catalog, "the bounds of a loop of a DO block are not known")
        numbers = range(lower, upper - 1, -step) if statement.reverse else range(lower, upper + 1, step)
        for number in numbers:
            self.variables[statement.variable] = number
            catalog, goes_on = self.turn(statement, catalog)
            if not goes_on:
                break
        return catalog

    def repeat(self, statement: tree.While | tree.Loop, catalog: Catalog) -> Catalog:
        """WHILE, and LOOP, which only EXIT ends."""
        goes_on = True
        while goes_on:
            verdict = self.value(statement.condition, catalog) if isinstance(statement, tree.While) else True
            if verdict is UNKNOWN:
                return self.unknown(statement, catalog, "how often a loop of a DO block runs is not known")
            if not verdict:
                break
            catalog, goes_on = self.turn(statement, catalog)
        return catalog

    def leave(self, statement: tree.Exit, catalog: Catalog) -> Catalog:
        verdict = True if statement.when is None else self.value(statement.when, catalog)
        if verdict is UNKNOWN:
            raise _Left(self.unknown(statement, catalog, "whether a loop of a DO block goes on is not known"), statement, True)
        if verdict:
            raise _Left(catalog, statement, not statement.is_continue)
        return catalog

    def returned(self, statement: tree.Return, catalog: Catalog) -> Catalog:
        raise _Returned(catalog)

    def raised(self, statement: tree.Raise, catalog: Catalog) -> Catalog:
        if statement.level.lower() != "exception":
            return catalog
        state = _state_of(statement.condition) or "P0001"
        raise Refused(state, statement.format or statement.condition or "exception", self.span(statement), certain=False)


def _holds_row(type_text: str) -> bool:
    return type_text.strip().lower() == "record" or type_text.strip().lower().endswith("%rowtype")


def _fragments(statement: tree.Statement) -> Iterator[tree.Fragment]:
    """The SQL of a statement itself, what is said in inner ones left out."""
    if isinstance(statement, tree.Sql | tree.Perform):
        yield statement.query


def _assigned(statement: tree.Statement) -> Iterator[str]:
    for each in walk(statement):
        if isinstance(each, tree.Assign):
            yield each.target_parts[0]
        elif isinstance(each, tree.Sql | tree.Execute) and each.into is not None:
            yield from (target[0] for target in each.into.targets)


def _parsed(fragment: tree.Fragment) -> list[tuple[str, Node]]:
    try:
        return parse_one(fragment.sql)
    except ParseError:
        return []


def _state_of(condition: str | None) -> str | None:
    if condition is None:
        return None
    if condition.startswith("sqlstate:"):
        return condition.removeprefix("sqlstate:")
    return CONDITIONS.get(condition)


def _catches(condition: str, sqlstate: str) -> bool:
    return condition == "others" or _state_of(condition) == sqlstate


def _nothing(run: _Run, statement: Any, catalog: Catalog) -> Catalog:
    return catalog


STATEMENTS: dict[type[tree.Statement], Callable[[_Run, Any, Catalog], Catalog]] = {
    tree.Block: _Run.block,
    tree.Sql: _Run.sql,
    tree.Perform: _Run.perform,
    tree.Execute: _Run.execute,
    tree.If: _Run.branch,
    tree.Assign: _Run.assign,
    tree.ForQuery: _Run.loop,
    tree.Foreach: _Run.loop,
    tree.ForRange: _Run.count,
    tree.While: _Run.repeat,
    tree.Loop: _Run.repeat,
    tree.Exit: _Run.leave,
    tree.Return: _Run.returned,
    tree.Raise: _Run.raised,
    tree.Null: _nothing,
    tree.GetDiagnostics: _nothing,
    tree.Assert: _nothing,
}
