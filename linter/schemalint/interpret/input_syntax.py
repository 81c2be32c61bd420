"""Texts that are read as another type: which of them the type's input function refuses (22P02, 22007).

PostgreSQL reads a text so in an explicit cast, and PL/pgSQL in any assignment for which there is no cast of its own.
"""

from __future__ import annotations

import re

from schemalint.catalog.model import ConstraintKind, Type, UserType
from schemalint.catalog.resolve import coercion
from schemalint.catalog.type_names import UserTypesOf
from schemalint.flow.path import Failure
from schemalint.flow.value import Call, Choice, Field, Looked, Null, Term, Value, copied_field, fields_of, subterms
from schemalint.interpret import bounds, functions, operators, query
from schemalint.interpret.catching import is_caught
from schemalint.interpret.dynamic import literal
from schemalint.interpret.names import columns_in
from schemalint.interpret.scope import Context, Effect, Scope
from schemalint.text import Span

TEXTS = frozenset({"text", "varchar", "bpchar", "name"})
NUMBER = re.compile(r"\s*[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")
WHOLE = re.compile(r"\s*[+-]?\d[\d_]*\s*")
FORMS = {
    "int2": WHOLE, "int4": WHOLE, "int8": WHOLE, "numeric": NUMBER, "float4": NUMBER, "float8": NUMBER,
    "uuid": re.compile(r"\{?[0-9a-fA-F]{4}(?:-?[0-9a-fA-F]{4}){7}\}?"),
    "bool": re.compile(r"(?i)\s*(?:t|tr|tru|true|f|fa|fal|fals|false|y|ye|yes|n|no|on|of|off|0|1)\s*"),
}  # fmt: skip
# Types whose input is refused with another code than invalid_text_representation, and how the message begins.
TIMES = frozenset({"date", "time", "timetz", "timestamp", "timestamptz", "interval"})
OTHERS = frozenset(
    {"json", "jsonb", "inet", "cidr", "macaddr", "point", "int4range", "tstzrange", "daterange", "numrange", "oid"}
)


def note(value: Value, target: Type, scope: Scope, span: Span | None) -> None:
    """Leaves in `context.pending` what is refused when a text is read as another type."""
    failure = _refused(value, target, scope, span)
    if failure is not None:
        scope.context.pending.append((Effect(failures=(failure,)),))


def reads_text(value: Value, target: Type, context: Context, explicit: bool) -> bool:
    """Whether the conversion goes through the value's text."""
    source = operators.type_id(value)
    if source is None or source == target.id or value.row is not None:
        return False
    if explicit:
        return source in TEXTS
    return coercion(source, target.id, UserTypesOf(context.catalog)) not in ("i", "a")


def _refused(value: Value, target: Type, scope: Scope, span: Span | None) -> Failure | None:
    base = scope.catalog.domain_base(target)
    enum = scope.catalog.get(base.id) if isinstance(base.id, int) else None
    labels = enum.labels if isinstance(enum, UserType) and enum.kind == "enum" else None
    if (
        value.null is Null.ALWAYS
        or value.constant is not None
        or (labels is None and base.id not in FORMS.keys() | TIMES | OTHERS)
    ):
        return None
    sample = _sample(value, base, labels, scope)
    if sample is None or _is_guarded(value.term, scope):
        return None
    shown = functions.type_name(base, scope.catalog)
    sqlstate, message = "22P02", f"invalid input syntax for type {'json' if shown == 'jsonb' else shown}"
    if labels is not None:
        message = f'invalid input value for enum {shown}: "{sample}"'
    elif base.id in TIMES:
        sqlstate = "22007"
    elif base.id not in ("json", "jsonb"):
        message = f'{message}: "{sample}"'
    field = copied_field(value.term)
    known = field is not None and field.relation == scope.context.source
    return Failure(
        "input-syntax", sqlstate, message, span, (scope.context.source, *_subject(value.term), "input", str(target.id)),
        "conditional" if known or _is_plain(value.term) else "unknown", scope.context.source if known else None,
        field.column if field is not None else None, value, shown,
        witness=((field.column, literal(sample)),) if known and field is not None else (),
        function=scope.context.function, caught=is_caught(sqlstate, scope.context.caught),
    )  # fmt: skip


def _subject(term: Term) -> tuple[int, ...]:
    fields = sorted((each.relation, each.column) for each in fields_of(term))
    return tuple(number for pair in fields for number in pair)


def _sample(value: Value, base: Type, labels: tuple[str, ...] | None, scope: Scope) -> str | None:
    """A text that the type refuses; None where every text that the value can be is taken."""
    choices = bounds.known_of(value.term, scope).choices
    if choices is not None:
        form = FORMS.get(str(base.id))
        if labels is None and form is None:
            return None
        refused = [c for c in choices if (labels is not None and c not in labels) or (form is not None and not form.fullmatch(c))]
        return min(refused, default=None)
    source = operators.type_id(value)
    if source not in TEXTS:  # numbers, times …: their text is of a known form
        return None if labels is None else "another"
    return "hello" if labels is None or "hello" not in labels else "another"


def _is_plain(term: Term) -> bool:
    """Whether the text comes from rows as it is."""
    while (
        isinstance(term, Call)
        and term.name in ("::", ":=", "lower", "upper", "btrim", "trim", "rtrim", "ltrim")
        and term.arguments
    ):
        term = term.arguments[0]
    return isinstance(term, Field | Looked)


def _is_guarded(term: Term, scope: Scope) -> bool:
    """Whether a condition around it is about the same columns: then it is there to keep such texts out."""
    if any(isinstance(each, Choice) for each in subterms(term)):
        return True
    if any(_is_checked(each, scope) for each in fields_of(term)):
        return True
    names = [repr(each) for each in subterms(term) if isinstance(each, Field | Looked)]
    return any(name in guard for guard in scope.guards for name in names)


def _is_checked(field: Field, scope: Scope) -> bool:
    """Whether a CHECK of the source is about the form of the column's texts (a pattern, a function)."""
    source = scope.catalog.relation(field.relation)
    column = source.column_numbered(field.column) if source is not None else None
    if source is None or column is None:
        return False
    return any(
        column.name in columns_in(part) and bounds.requirement_of(part) is None and "NullTest" not in part
        for each in source.constraints
        if each.kind is ConstraintKind.CHECK and each.enforced and each.expression is not None
        for part in query.conjuncts_of(each.expression.node)
    )
