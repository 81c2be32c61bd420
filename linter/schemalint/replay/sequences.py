"""CREATE and ALTER SEQUENCE."""

from __future__ import annotations

from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node, Relation, RelationKind, SequenceState
from schemalint.catalog.type_names import strings, type_of
from schemalint.replay.columns import column_named
from schemalint.replay.context import Context, Refused
from schemalint.replay.names import find_relation, owner_now, relation_of, replace
from schemalint.replay.tables import PERSISTENCE, open_relation, with_privileges

NUMBERS = {"start": "start", "increment": "increment", "minvalue": "minimum", "maxvalue": "maximum", "cache": "cache"}


def create_sequence(catalog: Catalog, node: Node, context: Context) -> Catalog:
    opened = open_relation(catalog, node["sequence"], context, bool(node.get("if_not_exists")))
    if opened is None:
        return catalog
    catalog, schema = opened
    catalog, oid = catalog.new_oid()
    sequence = Relation(
        oid, schema, node["sequence"]["relname"], RelationKind.SEQUENCE, owner=owner_now(catalog), sequence=SequenceState(),
        persistence=PERSISTENCE[node["sequence"].get("relpersistence", "p")], span=context.span,
    )  # fmt: skip
    return _with(catalog, with_privileges(catalog, sequence), node.get("options") or [])


def alter_sequence(catalog: Catalog, node: Node, context: Context) -> Catalog:
    if find_relation(catalog, node["sequence"]) is None and node.get("missing_ok"):
        return catalog
    return _with(catalog, relation_of(catalog, node["sequence"]), node.get("options") or [])


def _with(catalog: Catalog, sequence: Relation, options: list[Node]) -> Catalog:
    assert sequence.sequence is not None
    state = with_options(sequence.sequence, options, catalog)
    for each in options:
        if each["DefElem"]["defname"] == "owned_by":
            if state.identity:
                raise Refused("0A000", "cannot change ownership of identity sequence")
            names = strings(each["DefElem"]["arg"]["List"]["items"])
            if names == ["none"]:
                state = replace(state, owner_table=None, owner_column=0)
                continue
            table = relation_of(catalog, {"relname": names[-2], **({"schemaname": names[-3]} if len(names) > 2 else {})})
            state = replace(state, owner_table=table.oid, owner_column=column_named(table, names[-1]).number)
            catalog = catalog.use(sequence.oid, table.oid)
    return catalog.put(replace(sequence, sequence=state))


def with_options(state: SequenceState, options: list[Node], catalog: Catalog) -> SequenceState:
    changes: dict[str, Any] = {}
    for each in options:
        element = each["DefElem"]
        name, argument = element["defname"], element.get("arg") or {}
        if name in NUMBERS:
            number = (
                argument.get("Integer", {}).get("ival", 0) if "Integer" in argument else argument.get("Float", {}).get("fval")
            )
            if number is not None:
                changes[NUMBERS[name]] = int(number)
        elif name == "cycle":
            changes["cycle"] = bool(argument.get("Boolean", {}).get("boolval"))
        elif name == "as":
            changes["type"] = type_of(argument["TypeName"], catalog)
    return replace(state, **changes) if changes else state
