"""What is known of a value's length, range and choices, and whether a column's type or a CHECK admits all of it.

A requirement that holds for every value says nothing; one that some value misses is conditional, with that value;
one that every value misses is certain; one that is not understood is unknown.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from schemalint.catalog.model import Column, Constraint, ConstraintKind, Relation
from schemalint.catalog.type_names import strings
from schemalint.flow.value import Call, Choice, Constant, Field, Looked, Null, Term, Value, copied_field
from schemalint.interpret import functions, names, query
from schemalint.interpret.dynamic import literal
from schemalint.interpret.scope import Scope

Node = dict[str, Any]

RANGES = {
    "int2": (Decimal(-(2**15)), Decimal(2**15 - 1)),
    "int4": (Decimal(-(2**31)), Decimal(2**31 - 1)),
    "int8": (Decimal(-(2**63)), Decimal(2**63 - 1)),
}
RANGE_NAMES = {"int2": "smallint", "int4": "integer", "int8": "bigint"}
NUMBERS = frozenset({"numeric", "int2", "int4", "int8", "float4", "float8"})
LENGTHS = frozenset({"length", "char_length", "character_length"})
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
TEXTS = frozenset({"text", "varchar", "bpchar", "name"})


class Known(msgspec.Struct, frozen=True):
    """Bounds that every non-NULL value keeps; None where there is none."""

    shortest: int = 0
    longest: int | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    choices: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    sure: bool = True  # False: the value is computed in a way that is not understood

    def meet(self, other: Known) -> Known:
        """What is known when both are."""
        longest = min((x for x in (self.longest, other.longest) if x is not None), default=None)
        lows = [x for x in (self.low, other.low) if x is not None]
        highs = [x for x in (self.high, other.high) if x is not None]
        choices = self.choices if other.choices is None else other.choices
        if self.choices is not None and other.choices is not None:
            choices = self.choices & other.choices
        return Known(
            max(self.shortest, other.shortest), longest, max(lows, default=None), min(highs, default=None), choices,
            self.excluded | other.excluded, self.sure and other.sure,
        )  # fmt: skip

    def either(self, other: Known) -> Known:
        """What is known when one of them is, and it is open which."""
        longest = None if self.longest is None or other.longest is None else max(self.longest, other.longest)
        low = None if self.low is None or other.low is None else min(self.low, other.low)
        high = None if self.high is None or other.high is None else max(self.high, other.high)
        choices = None if self.choices is None or other.choices is None else self.choices | other.choices
        excluded = self.excluded & other.excluded
        return Known(min(self.shortest, other.shortest), longest, low, high, choices, excluded, self.sure and other.sure)


def known_of(term: Term, scope: Scope) -> Known:
    """What is known of a term's value."""
    match term:
        case Constant(text=None):
            return Known(sure=True, choices=frozenset())
        case Constant():
            return _of_constant(term)
        case Field():
            return _of_column(scope.catalog.relation(term.relation), term.column, scope)
        case Looked():
            return _of_column(scope.catalog.relation(term.relation), term.column, scope)
        case Choice():
            found = known_of(term.of[0], scope)
            for each in term.of[1:]:
                found = found.either(known_of(each, scope))
            return found
        case Call(name=":="):
            return known_of(term.arguments[0], scope)
        case Call(name="::"):
            inner = known_of(term.arguments[0], scope)
            if "[" in term.detail:
                kind, _, rest = term.detail.partition("[")
                if kind in ("varchar", "bpchar") and rest.rstrip("]").isdigit():
                    return inner.meet(Known(longest=int(rest.rstrip("]"))))
            return inner
        case Call(name="left") if isinstance(term.arguments[1], Constant) and (term.arguments[1].text or "").isdigit():
            return Known(longest=int(term.arguments[1].text or 0)).meet(
                msgspec.structs.replace(known_of(term.arguments[0], scope), shortest=0, choices=None)
            )
        case Call(name="lower" | "upper" | "btrim" | "trim" | "rtrim" | "ltrim"):
            inner = known_of(term.arguments[0], scope)
            return Known(longest=inner.longest, sure=inner.sure)
    return Known(sure=False)


