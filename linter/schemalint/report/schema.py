"""The modelled schema as one JSON object and as text, with types and names as PostgreSQL prints them.

Conditions and defaults are shown as they are written in the migrations; PostgreSQL prints them from its parse tree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemalint.catalog.catalog import SYSTEM_SCHEMAS, Catalog, quoted
from schemalint.catalog.model import (
    Column,
    Constraint,
    ConstraintKind,
    Expression,
    Function,
    Index,
    Relation,
    RelationKind,
    Trigger,
    TypeKind,
    UserType,
)
from schemalint.catalog.type_printing import format_type
from schemalint.report.json import spelled
from schemalint.report.safe import plain_line

Document = dict[str, Any]
VIEWS = (RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW)
WITH_COLUMNS = (
    *VIEWS,
    RelationKind.TABLE,
    RelationKind.PARTITIONED_TABLE,
    RelationKind.FOREIGN_TABLE,
    RelationKind.COMPOSITE_TYPE,
)


def render(document: Mapping[str, Any]) -> str:
    return spelled(json.dumps(document, indent=2, ensure_ascii=True)) + "\n"


def document_of(catalog: Catalog) -> Document:
    """The object that `schema --format json` prints: all that the migrations have made, by qualified name."""
    found: Document = {"relations": {}, "functions": {}, "types": {}, "sequences": {}, "views": {}}
    for relation in sorted(catalog.objects(Relation), key=lambda each: (catalog.schema_name(each.schema), each.name)):
        schema = catalog.schema_name(relation.schema)
        if schema in (*SYSTEM_SCHEMAS, "pg_temp"):
            continue
        name = catalog.qualified_name(relation)
        if relation.kind is RelationKind.SEQUENCE:
            found["sequences"][name] = _sequence(relation, catalog)
        elif relation.kind is RelationKind.COMPOSITE_TYPE:
            found["types"][name] = {"kind": "composite", "columns": [_column(each, catalog) for each in relation.columns]}
        else:
            found["views" if relation.kind in VIEWS else "relations"][name] = _relation(relation, catalog)
    for function in sorted(catalog.objects(Function), key=lambda each: (catalog.schema_name(each.schema), each.name)):
        if catalog.schema_name(function.schema) not in SYSTEM_SCHEMAS:
            found["functions"][signature(function, catalog)] = _function(function, catalog)
    for type_ in sorted(catalog.objects(UserType), key=lambda each: (catalog.schema_name(each.schema), each.name)):
        if catalog.schema_name(type_.schema) not in SYSTEM_SCHEMAS:
            found["types"][catalog.qualified_name(type_)] = _type(type_, catalog)
    return found


# -- relations


def _relation(relation: Relation, catalog: Catalog) -> Document:
    parent = catalog.relation(relation.partition_of or (relation.parents[0] if relation.parents else None))
    return {
        "kind": relation.kind.value,
        "columns": [_column(each, catalog) for each in relation.columns],
        "constraints": [_constraint(each, relation, catalog) for each in sorted(relation.constraints, key=lambda c: c.name)],
        "indexes": [_index(each, relation, catalog) for each in sorted(relation.indexes, key=lambda i: i.name)],
        "triggers": [_trigger(each, relation, catalog) for each in sorted(relation.triggers, key=lambda t: t.name)],
        "policies": [
            {
                "name": each.name, "command": each.command, "permissive": each.permissive, "roles": list(each.roles),
                "using": written(each.using), "check": written(each.check),
            }
            for each in sorted(relation.policies, key=lambda p: p.name)
        ],
        "rls": {"enabled": relation.row_security, "forced": relation.force_row_security},
        "persistence": relation.persistence,
        "parent": catalog.qualified_name(parent) if parent is not None else None,
        "known": not relation.tainted,
    }  # fmt: skip


def _column(column: Column, catalog: Catalog) -> Document:
    return {
        "name": column.name,
        "type": format_type(column.type, catalog),
        "not_null": column.not_null,
        "default": written(column.default) if column.default is not None else None,
        "identity": column.identity or None,
        "generated": column.generated or None,
    }


# What stands around an expression where a migration writes it.
AROUND = (
    re.compile(r"(?is)(?:set\s+)?default\s+(?P<inside>.+)"),
    re.compile(r"(?is)(?:constraint\s+\S+\s+)?check\s*\((?P<inside>.+)\)(?:\s+no inherit)?(?:\s+not valid)?(?:\s+not enforced)?"),
    re.compile(r"(?is).*?\bgenerated\s+always\s+as\s*\((?P<inside>.+)\)(?:\s+(?:stored|virtual))?"),
)


def written(expression: Expression | None) -> str | None:
    """An expression as its migration has it; "?" where it was made by something else."""
    if expression is None:
        return None
    if expression.span is None:
        return "?"
    text = " ".join(expression.span.text.split())
    for pattern in AROUND:
        found = pattern.fullmatch(text)
        if found is not None:
            return found["inside"]
    return text


def names_of(relation: Relation, numbers: tuple[int, ...]) -> list[str]:
    return [column.name for each in numbers if (column := relation.column_numbered(each)) is not None]


def _constraint(constraint: Constraint, relation: Relation, catalog: Catalog) -> Document:
    return {
        "name": constraint.name,
        "kind": constraint.kind.value,
        "columns": names_of(relation, constraint.columns),
        "definition": _definition(constraint, relation, catalog),
        "validated": constraint.validated,
        "enforced": constraint.enforced,
        "deferrable": constraint.deferrable,
        "initially_deferred": constraint.initially_deferred,
    }


def _definition(constraint: Constraint, relation: Relation, catalog: Catalog) -> str | None:
    """As pg_get_constraintdef prints it; a CHECK's condition as it is written."""
    listed = ", ".join(map(quoted, names_of(relation, constraint.columns)))
    match constraint.kind:
        case ConstraintKind.PRIMARY_KEY:
            text = f"PRIMARY KEY ({listed})"
        case ConstraintKind.UNIQUE:
            index = next((each for each in relation.indexes if each.oid == constraint.index), None)
            text = f"UNIQUE {'NULLS NOT DISTINCT ' if index is not None and index.nulls_not_distinct else ''}({listed})"
        case ConstraintKind.NOT_NULL:
            text = f"NOT NULL {listed}"
        case ConstraintKind.FOREIGN_KEY:
            text = _foreign_key(constraint, listed, catalog)
        case ConstraintKind.CHECK:
            text = f"CHECK ({written(constraint.expression) or '?'})"
        case _:
            return None
    if constraint.no_inherit:
        text += " NO INHERIT"
    if constraint.deferrable:
        text += " DEFERRABLE" + (" INITIALLY DEFERRED" if constraint.initially_deferred else "")
    if not constraint.enforced:
        return text + " NOT ENFORCED"
    return text if constraint.validated else text + " NOT VALID"


