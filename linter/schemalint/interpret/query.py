"""Queries over abstract values: what columns a SELECT yields, and whether it finds a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from schemalint.catalog.model import ConstraintKind, Relation, RelationKind
from schemalint.catalog.type_names import strings, type_of
from schemalint.flow.value import NOTHING, Call, Field, Looked, Null, Term, Value, copied_field
from schemalint.interpret import conditions, expression, functions, names, permissions, views, writing
from schemalint.interpret.scope import Scope, Table, fail

Node = dict[str, Any]


class Result(msgspec.Struct, frozen=True):
    """A query's columns and how many rows it gives: "none", "one", "maybe" (none or one), "many" (any number)."""

    columns: tuple[tuple[str, Value], ...] = ()
    rows: str = "many"
    text: str = ""  # what it looks for, in words
    typical: bool = True  # where rows is "maybe": whether ordinary writes find one
    lookup: bool = False  # none found means that a row of another table is missing
    usually: bool | None = None  # where it looks for the firing row's own copy: whether that is there in ordinary times
    known: bool = True
    key: str = ""
    even: bool = False  # whether it gives a row depends on the firing row alone, and both are ordinary


class Source(msgspec.Struct, frozen=True):
    """One table of a FROM clause while a query is read."""

    table: Table
    rows: str  # without any WHERE
    optional: bool = False  # the nullable side of an outer join
    filtered: bool = False  # it leaves out rows of its table
    join_conditions: tuple[Node, ...] = ()


def select(node: Node, scope: Scope) -> Result:
    """The result of a SelectStmt (or VALUES, or a DML statement inside WITH) as {"SelectStmt": …}."""
    ((kind, inner),) = node.items()
    if kind != "SelectStmt":
        return writing.as_query(kind, inner, scope)
    scope = with_queries(inner.get("withClause"), scope)
    if "op" in inner and inner["op"] != "SETOP_NONE":
        return _set_operation(inner, scope)
    if "valuesLists" in inner:
        return _values(inner, scope)
    return _plain(inner, scope)


def with_queries(clause: Node | None, scope: Scope) -> Scope:
    """The scope in which the queries of a WITH clause can be named."""
    for each in (clause or {}).get("ctes", ()):
        item = each["CommonTableExpr"]
        name = item["ctename"]
        if (clause or {}).get("recursive"):
            table = Table(name, (), known=False)
        else:
            result = select(item["ctequery"], msgspec.structs.replace(scope, tables=()))
            table = Table(name, _renamed(result.columns, strings(item.get("aliascolnames"))), known=result.known)
        scope = msgspec.structs.replace(scope, queries=(*scope.queries, (name, table)))
    return scope


def _renamed(columns: tuple[tuple[str, Value], ...], aliases: list[str]) -> tuple[tuple[str, Value], ...]:
    return tuple((aliases[i] if i < len(aliases) else name, value) for i, (name, value) in enumerate(columns))


def _set_operation(inner: Node, scope: Scope) -> Result:
    left, right = select({"SelectStmt": inner["larg"]}, scope), select({"SelectStmt": inner["rarg"]}, scope)
    pairs = zip(left.columns, right.columns, strict=False)
    columns = tuple((name, expression.unite([value, other], scope)) for (name, value), (_, other) in pairs)
    rows = left.rows if right.rows == "none" else right.rows if left.rows == "none" else "many"
    return Result(columns, rows, left.text, known=left.known and right.known)


def _values(inner: Node, scope: Scope) -> Result:
    lists = [[expression.evaluate(each, scope) for each in item["List"]["items"]] for item in inner["valuesLists"]]
    columns = tuple((f"column{i}", expression.unite(list(each), scope)) for i, each in enumerate(zip(*lists, strict=False), 1))
    if len(lists) == 1:
        columns = tuple((f"column{i}", each) for i, each in enumerate(lists[0], 1))
    return Result(columns, "one" if len(lists) == 1 else "many")


