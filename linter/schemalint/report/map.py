"""The syncs, column by column: what each column of a target gets, on which events and under which conditions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation
from schemalint.flow.path import Assignment, Path, Write
from schemalint.flow.sync import Carried, Sync
from schemalint.flow.value import Constant, Field, Looked, Null, Term, copied_field, fields_of, subterms
from schemalint.report.json import spelled
from schemalint.report.safe import one_line, plain_line

Document = dict[str, Any]


def render(syncs: Sequence[Document]) -> str:
    return spelled(json.dumps({"syncs": syncs}, indent=2, ensure_ascii=True)) + "\n"


def document_of(sync: Sync, catalog: Catalog) -> Document:
    """A mirror as an object: its events, each with its triggers and what they write column by column."""
    source, target = catalog.relation(sync.source), catalog.relation(sync.target)
    assert source is not None and target is not None
    events = [_event(carried, sync, source, target, catalog) for carried in sync.carried]
    used = {name for each in events for column in each["columns"] for name in column["from"]}
    written = {
        column["column"] for each in events for column in each["columns"] if column["kind"] not in ("default", "untouched")
    }
    return {
        "source": catalog.qualified_name(source),
        "target": catalog.qualified_name(target),
        "key": [{"target": _name(target, a), "source": _name(source, b)} for a, b in sync.key],
        "events": events,
        "not_carried": [each for each in ("insert", "update", "delete") if sync.on(each) is None],
        "source_columns_without_part": [
            each.name for each in source.columns if f"{catalog.qualified_name(source)}.{each.name}" not in used
        ],
        "target_columns_without_part": [each.name for each in target.columns if each.name not in written],
    }


def _name(relation: Relation, number: int) -> str:
    column = relation.column_numbered(number)
    return column.name if column is not None else "?"


def _event(carried: Carried, sync: Sync, source: Relation, target: Relation, catalog: Catalog) -> Document:
    found = [(path, write) for f in carried.firings for path in f.paths for write in path.writes if write.target == sync.target]
    usual = [(path, write) for path, write in found if path.typical] or found
    columns: dict[int, Document] = {}
    conditions: dict[int, list[set[str]]] = {}
    for path, write in usual:
        for each in _assignments(write, carried.event):
            columns.setdefault(each.column, _column(each, catalog))
            conditions.setdefault(each.column, []).append(_conditions(path))
    for number, each_way in conditions.items():
        columns[number]["under"] = sorted(set.intersection(*each_way))
    ordered = [columns[each.number] for each in target.columns if each.number in columns]
    return {
        "event": carried.event,
        "triggers": [
            {"name": f.trigger_name, "timing": f.timing, "columns": [_name(source, c) for c in f.columns]}
            for f in carried.firings
        ],
        "writes": sorted({_kind(write) for _, write in usual}),
        "skipped_where": [one_line(each) for each in carried.skipped_texts],
        "columns": ordered if carried.event != "delete" else [],
        "understood": carried.complete,
    }


def _assignments(write: Write, event: str) -> tuple[Assignment, ...]:
    if event == "update" and write.operation == "insert" and write.conflict is not None:
        return write.conflict.assignments
    return write.assignments


def _kind(write: Write) -> str:
    if write.operation != "insert" or write.conflict is None:
        return write.operation
    return "insert on conflict do update" if write.conflict.update else "insert on conflict do nothing"


def _conditions(path: Path) -> set[str]:
    return {one_line(each.text if each.holds else f"not ({each.text})") for each in path.conditions}


def _column(assignment: Assignment, catalog: Catalog) -> Document:
    kind, text = _origin(assignment, catalog)
    return {
        "column": assignment.name,
        "kind": kind,
        "value": text,
        "from": sorted(set(_sources(assignment.value.term, catalog))),
        "nullable": assignment.value.null is not Null.NEVER,
        "under": [],  # what has to hold on every ordinary way to it
        "path": assignment.span.place[0] if assignment.span is not None else None,
        "line": assignment.span.place[1] if assignment.span is not None else None,
    }


def _origin(assignment: Assignment, catalog: Catalog) -> tuple[str, str]:
    """ "copied", "looked up", "computed", "constant", "null" or "default", and the value in words."""
    term = assignment.value.term
    if not assignment.given:
        return "default", "NULL" if assignment.value.null is Null.ALWAYS else "its default"
    field = copied_field(term)
    if field is not None:
        return "copied", _of_field(field, catalog)
    if isinstance(term, Constant):
        return ("null", "NULL") if term.text is None else ("constant", repr(term.text))
    text = " ".join(assignment.span.text.split()) if assignment.span is not None else "?"
    if any(isinstance(each, Looked) for each in subterms(term)):
        return "looked up", text
    return ("computed", text) if fields_of(term) else ("constant", text)


def _sources(term: Term, catalog: Catalog) -> Iterator[str]:
    for each in subterms(term):
        if isinstance(each, Field | Looked):
            relation = catalog.relation(each.relation)
            if relation is not None:
                yield f"{catalog.qualified_name(relation)}.{_name(relation, each.column)}"


def _of_field(field: Field, catalog: Catalog) -> str:
    relation = catalog.relation(field.relation)
    return f"{catalog.qualified_name(relation)}.{_name(relation, field.column)}" if relation is not None else "?"


# -- text


def text_of(syncs: Sequence[Mapping[str, Any]]) -> str:
    if not syncs:
        return "no syncs: no trigger copies the rows of one table to another\n"
    return "\n".join(_sync_text(each) for each in syncs)


def _sync_text(sync: Mapping[str, Any]) -> str:
    lines = [f"{sync['source']} → {sync['target']}"]
    if sync["key"]:
        lines.append("  key: " + ", ".join(f"{each['target']} = {each['source']}" for each in sync["key"]))
    for event in sync["events"]:
        triggers = ", ".join(f"{each['name']} ({each['timing']})" for each in event["triggers"])
        lines.append(f"  on {event['event'].upper()}: {', '.join(event['writes'])} by {triggers}")
        lines.extend(f"    not where {each}" for each in event["skipped_where"])
        width = max((len(each["column"]) for each in event["columns"]), default=0)
        for each in event["columns"]:
            origin = ", ".join(each["from"]) if each["kind"] == "looked up" else each["value"]
            lines.append(f"    {each['column'].ljust(width)}  {each['kind']:9}  {origin}")
        if not event["understood"]:
            lines.append("    not all of what the function does is understood")
    for event in sync["not_carried"]:
        lines.append(f"  on {event.upper()}: nothing")
    for key, words in (("source", "of the source take no part"), ("target", "of the target are not written")):
        if sync[f"{key}_columns_without_part"]:
            lines.append(f"  {words}: {', '.join(sync[f'{key}_columns_without_part'])}")
    return "".join(f"{plain_line(each)}\n" for each in lines)
