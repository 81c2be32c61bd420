from collections.abc import Iterator

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation, Rows
from schemalint.rule import Certainty, Change, Part, Severity, Sync, Violation, Violations, contract_of, step

WORDS = {"UpdateStmt": ("update", "edits"), "DeleteStmt": ("delete", "deletes"), "TruncateStmt": ("truncate", "empties")}


@step(momentary=True, shown_by="older rows")
def one_side_edited(change: Change) -> Violations:
    """A data migration changes one table of a sync, and nothing carries that to the other.

    ## Why
    A sync carries what its triggers fire for. An UPDATE of the target corrects old readers' rows and leaves the source as it
    was, so that the next edit there undoes it; an UPDATE or DELETE of the source is lost where the triggers carry new rows
    only; TRUNCATE, with CASCADE of a parent too, fires no row trigger at all. From then on the tables tell different stories.

    ## Way out
    Change both tables in the same migration, or the source alone where the sync carries that.

    ## Not reported
    Columns that the sync does not carry; statements that read the other table, which bring the two together; migrations that
    change both, or that disable the trigger meanwhile; NULLs that are filled, as before SET NOT NULL; rows deleted from the
    target alone, which somebody wants gone; tables without rows; syncs in both directions; what the contract says is not
    carried.
    """
    words = WORDS.get(change.kind)
    if words is None or change.sqlstate is not None:
        return
    event, verb = words
    for relation in _changed(change):
        part = change.parts().get(relation.oid)
        if part is None or relation.rows is Rows.NONE or not _alive(change, part):
            continue
        other = part.sync.target if part.role == "source" else part.sync.source
        if part.role not in ("source", "target") or _two_way(change, part.sync) or _reaches(change, other):
            continue
        columns = _lost(change, event, part, relation)
        if columns is None:
            continue
        name, beyond = (change.before.qualified_name(r) for r in (relation, change.before.relation(other)) if r is not None)
        what = f" ({', '.join(columns)})" if columns else ""
        yield Violation(
            key=(change.span.source.path, change.span.start, relation.oid, "one side"),
            message=f"{verb} {name}{what} and not {beyond}: no trigger carries that over",
            at=(change.span,),
            certainty=Certainty.CONDITIONAL,
            severity=Severity.WARNING,
            sync=part.names,
            help=f"do the same to {beyond} in this migration",
        )


def _changed(change: Change) -> list[Relation]:
    if change.kind != "TruncateStmt":
        found = change.relation_named(change.node["relation"])
        return [found] if found is not None else []
    named = [change.relation_named(each["RangeVar"]) for each in change.node["relations"]]
    tables = [each for each in named if each is not None]
    return _with_children(change.before, tables) if change.node.get("behavior") == "DROP_CASCADE" else tables


def _with_children(catalog: Catalog, tables: list[Relation]) -> list[Relation]:
    """Tables, and those with foreign keys to them: TRUNCATE … CASCADE empties all of them."""
    found = {each.oid: each for each in tables}
    queue = list(tables)
    while queue:
        parent = queue.pop()
        for oid in catalog.users(parent.oid):
            child = catalog.relation(oid)
            if child is not None and oid not in found and any(_refers(key.references, parent) for key in child.constraints):
                found[oid] = child
                queue.append(child)
    return list(found.values())


def _refers(references: int | None, parent: Relation) -> bool:
    return references == parent.oid


def _alive(change: Change, part: Part) -> bool:
    """Whether the sync is there, before and after."""
    trigger = part.names.trigger if part.names is not None else None
    for catalog in (change.before, change.end):
        source = catalog.relation(part.sync.source)
        if source is None or all(each.name != trigger or each.enabled in "DR" for each in source.triggers):
            return False
        if catalog.relation(part.sync.target) is None:
            return False
    return True


def _two_way(change: Change, sync: Sync) -> bool:
    return any(each.sync.source == sync.target and each.sync.target == sync.source for each in change.parts().values())


def _reaches(change: Change, other: int) -> bool:
    """Whether the statement reads the other table, or the migration changes that one too."""
    relation = change.before.relation(other)
    if relation is None or change.mentions(relation.name):
        return True
    return any(each.kind in WORDS and each.mentions(relation.name) for each in change.together)


def _lost(change: Change, event: str, part: Part, relation: Relation) -> list[str] | None:
    """The columns whose change stays on this side; none of them where rows go; None where all is carried."""
    sync = part.sync
    if event == "update":
        lost = list(_columns(change, part, relation))
        return lost or None
    catalog = change.before
    source, target = catalog.relation(sync.source), catalog.relation(sync.target)
    if part.role != "source" or source is None or target is None or sync.on("insert") is None:
        return None
    contract = contract_of(catalog, catalog.qualified_name(source), catalog.qualified_name(target))
    if not contract.covers("delete") or (event == "delete" and sync.on("delete") is not None):
        return None
    return None if event == "truncate" and any("truncate" in each.events for each in source.triggers) else []


def _columns(change: Change, part: Part, relation: Relation) -> Iterator[str]:
    """The columns that an UPDATE sets, that the sync carries, and whose change does not arrive."""
    catalog, sync = change.before, part.sync
    insert, update = sync.on("insert"), sync.on("update")
    place = 1 if part.role == "source" else 0
    carried = {pair[place] for each in (insert, update) if each is not None for pair in each.columns}
    arriving = {pair[1] for pair in update.columns} if update is not None and part.role == "source" else set()
    if part.role == "source":
        source, target = catalog.relation(sync.source), catalog.relation(sync.target)
        if source is None or target is None:
            return
        if not contract_of(catalog, catalog.qualified_name(source), catalog.qualified_name(target)).covers("update"):
            return
    for each in change.node.get("targetList") or ():
        column = relation.column(each["ResTarget"]["name"])
        if column is not None and column.number in carried - arriving and not _fills(change, column.name):
            yield column.name


def _fills(change: Change, column: str) -> bool:
    """Whether the statement is about rows that have nothing in the column, as before SET NOT NULL."""
    test = (change.node.get("whereClause") or {}).get("NullTest") or {}
    names = [each.get("String", {}).get("sval") for each in test.get("arg", {}).get("ColumnRef", {}).get("fields") or ()]
    return test.get("nulltesttype") == "IS_NULL" and names[-1:] == [column]
