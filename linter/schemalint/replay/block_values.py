"""Values of expressions and queries in a DO block, where constants and the catalog decide them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from re import compile as pattern
from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node
from schemalint.catalog.type_names import strings
from schemalint.replay.block_functions import (
    PURE,
    UNKNOWN,
    Interval,
    array_of,
    date_of,
    interval_of,
    operate,
    series,
    text_of,
    timestamp_of,
)
from schemalint.replay.catalog_rows import OPEN, Row, rows_of
from schemalint.replay.names import find_named, plain_path
from schemalint.replay.output_names import output_name, split_name

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
        if value is UNKNOWN or value is None:
            return value
        if node["typeName"].get("arrayBounds"):
            return array_of(value) if isinstance(value, str) else value
        return _converted(value, name)

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
        return operate(name, left, right)

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

    def case(self, node: Node) -> Any:
        subject = self.of(node["arg"]) if "arg" in node else None
        for each in node.get("args") or ():
            when = self.of(each["CaseWhen"]["expr"])
            holds = operate("=", subject, when) if "arg" in node and UNKNOWN not in (subject, when) else when
            if holds is UNKNOWN:
                return UNKNOWN
            if holds is True:
                return self.of(each["CaseWhen"]["result"])
        return self.of(node["defresult"]) if "defresult" in node else None

    def array(self, node: Node) -> Any:
        return [self.of(each) for each in node.get("elements") or ()]

    def coalesced(self, node: Node) -> Any:
        for each in node["args"]:
            value = self.of(each)
            if value is not None:
                return value
        return None

    def call(self, node: Node) -> Any:
        name = (strings(node.get("funcname")) or [""])[-1]
        arguments = [self.of(each) for each in node.get("args") or ()]
        if (pure := PURE.get(name)) is not None:
            return pure(arguments)
        function = FUNCTIONS.get(name)
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
        if len(targets) == 1 and (call := _set_returning(targets[0]["val"])) is not None:
            values = self._set_of(strings(call["funcname"])[-1], call)
            name = targets[0].get("name") or output_name(targets[0]["val"])
            return [{name: self._in_place(targets[0]["val"], each)} for each in values] if isinstance(values, list) else UNKNOWN
        return [self._output(targets, rows) for rows in found]

    def _in_place(self, node: Node, value: Any) -> Any:
        """One value of a set, through the casts around the call that gives it."""
        cast = node.get("TypeCast")
        if cast is None:
            return value
        inner = self._in_place(cast["arg"], value)
        return _converted(inner, (strings(cast["typeName"].get("names")) or [""])[-1]) if inner is not UNKNOWN else UNKNOWN

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
            name = (strings(call.get("funcname")) or [""])[-1]
            values = self._set_of(name, call)
            names = strings((item.get("alias") or {}).get("colnames")) or [(item.get("alias") or {}).get("aliasname", name)]
            return [{names[0]: each} for each in values] if isinstance(values, list) else UNKNOWN
        if "subquery" in item:
            found = self.query(item["subquery"].get("SelectStmt") or {})
            names = strings((item.get("alias") or {}).get("colnames"))
            return found if found is UNKNOWN or not names else [dict(zip(names, row.values(), strict=False)) for row in found]
        rows = rows_of(item.get("schemaname"), item["relname"], self.catalog, wanted)
        if rows is None:
            return UNKNOWN
        return [row for row in rows if all(row.get(name, value) == value for name, value in wanted.items())]

    def _set_of(self, name: str, call: Node) -> Any:
        """The values of a function that gives rows."""
        arguments = [self.of(each) for each in call.get("args") or ()]
        if name == "unnest" and arguments:
            return arguments[0]
        return series(arguments) if name == "generate_series" else UNKNOWN

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


def _set_returning(node: Node) -> Node | None:
    """The call of a function that gives rows, in a SELECT's list."""
    call = node.get("FuncCall")
    if call is not None:
        return call if strings(call["funcname"])[-1] in ("unnest", "generate_series") else None
    return _set_returning(node["TypeCast"]["arg"]) if "TypeCast" in node else None


def _converted(value: Any, name: str) -> Any:
    """A value as another type's, as far as names and bounds are made with it."""
    if name in TEXTS:
        return text_of(value) if not isinstance(value, list | dict | Interval) else UNKNOWN
    if name == "date" and isinstance(value, datetime):
        return value.date()
    if not isinstance(value, str):
        return value if name not in READERS or name == "date" else UNKNOWN
    if name in ("int2", "int4", "int8"):
        return int(value) if value.strip().lstrip("+-").isdigit() else UNKNOWN
    reader = READERS.get(name)
    return UNKNOWN if name == "bool" else reader(value) if reader is not None else value


def as_type(value: Any, type_text: str) -> Any:
    """What a variable of a type holds; of other types than those of names and bounds, the value as it is."""
    name = SPELLINGS.get(type_text, type_text)
    if value is UNKNOWN or value is None or isinstance(value, list | dict):
        return value
    if type_text.endswith("[]") and isinstance(value, str):
        return array_of(value)
    return _converted(value, name) if name in (*TEXTS, *READERS, "int2", "int4", "int8") else value


SPELLINGS = {
    "int": "int4", "integer": "int4", "bigint": "int8", "smallint": "int2", "timestamp without time zone": "timestamp",
}  # fmt: skip
TEXTS = ("text", "varchar", "bpchar", "name")
READERS: dict[str, Callable[[str], Any]] = {"date": date_of, "timestamp": timestamp_of, "interval": interval_of}


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


# -- functions of the catalog


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
    "CaseExpr": Values.case,
    "CoalesceExpr": Values.coalesced,
    "FuncCall": Values.call,
    "SubLink": Values.sublink,
    "SQLValueFunction": lambda values, node: _current_schema(values, []) if "SCHEMA" in node.get("op", "") else UNKNOWN,
}