def _foreign_key(constraint: Constraint, listed: str, catalog: Catalog) -> str:
    parent = catalog.relation(constraint.references)
    if parent is None:
        return f"FOREIGN KEY ({listed}) REFERENCES ?"
    shown = quoted(parent.name) if catalog.schema_name(parent.schema) == "public" else catalog.qualified_name(parent)
    text = f"FOREIGN KEY ({listed}) REFERENCES {shown}({', '.join(map(quoted, names_of(parent, constraint.referenced_columns)))})"
    if constraint.match_full:
        text += " MATCH FULL"
    if constraint.on_update != "no action":
        text += f" ON UPDATE {constraint.on_update.upper()}"
    if constraint.on_delete != "no action":
        text += f" ON DELETE {constraint.on_delete.upper()}"
    return text


def _index(index: Index, relation: Relation, catalog: Catalog) -> Document:
    return {
        "name": index.name,
        "unique": index.unique,
        "primary": index.primary,
        "columns": _elements(index, relation),
        "predicate": written(index.predicate),
        "method": index.method,
        "valid": index.valid,
        "definition": _index_definition(index, relation, catalog),
    }


def _elements(index: Index, relation: Relation) -> list[str]:
    expressions = iter(index.expressions)
    found = []
    for number in index.columns:
        column = relation.column_numbered(number) if number else None
        found.append(quoted(column.name) if column is not None else written(next(expressions, None)) or "?")
    return found


def _index_definition(index: Index, relation: Relation, catalog: Catalog) -> str:
    unique = "UNIQUE " if index.unique else ""
    text = f"CREATE {unique}INDEX {quoted(index.name)} ON {catalog.qualified_name(relation)} USING {index.method}"
    text += f" ({', '.join(_elements(index, relation))})"
    if index.included:
        text += f" INCLUDE ({', '.join(map(quoted, names_of(relation, index.included)))})"
    if index.nulls_not_distinct:
        text += " NULLS NOT DISTINCT"
    return text if index.predicate is None else f"{text} WHERE ({written(index.predicate)})"


