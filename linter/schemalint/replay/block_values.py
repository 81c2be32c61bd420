"""Values of expressions and queries in a DO block, where constants and the catalog decide them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from re import compile as pattern
from typing import Any

from schemalint.catalog.catalog import Catalog, quoted
from schemalint.catalog.model import Node
from schemalint.catalog.type_names import strings
from schemalint.replay.catalog_rows import OPEN, Row, rows_of
from schemalint.replay.names import find_named, plain_path
from schemalint.replay.output_names import output_name, split_name


class _Unknown:
    """A value that is not known; NULL is None."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = _Unknown()
PLACEHOLDER = pattern(r"%(?:(\d+)\$)?(-?\d*)([sIL%])")
REGISTERED = ("regclass", "regtype", "regproc", "regnamespace", "regprocedure")
Tables = tuple[tuple[str, Row], ...]


class Values:
    """Evaluates over a catalog, a block's variables and, inside a query, the rows at hand."""

    def __init__(self, catalog: Catalog, variables: dict[str, Any], rows: Tables = ()) -> None:
        self.catalog = catalog
        self.variables = variables
        self.rows = rows

    def of(self, node: Node) -> Any:
        for kind, inner in node.items():
            function = EVALUATORS.get(kind)
            return function(self, inner) if function is not None else UNKNOWN
        return UNKNOWN

    # -- leaves

    def constant(self, node: Node) -> Any:
        if node.get("isnull"):
            return None
        if "sval" in node:
            return node["sval"].get("sval", "")
        if "ival" in node:
            return node["ival"].get("ival", 0)
        return bool(node["boolval"].get("boolval")) if "boolval" in node else UNKNOWN

    def column(self, node: Node) -> Any:
        names = strings(node.get("fields"))
        for table, row in reversed(self.rows):
            if names and (len(names) < 2 or names[-2] == table) and names[-1] in row:
                return row[names[-1]]
        found = self.variables.get(names[0], UNKNOWN) if names else UNKNOWN
        if len(names) > 1 and isinstance(found, dict):
            return found.get(names[1], UNKNOWN)
        return UNKNOWN if isinstance(found, dict) and len(names) == 1 else found

    def cast(self, node: Node) -> Any:
        value = self.of(node.get("arg") or {})
        name = (strings(node["typeName"].get("names")) or [""])[-1]
        if name in REGISTERED and isinstance(value, str):
            return self.registered(value, name)
        if name in ("bool", "int4", "int8") and isinstance(value, str):
            return UNKNOWN
        return value

    def registered(self, text: str, kind: str) -> Any:
        """'t'::regclass and its like: the object, or unknown where it is not there."""
        schema, name = split_name(text)
        if kind == "regclass":
            found: Any = find_named(self.catalog, schema, name)
        elif kind == "regtype":
            found = self.catalog.find_type(schema, name, plain_path(self.catalog))
        elif kind == "regnamespace":
            found = self.catalog.schema_named(name)
        else:
            functions = self.catalog.find_functions(schema, name, plain_path(self.catalog))
            found = functions[0] if len(functions) == 1 else None
        return UNKNOWN if found is None else found.oid

    # -- connectives

    def connected(self, node: Node) -> Any:
        kind = node.get("boolop", "AND_EXPR")
        if kind == "NOT_EXPR":
            value = self.of(node["args"][0])
            return value if value is UNKNOWN or value is None else not value
        decisive = kind == "OR_EXPR"
        result: Any = not decisive
        for each in node["args"]:
            value = self.of(each)
            if value is decisive:
                return decisive
            if value is UNKNOWN or value is None:
                result = UNKNOWN if UNKNOWN in (result, value) else None
        return result

    def operation(self, node: Node) -> Any:
        name = (strings(node.get("name")) or [""])[-1]
        kind = node.get("kind", "AEXPR_OP")
        left = self.of(node["lexpr"]) if "lexpr" in node else None
        if kind in ("AEXPR_IN", "AEXPR_OP_ANY"):
            return self._member(left, node.get("rexpr") or {}, negated=name == "<>")
        if kind == "AEXPR_LIKE" or kind == "AEXPR_ILIKE":
            return self._like(left, self.of(node["rexpr"]), name)
        if kind not in ("AEXPR_OP", "AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT"):
            return UNKNOWN
        right = self.of(node["rexpr"])
        if UNKNOWN in (left, right):
            return UNKNOWN
        if kind != "AEXPR_OP":
            return (left == right) == (kind == "AEXPR_NOT_DISTINCT")
        if left is None or right is None:
            return None
        return _operate(name, left, right)

    def _member(self, left: Any, node: Node, negated: bool) -> Any:
        items = node.get("List", {}).get("items")
        values = [self.of(each) for each in items] if items is not None else self.of(node)
        if left is UNKNOWN or values is UNKNOWN or not isinstance(values, list):
            return UNKNOWN
        if left in values:
            return not negated
        return UNKNOWN if UNKNOWN in values else negated

    def _like(self, left: Any, right: Any, name: str) -> Any:
        if not isinstance(left, str) or not isinstance(right, str):
            return UNKNOWN if UNKNOWN in (left, right) else None
        from re import IGNORECASE, escape

        text = "".join({"%": ".*", "_": "."}.get(each, escape(each)) for each in right.replace("\\_", "\0")).replace("\0", "_")
        found = pattern(text, IGNORECASE if "*" in name else 0).fullmatch(left) is not None
        return found != name.startswith("!")

    def null_test(self, node: Node) -> Any:
        value = self.of(node["arg"])
        if value is UNKNOWN:
            return UNKNOWN
        return (value is None) == (node.get("nulltesttype", "IS_NULL") == "IS_NULL")

    def array(self, node: Node) -> Any:
        return [self.of(each) for each in node.get("elements") or ()]

    def coalesced(self, node: Node) -> Any:
        for each in node["args"]:
            value = self.of(each)
            if value is not None:
                return value
        return None

    def call(self, node: Node) -> Any:
        function = FUNCTIONS.get((strings(node.get("funcname")) or [""])[-1])
        arguments = [self.of(each) for each in node.get("args") or ()]
        return function(self, arguments) if function is not None else UNKNOWN

    def sublink(self, node: Node) -> Any:
        kind = node.get("subLinkType", "EXISTS_SUBLINK")
        found = self.query(node["subselect"].get("SelectStmt") or {})
        if found is UNKNOWN:
            return UNKNOWN
        if kind == "EXISTS_SUBLINK":
            return bool(found)
        if kind == "ARRAY_SUBLINK":
            return [next(iter(row.values())) for row in found]
        if kind == "EXPR_SUBLINK":
            return next(iter(found[0].values())) if found else None
        if kind == "ANY_SUBLINK":
            left = self.of(node["testexpr"])
            return UNKNOWN if left is UNKNOWN else left in [next(iter(row.values())) for row in found]
        return UNKNOWN

    # -- queries

    def query(self, node: Node) -> Any:
        """The rows of a SELECT, as lists of named values; UNKNOWN where the catalog does not decide them."""
        if "valuesLists" in node:
            lists = [each["List"]["items"] for each in node["valuesLists"]]
            return [{f"column{place + 1}": self.of(item) for place, item in enumerate(items)} for items in lists]
        if node.get("op", "SETOP_NONE") != "SETOP_NONE" or "withClause" in node or "groupClause" in node:
            return UNKNOWN
        found = self._joined(node)
        if found is UNKNOWN:
            return UNKNOWN
        targets = [each["ResTarget"] for each in node.get("targetList") or ()]
        if len(targets) == 1 and _is_call(targets[0]["val"], "count"):
            return [{targets[0].get("name", "count"): len(found)}]
        if len(targets) == 1 and _is_call(targets[0]["val"], "unnest"):
            values = self.of(targets[0]["val"]["FuncCall"]["args"][0])
            return [{targets[0].get("name", "unnest"): each} for each in values] if isinstance(values, list) else UNKNOWN
        return [self._output(targets, rows) for rows in found]

    def _output(self, targets: list[Node], rows: Tables) -> Row:
        inner = Values(self.catalog, self.variables, (*self.rows, *rows))
        row: Row = {}
        for each in targets:
            if "A_Star" in ((each["val"].get("ColumnRef", {}).get("fields") or [{}])[-1]):
                for _, table in rows:
                    row.update(table)
            else:
                row[each.get("name") or output_name(each["val"])] = inner.of(each["val"])
        return row or {"?column?": None}

    def _joined(self, node: Node) -> Any:
        """The combinations of rows that pass the conditions, each condition asked as early as it can be."""
        items: list[Node] = []
        conditions = list(_conjuncts(node.get("whereClause")))
        for each in node.get("fromClause") or ():
            if not _flatten(each, items, conditions):
                return UNKNOWN
        combinations: list[Tables] = [()]
        for item in items:
            alias = (item.get("alias") or {}).get("aliasname") or item.get("relname", "")
            rows = self._source(item, self._wanted(conditions, alias, len(items) == 1))
            if rows is UNKNOWN:
                return UNKNOWN
            combinations, conditions = self._narrowed([(*c, (alias, row)) for row in rows for c in combinations], conditions)
        if conditions and combinations:
            return UNKNOWN
        if not combinations and any(item.get("relname") in OPEN for item in items):
            return UNKNOWN
        return combinations if combinations or self._schemas_known(node.get("whereClause")) else UNKNOWN

    def _narrowed(self, combinations: list[Tables], conditions: list[Node]) -> tuple[list[Tables], list[Node]]:
        left: list[Node] = []
        for condition in conditions:
            verdicts = [Values(self.catalog, self.variables, (*self.rows, *each)).of(condition) for each in combinations]
            if UNKNOWN in verdicts:
                left.append(condition)
                combinations = [each for each, verdict in zip(combinations, verdicts, strict=True) if verdict in (True, UNKNOWN)]
            else:
                combinations = [each for each, verdict in zip(combinations, verdicts, strict=True) if verdict is True]
        return combinations, left

    def _wanted(self, conditions: list[Node], alias: str, alone: bool) -> dict[str, str]:
        """What the conditions ask columns of a FROM item to be, where it is plain equality with a known text."""
        found: dict[str, str] = {}
        for condition in conditions:
            operation = condition.get("A_Expr") or {}
            names = strings((operation.get("lexpr") or {}).get("ColumnRef", {}).get("fields"))
            if operation.get("kind", "AEXPR_OP") != "AEXPR_OP" or strings(operation.get("name")) != ["="]:
                continue
            if names and (names[:-1] == [alias] or (alone and len(names) == 1)):
                value = self.of(operation["rexpr"])
                if isinstance(value, str):
                    found[names[-1]] = value
        return found

    def _source(self, item: Node, wanted: dict[str, str]) -> Any:
        if "functions" in item:
            call = item["functions"][0]["List"]["items"][0].get("FuncCall") or {}
            values = self.of(call["args"][0]) if _is_call({"FuncCall": call}, "unnest") else UNKNOWN
            names = strings((item.get("alias") or {}).get("colnames")) or [(item.get("alias") or {}).get("aliasname", "unnest")]
            return [{names[0]: each} for each in values] if isinstance(values, list) else UNKNOWN
        if "subquery" in item:
            found = self.query(item["subquery"].get("SelectStmt") or {})
            names = strings((item.get("alias") or {}).get("colnames"))
            return found if found is UNKNOWN or not names else [dict(zip(names, row.values(), strict=False)) for row in found]
        rows = rows_of(item.get("schemaname"), item["relname"], self.catalog, wanted)
        if rows is None:
            return UNKNOWN
        return [row for row in rows if all(row.get(name, value) == value for name, value in wanted.items())]

    def _schemas_known(self, where: Node | None) -> bool:
        """Whether all schemas that the conditions name are the history's: of others it does not know what is in them."""
        for condition in _conjuncts(where):
            operation = condition.get("A_Expr") or {}
            names = strings((operation.get("lexpr") or {}).get("ColumnRef", {}).get("fields"))
            if names[-1:] and names[-1] in ("table_schema", "schemaname", "nspname", "constraint_schema", "event_object_schema"):
                value = self.of(operation.get("rexpr") or {})
                schema = self.catalog.schema_named(value) if isinstance(value, str) else None
                if (
                    isinstance(value, str)
                    and (schema is None or schema.assumed)
                    and not self.catalog.get(("gone", "schema", value))
                ):
                    return False
        return True


