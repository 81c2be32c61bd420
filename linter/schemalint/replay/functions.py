"""CREATE FUNCTION and PROCEDURE, and ALTER FUNCTION's options."""

from __future__ import annotations

from collections.abc import Callable
from re import compile as pattern
from typing import Any

from schemalint.catalog.access import is_safe_path
from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import UNKNOWN, Argument, Function, Node, Reference, Type
from schemalint.catalog.type_names import strings
from schemalint.catalog.type_printing import format_type
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.names import (
    certainly_missing,
    list_name,
    owner_now,
    plain_path,
    replace,
    schema_for,
    shown,
    type_named,
    use_all,
    use_type,
)
from schemalint.replay.reading import Output, Reader, Scope, Table, expression_in
from schemalint.text import Excerpt, Span

MODES = {
    "FUNC_PARAM_DEFAULT": "in",
    "FUNC_PARAM_IN": "in",
    "FUNC_PARAM_OUT": "out",
    "FUNC_PARAM_INOUT": "inout",
    "FUNC_PARAM_VARIADIC": "variadic",
    "FUNC_PARAM_TABLE": "table",
}
RESULTS = ("out", "inout", "table")
DOLLARS = pattern(r"\$\w*\$")
VOID = Type("void")
RECORD = Type("record")


def create_function(catalog: Catalog, node: Node, context: Context) -> Catalog:
    schema_name, name = list_name(node["funcname"])
    catalog, schema = schema_for(catalog, schema_name, context)
    catalog, arguments = _arguments(catalog, node, context)
    procedure = bool(node.get("is_procedure"))
    result, returns_set = _result(catalog, node, arguments, procedure, context)
    options = _options(node.get("options") or (), catalog)
    function = Function(
        0, schema, name, arguments, result, returns_set, kind="procedure" if procedure else options.pop("kind", "function"),
        body=_body(node, context), owner=owner_now(catalog), span=context.span, **options,
    )  # fmt: skip
    if "sql_body" in node:
        function = _with_atomic_body(catalog, function, node["sql_body"])
    existing = matching(catalog, schema, name, function.input_types)
    if existing is not None:
        if not node.get("replace"):
            raise Refused("42723", f'function "{name}" already exists with same argument types')
        if existing.owner is None and function.owner is not None:
            raise Refused("42501", f"must be owner of function {name}", certain=False)
        _check_replacement(existing, function)
        function = replace(function, oid=existing.oid, owner=existing.owner, privileges=existing.privileges)
    else:
        catalog, oid = catalog.new_oid()
        function = replace(function, oid=oid)
        if catalog.get(("setting", "default_privileges")) is not None:
            function = _with_default_privileges(catalog, function)
    catalog = _noting_path(catalog.put(function), function)
    for each in arguments:
        catalog = use_type(catalog, function.oid, each.type)
    catalog = use_type(catalog, function.oid, result)
    return use_all(catalog, function.oid, [each.oid for each in function.references]) if function.references else catalog


def _noting_path(catalog: Catalog, function: Function) -> Catalog:
    """Remembers that a SECURITY DEFINER function had a search_path into which nobody can put a table."""
    path = dict(function.settings).get("search_path")
    if function.security_definer and path is not None and is_safe_path(path):
        return catalog.bind(("safe search_path", function.oid), True)
    return catalog


def _with_default_privileges(catalog: Catalog, function: Function) -> Function:
    from schemalint.replay.privileges import default_privileges

    return replace(function, privileges=default_privileges(catalog, "functions", function.schema, function.owner))


def matching(catalog: Catalog, schema: int, name: str, types: tuple[Type, ...]) -> Function | None:
    wanted = [each.id for each in types]
    for oid in catalog.get(("function", schema, name)) or ():
        function = catalog.function(oid)
        if function is not None and [each.id for each in function.input_types] == wanted:
            return function
    return None


def _arguments(catalog: Catalog, node: Node, context: Context) -> tuple[Catalog, tuple[Argument, ...]]:
    found: list[Argument] = []
    for each in node.get("parameters") or ():
        parameter = each["FunctionParameter"]
        type_ = type_named(catalog, parameter["argType"], context)
        default = None
        if "defexpr" in parameter:
            default, _ = expression_in(catalog, parameter["defexpr"], None)
        found.append(Argument(parameter.get("name") or None, type_, MODES[parameter.get("mode", "FUNC_PARAM_DEFAULT")], default))
    return catalog, tuple(found)


def _result(
    catalog: Catalog, node: Node, arguments: tuple[Argument, ...], procedure: bool, context: Context
) -> tuple[Type, bool]:
    outputs = [each for each in arguments if each.mode in RESULTS]
    given = node.get("returnType")
    if procedure:
        return (RECORD if outputs else VOID), False
    if any(each.mode == "table" for each in outputs):
        return (RECORD if len(outputs) > 1 else outputs[0].type), True
    if given is None:
        if not outputs:
            raise Refused("42P13", "function result type must be specified")
        return (RECORD if len(outputs) > 1 else outputs[0].type), False
    result = type_named(catalog, given, context)
    if outputs:
        expected = RECORD if len(outputs) > 1 else outputs[0].type
        if UNKNOWN not in (result, expected) and result.id != expected.id:
            shown_type = format_type(Type(expected.id), catalog)
            raise Refused("42P13", f"function result type must be {shown_type} because of OUT parameters")
    return result, bool(given.get("setof"))