ENABLED = {"O": "origin", "D": "disabled", "R": "replica", "A": "always"}


def _trigger(trigger: Trigger, relation: Relation, catalog: Catalog) -> Document:
    function = catalog.function(trigger.function)
    name = f"{catalog.qualified_name(function)}()" if function is not None else "?"
    return {
        "name": trigger.name,
        "timing": trigger.timing,
        "events": sorted(trigger.events),
        "level": trigger.level,
        "enabled": ENABLED.get(trigger.enabled, trigger.enabled),
        "function": name,
        "columns": names_of(relation, trigger.columns),
        "when": written(trigger.when),
        "definition": _trigger_definition(trigger, relation, catalog, name),
    }


def _trigger_definition(trigger: Trigger, relation: Relation, catalog: Catalog, function: str) -> str:
    events = []
    for each in ("insert", "delete", "update", "truncate"):
        if each in trigger.events:
            columns = ", ".join(map(quoted, names_of(relation, trigger.columns))) if each == "update" else ""
            events.append(each.upper() + (f" OF {columns}" if columns else ""))
    text = f"CREATE {'CONSTRAINT ' if trigger.constraint else ''}TRIGGER {quoted(trigger.name)} {trigger.timing.upper()} "
    text += f"{' OR '.join(events)} ON {catalog.qualified_name(relation)} "
    if trigger.constraint:
        text += f"{'DEFERRABLE' if trigger.deferrable else 'NOT DEFERRABLE'} INITIALLY "
        text += "DEFERRED " if trigger.initially_deferred else "IMMEDIATE "
    tables = [f"{word} TABLE AS {quoted(n)}" for word, n in (("OLD", trigger.old_table), ("NEW", trigger.new_table)) if n]
    text += f"REFERENCING {' '.join(tables)} " if tables else ""
    text += f"FOR EACH {trigger.level.upper()} "
    text += f"WHEN ({written(trigger.when)}) " if trigger.when is not None else ""
    arguments = ", ".join("'" + each.replace("'", "''") + "'" for each in trigger.arguments)
    return f"{text}EXECUTE FUNCTION {function.removesuffix('()')}({arguments})"


# -- other objects


def _sequence(relation: Relation, catalog: Catalog) -> Document:
    state = relation.sequence
    assert state is not None
    owner = catalog.relation(state.owner_table)
    column = owner.column_numbered(state.owner_column) if owner is not None else None
    return {
        "type": format_type(state.type, catalog),
        "start": state.start,
        "increment": state.increment,
        "cycle": state.cycle,
        "owned_by": f"{catalog.qualified_name(owner)}.{quoted(column.name)}"
        if owner is not None and column is not None
        else None,
        "identity": state.identity,
    }


def signature(function: Function, catalog: Catalog) -> str:
    """A function by name and the types that a call of it hands over."""
    inputs = [each for each in function.arguments if each.mode in ("in", "inout", "variadic")]
    return f"{catalog.qualified_name(function)}({', '.join(_plain(each.type, catalog) for each in inputs)})"


def _plain(type_: Any, catalog: Catalog) -> str:
    return format_type(type(type_)(type_.id), catalog) if type_.id != "bpchar" else "character"


def _function(function: Function, catalog: Catalog) -> Document:
    return {
        "kind": function.kind,
        "arguments": [
            {"name": each.name, "type": _plain(each.type, catalog), "mode": each.mode, "default": written(each.default)}
            for each in function.arguments
        ],
        "returns": _plain(function.result, catalog),
        "returns_set": function.returns_set,
        "language": function.language,
        "volatility": function.volatility,
        "strict": function.strict,
        "security_definer": function.security_definer,
        "settings": dict(function.settings),
        "body": function.body.text if function.body is not None else None,
    }


def _type(type_: UserType, catalog: Catalog) -> Document:
    found: Document = {"kind": type_.kind.value if isinstance(type_.kind, TypeKind) else str(type_.kind)}
    if type_.kind is TypeKind.ENUM:
        found["labels"] = list(type_.labels)
    elif type_.kind is TypeKind.DOMAIN and type_.base is not None:
        found |= {
            "base": format_type(type_.base, catalog),
            "not_null": type_.not_null,
            "default": written(type_.default),
            "constraints": [{"name": c.name, "definition": f"CHECK ({written(c.expression)})"} for c in type_.checks],
        }
    return found


# -- text, and what has changed


