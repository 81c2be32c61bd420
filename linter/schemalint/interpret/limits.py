"""Limits of PostgreSQL itself that a value of the source can pass: sizes of index entries, the ends of sequences."""

from __future__ import annotations

from collections.abc import Iterator

from schemalint.catalog.model import Relation, SequenceState
from schemalint.flow.path import Assignment, Failure, Write
from schemalint.flow.value import Call, Field, Null, copied_field, subterms
from schemalint.interpret import bounds
from schemalint.interpret.scope import Scope

LARGEST_BTREE_ENTRY = 2704  # bytes: BTMaxItemSize of a page of 8 kB
BYTES_PER_CHARACTER = 4  # of UTF-8 at most
SMALLEST_SEQUENCE_OF_CONCERN = 2**15 - 1


def failures(write: Write, relation: Relation, scope: Scope) -> Iterator[Failure]:
    yield from _index_entries(write, relation, scope)
    if write.operation == "insert":
        yield from _sequences(write, relation, scope)


def _index_entries(write: Write, relation: Relation, scope: Scope) -> Iterator[Failure]:
    """A B-tree entry has to fit into a third of a page (chapter "B-Tree Indexes")."""
    for index in relation.indexes:
        if index.method != "btree":
            continue
        for number in index.columns:
            assignment = write.given(number) if number else None
            column = relation.column_numbered(number)
            if (
                assignment is None
                or column is None
                or _source_is_indexed(assignment, scope)
                or scope.catalog.domain_base(column.type).id not in bounds.TEXTS
            ):
                continue
            size = _largest(assignment, scope)
            if size is None or size <= LARGEST_BTREE_ENTRY:
                continue
            message = f'index row size exceeds btree version 4 maximum {LARGEST_BTREE_ENTRY} for index "{index.name}"'
            yield Failure(
                "size", "54000", message, assignment.span or write.target_span, (relation.oid, index.oid, "size"),
                "conditional", relation.oid, number, assignment.value, index.name, index.span,
                function=scope.context.function,
            )  # fmt: skip


def _source_is_indexed(assignment: Assignment, scope: Scope) -> bool:
    """Whether the source has such an index on the column itself: then it refuses the value first."""
    field = copied_field(assignment.value.term)
    source = scope.catalog.relation(field.relation) if field is not None else None
    return (
        source is not None
        and field is not None
        and any(each.method == "btree" and each.predicate is None and field.column in each.columns for each in source.indexes)
    )


def _largest(assignment: Assignment, scope: Scope) -> int | None:
    """The bytes that a text can have; None where nothing bounds it."""
    if assignment.value.null is Null.ALWAYS:
        return 0
    known = bounds.known_of(assignment.value.term, scope)
    if known.choices is not None:
        return max((len(each.encode()) for each in known.choices), default=0)
    if known.longest is None:
        return None if any(isinstance(each, Field) for each in subterms(assignment.value.term)) else 0
    return known.longest * BYTES_PER_CHARACTER


def _sequences(write: Write, relation: Relation, scope: Scope) -> Iterator[Failure]:
    """nextval() of a sequence that ends early (2200H)."""
    for each in write.assignments:
        term = each.value.term
        while isinstance(term, Call) and term.name in ("::", ":=") and term.arguments:
            term = term.arguments[0]
        if not isinstance(term, Call) or term.name != "nextval" or not term.arguments:
            continue
        sequence = _sequence(relation, each.column, scope)
        if sequence is None or sequence[1].cycle or _end(sequence[1]) > SMALLEST_SEQUENCE_OF_CONCERN:
            continue
        message = f'nextval: reached maximum value of sequence "{sequence[0].name}" ({_end(sequence[1])})'
        yield Failure(
            "size", "2200H", message, write.target_span, (relation.oid, each.column, "sequence"), "conditional", relation.oid,
            each.column, each.value, sequence[0].name, sequence[0].span, function=scope.context.function,
        )  # fmt: skip


def _end(sequence: SequenceState) -> int:
    return sequence.maximum or (2**15 - 1 if sequence.type.id == "int2" else 2**63 - 1)


def _sequence(relation: Relation, column: int, scope: Scope) -> tuple[Relation, SequenceState] | None:
    """The sequence that a serial column owns."""
    for oid in scope.catalog.users(relation.oid):
        found = scope.catalog.relation(oid)
        state = found.sequence if found is not None else None
        if found is not None and state is not None and (state.owner_table, state.owner_column) == (relation.oid, column):
            return found, state
    return None