def _is_call(node: Node, name: str) -> bool:
    return (strings((node.get("FuncCall") or {}).get("funcname")) or [""])[-1] == name


def _conjuncts(node: Node | None) -> Iterable[Node]:
    if node is None:
        return
    connected = node.get("BoolExpr")
    if connected is not None and connected.get("boolop", "AND_EXPR") == "AND_EXPR":
        for each in connected["args"]:
            yield from _conjuncts(each)
    else:
        yield node


def _flatten(item: Node, items: list[Node], conditions: list[Node]) -> bool:
    """The tables of a FROM item and what its ON clauses ask; only inner joins."""
    kind, node = next(iter(item.items()))
    if kind == "JoinExpr":
        if node.get("jointype", "JOIN_INNER") != "JOIN_INNER" or "usingClause" in node:
            return False
        conditions.extend(_conjuncts(node.get("quals")))
        return _flatten(node["larg"], items, conditions) and _flatten(node["rarg"], items, conditions)
    items.append(node)
    return kind in ("RangeVar", "RangeFunction", "RangeSubselect")


def _operate(name: str, left: Any, right: Any) -> Any:
    if name == "||":
        return f"{left}{right}" if isinstance(left, str) or isinstance(right, str) else UNKNOWN
    if name in ("=", "<>"):
        if isinstance(left, str) != isinstance(right, str):
            return UNKNOWN
        return (left == right) == (name == "=")
    if isinstance(left, int) and isinstance(right, int):
        orders: dict[str, Any] = {
            "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right,
            "+": left + right, "-": left - right,
        }  # fmt: skip
        return orders.get(name, UNKNOWN)
    return UNKNOWN