def _plain(inner: Node, scope: Scope) -> Result:
    sources = [source for each in inner.get("fromClause") or () for source in _from_item(each, scope)]
    tests = [test for each in sources for test in each.join_conditions]
    if "whereClause" in inner:
        tests.append(inner["whereClause"])
    scope, rows, text, usually, key = restrict(sources, tests, scope)
    typical = usually is not False
    if rows == "none":
        columns = tuple(pair for each in inner.get("targetList") or () for pair in expand_target(each["ResTarget"], scope))
        return Result(columns, "one" if _is_aggregate(inner) else "none", text)
    columns = tuple(pair for each in inner.get("targetList") or () for pair in expand_target(each["ResTarget"], scope))
    if _is_aggregate(inner):
        return Result(columns, "one", text)
    if "groupClause" in inner or "havingClause" in inner:
        rows = "many" if rows == "many" else "maybe"
    if any(functions.returns_set(each["ResTarget"]["val"], scope) for each in inner.get("targetList") or ()):
        rows = "many"
    if rows == "many" and _constant_limit(inner) == 1:
        rows = "maybe"
        columns = tuple((name, msgspec.structs.replace(v, term=Call("limit 1", (v.term,)))) for name, v in columns)
    known = all(each.table.known for each in sources) or not _has_star(inner)
    even = not sources and usually is None and "row='old'" not in key
    return Result(columns, rows, text, typical, typical and _looks_elsewhere(sources, scope), usually, known, key, even)


def _constant_limit(inner: Node) -> int | None:
    limit = inner.get("limitCount", {}).get("A_Const", {}).get("ival")
    return limit.get("ival", 0) if limit is not None else None


def _looks_elsewhere(sources: list[Source], scope: Scope) -> bool:
    return any(each.table.relation not in (None, scope.context.source) for each in sources)


def _has_star(inner: Node) -> bool:
    return any("A_Star" in field for t in inner.get("targetList") or () for field in _fields(t["ResTarget"].get("val", {})))


def _fields(node: Node) -> list[Node]:
    fields: list[Node] = node.get("ColumnRef", {}).get("fields") or []
    return fields


def _is_aggregate(inner: Node) -> bool:
    if "groupClause" in inner or "havingClause" in inner:
        return False
    return any(functions.is_aggregate(each["ResTarget"]["val"]) for each in inner.get("targetList") or ())


# -- FROM


def _from_item(node: Node, scope: Scope) -> Iterator[Source]:
    ((kind, inner),) = node.items()
    if kind == "RangeVar":
        yield _named_table(inner, scope)
    elif kind == "JoinExpr":
        yield from _join(inner, scope)
    elif kind == "RangeSubselect":
        result = select(inner["subquery"], scope if inner.get("lateral") else scope.inner())
        alias = inner.get("alias", {})
        columns = _renamed(result.columns, strings(alias.get("colnames")))
        rows = result.rows if result.typical or result.rows != "maybe" else "many"
        yield Source(Table(alias.get("aliasname", ""), columns, known=result.known), rows)
    elif kind == "RangeFunction":
        yield _function_table(inner, scope)
    else:
        scope.context.gap(scope.span(inner), f"a {kind} in FROM")
        yield Source(Table("", (), known=False), "many")


def _join(inner: Node, scope: Scope) -> Iterator[Source]:
    left, right = list(_from_item(inner["larg"], scope)), list(_from_item(inner["rarg"], scope))
    kind = inner.get("jointype", "JOIN_INNER")
    visible = scope.with_tables(*(each.table for each in (*left, *right)))
    if "quals" in inner:
        expression.evaluate(inner["quals"], visible)
    on = (inner["quals"],) if "quals" in inner else ()
    if "usingClause" in inner:
        hidden = set(strings(inner["usingClause"]))
        right = [_without_columns(each, hidden) for each in right]
        on = ()
    for each in left:
        yield _made_optional(each, on) if kind in ("JOIN_RIGHT", "JOIN_FULL") else each
    for each in right:
        if kind in ("JOIN_LEFT", "JOIN_FULL"):
            yield _made_optional(each, on)
        else:
            yield msgspec.structs.replace(each, join_conditions=(*each.join_conditions, *on))
            on = ()


