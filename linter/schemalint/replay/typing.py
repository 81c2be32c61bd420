"""The types of expressions, as far as the columns of a view or of CREATE TABLE AS need them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from schemalint.catalog.coercion import common_type
from schemalint.catalog.facts import functions_named
from schemalint.catalog.model import UNKNOWN, Node, Type
from schemalint.catalog.resolve import Resolved, Unresolved, resolve_function
from schemalint.catalog.type_names import UserTypesOf, array_of, strings, type_of
from schemalint.catalog.type_printing import format_type
from schemalint.replay.context import Refused

if TYPE_CHECKING:
    from schemalint.catalog.catalog import Catalog
    from schemalint.replay.reading import Output, Reader, Scope

BOOLEAN = Type("bool")
# What platforms bring along without a migration's saying so.
ELSEWHERE = {"uuid_generate_v4": "uuid"}
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
    types = tuple([None if each == UNKNOWN else each.id for each in (_argument(each, reader, scope) for each in arguments)])
    if any(isinstance(each, int) for each in types):
        return _result(resolve_function(functions_named(name), name, types, user=UserTypesOf(reader.catalog)), name)
    return _of_built_in(name, types)


@cache
def _of_built_in(name: str, types: tuple[str | int | None, ...]) -> Type:
    return _result(resolve_function(functions_named(name), name, types), name)


def _result(resolved: Resolved | Unresolved, name: str) -> Type:
    if isinstance(resolved, Resolved) and resolved.result is not None:
        return Type(resolved.result)
    return Type(ELSEWHERE[name]) if name in ELSEWHERE else UNKNOWN


def _argument(node: Node, reader: Reader, scope: Scope) -> Type:
    return Type("unknown") if _is_literal(node) else type_of_expression(node, reader, scope)


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


def united(left: Type, right: Type) -> Type:
    """The type of a column of UNION and its like, as far as it is known."""
    if UNKNOWN in (left, right):
        return right if left == UNKNOWN else left
    found = _common([left, right])
    return left if found == UNKNOWN else found


def refuse_disunited(catalog: Catalog, node: Node, left: Sequence[Output], right: Sequence[Output]) -> None:
    """What the two sides of UNION and its like must have in common; literals without a type take that of the other side."""
    word = node["op"].removeprefix("SETOP_")
    if any(any("targetList" not in side for side in _leaves(node[end])) for end in ("larg", "rarg")):
        return
    literal = [_literal_places(node[end]) for end in ("larg", "rarg")]
    for place, (one, other) in enumerate(zip(left, right, strict=False)):
        ids = (one.type.id, other.type.id)
        if UNKNOWN.id in ids or any(place in each for each in literal):
            continue
        if common_type(ids, UserTypesOf(catalog)) is None:
            first, second = (format_type(Type(each), catalog) for each in ids)
            raise Refused("42804", f"{word} types {first} and {second} cannot be matched")


def _leaves(node: Node) -> list[Node]:
    """The simple queries of a tree of UNIONs."""
    if node.get("op", "SETOP_NONE") == "SETOP_NONE":
        return [node]
    return [*_leaves(node["larg"]), *_leaves(node["rarg"])]


def _literal_places(node: Node) -> set[int]:
    """The columns that are an untyped literal in one of the simple queries; all from the first star on."""
    places: set[int] = set()
    for leaf in _leaves(node):
        for place, each in enumerate(leaf["targetList"]):
            value = each["ResTarget"].get("val", {})
            if any("A_Star" in field for field in value.get("ColumnRef", {}).get("fields") or ()):
                places.update(range(place, MOST_COLUMNS) if len(leaf["targetList"]) > 1 else ())
            elif not ({"ColumnRef", "TypeCast"} & value.keys()):
                places.add(place)
    return places


MOST_COLUMNS = 1664  # MaxTupleAttributeNumber


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
