"""Names that PostgreSQL reads out of expressions: of a query's columns, of what a literal means."""

from __future__ import annotations

from collections.abc import Callable

from schemalint.catalog.model import Node
from schemalint.catalog.type_names import strings


def literal_text(node: Node) -> str | None:
    """The text of a string constant, with or without a cast around it."""
    while "TypeCast" in node:
        node = node["TypeCast"].get("arg") or {}
    constant = node.get("A_Const")
    if constant is None or "sval" not in constant:
        return None
    text: str = constant["sval"].get("sval", "")
    return text


def split_name(text: str) -> tuple[str | None, str]:
    """Schema and name of what a regclass literal spells."""
    parts: list[str] = []
    for piece in _pieces(text):
        parts.append(piece[1:-1].replace('""', '"') if piece.startswith('"') and len(piece) > 1 else piece.lower())
    return (parts[-2] if len(parts) > 1 else None), (parts[-1] if parts else text)


def _pieces(text: str) -> list[str]:
    pieces, current, inside = [], "", False
    for sign in text.strip():
        if sign == '"':
            inside = not inside
        if sign == "." and not inside:
            pieces.append(current)
            current = ""
        else:
            current += sign
    return [*pieces, current]


def _call_name(node: Node) -> str:
    return strings(node.get("funcname"))[-1]


def _last_name(node: Node) -> str:
    names = strings(node.get("fields"))
    return names[-1] if names else "?column?"


def _cast_name(node: Node) -> str:
    inner = output_name(node.get("arg") or {}, "")
    return inner or (strings((node.get("typeName") or {}).get("names")) or ["?column?"])[-1]


def _sublink_name(node: Node) -> str:
    kind = node.get("subLinkType")
    if kind == "EXISTS_SUBLINK":
        return "exists"
    if kind == "ARRAY_SUBLINK":
        return "array"
    query = (node.get("subselect") or {}).get("SelectStmt") or {}
    targets = query.get("targetList")
    if kind == "EXPR_SUBLINK" and targets:
        target = targets[0]["ResTarget"]
        name: str = target.get("name") or output_name(target["val"])
        return name
    return "?column?"


def _indirection_name(node: Node) -> str:
    names = strings([each for each in node.get("indirection") or () if "String" in each])
    return names[-1] if names else output_name(node.get("arg") or {})


NAMED: dict[str, Callable[[Node], str]] = {
    "ColumnRef": _last_name,
    "FuncCall": _call_name,
    "TypeCast": _cast_name,
    "SubLink": _sublink_name,
    "A_Indirection": _indirection_name,
    "CollateClause": lambda node: output_name(node.get("arg") or {}),
    "CaseExpr": lambda node: output_name(node.get("defresult") or {}, "") or "case",
    "CoalesceExpr": lambda node: "coalesce",
    "MinMaxExpr": lambda node: "least" if node.get("op") == "IS_LEAST" else "greatest",
    "A_ArrayExpr": lambda node: "array",
    "RowExpr": lambda node: "row",
    "NullIfExpr": lambda node: "nullif",
    "XmlExpr": lambda node: "xml",
    "SQLValueFunction": lambda node: node.get("op", "").removeprefix("SVFOP_").removesuffix("_N").lower(),
    "A_Expr": lambda node: "nullif" if node.get("kind") == "AEXPR_NULLIF" else "",
    "GroupingFunc": lambda node: "grouping",
    "JsonObjectConstructor": lambda node: "json_object",
    "JsonArrayConstructor": lambda node: "json_array",
}


def output_name(node: Node, otherwise: str = "?column?") -> str:
    """FigureColname"""
    for kind, inner in node.items():
        name = NAMED.get(kind)
        return (name(inner) or otherwise) if name is not None else otherwise
    return otherwise