def _without_columns(source: Source, names_: set[str]) -> Source:
    columns = tuple((n, v) for n, v in source.table.columns if n not in names_)
    return msgspec.structs.replace(source, table=msgspec.structs.replace(source.table, columns=columns), rows="many")


def _made_optional(source: Source, on: tuple[Node, ...]) -> Source:
    """The nullable side of an outer join: it never takes rows away, but its columns may be NULL."""
    columns = tuple((name, _or_null(value)) for name, value in source.table.columns)
    return Source(msgspec.structs.replace(source.table, columns=columns), "many", optional=True)


def _or_null(value: Value) -> Value:
    return msgspec.structs.replace(value, null=Null.MAYBE) if value.null is Null.NEVER else value


def _named_table(inner: Node, scope: Scope) -> Source:
    name = inner["relname"]
    alias = inner.get("alias", {})
    columns_as = strings(alias.get("colnames"))
    shown = alias.get("aliasname", name)
    if "schemaname" not in inner:
        for each, table in reversed(scope.queries):
            if each == name:
                return Source(
                    Table(shown, _renamed(table.columns, columns_as), known=table.known), "one" if table.known else "many"
                )
        transition = scope.variables.get(f"table {name}")
        if transition is not None:
            return Source(Table(shown, transition.row or (), relation=transition.relation), "one")
    relation = names.find_table(inner, scope, "lookup")
    if relation is None:
        return Source(Table(shown, (), known=False), "many")
    permissions.note_read(relation, inner, scope)
    passed = views.updatable(relation, scope.catalog)
    if passed is not None:
        return _through_view(relation, passed, shown, columns_as, scope)
    table = table_of(relation, shown, scope)
    return Source(msgspec.structs.replace(table, columns=_renamed(table.columns, columns_as)), "many")


def _through_view(view: Relation, passed: views.Updatable, shown: str, columns_as: list[str], scope: Scope) -> Source:
    """A simple view, as the rows of the table below it."""
    values = dict(table_of(passed.base, shown, scope).columns)
    names_below = {each.number: each.name for each in passed.base.columns}
    columns = tuple((name, values[names_below[number]] if number in names_below else NOTHING) for name, number in passed.columns)
    inner = view.query.node.get("SelectStmt", view.query.node) if view.query is not None else {}
    table = Table(shown, _renamed(columns, columns_as), passed.base.oid)
    return Source(table, "many", filtered="whereClause" in inner)


def table_of(relation: Relation, alias: str, scope: Scope, by: tuple[tuple[int, Term], ...] = ()) -> Table:
    """A table as a query sees one of its rows."""
    known = relation.kind is not RelationKind.FOREIGN_TABLE and not relation.tainted
    opaque = relation.kind in (RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW)
    columns = tuple(
        (
            each.name,
            Value(
                each.type,
                Null.NEVER if names.never_null(relation, each, scope.catalog) else Null.UNKNOWN if opaque else Null.MAYBE,
                Looked(relation.oid, each.number, by),
            ),
        )
        for each in relation.columns
    )
    return Table(alias, columns, relation.oid, known)