# -- functions


def formatted(values: Values, arguments: list[Any]) -> Any:
    """format()"""
    if not arguments or not isinstance(arguments[0], str):
        return UNKNOWN
    rest = iter(arguments[1:])
    pieces: list[str] = []
    last = 0
    for match in PLACEHOLDER.finditer(arguments[0]):
        pieces.append(arguments[0][last : match.start()])
        last = match.end()
        if match[3] == "%":
            pieces.append("%")
            continue
        value = (arguments[int(match[1])] if int(match[1]) < len(arguments) else UNKNOWN) if match[1] else next(rest, UNKNOWN)
        if value is UNKNOWN or isinstance(value, list | dict):
            return UNKNOWN
        pieces.append(_shown(match[3], value))
    return "".join((*pieces, arguments[0][last:]))


def _shown(kind: str, value: Any) -> str:
    if value is None:
        return "NULL" if kind == "L" else ""
    text = {True: "t", False: "f"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    if kind == "I":
        return _identifier(text)
    return "'" + text.replace("'", "''") + "'" if kind == "L" else text


def _identifier(text: str) -> str:
    name = quoted(text)
    return f'"{text}"' if name == text and text in RESERVED else name


RESERVED = frozenset({
    "all", "and", "any", "array", "as", "asc", "both", "case", "cast", "check", "collate", "column", "constraint",
    "create", "default", "desc", "distinct", "do", "else", "end", "except", "false", "for", "foreign", "from", "grant",
    "group", "having", "in", "into", "limit", "not", "null", "offset", "on", "only", "or", "order", "primary",
    "references", "returning", "select", "some", "table", "then", "to", "trailing", "true", "union", "unique", "user",
    "using", "when", "where", "window", "with",
})  # fmt: skip


def _joined_text(values: Values, arguments: list[Any]) -> Any:
    if any(each is UNKNOWN or isinstance(each, list) for each in arguments):
        return UNKNOWN
    return "".join(str(each) for each in arguments if each is not None)


def _on_text(function: Callable[[str], Any]) -> Callable[[Values, list[Any]], Any]:
    def run(values: Values, arguments: list[Any]) -> Any:
        return function(arguments[0]) if arguments and isinstance(arguments[0], str) else UNKNOWN

    return run


def _to_registered(kind: str) -> Callable[[Values, list[Any]], Any]:
    """to_regclass and its like: NULL where it is not there, if the history would have made it."""

    def run(values: Values, arguments: list[Any]) -> Any:
        if not arguments or not isinstance(arguments[0], str):
            return UNKNOWN
        found = values.registered(arguments[0], kind)
        schema, _ = split_name(arguments[0])
        known = schema is None or ((named := values.catalog.schema_named(schema)) is not None and not named.assumed)
        return None if found is UNKNOWN and known else found

    return run


def _current_schema(values: Values, arguments: list[Any]) -> Any:
    return next((each for each in plain_path(values.catalog) if values.catalog.get(("schema", each)) is not None), None)


FUNCTIONS: dict[str, Callable[[Values, list[Any]], Any]] = {
    "format": formatted,
    "concat": _joined_text,
    "quote_ident": _on_text(_identifier),
    "quote_literal": _on_text(lambda text: "'" + text.replace("'", "''") + "'"),
    "lower": _on_text(str.lower),
    "upper": _on_text(str.upper),
    "btrim": _on_text(str.strip),
    "to_regclass": _to_registered("regclass"),
    "to_regtype": _to_registered("regtype"),
    "to_regproc": _to_registered("regproc"),
    "to_regnamespace": _to_registered("regnamespace"),
    "current_schema": _current_schema,
}

EVALUATORS: dict[str, Callable[[Values, Node], Any]] = {
    "A_Const": Values.constant,
    "ColumnRef": Values.column,
    "TypeCast": Values.cast,
    "BoolExpr": Values.connected,
    "A_Expr": Values.operation,
    "NullTest": Values.null_test,
    "A_ArrayExpr": Values.array,
    "CoalesceExpr": Values.coalesced,
    "FuncCall": Values.call,
    "SubLink": Values.sublink,
    "SQLValueFunction": lambda values, node: _current_schema(values, []) if "SCHEMA" in node.get("op", "") else UNKNOWN,
}