def text_of(document: Mapping[str, Any]) -> str:
    """The schema for people: a block for each object."""
    blocks = [
        block for part in ("types", "sequences", "relations", "views", "functions") for block in _blocks(part, document[part])
    ]
    return "\n".join(blocks) if blocks else "nothing: the migrations have made no object that is still there\n"


def _blocks(part: str, objects: Mapping[str, Any]) -> Iterator[str]:
    for name, each in objects.items():
        if part in ("relations", "views"):
            yield _relation_text(name, each)
        elif part == "functions":
            definer = ", security definer" if each["security_definer"] else ""
            yield (
                plain_line(f"function {name} returns {each['returns']} ({each['language']}, {each['volatility']}{definer})")
                + "\n"
            )
        else:
            detail = ", ".join(each["labels"]) if "labels" in each else each.get("base") or each.get("owned_by") or ""
            yield plain_line(f"{each.get('kind', 'sequence')} {name}{': ' if detail else ''}{detail}") + "\n"


def _relation_text(name: str, relation: Mapping[str, Any]) -> str:
    secured = ", row security" if relation["rls"]["enabled"] else ""
    lines = [f"{relation['kind']} {name}{secured}{'' if relation['known'] else ' (not known in whole)'}"]
    width = max((len(each["name"]) for each in relation["columns"]), default=0)
    for each in relation["columns"]:
        words = [each["type"], "not null" if each["not_null"] else "", f"default {each['default']}" if each["default"] else ""]
        words.append(f"identity {each['identity']}" if each["identity"] else "")
        words.append(f"generated {each['generated']}" if each["generated"] else "")
        lines.append(f"  {each['name'].ljust(width)}  {' '.join(word for word in words if word)}")
    listed = [f"  {each['name']}: {each['definition']}" for each in relation["constraints"] if each["kind"] != "not null"]
    keys = {each["name"] for each in relation["constraints"]}
    listed += [f"  {each['definition']}" for each in relation["indexes"] if each["name"] not in keys]
    listed += [f"  {each['definition']}{_state(each)}" for each in relation["triggers"]]
    listed += [f"  policy {each['name']} for {each['command']} to {', '.join(each['roles'])}" for each in relation["policies"]]
    return "".join(f"{plain_line(each)}\n" for each in (*lines, *listed))


def _state(trigger: Mapping[str, Any]) -> str:
    return "" if trigger["enabled"] == "origin" else f" ({trigger['enabled']})"


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Document:
    """What is added, removed and changed between two schemas, by part and name."""
    found: Document = {}
    for part in after:
        old, new = before[part], after[part]
        changed = {
            name: {"before": _other(old[name], new[name]), "after": _other(new[name], old[name])}
            for name in new
            if name in old and new[name] != old[name]
        }
        found[part] = {
            "added": {name: new[name] for name in new if name not in old},
            "removed": {name: old[name] for name in old if name not in new},
            "changed": changed,
        }
    return found


def _other(one: Any, other: Any) -> Any:
    """The parts of a value that the other has otherwise."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _other(each, other.get(key)) for key, each in one.items() if each != other.get(key)}
    if isinstance(one, list) and isinstance(other, list):
        return [each for each in one if each not in other]
    return one


def difference_text(found: Mapping[str, Any]) -> str:
    lines = []
    for part, each in found.items():
        word = part.removesuffix("s")
        lines += [f"+ {word} {name}" for name in each["added"]]
        lines += [f"- {word} {name}" for name in each["removed"]]
        for name, change in each["changed"].items():
            lines.append(f"~ {word} {name}")
            for sign, side in (("-", "before"), ("+", "after")):
                lines += [f"    {sign} {line}" for line in _changed_lines(change[side])]
    return "".join(f"{plain_line(each)}\n" for each in lines) or "no difference\n"


def _changed_lines(side: Mapping[str, Any]) -> Iterator[str]:
    for key, value in side.items():
        if not isinstance(value, list):
            yield f"{key}: {json.dumps(value)}"
            continue
        for each in value:
            if isinstance(each, dict):
                shown = each.get("definition") or " ".join(str(each[k]) for k in ("name", "type") if k in each)
                flags = [k.replace("_", " ") for k in ("not_null",) if each.get(k)]
                default = [f"default {each['default']}"] if each.get("default") else []
                yield " ".join([f"{key.removesuffix('s')} {shown}", *flags, *default])
            else:
                yield f"{key}: {each}"