def _function_table(inner: Node, scope: Scope) -> Source:
    alias = inner.get("alias", {})
    shown = alias.get("aliasname", "")
    call = inner["functions"][0]["List"]["items"][0]
    if "FuncCall" not in call:
        return Source(Table(shown, (), known=False), "many")
    value = expression.evaluate(call, scope)
    shown = shown or strings(call["FuncCall"]["funcname"])[-1]
    aliases = strings(alias.get("colnames"))
    if "coldeflist" in inner:
        definitions = [each["ColumnDef"] for each in inner["coldeflist"]]
        columns = tuple(
            (each["colname"], Value(type_of(each["typeName"], scope.catalog, scope.path), Null.UNKNOWN)) for each in definitions
        )
        return Source(Table(shown, columns), "many")
    if value.row is not None:
        return Source(Table(shown, _renamed(value.row, aliases)), "one" if not functions.returns_set(call, scope) else "many")
    if isinstance(value.type.id, str) and value.type.id not in ("?", "record"):
        return Source(
            Table(shown, ((aliases[0] if aliases else shown, value),)),
            "one" if not functions.returns_set(call, scope) else "many",
        )
    return Source(Table(shown, (), known=False), "many")


# -- WHERE


def restrict(sources: list[Source], tests: list[Node], scope: Scope) -> tuple[Scope, str, str, bool | None, str]:
    """The scope with the tables as the conditions leave them, how many rows are found, and what is looked for.

    The last two say whether the firing row's own copy is found in ordinary times (None where it is not that which is looked
    for), and a key that is the same for the same search.
    """
    visible = scope.with_tables(*(each.table for each in sources))
    conjuncts = [each for test in tests for each in conjuncts_of(test)]
    values = [expression.evaluate(each, visible) for each in conjuncts]
    if any(conditions.truth(each) is False or each.null is Null.ALWAYS for each in values):
        return visible, "none", "", None, ""
    equalities = [found for each in conjuncts for found in _equalities(each, visible)]
    tables, counts, texts = [], [], []
    usually: bool | None = None
    used = 0
    for each in sources:
        by = tuple((c, t) for relation, c, t in equalities if relation == each.table.relation)
        used += len(by)
        table, rows, usual = _looked_up(each, by, scope)
        tables.append(table)
        counts.append("one" if each.optional and rows in ("one", "maybe") else rows)
        usually = usual if usually is None else usually
        if each.table.relation is not None and rows != "one":
            texts.append(_search_text(each.table, by, scope))
    rows = _together(counts)
    open_tests = [value for value in values if conditions.truth(value) is None]
    if not sources:
        usually = next((found for each in open_tests if (found := conditions.usually_exists(each.term)) is not None), None)
    if len(open_tests) > used and rows == "one":
        rows = "maybe"
    narrowed = scope.with_tables(*tables)
    for test in conjuncts:
        narrowed = _assume_tables(test, narrowed)
    key = repr([value.term for value in open_tests])
    return narrowed, rows, ", ".join(texts), usually, key


def conjuncts_of(node: Node) -> Iterator[Node]:
    inner = node.get("BoolExpr")
    if inner is not None and inner.get("boolop", "AND_EXPR") == "AND_EXPR":
        for each in inner["args"]:
            yield from conjuncts_of(each)
    else:
        yield node


def _equalities(node: Node, scope: Scope) -> Iterator[tuple[int, int, Term]]:
    """(relation, column, term) for a condition that says column = term."""
    inner = node.get("A_Expr")
    if inner is None or inner.get("kind", "AEXPR_OP") not in ("AEXPR_OP", "AEXPR_NOT_DISTINCT"):
        return
    if inner.get("kind", "AEXPR_OP") == "AEXPR_OP" and strings(inner["name"]) != ["="]:
        return
    sides = [expression.evaluate(inner[each], scope) for each in ("lexpr", "rexpr") if each in inner]
    if len(sides) != 2:
        return
    for one, other in (sides, sides[::-1]):
        if isinstance(one.term, Looked) and not one.term.by:
            if isinstance(other.term, Looked) and other.term.relation == one.term.relation:
                continue
            yield one.term.relation, one.term.column, other.term


