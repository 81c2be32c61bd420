"""Operators over constants: what PostgreSQL would compute without looking at a row."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from schemalint.flow.value import Constant, Value, boolean, constant

NUMERIC = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
TEXTUAL = frozenset({"text", "varchar", "bpchar", "name", "unknown", "char"})
COMPARISONS = {
    "=": lambda order: order == 0,
    "<>": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def compare(left: Constant | None, right: Constant | None) -> int | None:
    """-1, 0 or 1; None where the order is not known. Text is compared for equality only: its order is the collation's."""
    if left is None or right is None or left.text is None or right.text is None:
        return None
    if left.type in NUMERIC or right.type in NUMERIC:
        try:
            first, second = Decimal(left.text), Decimal(right.text)
        except InvalidOperation:
            return None
        return (first > second) - (first < second)
    if left.type == "bool" or right.type == "bool":
        return None if left.type != right.type else (left.text > right.text) - (left.text < right.text)
    same_type = (
        left.type == right.type or (left.type in TEXTUAL and right.type in TEXTUAL) or "unknown" in (left.type, right.type)
    )
    if same_type and left.text == right.text:
        return 0
    if left.type in TEXTUAL and right.type in TEXTUAL:
        return 2  # different, the order hangs on the collation
    if isinstance(left.type, int) or isinstance(right.type, int):
        return 2 if same_type else None
    return None


def fold(name: str, operands: Sequence[Value]) -> Value | None:
    """The result where all operands are constants and the answer is certain."""
    constants = [each.constant for each in operands]
    if any(each is None or each.text is None for each in constants):
        return None
    if len(constants) == 2 and name in COMPARISONS:
        order = compare(constants[0], constants[1])
        if order is None or (order == 2 and name not in ("=", "<>")):
            return None
        return boolean(COMPARISONS[name](order))
    if name == "||" and all(each is not None and each.type in TEXTUAL for each in constants):
        return constant("".join(each.text or "" for each in constants if each is not None), "text")
    return None
