"""CREATE and ALTER SEQUENCE."""

from __future__ import annotations

from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node, Relation, RelationKind, SequenceState, Type
from schemalint.catalog.type_names import strings, type_of
from schemalint.replay.columns import column_named
from schemalint.replay.context import Context, Refused
from schemalint.replay.names import find_relation, owner_now, relation_of, replace
from schemalint.replay.owners import with_privileges
from schemalint.replay.tables import PERSISTENCE, open_relation

NUMBERS = {"start": "start", "increment": "increment", "minvalue": "minimum", "maxvalue": "maximum", "cache": "cache"}


def create_sequence(catalog: Catalog, node: Node, context: Context) -> Catalog:
    opened = open_relation(catalog, node["sequence"], context, bool(node.get("if_not_exists")))
    if opened is None:
        return catalog
    catalog, schema = opened
    catalog, oid = catalog.new_oid()
    sequence = Relation(
        oid, schema, node["sequence"]["relname"], RelationKind.SEQUENCE, owner=owner_now(catalog),
        sequence=new_state(SequenceState(), node.get("options") or [], catalog),
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


def new_state(state: SequenceState, options: list[Node], catalog: Catalog) -> SequenceState:
    """Of a new sequence: it starts at the end from which it goes, unless it is told otherwise (init_params, sequence.c)."""
    state = with_options(state, options, catalog)
    if any(each["DefElem"]["defname"] == "start" for each in options):
        return state
    bound, usual = (state.minimum, 1) if state.increment > 0 else (state.maximum, -1)
    return replace(state, start=usual if bound is None else bound)


LARGEST = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1}


def copied_state(state: SequenceState) -> SequenceState:
    """What LIKE INCLUDING IDENTITY makes of a sequence: all its options but the type (sequence_options, sequence.c)."""
    minimum, maximum = bounds(state)
    return replace(state, type=Type("int8"), minimum=minimum, maximum=maximum)


def bounds(state: SequenceState) -> tuple[int, int]:
    """The least and the greatest number."""
    largest = LARGEST.get(str(state.type.id), LARGEST["int8"])
    usual = (1, largest) if state.increment > 0 else (-largest - 1, -1)
    return usual[0] if state.minimum is None else state.minimum, usual[1] if state.maximum is None else state.maximum


def with_options(state: SequenceState, options: list[Node], catalog: Catalog) -> SequenceState:
    changes: dict[str, Any] = {}
    for each in options:
        element = each["DefElem"]
        name, argument = element["defname"], element.get("arg") or {}
        if name in NUMBERS:
            number = argument["Integer"].get("ival", 0) if "Integer" in argument else argument.get("Float", {}).get("fval")
            if number is not None or name.endswith("value"):  # NO MINVALUE
                changes[NUMBERS[name]] = None if number is None else int(number)
        elif name == "cycle":
            changes["cycle"] = bool(argument.get("Boolean", {}).get("boolval"))
        elif name == "as":
            changes["type"] = type_of(argument["TypeName"], catalog)
    return replace(state, **changes) if changes else state
