"""Function calls in expressions: PostgreSQL's own, and the project's, whose bodies are looked into."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from schemalint.catalog import facts
from schemalint.catalog.catalog import Catalog, quoted
from schemalint.catalog.model import UNKNOWN, Function, Relation, Type, UserType
from schemalint.catalog.resolve import Resolved, Unresolved, resolve_function
from schemalint.catalog.type_names import UserTypesOf, strings
from schemalint.flow.value import NOTHING, NULL, Call, Constant, Null, Opaque, Value, constant
from schemalint.interpret import calls, casts, expression, operators
from schemalint.interpret.names import is_gone
from schemalint.interpret.scope import Scope, fail
from schemalint.parse.libpg_query import ParseError
from schemalint.parse.statements import parse_one

Node = dict[str, Any]

# Strict functions that may yield NULL although no argument is NULL.
NULLABLE_FUNCTIONS = frozenset(
    {
        "array_length", "array_upper", "array_lower", "array_position", "array_ndims", "regexp_match", "regexp_substr",
        "current_setting", "jsonb_extract_path", "jsonb_extract_path_text", "json_extract_path", "json_extract_path_text",
        "jsonb_array_element", "jsonb_array_element_text", "json_array_element", "json_array_element_text", "jsonb_object_field",
        "jsonb_object_field_text", "json_object_field", "json_object_field_text", "jsonb_path_query_first", "substring", "lag",
        "lead", "first_value", "last_value", "nth_value", "max", "min", "sum", "avg", "string_agg", "array_agg", "jsonb_agg",
        "json_agg", "jsonb_object_agg", "json_object_agg", "bool_and", "bool_or", "every", "bit_and", "bit_or", "to_regclass",
        "to_regproc", "to_regtype", "obj_description", "col_description", "pg_get_serial_sequence", "inet_client_addr",
        "inet_server_addr", "jsonb_populate_record", "jsonb_to_record", "json_populate_record", "json_to_record",
    }
)  # fmt: skip
COUNTS = frozenset({"count", "regr_count"})
NEVER_NULL = frozenset({"concat", "concat_ws", "jsonb_build_object", "json_build_object", "jsonb_build_array", "json_build_array",
                        "num_nulls", "num_nonnulls", "pg_trigger_depth", "quote_nullable"})  # fmt: skip
POPULATE = frozenset({"jsonb_populate_record", "json_populate_record"})


def call(node: Node, scope: Scope) -> Value:
    """The value of a FuncCall."""
    names = strings(node["funcname"])
    given = [
        *(node.get("args") or ()),
        *(each["SortBy"]["node"] for each in node.get("agg_order") or () if node.get("agg_within_group")),
    ]
    arguments = [expression.evaluate(each, scope) for each in given]
    special = SPECIAL.get(names[-1]) if len(names) == 1 or names[0] == "pg_catalog" else None
    if special is not None and (found := special(arguments, scope)) is not None:
        return found
    argument_names = [each.get("NamedArgExpr", {}).get("name") for each in node.get("args") or ()]
    users = _user_candidates(names, scope)
    own = facts.functions_named(names[-1]) if len(names) == 1 or names[-2] == "pg_catalog" else ()
    named_type = len(arguments) == 1 and len(names) == 1 and facts.type_named(names[0]) is not None
    if not users and not own and not named_type:
        return _unknown_function(names, arguments, node, scope)
    if node.get("agg_star"):
        return Value(Type("int8"), Null.NEVER, Opaque("count"))
    types = tuple(operators.type_id(each) for each in arguments)
    variadic = bool(node.get("func_variadic"))
    if users or any(isinstance(each, int) for each in types):
        resolved = resolve_function((*users, *own), names[-1], types, argument_names, variadic, UserTypesOf(scope.catalog))
    else:
        resolved = _own_function(names[-1], types, tuple(argument_names), variadic)
    if isinstance(resolved, Unresolved):
        return _unresolved(resolved, names, arguments, node, scope)
    function = scope.catalog.function(resolved.identity)
    if function is not None:
        return calls.call_function(function, _in_order(function, arguments, argument_names), scope, node)
    return _own_result(names[-1], resolved, arguments)


@lru_cache(maxsize=4096)
def _own_function(
    name: str, types: tuple[Any, ...], argument_names: tuple[str | None, ...], variadic: bool
) -> Resolved | Unresolved:
    """PostgreSQL's own function over its own types: the same in every catalog."""
    return resolve_function(facts.functions_named(name), name, types, argument_names, variadic)


def _own_result(name: str, resolved: Any, arguments: list[Value]) -> Value:
    null = Null.NEVER
    if name in NEVER_NULL or name in COUNTS:
        null = Null.NEVER
    elif resolved.strict:
        for each in arguments:
            null = null.strict(each.null)
    else:
        null = Null.NEVER if not arguments else Null.UNKNOWN
    if null is Null.NEVER and name in NULLABLE_FUNCTIONS:
        null = Null.MAYBE
    result = UNKNOWN if resolved.result is None else Type(resolved.result)
    term = Call(name, tuple(each.term for each in arguments), volatile=resolved.volatility == "v")
    return Value(result, null, term if null is not Null.ALWAYS else Constant(None))