def _of_constant(term: Constant) -> Known:
    text = term.text or ""
    number = as_number(text)
    return Known(len(text), len(text), number, number, frozenset({text}))


def as_number(text: str | None) -> Decimal | None:
    """A text as a number; None where it is none."""
    try:
        return Decimal(text) if text is not None else None
    except InvalidOperation:
        return None


def _of_column(relation: Relation | None, number: int, scope: Scope) -> Known:
    column = relation.column_numbered(number) if relation is not None else None
    if relation is None or column is None:
        return Known(sure=False)
    known = of_type(column, scope)
    for each in relation.constraints:
        if each.kind is ConstraintKind.CHECK and each.enforced and each.expression is not None:
            for part in query.conjuncts_of(each.expression.node):
                requirement = requirement_of(part)
                if requirement is not None and requirement[0] == column.name:
                    known = known.meet(requirement[1])
    return known


def of_type(column: Column, scope: Scope) -> Known:
    """What a column's type says of its values."""
    type_ = column.type
    known = Known()
    while isinstance(type_.id, int):
        user = scope.catalog.user_type(type_.id)
        if user is None:
            return known
        if user.kind == "enum":
            return known.meet(Known(choices=frozenset(user.labels)))
        if user.kind != "domain" or user.base is None:
            return known
        for each in user.checks:
            if each.expression is not None:
                for part in query.conjuncts_of(each.expression.node):
                    requirement = requirement_of(part)
                    if requirement is not None:
                        known = known.meet(requirement[1])
        type_ = user.base
    if type_.id in ("varchar", "bpchar") and type_.modifiers:
        return known.meet(Known(longest=type_.modifiers[0]))
    if type_.id in RANGES:
        low, high = RANGES[str(type_.id)]
        return known.meet(Known(low=low, high=high))
    if type_.id == "bool":
        return known.meet(Known(choices=frozenset({"true", "false"})))
    return known


# -- reading a condition on one column


def requirement_of(node: Node) -> tuple[str, Known] | None:
    """The column that a condition is about, and what it demands of it; None where it is of another form."""
    inner = node.get("A_Expr")
    if inner is None:
        return _disjunction(node)
    kind = inner.get("kind", "AEXPR_OP")
    operator = (strings(inner.get("name")) or [""])[-1]
    left, right = inner.get("lexpr"), inner.get("rexpr")
    if kind == "AEXPR_BETWEEN" and left is not None:
        low, high = (constant_text(each) for each in right["List"]["items"])
        found = _compared(left, ">=", low), _compared(left, "<=", high)
        return None if found[0] is None or found[1] is None else (found[0][0], found[0][1].meet(found[1][1]))
    if kind == "AEXPR_IN":
        return _chosen(left, [constant_text(each) for each in right["List"]["items"]], operator == "<>")
    if kind == "AEXPR_OP_ANY" and operator == "=":
        return _chosen(left, _array_items(right), False)
    if kind != "AEXPR_OP" or left is None or right is None:
        return None
    if (value := constant_text(right)) is not None:
        return _compared(left, operator, value)
    if (value := constant_text(left)) is not None and operator in MIRRORED:
        return _compared(right, MIRRORED[operator], value)
    return None


def _disjunction(node: Node) -> tuple[str, Known] | None:
    """x IS NULL OR …, and choices joined by OR."""
    inner = node.get("BoolExpr")
    if inner is None:
        return None
    if inner.get("boolop", "AND_EXPR") == "AND_EXPR":
        parts = [requirement_of(each) for each in inner["args"]]
        known = [each for each in parts if each is not None]
        if len(known) != len(parts) or len({name for name, _ in known}) != 1:
            return None
        result = known[0][1]
        for _, each in known[1:]:
            result = result.meet(each)
        return known[0][0], result
    if inner.get("boolop") != "OR_EXPR":
        return None
    parts = [requirement_of(each) for each in inner["args"] if "NullTest" not in each]
    known = [each for each in parts if each is not None]
    tests = [strings(e["NullTest"]["arg"].get("ColumnRef", {}).get("fields"))[-1:] for e in inner["args"] if "NullTest" in e]
    if len(known) != len(parts) or not known or len({name for name, _ in known}) != 1 or any(t != [known[0][0]] for t in tests):
        return None
    result = known[0][1]
    for _, each in known[1:]:
        result = result.either(each)
    return known[0][0], result


