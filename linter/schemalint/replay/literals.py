"""Whether an expression can be what a column gets by default, or what is computed for it.

PostgreSQL coerces such an expression to the column's type when the column is defined: cookDefault in catalog/heap.c.
"""

from __future__ import annotations

import json
from functools import cache
from re import compile as pattern

from schemalint.catalog import facts
from schemalint.catalog.catalog import Catalog
from schemalint.catalog.coercion import coercion
from schemalint.catalog.model import UNKNOWN, Node, Type, TypeKind, UserType
from schemalint.catalog.resolve import NO_USER_TYPES
from schemalint.catalog.type_names import UserTypesOf
from schemalint.catalog.type_printing import format_type
from schemalint.interpret.input_syntax import FORMS, TEXTS, TIMES
from schemalint.replay.context import Refused
from schemalint.replay.reading import NOWHERE, Reader, Scope
from schemalint.text import Span

DIGIT = pattern(r"\d")
# Words that stand for a time without a digit in them.
WORDS = pattern(r"(?i)\s*(?:now|today|tomorrow|yesterday|epoch|allballs|-?\+?infinity)\b")


def refuse_unfit(
    catalog: Catalog,
    column: str,
    type_: Type,
    node: Node,
    span: Span | None,
    scope: Scope = NOWHERE,
    reader: Reader | None = None,
) -> None:
    """Refuses an expression that cannot be assigned to a column (42804), or a constant that its type cannot read."""
    base = catalog.domain_base(type_)
    constant = node.get("A_Const")
    if constant is not None and constant.get("isnull"):
        return
    if constant is not None and "sval" in constant:
        refuse_unreadable(catalog, constant["sval"].get("sval", ""), base, span)
        return
    found = (reader or Reader(catalog)).type_of(node, scope)
    if not assignable(catalog, found, type_):
        message = (
            f'column "{column}" is of type {format_type(Type(type_.id), catalog)} but default expression is of type '
            f"{format_type(Type(found.id), catalog)}"
        )
        raise Refused("42804", message, span)


def assignable(catalog: Catalog, source: Type, target: Type) -> bool:
    """Whether a value of the first type may be assigned to a column of the second; True where that is not known."""
    if UNKNOWN.id in (source.id, target.id) or source.id == target.id:
        return True
    if isinstance(source.id, str) and isinstance(target.id, str):
        return _is_assignable(source.id, target.id)
    if any(isinstance(each, int) and catalog.relation(abs(each)) is not None for each in (source.id, target.id)):
        return True
    return coercion(source.id, target.id, UserTypesOf(catalog)) in ("i", "a")


@cache
def _is_assignable(source: str, target: str) -> bool:
    return coercion(source, target, NO_USER_TYPES) in ("i", "a")


def refuse_unreadable(catalog: Catalog, text: str, type_: Type, span: Span | None) -> None:
    """Refuses a constant that the input function of its type does not take, as far as that is plain."""
    own = catalog.get(type_.id) if isinstance(type_.id, int) else None
    if own is None and type_.id in TEXTS:
        return
    shown = format_type(Type(type_.id), catalog)
    if isinstance(own, UserType):
        if own.kind is TypeKind.ENUM and text not in own.labels:
            raise Refused("22P02", f'invalid input value for enum {shown}: "{text}"', span)
        return
    id_ = type_.id
    if id_ in TIMES and not DIGIT.search(text) and not WORDS.match(text):
        raise Refused("22007", f'invalid input syntax for type {shown}: "{text}"', span)
    form = FORMS.get(str(id_))
    plain = text.strip().lower()
    odd = plain.startswith(("0x", "0o", "0b")) or (id_ in FRACTIONAL and plain.strip("+-") in ("nan", "infinity", "inf"))
    if form is not None and not form.fullmatch(text) and not odd:
        raise Refused("22P02", f'invalid input syntax for type {shown}: "{text}"', span)
    if (id_ in ("json", "jsonb") and not _is_json(text)) or (id_ in ("inet", "cidr", "macaddr") and not DIGIT.search(text)):
        raise Refused("22P02", f"invalid input syntax for type {'json' if id_ == 'jsonb' else shown}", span)
    fact = facts.type_named(id_) if isinstance(id_, str) else None
    if fact is not None and fact.category == "A" and not text.lstrip().startswith(("{", "[")) and id_ not in VECTORS:
        raise Refused("22P02", f'malformed array literal: "{text}"', span)


FRACTIONAL = frozenset({"float4", "float8", "numeric"})
VECTORS = frozenset({"int2vector", "oidvector"})


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