def _user_candidates(names: list[str], scope: Scope) -> tuple[Any, ...]:
    schema = names[-2] if len(names) > 1 else None
    found = scope.catalog.find_functions(schema, names[-1], scope.path)
    places = {each: place for place, each in enumerate(dict.fromkeys(each.schema for each in found), 1)}
    return tuple(as_fact(each, places[each.schema]) for each in found)


def as_fact(function: Function, place: int) -> Any:
    """A project's function in the form in which PostgreSQL's own are resolved."""
    inputs = [each for each in function.arguments if each.mode in ("in", "inout", "variadic")]
    return facts.FunctionFact(
        name=function.name,
        arguments=tuple(each.type.id for each in inputs),
        defaults=sum(1 for each in inputs if each.default is not None),
        variadic=any(each.mode == "variadic" for each in inputs),
        argument_names=tuple(each.name for each in inputs),
        result=function.result.id,
        returns_set=function.returns_set,
        kind={"function": "f", "procedure": "p", "aggregate": "a", "window": "w"}[function.kind],
        strict=function.strict,
        volatility=function.volatility[0],
        identity=function.oid,
        place=place,
    )


def inlined(node: Node, scope: Scope) -> Node | None:
    """A call of an SQL function that is one expression, as that expression over the arguments; None for anything else."""
    call = node.get("FuncCall")
    if call is None:
        return None
    names = strings(call["funcname"])
    found = [f for f in scope.catalog.find_functions(names[-2] if len(names) > 1 else None, names[-1], scope.path) if f.body]
    arguments = call.get("args") or []
    if len(found) != 1 or found[0].language != "sql" or len(found[0].arguments) != len(arguments):
        return None
    body = found[0].body
    try:
        statements = parse_one(body.text) if body is not None else []
    except ParseError:
        return None
    select = statements[0][1] if len(statements) == 1 and statements[0][0] == "SelectStmt" else {}
    if len(select.get("targetList") or ()) != 1 or any(each in select for each in ("fromClause", "whereClause", "withClause")):
        return None
    by_name = {each.name: argument for each, argument in zip(found[0].arguments, arguments, strict=True) if each.name}
    inner: Node = _substituted(select["targetList"][0]["ResTarget"]["val"], by_name, arguments)
    return inner


def _substituted(node: Any, by_name: dict[str, Node], arguments: list[Node]) -> Any:
    if isinstance(node, dict):
        if "ParamRef" in node and 0 < node["ParamRef"].get("number", 0) <= len(arguments):
            return arguments[node["ParamRef"]["number"] - 1]
        if "ColumnRef" in node and (parts := strings(node["ColumnRef"]["fields"])) and parts[-1] in by_name:
            return by_name[parts[-1]]
        return {key: _substituted(each, by_name, arguments) for key, each in node.items()}
    return [_substituted(each, by_name, arguments) for each in node] if isinstance(node, list) else node


def _in_order(function: Function, arguments: list[Value], names: list[str | None]) -> list[Value]:
    """The arguments by position, with named ones in their places."""
    if not any(names):
        return arguments
    inputs = [each for each in function.arguments if each.mode in ("in", "inout", "variadic")]
    by_name: dict[str | None, Value] = {name: value for name, value in zip(names, arguments, strict=False) if name}
    positional = [value for name, value in zip(names, arguments, strict=False) if not name]
    return [positional[i] if i < len(positional) else by_name.get(each.name, NOTHING) for i, each in enumerate(inputs)]


def _unresolved(unresolved: Unresolved, names: list[str], arguments: list[Value], node: Node, scope: Scope) -> Value:
    if unresolved.reason == "unknown":
        return NOTHING
    message = with_type_names(unresolved.message, scope.catalog)
    subject = (scope.context.source, "function", ".".join(names))
    raise fail(scope, "function-gone", unresolved.sqlstate, message, node.get("location"), subject, reason=".".join(names))


def _unknown_function(names: list[str], arguments: list[Value], node: Node, scope: Scope) -> Value:
    """A function of a name that nobody made: of an extension or the platform, or really missing."""
    shown = ".".join(names)
    catalog = scope.catalog
    schema = names[-2] if len(names) > 1 else None
    gone = is_gone("function", schema, names[-1], scope)
    if schema is not None and scope.catalog.get(("gone", "schema", schema)):
        subject = (scope.context.source, "function", shown)
        message = f'schema "{schema}" does not exist'
        raise fail(scope, "function-gone", "3F000", message, node.get("location"), subject, reason=shown)
    if gone:
        types = ", ".join(type_name(each.type, catalog) for each in arguments)
        message = f"function {shown}({types}) does not exist"
        subject = (scope.context.source, "function", shown)
        raise fail(scope, "function-gone", "42883", message, node.get("location"), subject, reason=shown)
    scope.context.gap(scope.span(node), f'function "{shown}" is not made by any migration')
    return Value(UNKNOWN, Null.UNKNOWN, Opaque(shown))