def constant_text(node: Node | None) -> str | None:
    """The text of a literal, through casts; None for anything else, and for NULL."""
    while node is not None and "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    inner = (node or {}).get("A_Const")
    if inner is None or inner.get("isnull"):
        return None
    if "ival" in inner:
        return str(inner["ival"].get("ival", 0))
    if "fval" in inner:
        return str(inner["fval"].get("fval"))
    if "boolval" in inner:
        return "true" if inner["boolval"].get("boolval") else "false"
    return str(inner["sval"].get("sval", "")) if "sval" in inner else None


def _array_items(node: Node | None) -> list[str | None]:
    while node is not None and "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    inner = (node or {}).get("A_ArrayExpr")
    return [None] if inner is None else [constant_text(each) for each in inner.get("elements") or ()]


def _column(node: Node | None) -> str | None:
    while node is not None and "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    names = strings((node or {}).get("ColumnRef", {}).get("fields"))
    return names[-1] if names else None


def _chosen(node: Node | None, values: list[str | None], negated: bool) -> tuple[str, Known] | None:
    name = _column(node)
    if name is None or any(each is None for each in values):
        return None
    choices = frozenset(each for each in values if each is not None)
    return name, Known(excluded=choices) if negated else Known(choices=choices)


def _compared(node: Node, operator: str, value: str | None) -> tuple[str, Known] | None:
    if value is None:
        return None
    call = node.get("FuncCall")
    if call is not None and strings(call["funcname"])[-1] in LENGTHS and len(call.get("args") or ()) == 1:
        name, number = _column(call["args"][0]), as_number(value)
        return None if name is None or number is None else _length_bound(name, operator, int(number))
    name = _column(node)
    if name is None:
        return None
    if operator == "=":
        return name, Known(choices=frozenset({value}))
    if operator == "<>":
        return name, Known(excluded=frozenset({value}))
    number = as_number(value)
    if number is None:
        return None
    if operator in ("<", "<="):
        return name, Known(high=number if operator == "<=" else number - 1)
    if operator in (">", ">="):
        return name, Known(low=number if operator == ">=" else number + 1)
    return None


def _length_bound(name: str, operator: str, number: int) -> tuple[str, Known] | None:
    bounds = {
        "<": Known(longest=number - 1),
        "<=": Known(longest=number),
        ">": Known(shortest=number + 1),
        ">=": Known(shortest=number),
        "=": Known(shortest=number, longest=number),
    }
    if operator == "<>" and number == 0:
        return name, Known(shortest=1)
    return (name, bounds[operator]) if operator in bounds else None


# -- deciding


BOUNDED = frozenset({"varchar", "bpchar", "float4", "numeric", *RANGES})  # the types that can be too small


def overflow(value: Value, column: Column, scope: Scope) -> tuple[str, str, str, str | None] | None:
    """SQLSTATE, message, certainty and a witness where a value can be too long or too large for a column's type."""
    base = scope.catalog.domain_base(column.type)
    if base.id not in BOUNDED:
        return None
    required = of_type(column, scope)
    known = known_of(value.term, scope)
    shown = functions.type_name(base, scope.catalog)
    if base.id in ("varchar", "bpchar") and base.modifiers and required.longest is not None:
        limit = base.modifiers[0]
        if known.longest is not None and known.longest <= limit:
            return None
        message = f"value too long for type {shown}({limit})"
        if known.shortest > limit:
            return "22001", message, "certain", None
        certainty = "conditional" if known.sure else "unknown"
        return "22001", message, certainty, literal("x" * (limit + 1)) if limit < 60 else f"repeat('x', {limit + 1})"
    if base.id in RANGES and isinstance(base.id, str):
        return _too_large(base.id, known, value)
    if base.id == "float4" and scope.catalog.domain_base(value.type).id in ("float4", "float8"):
        return _too_large_for_real(value, known, scope)
    if base.id == "numeric" and base.modifiers:
        return _too_many_digits(base.modifiers, known, value, scope)
    return None


