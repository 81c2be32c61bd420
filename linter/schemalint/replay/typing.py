"""The types of expressions, as far as the columns of a view or of CREATE TABLE AS need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from schemalint.catalog.model import UNKNOWN, Node, Type
from schemalint.catalog.type_names import array_of, strings, type_of

if TYPE_CHECKING:
    from schemalint.replay.reading import Reader, Scope

BOOLEAN = Type("bool")
RESULTS = {
    "count": "int8", "row_number": "int8", "rank": "int8", "dense_rank": "int8", "now": "timestamptz",
    "lower": "text", "upper": "text", "concat": "text", "concat_ws": "text", "format": "text", "length": "int4",
    "to_char": "text", "md5": "text", "replace": "text", "btrim": "text", "substring": "text", "left": "text", "right": "text",
    "gen_random_uuid": "uuid", "uuid_generate_v4": "uuid", "string_agg": "text", "bool_and": "bool", "bool_or": "bool",
    "every": "bool", "json_build_object": "json", "jsonb_build_object": "jsonb", "json_agg": "json", "jsonb_agg": "jsonb",
    "json_object_agg": "json", "jsonb_object_agg": "jsonb", "to_json": "json", "to_jsonb": "jsonb", "row_to_json": "json",
    "json_build_array": "json", "jsonb_build_array": "jsonb", "char_length": "int4", "clock_timestamp": "timestamptz",
    "to_timestamp": "timestamptz", "to_tsvector": "tsvector", "array_to_string": "text", "initcap": "text", "split_part": "text",
}  # fmt: skip
OF_ARGUMENT = frozenset({"min", "max", "lag", "lead", "first_value", "last_value", "nth_value", "any_value"})
SUMS = {"int2": "int8", "int4": "int8", "int8": "numeric", "float4": "float4", "float8": "float8", "numeric": "numeric"}
AVERAGES = {"int2": "numeric", "int4": "numeric", "int8": "numeric", "float4": "float8", "float8": "float8", "numeric": "numeric"}
COMPARING = frozenset(
    {"=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~~*", "!~~*", "~", "~*", "!~", "!~*", "@>", "<@", "&&", "?", "@@"}
)
COMPARING_KINDS = frozenset({"AEXPR_IN", "AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN", "AEXPR_DISTINCT",
                             "AEXPR_NOT_DISTINCT", "AEXPR_OP_ANY", "AEXPR_OP_ALL", "AEXPR_SIMILAR"})  # fmt: skip
SERVER_VALUES = {
    "CURRENT_TIMESTAMP": "timestamptz", "CURRENT_DATE": "date", "CURRENT_TIME": "timetz", "LOCALTIMESTAMP": "timestamp",
    "LOCALTIME": "time",
}  # fmt: skip
NUMBERS = ("int2", "int4", "int8", "numeric", "float4", "float8")
TEXTS = frozenset({"text", "varchar", "bpchar", "name"})


def type_of_expression(node: Node, reader: Reader, scope: Scope) -> Type:
    for kind, inner in node.items():
        function = TYPES.get(kind)
        return function(inner, reader, scope) if function is not None else UNKNOWN
    return UNKNOWN


def _column(node: Node, reader: Reader, scope: Scope) -> Type:
    found = reader.find_column(strings(node.get("fields")), scope)
    return UNKNOWN if found is None else found.type


def _constant(node: Node, reader: Reader, scope: Scope) -> Type:
    if "sval" in node or node.get("isnull"):
        return Type("text")
    if "ival" in node:
        return Type("int4")
    if "fval" in node:
        text = node["fval"].get("fval", "")
        return Type("int8") if text.lstrip("-").isdigit() and abs(int(text)) < 2**63 else Type("numeric")
    return BOOLEAN if "boolval" in node else UNKNOWN


def _cast(node: Node, reader: Reader, scope: Scope) -> Type:
    return type_of(node["typeName"], reader.catalog, reader.path)


def _call(node: Node, reader: Reader, scope: Scope) -> Type:
    names = strings(node.get("funcname"))
    arguments = node.get("args") or []
    name = names[-1]
    found = reader.catalog.find_functions(names[-2] if len(names) > 1 else None, name, reader.path)
    matching = [each for each in found if len(each.input_types) >= len(arguments)]
    if matching:
        return matching[0].result if len({each.result for each in matching}) == 1 else UNKNOWN
    if name in RESULTS:
        return Type(RESULTS[name])
    if not arguments:
        return UNKNOWN
    first = type_of_expression(arguments[0], reader, scope)
    if name in OF_ARGUMENT:
        return Type(first.id)
    if name == "array_agg":
        return array_of(Type(first.id)) if first != UNKNOWN else UNKNOWN
    if name in ("sum", "avg"):
        return Type((SUMS if name == "sum" else AVERAGES).get(str(first.id), "?"))
    if name in ("date_trunc", "timezone") and len(arguments) > 1:
        second = type_of_expression(arguments[1], reader, scope)
        swapped = {"timestamptz": "timestamp", "timestamp": "timestamptz"}
        return second if name == "date_trunc" and second.id != "date" else Type(swapped.get(str(second.id), "?"))
    return UNKNOWN


def _common(types: list[Type]) -> Type:
    known = [each for each in types if each != UNKNOWN]
    if not known or len(known) != len(types):
        return UNKNOWN
    if len(set(known)) == 1:
        return known[0]
    if len({each.id for each in known}) == 1:
        return Type(known[0].id)
    if all(each.id in NUMBERS for each in known):
        return Type(NUMBERS[max(NUMBERS.index(str(each.id)) for each in known)])
    return UNKNOWN


def _unified(nodes: list[Node], reader: Reader, scope: Scope) -> Type:
    """The type of CASE, COALESCE …: string constants take that of the rest."""
    typed = [each for each in nodes if not _is_literal(each)]
    found = _common([type_of_expression(each, reader, scope) for each in typed or nodes])
    return found if len(typed) == len(nodes) else Type(found.id)


def _is_literal(node: Node) -> bool:
    constant = node.get("A_Const")
    return constant is not None and ("sval" in constant or bool(constant.get("isnull")))


def _case(node: Node, reader: Reader, scope: Scope) -> Type:
    results = [each["CaseWhen"]["result"] for each in node.get("args") or ()]
    if "defresult" in node:
        results.append(node["defresult"])
    return _unified(results, reader, scope)


def _arguments(node: Node, reader: Reader, scope: Scope) -> Type:
    return _unified(node.get("args") or [], reader, scope)


def _operation(node: Node, reader: Reader, scope: Scope) -> Type:
    operator = (strings(node.get("name")) or [""])[-1]
    kind = node.get("kind", "AEXPR_OP")
    if kind in COMPARING_KINDS or operator in COMPARING:
        return BOOLEAN
    left = type_of_expression(node["lexpr"], reader, scope) if "lexpr" in node else UNKNOWN
    right = type_of_expression(node["rexpr"], reader, scope) if "rexpr" in node else UNKNOWN
    if kind == "AEXPR_NULLIF":
        return left
    if operator == "||":
        return Type("text") if left.id in TEXTS or right.id in TEXTS else Type(left.id) if left == right else UNKNOWN
    if operator in ("->>", "#>>"):
        return Type("text")
    if operator in ("->", "#>"):
        return left
    if operator in ("+", "-", "*", "/", "%") and left.id in NUMBERS and right.id in NUMBERS:
        common = _common([Type(left.id), Type(right.id)])
        return Type("float8") if common.id == "float4" and left.id != right.id else common
    return UNKNOWN


def _sublink(node: Node, reader: Reader, scope: Scope) -> Type:
    kind = node.get("subLinkType", "EXISTS_SUBLINK")
    if kind not in ("EXPR_SUBLINK", "ARRAY_SUBLINK"):
        return BOOLEAN
    outputs = reader.outputs(node["subselect"].get("SelectStmt") or {}, scope)
    found = outputs[0].type if outputs else UNKNOWN
    return array_of(found) if kind == "ARRAY_SUBLINK" and found != UNKNOWN else found


def _array(node: Node, reader: Reader, scope: Scope) -> Type:
    found = _unified(node.get("elements") or [], reader, scope)
    return array_of(Type(found.id)) if found != UNKNOWN else UNKNOWN


def _server_value(node: Node, reader: Reader, scope: Scope) -> Type:
    name = node.get("op", "").removeprefix("SVFOP_").removesuffix("_N")
    return Type(SERVER_VALUES.get(name, "name"))


TYPES: dict[str, Callable[[Node, Reader, Scope], Type]] = {
    "ColumnRef": _column,
    "A_Const": _constant,
    "TypeCast": _cast,
    "FuncCall": _call,
    "CaseExpr": _case,
    "CoalesceExpr": _arguments,
    "MinMaxExpr": _arguments,
    "A_Expr": _operation,
    "BoolExpr": lambda node, reader, scope: BOOLEAN,
    "NullTest": lambda node, reader, scope: BOOLEAN,
    "BooleanTest": lambda node, reader, scope: BOOLEAN,
    "SubLink": _sublink,
    "A_ArrayExpr": _array,
    "SQLValueFunction": _server_value,
    "CollateClause": lambda node, reader, scope: type_of_expression(node.get("arg") or {}, reader, scope),
}
