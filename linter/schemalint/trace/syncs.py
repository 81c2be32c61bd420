"""From firings to syncs: which table's rows reach which other table, and which of them are mirrors."""

from __future__ import annotations

from collections.abc import Iterator

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation, RelationKind
from schemalint.flow.path import Firing, Path, Write
from schemalint.flow.sync import Carried, Filter, Provenance, Remembered, Sync
from schemalint.flow.value import Field, Looked, Null, Value, copied_field, fields_of, subterms
from schemalint.interpret import names


def syncs_of(
    relation: Relation, firings: tuple[Firing, ...], catalog: Catalog, remembered: tuple[Remembered, ...] = ()
) -> tuple[Sync, ...]:
    """The syncs from a table, one for each table that its triggers write to."""
    targets = dict.fromkeys(w.target for firing in firings for path in firing.paths for w in path.writes)
    found = []
    for target in targets:
        other = catalog.relation(target)
        if other is None or target == relation.oid or relation.kind is RelationKind.VIEW:
            continue
        writes = [w for firing in firings for path in firing.paths for w in path.writes if w.target == target]
        key = mirror_key(relation, other, writes)
        was_mirror = any(each.target == target and each.mirror for each in remembered)
        identity = next((each.identity for each in remembered if each.target == target), target)
        carried = tuple(_carried(event, firings, relation, other, key) for event in ("insert", "update", "delete"))
        found.append(
            Sync(
                relation.oid,
                target,
                key is not None or was_mirror,
                key or (),
                tuple(each for each in carried if each.firings),
                identity,
            )
        )
    return tuple(found)


# -- mirrors


def mirror_key(source: Relation, target: Relation, writes: list[Write]) -> tuple[tuple[int, int], ...] | None:
    """How the target row's key comes one to one from the source row's key; None for an effect."""
    for write in writes:
        for key in _target_keys(target, write):
            pairs = _copied_pairs(write, key, source)
            if pairs is not None and names.is_unique(source, {number for _, number in pairs}):
                return pairs
    if not names.unique_keys(source) or not names.unique_keys(target):
        return _key_by_name(source, target, writes)
    return None


def _target_keys(target: Relation, write: Write) -> Iterator[tuple[int, ...]]:
    if write.operation == "insert":
        if write.conflict is not None and write.conflict.columns:
            yield write.conflict.columns
        yield from names.unique_keys(target)
        return
    matched = {column for column, _ in write.matches}
    for key in names.unique_keys(target):
        if set(key) <= matched:
            yield key


def _copied_pairs(write: Write, key: tuple[int, ...], source: Relation) -> tuple[tuple[int, int], ...] | None:
    pairs = []
    values = dict(write.matches)
    for column in key:
        value = write.value_of(column) if write.operation == "insert" else values.get(column, Value())
        field = copied_field(value.term)
        if field is None or field.relation != source.oid:
            return None
        pairs.append((column, field.column))
    return tuple(pairs)


def _key_by_name(source: Relation, target: Relation, writes: list[Write]) -> tuple[tuple[int, int], ...] | None:
    """Where a table has no key at all: a column of the same name that is copied, beside at least one more of the same name."""
    keys = names.unique_keys(source) or names.unique_keys(target)
    for write in writes:
        if write.operation != "insert":
            continue
        copied = {
            column.name: (column.number, field.column)
            for column in target.columns
            if (field := copied_field(write.value_of(column.number).term)) is not None and field.relation == source.oid
            and (own := source.column_numbered(field.column)) is not None and own.name == column.name
        }  # fmt: skip
        wanted = [c.name for c in (source if names.unique_keys(source) else target).columns if keys and c.number in keys[0]] or [
            "id"
        ]
        if all(name in copied for name in wanted) and len(copied) > len(wanted):
            return tuple(copied[name] for name in wanted)
    return None


# -- what is carried