LARGEST_REAL = Decimal("3.4028235e38")


def _too_large_for_real(value: Value, known: Known, scope: Scope) -> tuple[str, str, str, str | None] | None:
    field = copied_field(value.term)
    relation = scope.catalog.relation(field.relation) if field is not None else None
    column = relation.column_numbered(field.column) if relation is not None and field is not None else None
    if column is None or scope.catalog.domain_base(column.type).id != "float8":
        return None
    if known.low is not None and known.high is not None and known.low >= -LARGEST_REAL and known.high <= LARGEST_REAL:
        return None
    return "22003", "value out of range: overflow", "conditional", "1e300"


def _too_many_digits(
    modifiers: tuple[int, ...], known: Known, value: Value, scope: Scope
) -> tuple[str, str, str, str | None] | None:
    """numeric(p, s) has p - s digits before the point; the source may have more."""
    digits = modifiers[0] - (modifiers[1] if len(modifiers) > 1 else 0)
    limit = Decimal(10) ** digits
    field = copied_field(value.term)
    relation = scope.catalog.relation(field.relation) if field is not None else None
    column = relation.column_numbered(field.column) if relation is not None and field is not None else None
    if column is None:
        return None
    source = scope.catalog.domain_base(column.type)
    if source.id == "numeric" and source.modifiers:
        own = source.modifiers[0] - (source.modifiers[1] if len(source.modifiers) > 1 else 0)
        fits = own <= digits
    else:
        fits = False
    if fits or (known.high is not None and known.low is not None and known.high < limit and known.low > -limit):
        return None
    return ("22003", "numeric field overflow", "conditional", str(limit)) if source.id in NUMBERS else None


def _too_large(name: str, known: Known, value: Value) -> tuple[str, str, str, str | None] | None:
    low, high = RANGES[name]
    message = f"{RANGE_NAMES[name]} out of range"
    if value.type.id == name and known.low is None and known.high is None:
        return None
    if known.low is not None and known.high is not None and known.low >= low and known.high <= high:
        return None
    if (known.low is not None and known.low > high) or (known.high is not None and known.high < low):
        return "22003", message, "certain", None
    field = copied_field(value.term)
    if field is None or known.high is None:
        return None
    return "22003", message, "conditional", str(high + 1)


def check(constraint: Constraint, columns: dict[str, Value], scope: Scope) -> tuple[str, tuple[tuple[int, str], ...], str] | None:
    """Certainty, witness and reason where a CHECK does not hold for every row; None where it does."""
    assert constraint.expression is not None
    worst: tuple[str, tuple[tuple[int, str], ...], str] | None = None
    for part in query.conjuncts_of(constraint.expression.node):
        found = _part(part, constraint, columns, scope)
        if found is not None and (worst is None or _gravity(found[0]) < _gravity(worst[0])):
            worst = found
    return worst


def _gravity(certainty: str) -> int:
    return ("certain", "conditional", "unknown").index(certainty)


def _part(
    node: Node, constraint: Constraint, columns: dict[str, Value], scope: Scope
) -> tuple[str, tuple[tuple[int, str], ...], str] | None:
    if _demanded_of_source(node, columns, scope):
        return None
    inlined = functions.inlined(node, scope)
    if inlined is not None:
        found = [each for part in query.conjuncts_of(inlined) if (each := _part(part, constraint, columns, scope)) is not None]
        return min(found, key=lambda each: _gravity(each[0]), default=None)
    requirement = requirement_of(node)
    if requirement is None or requirement[0] not in columns:
        return _of_other_form(node, constraint, columns)
    name, required = requirement
    value = columns[name]
    if value.null is Null.ALWAYS:
        return None
    known = known_of(value.term, scope)
    decided = decide(known, required)
    if decided is None:
        return None
    certainty, sample = decided
    if certainty == "certain" and value.null is not Null.NEVER:
        certainty = "conditional"
    field = copied_field(value.term)
    witness: tuple[tuple[int, str], ...] = ()
    if field is not None and sample is not None and field.relation == scope.context.source:
        witness = ((field.column, sample),)
    return certainty, witness, constraint.name