def _looked_up(source: Source, by: tuple[tuple[int, Term], ...], scope: Scope) -> tuple[Table, str, bool | None]:
    relation = scope.catalog.relation(source.table.relation)
    if relation is None:
        return source.table, source.rows, None
    if relation.oid == scope.context.source and _is_not_there_yet(relation, by, scope):
        return source.table, "none", None
    if relation.oid == scope.context.source and (own := _own_row(relation, by, scope)) is not None:
        columns = tuple((name, own.field(name) or NOTHING) for name, _ in source.table.columns)
        found = msgspec.structs.replace(source.table, columns=columns)
        return found, "one", None
    keyed = names.is_unique(relation, {column for column, _ in by})
    columns = tuple(
        (name, msgspec.structs.replace(value, term=Looked(relation.oid, value.term.column, by)))
        if isinstance(value.term, Looked) and not value.term.by
        else (name, value)
        for name, value in source.table.columns
    )
    table = msgspec.structs.replace(source.table, columns=columns)
    usually = _usually_found(relation, by, scope)
    if scope.context.is_there(relation.oid, frozenset(by)):
        return table, "one", True
    if not keyed:
        return table, "many", usually
    found_for_sure = surely_found(relation, by, scope) and not source.filtered
    return table, "one" if found_for_sure else "maybe", usually


def _is_not_there_yet(relation: Relation, by: tuple[tuple[int, Term], ...], scope: Scope) -> bool:
    """Whether a BEFORE INSERT trigger looks for its own row, which no query finds before the trigger has ended."""
    if scope.context.timing != "before" or scope.context.event != "insert":
        return False
    fields = {column: copied_field(term) for column, term in by}
    same = {column for column, field in fields.items() if field is not None and field.column == column and field.row == "new"}
    return names.is_unique(relation, same)


def _own_row(relation: Relation, by: tuple[tuple[int, Term], ...], scope: Scope) -> Value | None:
    """NEW, where a trigger reads its own row again by its key."""
    fields = {column: copied_field(term) for column, term in by}
    same = {column for column, field in fields.items() if field is not None and field.column == column and field.row == "new"}
    new = scope.variables.get("new")
    if new is None or new.row is None or scope.context.timing != "after":
        return None
    return new if names.is_unique(relation, same) else None


def surely_found(relation: Relation, by: tuple[tuple[int, Term], ...], scope: Scope) -> bool:
    """Whether an enforced foreign key of the source guarantees that the row is there."""
    if relation.row_security and not scope.context.security_definer:
        return False
    source = scope.catalog.relation(scope.context.source)
    fields = {column: copied_field(term) for column, term in by}
    if source is None or any(field is None or field.relation != source.oid for field in fields.values()):
        return False
    wanted = {(field.column, column) for column, field in fields.items() if field is not None}
    nullable = [each for each in fields.values() if each is not None and not _never_null_now(each, scope)]
    for each in source.constraints:
        if each.kind is ConstraintKind.FOREIGN_KEY and each.references == relation.oid:
            pairs = set(zip(each.columns, each.referenced_columns, strict=False))
            if pairs >= wanted and each.enforced and not each.initially_deferred and not nullable:
                return True
    return False


def _never_null_now(field: Field, scope: Scope) -> bool:
    row = scope.variables.get(field.row)
    relation = scope.catalog.relation(field.relation)
    column = relation.column_numbered(field.column) if relation is not None else None
    value = row.field(column.name) if row is not None and column is not None else None
    return value is not None and value.null is Null.NEVER


def _usually_found(relation: Relation, by: tuple[tuple[int, Term], ...], scope: Scope) -> bool | None:
    """Whether the firing row's own copy is there in ordinary times; None where the query looks for something else."""
    source = scope.catalog.relation(scope.context.source)
    if source is None or relation.oid == source.oid:
        return None
    keys = {copied_field(term) for _, term in by}
    columns = {each.column for each in keys if each is not None and each.relation == source.oid}
    referenced = any(
        each.kind is ConstraintKind.FOREIGN_KEY and each.references == relation.oid and set(each.columns) <= columns
        for each in source.constraints
    )
    if referenced or not names.is_unique(source, columns):
        return None
    return scope.context.event != "insert"


