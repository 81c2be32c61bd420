"""What an expression or a query reads: columns, relations, functions, types; and the columns that a query yields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from schemalint.catalog.catalog import SYSTEM_SCHEMAS, Catalog
from schemalint.catalog.model import UNKNOWN, Expression, Node, Reference, Relation, RelationKind, Type
from schemalint.catalog.type_names import strings, type_of
from schemalint.replay.context import Refused
from schemalint.replay.names import find_named, list_name, plain_path
from schemalint.replay.output_names import literal_text, output_name, split_name
from schemalint.text import Span

ROW_TYPES = (RelationKind.COMPOSITE_TYPE,)
SEQUENCE_FUNCTIONS = ("nextval", "currval", "setval")
SYSTEM_COLUMNS = ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid")


class Output(NamedTuple):
    """A column that a table of a FROM list, or a query, offers."""

    name: str
    type: Type
    reference: Reference | None = None


class Table(NamedTuple):
    """An entry of a FROM list."""

    name: str
    columns: tuple[Output, ...]
    schema: str | None = None
    relation: int | None = None
    complete: bool = True  # False where its columns are not all known
    merged: tuple[str, ...] = ()  # columns that USING has merged: in no `*`, but to be had by the table's name

    def column(self, name: str) -> Output | None:
        for each in self.columns:
            if each.name == name:
                return each
        return None


class Scope(NamedTuple):
    tables: tuple[Table, ...]
    outer: Scope | None = None
    queries: tuple[tuple[str, Table], ...] = ()  # of WITH

    def query(self, name: str) -> Table | None:
        for each, table in reversed(self.queries):
            if each == name:
                return table
        return self.outer.query(name) if self.outer is not None else None


NOWHERE = Scope(())


def table_of(relation: Relation, catalog: Catalog, name: str | None = None) -> Table:
    oid = relation.oid
    columns = tuple([Output(c.name, c.type, Reference(oid, c.number)) for c in relation.columns])
    return Table(name or relation.name, columns, catalog.schema_name(relation.schema), oid, not relation.tainted)


def renamed(table: Table, alias: Node | None) -> Table:
    """The table under its alias, with the columns that the alias names."""
    if not alias:
        return table
    names = strings(alias.get("colnames"))
    columns = tuple(each._replace(name=names[place]) if place < len(names) else each for place, each in enumerate(table.columns))
    return table._replace(name=alias.get("aliasname", table.name), columns=columns, schema=None)


class Reader:
    """Collects what is read while it walks a tree."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.path = plain_path(catalog)
        self.references: dict[Reference, None] = {}
        self.functions: dict[int, None] = {}
        self.nodes: list[tuple[Node, Reference]] = []  # ColumnRef and RangeVar nodes with what they mean
        self.missing: list[tuple[Node, str]] = []  # ColumnRef nodes that mean no column
        self.absent: list[Node] = []  # RangeVar nodes that mean no relation
        self.resolved = True
        self.selected: dict[int, tuple[Node, tuple[Output, ...]]] = {}  # what each SelectStmt yields, by its identity

    # -- expressions

    def visit(self, node: Any, scope: Scope) -> None:
        if type(node) is list:
            for each in node:
                self.visit(each, scope)
            return
        for key, value in node.items():
            handler = HANDLERS.get(key)
            if handler is not None:
                handler(self, value, scope)
            elif type(value) is dict or type(value) is list:
                self.visit(value, scope)

    def read(self, reference: Reference, node: Node | None = None) -> None:
        self.references[reference] = None
        if node is not None:
            self.nodes.append((node, reference))

    def column_reference(self, node: Node, scope: Scope) -> None:
        fields = node.get("fields") or [{}]
        output = self.find_column(strings(fields), scope, "A_Star" in fields[-1])
        if output is None:
            self.missing.append((node, ".".join(strings(fields))))
        elif output.reference is not None:
            self.read(output.reference, node)

    def find_column(self, names: list[str], scope: Scope, star: bool = False) -> Output | None:
        """What a ColumnRef means; None where no table in sight has it."""
        level: Scope | None = scope
        certain = True
        while level is not None:
            for table in level.tables:
                certain = certain and table.complete
                if star:
                    if not names or table.name == names[-1]:
                        return Output("", UNKNOWN)
                    continue
                if len(names) > 1 and (table.name != names[-2] or (len(names) > 2 and table.schema not in (None, names[-3]))):
                    continue
                if (found := table.column(names[-1])) is not None:
                    return found
                if len(names) > 1 and names[-1] in SYSTEM_COLUMNS:
                    return Output(names[-1], UNKNOWN)
            level = level.outer
        if star or not certain or not names or (len(names) == 1 and names[0] in SYSTEM_COLUMNS):
            return Output("", UNKNOWN)
        return self._whole_row(names, scope)

    def _whole_row(self, names: list[str], scope: Scope) -> Output | None:
        level: Scope | None = scope
        while level is not None:
            for table in level.tables:
                if table.name == names[0] or (len(names) > 1 and table.column(names[0]) is not None):
                    return Output(table.name, Type(table.relation) if table.relation else UNKNOWN)
            level = level.outer
        return None

    def function_call(self, node: Node, scope: Scope) -> None:
        names = strings(node.get("funcname"))
        arguments = node.get("args") or []
        if names[-1] in SEQUENCE_FUNCTIONS and arguments:
            self._sequence(arguments[0])
        else:
            self._function(names, len(arguments))
        for key in ("args", "agg_order", "agg_filter", "over"):
            if key in node:
                self.visit(node[key], scope)

    def _function(self, names: list[str], count: int) -> None:
        schema = names[-2] if len(names) > 1 else None
        found = [
            each
            for each in self.catalog.find_functions(schema, names[-1], self.path)
            if len(each.input_types) >= count or any(a.mode == "variadic" for a in each.arguments)
        ]
        exact = [each for each in found if len(each.input_types) == count]
        candidates = exact or found
        if len(candidates) == 1:
            self.functions[candidates[0].oid] = None

    def _sequence(self, argument: Node) -> None:
        text = literal_text(argument)
        if text is None:
            return
        found = find_named(self.catalog, *split_name(text))
        if isinstance(found, Relation):
            self.read(Reference(found.oid))

    def type_cast(self, node: Node, scope: Scope) -> None:
        self.type_name(node.get("typeName") or {}, scope)
        text = literal_text(node.get("arg") or {})
        names = strings((node.get("typeName") or {}).get("names"))
        if text is not None and names[-1:] == ["regclass"]:
            self._sequence(node["arg"])
        self.visit(node.get("arg") or {}, scope)

    def type_name(self, node: Node, scope: Scope) -> None:
        if (found := type_of(node, self.catalog, self.path)) is not None and isinstance(found.id, int):
            self.read(Reference(abs(found.id)))

    # -- queries

    def subquery(self, node: Node, scope: Scope) -> None:
        self.select(node, scope)

    def select(self, node: Node, outer: Scope) -> tuple[Output, ...]:
        """The columns that a SelectStmt yields.

        It is read once. Who reads it for its columns and again for what is in it doubles the work with each level.
        """
        known = self.selected.get(id(node))
        if known is None:
            known = self.selected[id(node)] = (node, self._select(node, outer))
        return known[1]

    def outputs(self, node: Node, scope: Scope) -> tuple[Output, ...]:
        """The columns that a SelectStmt yields, without counting what it reads."""
        beside = Reader(self.catalog)
        beside.selected = self.selected
        return beside.select(node, scope)

    def _select(self, node: Node, outer: Scope) -> tuple[Output, ...]:
        scope = self.with_queries(node, outer)
        if node.get("op", "SETOP_NONE") != "SETOP_NONE":
            from schemalint.replay.typing import refuse_disunited, united

            left, right = self.select(node["larg"], scope), self.select(node["rarg"], scope)
            refuse_disunited(self.catalog, node, left, right)
            return tuple(
                each if place >= len(right) else each._replace(type=united(each.type, right[place].type))
                for place, each in enumerate(left)
            )
        if "valuesLists" in node:
            self.visit(node["valuesLists"], scope)
            first = node["valuesLists"][0].get("List", {}).get("items", [])
            return tuple(Output(f"column{place + 1}", self.type_of(each, scope)) for place, each in enumerate(first))
        inner = Scope(self.from_list(node.get("fromClause") or [], scope), outer, scope.queries)
        outputs = self.targets(node.get("targetList") or [], inner)
        for key in ("whereClause", "groupClause", "havingClause", "windowClause", "distinctClause", "limitCount", "limitOffset"):
            if key in node:
                self._clause(key, node[key], inner, outputs)
        if "sortClause" in node:
            self._clause("sortClause", node["sortClause"], inner, outputs)
        return outputs

    def _clause(self, key: str, value: Any, scope: Scope, outputs: tuple[Output, ...]) -> None:
        """A clause; those that may name output columns see them too."""
        if key in ("sortClause", "groupClause", "distinctClause"):
            scope = scope._replace(outer=Scope((Table("", tuple(o._replace(reference=None) for o in outputs)),), scope.outer))
        self.visit(value, scope)

    def with_queries(self, node: Node, scope: Scope) -> Scope:
        clause = node.get("withClause")
        if not clause:
            return Scope((), scope)
        inner = Scope((), scope)
        for each in clause.get("ctes") or ():
            query = each["CommonTableExpr"]
            name = query["ctename"]
            if clause.get("recursive"):
                start = next(iter(query["ctequery"].values()))
                columns = self._first_columns(start, inner) if "SelectStmt" in query["ctequery"] else ()
                inner = inner._replace(queries=(*inner.queries, (name, _as_query(name, columns, query))))
            kind, body = next(iter(query["ctequery"].items()))
            columns = self.select(body, inner) if kind == "SelectStmt" else self.change(body, inner)
            inner = inner._replace(queries=(*inner.queries, (name, _as_query(name, columns, query))))
        return inner

    def _first_columns(self, query: Node, scope: Scope) -> tuple[Output, ...]:
        """The columns of a recursive query, which its first part has without knowing of the whole."""
        return self.select(query["larg"], self.with_queries(query, scope)) if "larg" in query else self.select(query, scope)

    def change(self, node: Node, scope: Scope) -> tuple[Output, ...]:
        """An INSERT, UPDATE or DELETE; the columns of its RETURNING."""
        scope = self.with_queries(node, scope)
        target = self.range_variable(node["relation"], scope)
        inner = Scope((target, *self.from_list([*node.get("fromClause", ()), *node.get("usingClause", ())], scope)), scope)
        for each in (*node.get("cols", ()), *(node.get("targetList", ()) if "relation" in node else ())):
            name = each.get("ResTarget", {}).get("name")
            if name and (output := target.column(name)) is not None and output.reference is not None:
                self.read(output.reference)
        for key in ("selectStmt", "targetList", "whereClause", "onConflictClause"):
            if key in node:
                excluded = target._replace(name="excluded")
                self.visit(node[key], inner if key != "onConflictClause" else inner._replace(tables=(*inner.tables, excluded)))
        clause = node.get("returningClause") or {}
        return self.targets(node.get("returningList") or clause.get("exprs") or [], inner)

    def targets(self, targets: Iterable[Node], scope: Scope) -> tuple[Output, ...]:
        outputs: list[Output] = []
        for each in targets:
            target = each["ResTarget"]
            value = target["val"]
            fields = value.get("ColumnRef", {}).get("fields") or [{}]
            if "A_Star" in fields[-1]:
                expanded = self.star(strings(fields), scope)
                for output in expanded:
                    if output.reference is not None:
                        self.read(output.reference)
                outputs.extend(expanded)
                continue
            self.visit(value, scope)
            outputs.append(
                Output(target.get("name") or output_name(value), self.type_of(value, scope), self._origin(value, scope))
            )
        return tuple(outputs)

    def _origin(self, value: Node, scope: Scope) -> Reference | None:
        found = self.find_column(strings(value["ColumnRef"].get("fields")), scope) if "ColumnRef" in value else None
        return found.reference if found is not None else None

    def star(self, names: list[str], scope: Scope) -> list[Output]:
        tables = [each for each in scope.tables if not names or each.name == names[-1]]
        if not all(each.complete for each in tables) or not tables:
            self.resolved = False
        return [column for each in tables for column in each.columns if names or column.name not in each.merged]

    def from_list(self, items: Iterable[Node], scope: Scope) -> tuple[Table, ...]:
        tables: tuple[Table, ...] = ()
        for each in items:
            kind, node = next(iter(each.items()))
            seen = scope._replace(tables=(*scope.tables, *tables))
            tables = (*tables, *FROM_ITEMS.get(kind, Reader.unknown_item)(self, node, seen))
        return tables

    def range_variable(self, node: Node, scope: Scope) -> Table:
        name, schema = node["relname"], node.get("schemaname")
        if schema is None and (query := scope.query(name)) is not None:
            return renamed(query, node.get("alias"))
        found = find_named(self.catalog, schema, name)
        if not isinstance(found, Relation):
            if schema not in SYSTEM_SCHEMAS and not name.startswith("pg_"):
                self.absent.append(node)
            self.resolved = False
            return renamed(Table(name, (), complete=False), node.get("alias"))
        if found.kind is RelationKind.COMPOSITE_TYPE:
            raise Refused("42809", f'cannot open relation "{found.name}"')
        self.read(Reference(found.oid), node)
        return renamed(table_of(found, self.catalog), node.get("alias"))

    def from_variable(self, node: Node, scope: Scope) -> tuple[Table, ...]:
        return (self.range_variable(node, scope),)

    def joined(self, node: Node, scope: Scope) -> tuple[Table, ...]:
        left = self.from_list([node["larg"]], scope)
        right = self.from_list([node["rarg"]], scope._replace(tables=(*scope.tables, *left)))
        if "quals" in node:
            self.visit(node["quals"], Scope((*left, *right), scope))
        using = strings(node.get("usingClause"))
        if node.get("isNatural"):
            using = [c.name for t in left for c in t.columns if any(each.column(c.name) for each in right)]
        for name in using:
            for table in (*left, *right):
                if (found := table.column(name)) is not None and found.reference is not None:
                    self.read(found.reference)
        if using:
            merged = tuple(found for name in using for t in left if (found := t.column(name)) is not None)
            rest = tuple(each._replace(merged=(*each.merged, *using)) for each in (*left, *right))
            tables: tuple[Table, ...] = (Table("", merged), *rest)
        else:
            tables = (*left, *right)
        if node.get("alias"):
            columns = tuple(c for each in tables for c in each.columns)
            return (renamed(Table("", columns, complete=all(each.complete for each in tables)), node["alias"]),)
        return tables

    def subselect(self, node: Node, scope: Scope) -> tuple[Table, ...]:
        kind, query = next(iter(node["subquery"].items()))
        before = self.resolved
        columns = self.select(query, scope) if kind == "SelectStmt" else ()
        table = Table("", tuple(each._replace(reference=None) for each in columns), complete=self.resolved or not before)
        return (renamed(table, node.get("alias")),)

    def function_item(self, node: Node, scope: Scope) -> tuple[Table, ...]:
        self.visit(node.get("functions") or [], scope)
        alias = node.get("alias") or {}
        definitions = node.get("coldeflist")
        if definitions:
            columns = tuple(
                Output(d["ColumnDef"]["colname"], type_of(d["ColumnDef"]["typeName"], self.catalog, self.path))
                for d in definitions
            )
            return (Table(alias.get("aliasname", ""), columns),)
        call = _first_call(node)
        return (renamed(self._result(call, alias), alias),)

    def _result(self, call: Node, alias: Node) -> Table:
        """The table that a set-returning function gives."""
        if not call:
            return Table(alias.get("aliasname", ""), (), complete=False)
        schema, name = list_name(call.get("funcname"))
        found = self.catalog.find_functions(schema, name, self.path)
        shown = alias.get("aliasname", name)
        if len(found) != 1:
            scalar = {"generate_series", "unnest", "jsonb_array_elements", "jsonb_array_elements_text", "regexp_split_to_table"}
            if name in scalar and not found:
                column = {"jsonb_array_elements": "value", "jsonb_array_elements_text": "value"}.get(name, shown)
                return Table(shown, (Output(column or "", UNKNOWN),))
            return Table(shown, (), complete=False)
        outputs = tuple(Output(a.name or "", a.type) for a in found[0].arguments if a.mode in ("table", "out", "inout"))
        row = self.catalog.relation(found[0].result.id) if isinstance(found[0].result.id, int) else None
        if not outputs and row is not None:
            outputs = tuple(Output(c.name, c.type) for c in row.columns)
        return Table(
            shown, outputs or (Output(shown, found[0].result),), complete=found[0].result.id != "record" or bool(outputs)
        )

    def unknown_item(self, node: Node, scope: Scope) -> tuple[Table, ...]:
        self.resolved = False
        self.visit(node, scope)
        return (renamed(Table("", (), complete=False), node.get("alias")),)

    def type_of(self, node: Node, scope: Scope) -> Type:
        from schemalint.replay.typing import type_of_expression

        return type_of_expression(node, self, scope)