def _of_other_form(
    node: Node, constraint: Constraint, columns: dict[str, Value]
) -> tuple[str, tuple[tuple[int, str], ...], str] | None:
    """A condition that is not about one column: it holds where it is NULL, else it is not decided."""
    values = [columns[each] for each in names.columns_in(node) if each in columns]
    if any(each.null is Null.ALWAYS for each in values) and "A_Expr" in node:
        return None
    return "unknown", (), constraint.name


def _demanded_of_source(node: Node, columns: dict[str, Value], scope: Scope) -> bool:
    """Whether the source has the same CHECK on the columns that are copied."""
    source = scope.catalog.relation(scope.context.source)
    if source is None:
        return False
    names_of: dict[str, str] = {}
    for each in names.columns_in(node):
        field = copied_field(columns[each].term) if each in columns else None
        column = source.column_numbered(field.column) if field is not None and field.relation == source.oid else None
        if column is None:
            return False
        names_of[each] = column.name
    wanted = names.with_names(node, names_of)
    for constraint in source.constraints:
        if constraint.kind is ConstraintKind.CHECK and constraint.enforced and constraint.expression is not None:
            for part in query.conjuncts_of(constraint.expression.node):
                if _same(part, wanted):
                    return True
    return False


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        keys = (first.keys() | second.keys()) - {"location", "rexpr_list_start", "rexpr_list_end"}
        return all(_same(first.get(each), second.get(each)) for each in keys)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return bool(first == second)


def decide(known: Known, required: Known) -> tuple[str, str | None] | None:
    """Certainty and a value that fails, where not every known value meets what is required."""
    if known.choices is not None:
        return _decide_choices(known, required)
    if required.choices is not None:
        return ("conditional" if known.sure else "unknown"), _outside(required.choices)
    if required.longest is not None and (known.longest is None or known.longest > required.longest):
        if known.shortest > required.longest:
            return "certain", None
        return ("conditional" if known.sure else "unknown"), f"repeat('x', {required.longest + 1})"
    if required.shortest > known.shortest:
        if known.longest is not None and known.longest < required.shortest:
            return "certain", None
        return ("conditional" if known.sure else "unknown"), literal("x" * known.shortest)
    return _decide_range(known, required) or _decide_excluded(known, required)


def _decide_choices(known: Known, required: Known) -> tuple[str, str | None] | None:
    assert known.choices is not None
    bad = sorted(each for each in known.choices if not _admits(required, each))
    if not bad:
        return None
    return ("certain" if len(bad) == len(known.choices) else "conditional"), literal(bad[0])


def _admits(required: Known, text: str) -> bool:
    number = as_number(text)
    low, high = required.low, required.high
    return (
        (required.choices is None or text in required.choices)
        and text not in required.excluded
        and len(text) >= required.shortest
        and (required.longest is None or len(text) <= required.longest)
        and (number is None or low is None or number >= low)
        and (number is None or high is None or number <= high)
    )


def _decide_range(known: Known, required: Known) -> tuple[str, str | None] | None:
    certainty = "conditional" if known.sure else "unknown"
    if required.high is not None and (known.high is None or known.high > required.high):
        return ("certain", None) if known.low is not None and known.low > required.high else (certainty, str(required.high + 1))
    if required.low is not None and (known.low is None or known.low < required.low):
        return ("certain", None) if known.high is not None and known.high < required.low else (certainty, str(required.low - 1))
    return None


def _decide_excluded(known: Known, required: Known) -> tuple[str, str | None] | None:
    left = required.excluded - known.excluded
    left = frozenset(each for each in left if _admits(known, each))
    return None if not left else ("conditional" if known.sure else "unknown", literal(min(left)))


def _outside(choices: frozenset[str]) -> str | None:
    if all(as_number(each) is not None for each in choices):
        return str(max(Decimal(each) for each in choices) + 1)
    return literal("another") if "another" not in choices else None