def _carried(
    event: str, firings: tuple[Firing, ...], source: Relation, target: Relation, key: tuple[tuple[int, int], ...] | None
) -> Carried:
    own = [f for f in firings if f.event == event and any(_carrying(p, target, event, key) for p in f.paths)]
    columns: set[tuple[int, int]] = set()
    missed: set[tuple[int, int]] = set()
    write: Write | None = None
    paths = [path for firing in own for path in firing.paths if _carrying(path, target, event, key)]
    for firing in own:
        mine = [path for path in firing.paths if _carrying(path, target, event, key)]
        if any(path.typical for path in paths):
            mine = [path for path in mine if path.typical]
        for each in [each for path in mine for each in _carrying(path, target, event, key)]:
            write = write or each
            columns |= {pair for pair in copied_columns(each, event, source) if pair[1] not in firing.overtaken}
    if event == "update":
        reachable = [set(f.columns) for f in own]
        if own and all(reachable):
            columns = {pair for pair in columns if pair[1] in set().union(*reachable)}
        missed = {pair for pair in columns if all(_misses(f, pair[1], target, key) for f in own)}
    skipped, texts = _skipped(own, event, target, key)
    complete = not any(f.gaps for f in firings if f.event == event)
    usual = [path for path in paths if path.typical] or paths
    writes = [each for path in usual for each in _carrying(path, target, event, key)]
    provenance = tuple(_provenance(writes, event))
    return Carried(
        event, tuple(own), frozenset(columns), skipped, texts, frozenset(missed), write,
        provenance=provenance, defaults=_defaults(writes, target), complete=complete,
        unset=frozenset(each.name for each in target.columns) - {each.name for each in provenance},
    )  # fmt: skip


def _provenance(writes: list[Write], event: str) -> Iterator[Provenance]:
    found: dict[int, tuple[str, frozenset[str]]] = {}
    for write in writes:
        update = write.operation == "insert" and event == "update" and write.conflict is not None
        for each in write.conflict.assignments if update and write.conflict is not None else write.assignments:
            if each.given:
                inputs = frozenset(repr(t) for t in subterms(each.value.term) if isinstance(t, Field | Looked))
                found[each.column] = each.name, found.get(each.column, ("", frozenset[str]()))[1] | inputs
    for column, (name, inputs) in sorted(found.items()):
        yield Provenance(column, name, inputs)


def _defaults(writes: list[Write], target: Relation) -> frozenset[str]:
    """The columns that every insert leaves to a default that is not NULL."""
    inserts = [each for each in writes if each.operation == "insert"]
    left = [
        {each.name for each in write.assignments if not each.given and each.value.null is not Null.ALWAYS} for write in inserts
    ]
    plain = {each.name for each in target.columns if not each.identity and not each.generated}
    return frozenset(set.intersection(*left) & plain) if left else frozenset()


def _carrying(path: Path, target: Relation, event: str, key: tuple[tuple[int, int], ...] | None) -> list[Write]:
    """The writes of a path that carry the event to the target."""
    found = []
    for each in path.writes:
        if each.target != target.oid:
            continue
        if key is not None and event == "update" and each.operation == "insert" and each.conflict is not None:
            if each.conflict.update:
                found.append(each)
            continue
        found.append(each)
    return found


def copied_columns(write: Write, event: str, source: Relation) -> Iterator[tuple[int, int]]:
    """(target column, source column) for all that a write takes over from the firing row."""
    assignments = write.assignments
    if write.operation == "insert" and event == "update" and write.conflict is not None:
        assignments = write.conflict.assignments
    for each in assignments:
        for field in fields_of(each.value.term) if each.value.null is not Null.ALWAYS else ():
            if field.relation == source.oid and not _only_a_key(each.value, field):
                yield each.column, field.column


def _only_a_key(value: Value, field: Field) -> bool:
    """Whether a value is looked up by the field, rather than made from it."""
    return isinstance(value.term, Looked)


def _misses(firing: Firing, column: int, target: Relation, key: tuple[tuple[int, int], ...] | None) -> bool:
    """Whether there is a path on which the column may have changed and nothing reaches the target."""
    if firing.columns and (column not in firing.columns or column in firing.modified):
        return True  # not in the SET list, or changed by a BEFORE trigger, which UPDATE OF does not look at
    for path in firing.paths:
        if path.outcome in ("failed", "raised", "skipped") or not path.typical or _carrying(path, target, "update", key):
            continue
        if column not in path.unchanged:
            return True
    return False


def _skipped(
    firings: list[Firing], event: str, target: Relation, key: tuple[tuple[int, int], ...] | None
) -> tuple[frozenset[Filter], tuple[str, ...]]:
    """The conditions under which no firing carries the row."""
    found: set[Filter] = set()
    texts: list[str] = []
    for firing in firings:
        mine: list[Path] = [
            path
            for path in firing.paths
            if path.outcome not in ("failed", "raised") and path.possible and not _carrying(path, target, event, key)
            and not (event == "update" and path.unchanged)
        ]  # fmt: skip
        if not mine:
            return frozenset(), ()
        for path in mine:
            found.add(frozenset(fact for each in path.conditions for fact in each.facts))
            for each in path.conditions:
                text = each.text if each.holds else f"not ({each.text})"
                if text not in texts:
                    texts.append(text)
    return frozenset(found), tuple(texts)