def _options(options: Any, catalog: Catalog) -> dict[str, Any]:
    """What the options of CREATE and ALTER FUNCTION set, by field; settings apart."""
    found: dict[str, Any] = {}
    settings: dict[str, str | None] = {}
    for each in options:
        element = each["DefElem"]
        setter = OPTIONS.get(element["defname"])
        if setter is not None:
            found.update(setter(element.get("arg") or {}))
        elif element["defname"] == "set":
            settings.update(setting_of(element["arg"]["VariableSetStmt"], catalog))
    if settings:
        found["settings"] = tuple([(name, value) for name, value in settings.items() if value is not None])
    return found


def setting_of(node: Node, catalog: Catalog) -> dict[str, str | None]:
    """A SET clause as pg_proc.proconfig keeps it; None for RESET."""
    name = node.get("name", "").lower()
    if node.get("kind") == "VAR_SET_CURRENT":
        current = catalog.get(("setting", name))
        return {name: ", ".join(current) if isinstance(current, tuple) else current or ""}
    if node.get("kind") in ("VAR_RESET", "VAR_SET_DEFAULT"):
        return {name: None}
    return {name: ", ".join(_setting_words(node.get("args") or (), name))}


def _setting_words(arguments: Any, name: str) -> list[str]:
    words: list[str] = []
    for each in arguments:
        constant = each.get("A_Const") or (each.get("TypeCast") or {}).get("arg", {}).get("A_Const") or {}
        if "sval" in constant:
            text = constant["sval"].get("sval", "")
            words.append(_as_list_item(text) if name in LISTS else text)
        elif "ival" in constant:
            words.append(str(constant["ival"].get("ival", 0)))
        elif "fval" in constant:
            words.append(constant["fval"].get("fval", ""))
        elif "boolval" in constant:
            words.append("true" if constant["boolval"].get("boolval") else "false")
    return words


LISTS = frozenset({"search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries", "datestyle"})
PLAIN = pattern(r"[a-z_][a-z0-9_]*\Z")


def _as_list_item(text: str) -> str:
    return text if PLAIN.match(text) else '"' + text.replace('"', '""') + '"'


def _text(argument: Node) -> str:
    text: str = argument.get("String", {}).get("sval", "")
    return text


def _flag(argument: Node) -> bool:
    return bool(argument.get("Boolean", {}).get("boolval"))


OPTIONS: dict[str, Callable[[Node], dict[str, Any]]] = {
    "language": lambda argument: {"language": _text(argument).lower()},
    "security": lambda argument: {"security_definer": _flag(argument)},
    "volatility": lambda argument: {"volatility": _text(argument)},
    "strict": lambda argument: {"strict": _flag(argument)},
    "window": lambda argument: {"kind": "window"} if _flag(argument) else {},
}


# -- bodies


def _body(node: Node, context: Context) -> Excerpt | None:
    for each in node.get("options") or ():
        element = each["DefElem"]
        if element["defname"] == "as":
            items = (element["arg"].get("List") or {}).get("items") or [element["arg"]]
            return excerpt(items[-1]["String"].get("sval", ""), element, context)
    return None


def excerpt(text: str, element: Node, context: Context) -> Excerpt:
    """The string of AS or DO where it stands in the source."""
    location = element.get("arg_location", -1)
    if location is None or location < 0:
        location = element.get("location", 0)
    start = context.place.offset(location)
    return string_at(text, start, context)


def string_at(text: str, start: int, context: Context) -> Excerpt:
    """The string constant at or behind an offset."""
    source = context.source.text
    while start < len(source) and source[start] not in "$'":
        start += 1
    dollars = DOLLARS.match(source, start)
    if dollars is not None and source.startswith(text, dollars.end()):
        return Excerpt(text, context.source, dollars.end())
    if source.startswith("'", start) and "'" not in text and source.startswith(text, start + 1):
        return Excerpt(text, context.source, start + 1)
    escapes = tuple(place for place, sign in enumerate(text) if sign == "'")
    if source.startswith(text.replace("'", "''"), start + 1):
        return Excerpt(text, context.source, start + 1, escapes)
    return Excerpt(text, context.source, start, whole=Span(context.source, start, context.span.end))


def _with_atomic_body(catalog: Catalog, function: Function, body: Node) -> Function:
    reader = Reader(catalog)
    arguments = Table(function.name, tuple(Output(each.name or "", each.type) for each in function.arguments))
    reader.visit(body, Scope((arguments,)))
    used = (*reader.references, *(Reference(each) for each in reader.functions))
    return replace(function, atomic=body, references=tuple(used))