def missing_type(node: Node, scope: Scope) -> None:
    """A type name that means nothing: gone, or of the platform."""
    names = strings(node.get("names"))
    schema = names[-2] if len(names) > 1 else None
    if is_gone("type", schema, names[-1], scope):
        subject = (scope.context.source, "type", ".".join(names))
        message = f'type "{".".join(names)}" does not exist'
        raise fail(scope, "type-gone", "42704", message, node.get("location"), subject, reason=".".join(names))
    scope.context.gap(scope.span(node), f'type "{".".join(names)}" is not made by any migration')


def is_aggregate(node: Node) -> bool:
    """Whether a target list item is (around) an aggregate."""
    inner = node.get("FuncCall")
    if inner is not None:
        if "over" in inner:
            return False
        name = strings(inner["funcname"])[-1]
        if inner.get("agg_star") or any(each.kind == "a" for each in facts.functions_named(name)):
            return True
        return any(is_aggregate(each) for each in inner.get("args") or ())
    for key in ("A_Expr", "TypeCast", "CoalesceExpr", "CaseExpr"):
        if key in node:
            inside = node[key]
            below = [inside[k] for k in ("lexpr", "rexpr", "arg", "defresult") if k in inside]
            below.extend(inside.get("args") or ())
            return any(is_aggregate(each) for each in below if isinstance(each, dict))
    return False


def returns_set(node: Node, scope: Scope) -> bool:
    inner = node.get("FuncCall")
    if inner is None:
        return False
    names = strings(inner["funcname"])
    users = scope.catalog.find_functions(names[-2] if len(names) > 1 else None, names[-1], scope.path)
    return any(each.returns_set for each in users) or any(each.returns_set for each in facts.functions_named(names[-1]))


# -- functions that need to be known by what they do


def _trigger_depth(arguments: list[Value], scope: Scope) -> Value:
    return constant(str(scope.context.depth), "int4")


def _current_setting(arguments: list[Value], scope: Scope) -> Value:
    if scope.context.unset_settings and len(arguments) > 1:
        return msgspec.structs.replace(NULL, type=Type("text"))
    null = Null.MAYBE if len(arguments) > 1 else Null.NEVER
    return Value(Type("text"), null, Call("current_setting", tuple(each.term for each in arguments)))


def _populate(arguments: list[Value], scope: Scope) -> Value | None:
    """jsonb_populate_record(NULL::table, to_jsonb(NEW)): a row of the table, each column from the key of its name."""
    if len(arguments) != 2 or not isinstance(arguments[0].type.id, int):
        return None
    relation = scope.catalog.relation(arguments[0].type.id)
    if relation is None:
        return None
    row = []
    given = arguments[1].row
    for column in relation.columns:
        value = arguments[1].field(column.name)
        if given is None:
            row.append((column.name, Value(column.type, Null.UNKNOWN)))
        elif value is None:
            row.append((column.name, Value(column.type, Null.ALWAYS, Constant(None))))
        else:
            row.append((column.name, casts.converted(value, column.type)))
    return Value(Type(relation.oid), Null.NEVER, Opaque("populated"), tuple(row), relation.oid)


def _to_json(arguments: list[Value], scope: Scope) -> Value | None:
    value = arguments[0] if arguments else NOTHING
    null = value.null if value.row is None else Null.NEVER
    return Value(Type("jsonb"), null, Call("to_jsonb", (value.term,)), value.row, value.relation)


def _count_nulls(wanted: tuple[Null, ...]) -> Callable[[list[Value], Scope], Value | None]:
    def count(arguments: list[Value], scope: Scope) -> Value | None:
        if any(each.null not in (Null.NEVER, Null.ALWAYS) for each in arguments):
            return None
        return constant(str(sum(each.null in wanted for each in arguments)), "int4")

    return count


SPECIAL: dict[str, Callable[[list[Value], Scope], Value | None]] = {
    "num_nulls": _count_nulls((Null.ALWAYS,)),
    "num_nonnulls": _count_nulls((Null.NEVER,)),
    "pg_trigger_depth": _trigger_depth,
    "current_setting": _current_setting,
    "jsonb_populate_record": _populate,
    "json_populate_record": _populate,
    "to_jsonb": _to_json,
    "row_to_json": _to_json,
    "to_json": _to_json,
}


# -- names of types, for messages


def type_name(type_: Type, catalog: Catalog) -> str:
    """A type as PostgreSQL prints it in messages."""
    if isinstance(type_.id, str):
        return "unknown" if type_.id == "?" else facts.display_name(type_.id)
    found = catalog.get(abs(type_.id))
    name = quoted(found.name) if isinstance(found, UserType | Relation) else "?"
    return name + ("[]" if type_.id < 0 else "")


def with_type_names(message: str, catalog: Catalog) -> str:
    """A message in which user-defined types stand as numbers, with their names."""
    words = []
    for word in message.split(" "):
        bare = word.strip("(),")
        if bare.lstrip("-").isdigit() and isinstance(catalog.get(abs(int(bare))), UserType | Relation):
            word = word.replace(bare, type_name(Type(int(bare)), catalog))
        words.append(word)
    return " ".join(words)