def _as_query(name: str, columns: tuple[Output, ...], query: Node) -> Table:
    table = Table(name, tuple(each._replace(reference=None) for each in columns), complete=bool(columns))
    return renamed(table, {"aliasname": name, "colnames": query.get("aliascolnames")})


def _first_call(node: Node) -> Node:
    functions = node.get("functions") or []
    if len(functions) != 1 or node.get("ordinality"):
        return {}
    first = functions[0].get("List", {}).get("items", [{}])[0]
    call: Node = first.get("FuncCall") or {}
    return call


HANDLERS: dict[str, Callable[[Reader, Any, Scope], Any]] = {
    "ColumnRef": Reader.column_reference,
    "FuncCall": Reader.function_call,
    "TypeCast": Reader.type_cast,
    "SelectStmt": Reader.subquery,
    "InsertStmt": Reader.change,
    "UpdateStmt": Reader.change,
    "DeleteStmt": Reader.change,
}
FROM_ITEMS: dict[str, Callable[[Reader, Node, Scope], tuple[Table, ...]]] = {
    "RangeVar": Reader.from_variable,
    "JoinExpr": Reader.joined,
    "RangeSubselect": Reader.subselect,
    "RangeFunction": Reader.function_item,
}


def expression_in(
    catalog: Catalog, node: Node, span: Span | None, tables: tuple[Table, ...] = (), own: int | None = None
) -> tuple[Expression, Reader]:
    """A tree with what it depends on; `own` is the relation whose columns it names by number."""
    reader = Reader(catalog)
    reader.visit(node, Scope(tables))
    columns = tuple(sorted({each.column for each in reader.references if each.oid == own and each.column}))
    others = tuple(each for each in reader.references if each.oid != own)
    return Expression(node, span, tuple(reader.functions), columns, others), reader


def rewritten(node: Any, changes: dict[int, Node]) -> Any:
    """A tree in which the nodes with these identities are exchanged; what has none of them is shared."""
    if type(node) is list:
        items = [rewritten(each, changes) for each in node]
        return items if any(new is not old for new, old in zip(items, node, strict=True)) else node
    if type(node) is not dict:
        return node
    if (changed := changes.get(id(node))) is not None:
        return changed
    pairs = {key: rewritten(value, changes) if type(value) in (dict, list) else value for key, value in node.items()}
    return pairs if any(pairs[key] is not value for key, value in node.items()) else node