# -- CREATE OR REPLACE


def _check_replacement(old: Function, new: Function) -> None:
    if old.tainted:
        return
    if old.kind != new.kind and "procedure" in (old.kind, new.kind):
        raise Refused("42809", "cannot change routine kind", detail=f'"{old.name}" is a {old.kind}.')
    if UNKNOWN not in (old.result, new.result) and (old.result.id, old.returns_set) != (new.result.id, new.returns_set):
        raise Refused("42P13", "cannot change return type of existing function")
    if _row(old) != _row(new):
        detail = "Row type defined by OUT parameters is different."
        raise Refused("42P13", "cannot change return type of existing function", detail=detail)
    inputs = [each for each in old.arguments if each.mode in ("in", "inout", "variadic")]
    replaced = [each for each in new.arguments if each.mode in ("in", "inout", "variadic")]
    for before, after in zip(inputs, replaced, strict=True):
        if before.name is not None and before.name != after.name:
            raise Refused("42P13", f'cannot change name of input parameter "{before.name}"')
        if before.default is not None and after.default is None:
            raise Refused("42P13", "cannot remove parameter defaults from existing function")


def _row(function: Function) -> list[tuple[str | None, str | int]]:
    outputs = [(each.name, each.type.id) for each in function.arguments if each.mode in RESULTS]
    return outputs if len(outputs) > 1 and all(type_ != "?" for _, type_ in outputs) else []


# -- naming a function


def function_of(catalog: Catalog, node: Node, kind: str = "function") -> Function:
    """The function that an ObjectWithArgs means."""
    schema, name = list_name(node["objname"])
    found = _candidates(catalog, schema, name, kind)
    if node.get("args_unspecified"):
        if len(found) > 1:
            raise Refused("42725", f'function name "{shown(schema, name)}" is not unique')
        if found:
            return found[0]
    else:
        wanted = _wanted_types(catalog, node)
        for each in found:
            if [t.id for t in each.input_types] == wanted or (kind == "procedure" and _all_types(each) == wanted):
                return each
        if "?" in wanted and found:
            raise NotModelled(f"function {shown(schema, name)} is named with a type that no migration makes", name)
    sign = "" if node.get("args_unspecified") else f"({', '.join(strings_of_types(node))})"
    if found or certainly_missing(catalog, "function", schema, name):
        message = f"{kind} {shown(schema, name)}{sign} does not exist"
        if not sign:
            message = f'could not find a {kind} named "{shown(schema, name)}"'
        raise Refused("42883", message)
    raise NotModelled(f"{kind} {shown(schema, name)}{sign} is not made by any migration", name)


def _candidates(catalog: Catalog, schema: str | None, name: str, kind: str) -> list[Function]:
    """The functions of that name; with one signature in two schemas the first of the path hides the other."""
    seen: dict[tuple[str | int, ...], Function] = {}
    for each in catalog.find_functions(schema, name, plain_path(catalog)):
        seen.setdefault(tuple(t.id for t in each.input_types), each)
    if kind == "routine":
        return list(seen.values())
    return [each for each in seen.values() if (each.kind == "procedure") == (kind == "procedure")]


def _wanted_types(catalog: Catalog, node: Node) -> list[str | int]:
    from schemalint.catalog.type_names import type_of

    parameters = node.get("objfuncargs")
    if parameters is not None:
        inputs = [each["FunctionParameter"] for each in parameters]
        nodes = [p["argType"] for p in inputs if MODES[p.get("mode", "FUNC_PARAM_DEFAULT")] not in ("out", "table")]
    else:
        nodes = [each["TypeName"] for each in node.get("objargs") or ()]
    return [type_of(each, catalog, plain_path(catalog)).id for each in nodes]


def _all_types(function: Function) -> list[str | int]:
    return [each.type.id for each in function.arguments if each.mode != "table"]


def strings_of_types(node: Node) -> list[str]:
    return [(strings(each["TypeName"].get("names")) or ["?"])[-1] for each in node.get("objargs") or () if "TypeName" in each]


def alter_function(catalog: Catalog, node: Node, context: Context) -> Catalog:
    kind = {"OBJECT_PROCEDURE": "procedure", "OBJECT_ROUTINE": "routine"}.get(node.get("objtype", ""), "function")
    function = function_of(catalog, node["func"], kind)
    settings = dict(function.settings)
    changes: dict[str, Any] = {}
    for each in node.get("actions") or ():
        element = each["DefElem"]
        if element["defname"] == "set":
            variable = element["arg"]["VariableSetStmt"]
            if variable.get("kind") == "VAR_RESET_ALL":
                settings = {}
                continue
            for name, value in setting_of(variable, catalog).items():
                settings.pop(name, None)
                if value is not None:
                    settings[name] = value
        else:
            changes.update(_options([each], catalog))
    function = replace(function, settings=tuple(settings.items()), **changes)
    return _noting_path(catalog.put(function), function)
