"""A partitioned table as target: rows for which there is no partition (23514)."""

from __future__ import annotations

from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation, RelationKind
from schemalint.catalog.type_names import strings
from schemalint.flow.path import Failure, Write
from schemalint.flow.value import Null, Value, copied_field
from schemalint.interpret import bounds
from schemalint.interpret.scope import Scope

Node = dict[str, Any]
Range = tuple[str | None, str | None]  # from, to; None where it is open


def failure(write: Write, relation: Relation, scope: Scope) -> Failure | None:
    """That an inserted row finds no partition: for every row, or for some."""
    if relation.kind is not RelationKind.PARTITIONED_TABLE or relation.tainted or write.operation != "insert":
        return None
    own = partitions_of(relation, scope.catalog)
    if any((each.partition_bound or {}).get("is_default") for each in own):
        return None
    certainty = _certainty(write, relation, own, scope)
    if certainty is None:
        return None
    fewer = scope.catalog.get(("fewer partitions", relation.oid)) or 0  # what was missing before is not what is missing now
    message = f'no partition of relation "{relation.name}" found for row'
    return Failure(
        "no-partition", "23514", message, write.target_span, (relation.oid, "partition", fewer), certainty, relation.oid,
        definition=relation.span, function=scope.context.function,
    )  # fmt: skip


def partitions_of(relation: Relation, catalog: Catalog) -> list[Relation]:
    found = [catalog.relation(each) for each in sorted(catalog.users(relation.oid))]
    return [each for each in found if each is not None and each.partition_of == relation.oid]


def _certainty(write: Write, relation: Relation, own: list[Relation], scope: Scope) -> str | None:
    if not own:
        return "certain"
    strategy = (relation.partition_key or {}).get("strategy", "")
    all_bounds = [each.partition_bound or {} for each in own]
    if "HASH" in strategy:
        modulus = max((each.get("modulus", 1) for each in all_bounds), default=1)
        covered = sum(modulus // each.get("modulus", 1) for each in all_bounds)
        return None if covered >= modulus else "conditional"
    value = _key_value(write, relation)
    if value is None or _source_is_alike(value, relation, all_bounds, scope):
        return None
    if "LIST" in strategy:
        return _outside_lists(value, all_bounds, scope)
    return _outside_ranges(value, all_bounds, scope)


def _key_value(write: Write, relation: Relation) -> Value | None:
    """What a partition key of one plain column gets; None for another key."""
    items = [each["PartitionElem"] for each in (relation.partition_key or {}).get("partParams") or ()]
    column = relation.column(items[0]["name"]) if len(items) == 1 and "name" in items[0] else None
    return write.value_of(column.number) if column is not None else None


def _source_is_alike(value: Value, relation: Relation, all_bounds: list[Node], scope: Scope) -> bool:
    """Whether the source is partitioned by the same column into the same parts: it takes no other rows."""
    field = copied_field(value.term)
    source = scope.catalog.relation(field.relation) if field is not None else None
    if source is None or field is None or source.kind is not RelationKind.PARTITIONED_TABLE:
        return False
    items = [each["PartitionElem"] for each in (source.partition_key or {}).get("partParams") or ()]
    column = source.column(items[0].get("name", "")) if len(items) == 1 else None
    if column is None or column.number != field.column:
        return False
    theirs = [each.partition_bound or {} for each in partitions_of(source, scope.catalog)]
    if any(each.get("is_default") for each in theirs):
        return False
    have = {_written(each) for each in all_bounds}
    return all(_written(each) in have for each in theirs)


def _written(bound: Node) -> str:
    lists = [[_constant(each) for each in bound.get(key) or ()] for key in ("listdatums", "lowerdatums", "upperdatums")]
    return repr(lists)


def _outside_lists(value: Value, all_bounds: list[Node], scope: Scope) -> str | None:
    listed = {_constant(each) for bound in all_bounds for each in bound.get("listdatums") or ()}
    known = bounds.known_of(value.term, scope).choices
    nulls_taken = None in listed or value.null is Null.NEVER
    if known is None:
        return "conditional"
    missing = known - {each for each in listed if each is not None}
    if missing and missing == known and value.null is Null.NEVER:
        return "certain"
    return None if not missing and nulls_taken else "conditional"


def _outside_ranges(value: Value, all_bounds: list[Node], scope: Scope) -> str | None:
    ranges = sorted((_range(each) for each in all_bounds), key=lambda each: (each[0] is not None, each[0] or ""))
    if value.constant is not None:
        return None
    reached: str | None = ranges[0][1]
    if ranges[0][0] is not None:
        return _unless_bounded(value, ranges, scope)
    for low, high in ranges[1:]:
        if reached is None:
            return None
        if low != reached:
            return _unless_bounded(value, ranges, scope)
        reached = high
    return None if reached is None else _unless_bounded(value, ranges, scope)


def _unless_bounded(value: Value, ranges: list[Range], scope: Scope) -> str | None:
    """Conditional, but for numbers that the source keeps within one of the ranges."""
    known = bounds.known_of(value.term, scope)
    if known.low is None or known.high is None:
        return "conditional"
    for low, high in ranges:
        lowest, highest = bounds.as_number(low), bounds.as_number(high)
        if (low is None or (lowest is not None and lowest <= known.low)) and (
            high is None or (highest is not None and known.high < highest)
        ):
            return None
    return "conditional"


def _range(bound: Node) -> Range:
    return _edge(bound.get("lowerdatums")), _edge(bound.get("upperdatums"))


def _edge(items: list[Node] | None) -> str | None:
    first = (items or [{}])[0]
    if strings(first.get("ColumnRef", {}).get("fields")) in (["minvalue"], ["maxvalue"]):
        return None
    return _constant(first)


def _constant(node: Node) -> str | None:
    return bounds.constant_text(node)
