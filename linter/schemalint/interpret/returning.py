"""What functions give back: RETURN QUERY and RETURN NEXT, and whether it is of the shape that the function promises."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import UNKNOWN, Function, Type
from schemalint.flow.path import Failure
from schemalint.flow.value import Call, Field, Looked, Value
from schemalint.interpret import query
from schemalint.text import Span


def promised(function: Function, catalog: Catalog) -> tuple[Type, ...] | None:
    """The types of the columns that a call gives; None where that is not known."""
    outputs = tuple(each.type for each in function.arguments if each.mode in ("out", "inout", "table"))
    if outputs:
        return outputs
    relation = catalog.relation(function.result.id if isinstance(function.result.id, int) else None)
    if relation is not None:
        return None if relation.tainted else tuple(each.type for each in relation.columns)
    return None if function.result.id in ("record", "void", "trigger", UNKNOWN.id) else (function.result,)


def misfit(result: query.Result, function: Function, catalog: Catalog, exact: bool) -> str | None:
    """In which way a query's columns are not those that a function promises; `exact` types are what PL/pgSQL asks for."""
    types = promised(function, catalog)
    if types is None or not result.known or not result.columns:
        return None
    if len(result.columns) == 1 and result.columns[0][1].row is not None:
        return None  # a whole row, as one value
    if len(types) != len(result.columns):
        return f"{len(result.columns)} columns where {len(types)} are promised"
    for (name, value), type_ in zip(result.columns, types, strict=True):
        if exact and _is_plain(value) and UNKNOWN.id not in (value.type.id, type_.id) and value.type.id != type_.id:
            return f"column {name} is of another type than promised"
    return None


def _is_plain(value: Value) -> bool:
    """Whether a value is a column's, whose type is known for sure."""
    term = value.term
    while isinstance(term, Call) and term.name == "::" and term.arguments:
        term = term.arguments[0]
    return isinstance(term, Field | Looked)


def misfit_failure(function: Function, detail: str, sqlstate: str, message: str, span: Span | None) -> Failure:
    return Failure("result-shape", sqlstate, message, span, (function.oid, "result"), function=function.oid, reason=detail)