def _search_text(table: Table, by: tuple[tuple[int, Term], ...], scope: Scope) -> str:
    relation = scope.catalog.relation(table.relation)
    if relation is None:
        return ""
    columns = [column.name for number, _ in by if (column := relation.column_numbered(number)) is not None]
    return f"a row of {relation.name}" + (f" by {', '.join(columns)}" if columns else "")


def _together(counts: list[str]) -> str:
    if "none" in counts:
        return "none"
    if all(each == "one" for each in counts):
        return "one"
    return "many" if "many" in counts else "maybe"


def _assume_tables(node: Node, scope: Scope) -> Scope:
    """Columns that a condition needs to be NOT NULL for it to hold are so in the rows that are found."""
    test = node.get("NullTest")
    if test is not None and test.get("nulltesttype", "IS_NULL") == "IS_NOT_NULL":
        parts = strings(test["arg"].get("ColumnRef", {}).get("fields"))
        tables = tuple(_with_not_null(each, parts) for each in scope.tables)
        return msgspec.structs.replace(scope, tables=tables)
    return scope


def _with_not_null(table: Table, parts: list[str]) -> Table:
    if not parts or (len(parts) > 1 and parts[-2] != table.alias) or table.column(parts[-1]) is None:
        return table
    columns = tuple((n, msgspec.structs.replace(v, null=Null.NEVER) if n == parts[-1] else v) for n, v in table.columns)
    return msgspec.structs.replace(table, columns=columns)


# -- the target list


def expand_target(target: Node, scope: Scope) -> Iterator[tuple[str, Value]]:
    """The columns that one item of a target list gives: several for a star."""
    node = target["val"]
    fields = _fields(node)
    if fields and "A_Star" in fields[-1]:
        yield from _star(strings(fields), scope, node["ColumnRef"])
        return
    if "A_Indirection" in node and any("A_Star" in each for each in node["A_Indirection"]["indirection"]):
        value = expression.evaluate(node["A_Indirection"]["arg"], scope)
        yield from value.row or ()
        return
    yield target.get("name") or column_name(node), expression.evaluate(node, scope)


def _star(parts: list[str], scope: Scope, node: Node) -> Iterator[tuple[str, Value]]:
    if not parts:
        for table in scope.tables:
            if not table.hidden:
                yield from table.columns
        return
    table_ = expression.find_table(parts[-1], scope)
    if table_ is not None:
        yield from table_.columns
        return
    variable = scope.variables.get(parts[-1])
    if variable is None:
        subject = ("from", parts[-1])
        message = f'missing FROM-clause entry for table "{parts[-1]}"'
        raise fail(scope, "unknown-column", "42P01", message, node.get("location"), subject)
    yield from variable.row or ()


def column_name(node: Node) -> str:
    """The name that PostgreSQL gives to an expression's column (FigureColname)."""
    ((kind, inner),) = node.items()
    namer = COLUMN_NAMES.get(kind)
    return namer(inner) if namer is not None else "?column?"


def _cast_name(inner: Node) -> str:
    found = column_name(inner["arg"])
    return found if found != "?column?" else strings(inner["typeName"]["names"])[-1]


COLUMN_NAMES: dict[str, Callable[[Node], str]] = {
    "ColumnRef": lambda inner: (strings(inner["fields"]) or ["?column?"])[-1],
    "FuncCall": lambda inner: strings(inner["funcname"])[-1],
    "TypeCast": _cast_name,
    "CaseExpr": lambda inner: "case",
    "CoalesceExpr": lambda inner: "coalesce",
    "A_ArrayExpr": lambda inner: "array",
    "RowExpr": lambda inner: "row",
    "MinMaxExpr": lambda inner: "greatest" if inner.get("op", "IS_GREATEST") == "IS_GREATEST" else "least",
    "SubLink": lambda inner: "exists" if inner.get("subLinkType", "EXISTS_SUBLINK") == "EXISTS_SUBLINK" else "?column?",
}
