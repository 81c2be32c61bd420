"""SQL expressions over abstract values.

`evaluate` answers what an expression yields, or raises `RaisedError` with the error that PostgreSQL would give.
What it does not understand is noted as a gap and yields an unknown value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from schemalint.catalog.model import UNKNOWN, Relation, Type
from schemalint.catalog.resolve import common_type
from schemalint.catalog.type_names import UserTypesOf, array_of, element_of, strings
from schemalint.flow.value import (
    NOTHING,
    NULL,
    Call,
    Choice,
    Constant,
    Null,
    Opaque,
    Term,
    Value,
    boolean,
    constant,
    join,
)
from schemalint.interpret import casts, conditions, functions, lookups, operators, query
from schemalint.interpret.scope import Scope, Table, fail

Node = dict[str, Any]


# Operators that may yield NULL although no operand is NULL.
def evaluate(node: Node, scope: Scope) -> Value:
    """The value of an expression."""
    ((kind, inner),) = node.items()
    handler = HANDLERS.get(kind)
    if handler is None:
        scope.context.gap(scope.span(inner), f"expression of kind {kind}")
        return NOTHING
    return handler(inner, scope)


def _constant(node: Node, scope: Scope) -> Value:
    if node.get("isnull"):
        return NULL
    if "ival" in node:
        return constant(str(node["ival"].get("ival", 0)), "int4")
    if "fval" in node:
        text = node["fval"].get("fval", "0")
        return constant(text, "int8" if text.isdigit() and int(text) < 2**63 else "numeric")
    if "boolval" in node:
        return boolean(bool(node["boolval"].get("boolval")))
    if "bsval" in node:
        return constant(node["bsval"].get("bsval", ""), "bit")
    return constant(node.get("sval", {}).get("sval", ""), "unknown")


def _column(node: Node, scope: Scope) -> Value:
    parts = strings(node["fields"])
    if len(parts) != len(node["fields"]):
        return _whole_row(parts, scope, node)
    if len(parts) == 1:
        return _bare_name(parts[0], scope, node)
    return _qualified_name(parts, scope, node)


def _bare_name(name: str, scope: Scope, node: Node) -> Value:
    column = _table_column(name, scope, node)
    variable = scope.variables.get(name)
    if column is not None and variable is not None and scope.context.variable_conflict != "use_column":
        if scope.context.variable_conflict == "use_variable":
            return variable
        raise fail(
            scope, "ambiguous-name", "42702", f'column reference "{name}" is ambiguous', node.get("location"), ("ambiguous", name)
        )
    if column is not None:
        return column
    if variable is not None:
        return variable
    table = find_table(name, scope)
    if table is not None:
        return row_of(table)
    if _sees_unknown_table(scope):
        return NOTHING
    raise fail(
        scope,
        "unknown-column",
        "42703",
        f'column "{name}" does not exist',
        node.get("location"),
        (*_tables_in_sight(scope), name),
    )


def _tables_in_sight(scope: Scope) -> tuple[int, ...]:
    return tuple(each.relation for each in scope.tables if each.relation is not None)


def _sees_unknown_table(scope: Scope | None) -> bool:
    while scope is not None:
        if any(not each.known for each in scope.tables):
            return True
        scope = scope.outer
    return False


def _table_column(name: str, scope: Scope, node: Node) -> Value | None:
    level: Scope | None = scope
    while level is not None:
        found = [value for each in level.tables if not each.hidden and (value := each.column(name)) is not None]
        if len(found) > 1:
            raise fail(
                scope,
                "ambiguous-name",
                "42702",
                f'column reference "{name}" is ambiguous',
                node.get("location"),
                ("ambiguous", name),
            )
        if found:
            return found[0]
        level = level.outer
    return None


def find_table(alias: str, scope: Scope) -> Table | None:
    level: Scope | None = scope
    while level is not None:
        for each in level.tables:
            if each.alias == alias:
                return each
        level = level.outer
    return None


def row_of(table: Table) -> Value:
    """A table's row as one composite value."""
    type_ = UNKNOWN if table.relation is None else Type(table.relation)
    return Value(type_, Null.NEVER, Opaque("row"), table.columns if table.known else None, table.relation)


def _qualified_name(parts: list[str], scope: Scope, node: Node) -> Value:
    table = find_table(parts[-2], scope)
    if table is not None and (len(parts) == 2 or table.relation is not None):
        found = table.column(parts[-1])
        if found is not None:
            return found
        if not table.known:
            return NOTHING
        subject = (table.relation or 0, parts[-1])
        message = f"column {parts[-2]}.{parts[-1]} does not exist"
        raise fail(scope, "unknown-column", "42703", message, node.get("location"), subject, relation=table.relation)
    value = scope.variables.get(parts[0])
    names = parts[1:]
    if value is None and len(parts) > 1 and parts[1] in scope.variables:  # a block's or the function's own label
        value, names = scope.variables[parts[1]], parts[2:]
    if value is None:
        return _unknown_table(parts, scope, node)
    for name in names:
        value = field_of(value, parts[0], name, scope, node)
    return value


def _unknown_table(parts: list[str], scope: Scope, node: Node) -> Value:
    if _sees_unknown_table(scope):
        return NOTHING
    message = f'missing FROM-clause entry for table "{parts[-2]}"'
    raise fail(scope, "unknown-column", "42P01", message, node.get("location"), ("from", parts[-2]))


def field_of(value: Value, variable: str, name: str, scope: Scope, node: Node) -> Value:
    """A field of a record: NEW.x."""
    found = value.field(name)
    if found is not None:
        return found
    relation = scope.catalog.relation(value.relation)
    if value.row is None and value.type.id == "record" and value.null is Null.ALWAYS:
        message = f'record "{variable}" is not assigned yet'
        raise fail(scope, "not-assigned", "55000", message, node.get("location"), (scope.context.function, variable, "assigned"))
    if value.row is None or (relation is not None and relation.tainted):
        return NOTHING
    message = f'record "{variable}" has no field "{name}"'
    if variable in ("new", "old") and value.relation is not None:
        raise fail(
            scope, "source-column", "42703", message, node.get("location"), (value.relation, name), relation=value.relation
        )
    raise fail(scope, "unknown-column", "42703", message, node.get("location"), (value.relation or 0, name), value.relation)


def _whole_row(parts: list[str], scope: Scope, node: Node) -> Value:
    """alias.* where one value is wanted."""
    if parts:
        table = find_table(parts[-1], scope)
        if table is not None:
            return row_of(table)
        if parts[0] in scope.variables:
            return scope.variables[parts[0]]
    return NOTHING


def _parameter(node: Node, scope: Scope) -> Value:
    number = node.get("number", 0)
    return scope.parameters[number - 1] if 0 < number <= len(scope.parameters) else NOTHING


def _boolean(node: Node, scope: Scope) -> Value:
    values = [evaluate(each, scope) for each in node["args"]]
    match node.get("boolop", "AND_EXPR"):
        case "AND_EXPR":
            return operators.both(values)
        case "OR_EXPR":
            return operators.either(values)
    return operators.negate(values[0])


def _null_test(node: Node, scope: Scope) -> Value:
    value = evaluate(node["arg"], scope)
    wanted = node.get("nulltesttype", "IS_NULL") == "IS_NULL"
    if value.row is not None and value.null is not Null.ALWAYS:
        truth = _row_is_null(value, wanted)
        return Value(Type("bool"), Null.NEVER, Opaque("row null test")) if truth is None else boolean(truth)
    if value.null is Null.ALWAYS:
        return boolean(wanted)
    if value.null is Null.NEVER:
        return boolean(not wanted)
    return Value(Type("bool"), Null.NEVER, Call("is null" if wanted else "is not null", (value.term,)))


def _row_is_null(value: Value, wanted: bool) -> bool | None:
    """A row IS NULL when all its fields are, IS NOT NULL when none is."""
    nulls = [each.null for _, each in value.row or ()]
    expected, other = (Null.ALWAYS, Null.NEVER) if wanted else (Null.NEVER, Null.ALWAYS)
    if all(each is expected for each in nulls):
        return True
    return False if other in nulls else None


def _boolean_test(node: Node, scope: Scope) -> Value:
    value = evaluate(node["arg"], scope)
    kind = node.get("booltesttype", "IS_TRUE")
    truth = conditions.truth(value)
    if truth is None and value.null is not Null.ALWAYS:
        return Value(Type("bool"), Null.NEVER, Call(kind, (value.term,)))
    answers = {"IS_TRUE": truth is True, "IS_FALSE": truth is False, "IS_UNKNOWN": truth is None}
    return boolean(answers[kind.replace("NOT_", "")] != ("NOT_" in kind))


def _case(node: Node, scope: Scope) -> Value:
    subject = evaluate(node["arg"], scope) if "arg" in node else None
    results: list[Value] = []
    tests: list[Term] = []
    branch_scope = scope
    for each in node["args"]:
        when = each["CaseWhen"]
        test = evaluate(when["expr"], branch_scope)
        if subject is not None:
            test = operators.operate("=", subject, test, branch_scope, when)
        truth = conditions.truth(test)
        if truth is False or (truth is None and test.null is Null.ALWAYS):
            continue
        tests.append(test.term)
        taken = branch_scope if subject is not None else conditions.assume_scope(when["expr"], True, branch_scope)
        taken = msgspec.structs.replace(taken, guards=(*taken.guards, repr(test.term)))
        results.append(evaluate(when["result"], taken))
        if truth is True:
            return _decided_by(unite(results, scope), tests)
        if subject is None:
            branch_scope = conditions.assume_scope(when["expr"], False, branch_scope)
        branch_scope = msgspec.structs.replace(branch_scope, guards=(*branch_scope.guards, repr(test.term)))
    results.append(evaluate(node["defresult"], branch_scope) if "defresult" in node else NULL)
    return _decided_by(unite(results, scope), tests)


def _decided_by(value: Value, tests: list[Term]) -> Value:
    if isinstance(value.term, Choice) and tests:
        return msgspec.structs.replace(value, term=Choice(value.term.of, tuple(tests)))
    return value


def unite(values: Sequence[Value], scope: Scope) -> Value:
    """One of several values, in the type that PostgreSQL finds for them together."""
    result = values[0]
    for each in values[1:]:
        result = join(result, each)
    ids = [operators.type_id(each) for each in values]
    if None in ids:
        return result
    found = common_type([each for each in ids if each is not None], UserTypesOf(scope.catalog))
    if found is None:
        return msgspec.structs.replace(result, type=UNKNOWN)
    modifiers = {each.type.modifiers for each in values if each.type.id == found}
    return msgspec.structs.replace(result, type=Type(found, modifiers.pop() if len(modifiers) == 1 else ()))


def _coalesce(node: Node, scope: Scope) -> Value:
    kept: list[Value] = []
    types: list[Value] = []
    for each in node["args"]:
        value = evaluate(each, scope)
        types.append(value)
        if value.null is Null.ALWAYS:
            continue
        kept.append(value)
        if value.null is Null.NEVER:
            break
    if not kept:
        return unite(types, scope)
    result = msgspec.structs.replace(unite(kept, scope), type=unite(types, scope).type)
    last = kept[-1].null
    null = last if len(kept) == 1 or last in (Null.NEVER, Null.UNKNOWN) else Null.MAYBE
    return msgspec.structs.replace(result, null=null)


def _min_max(node: Node, scope: Scope) -> Value:
    values = [evaluate(each, scope) for each in node["args"]]
    result = unite(values, scope)
    nulls = [each.null for each in values]
    null = Null.NEVER if Null.NEVER in nulls else result.null
    word = "greatest" if node.get("op", "IS_GREATEST") == "IS_GREATEST" else "least"
    return Value(result.type, null, Call(word, tuple(each.term for each in values)))


def _row(node: Node, scope: Scope) -> Value:
    values = []
    for each in node.get("args") or ():
        for name, value in query.expand_target({"val": each}, scope):
            values.append((name, value))
    return Value(Type("record"), Null.NEVER, Opaque("row"), tuple((f"f{i}", v) for i, (_, v) in enumerate(values, 1)))


def _array(node: Node, scope: Scope) -> Value:
    values = [evaluate(each, scope) for each in node.get("elements") or ()]
    if not values:
        return Value(UNKNOWN, Null.NEVER, Call("array", ()))
    united = unite(values, scope)
    type_ = UNKNOWN if united.type == UNKNOWN else array_of(Type("text") if united.type.id == "unknown" else united.type)
    return Value(type_, Null.NEVER, Call("array", tuple(each.term for each in values)))


def _indirection(node: Node, scope: Scope) -> Value:
    value = evaluate(node["arg"], scope)
    for each in node["indirection"]:
        if "String" in each:
            value = value.field(each["String"].get("sval", "")) or NOTHING
        elif "A_Indices" in each:
            known = _known_element(value, each["A_Indices"], scope)
            if known is not None:
                value = known
                continue
            element = element_of(value.type)
            value = Value(element or UNKNOWN, Null.MAYBE, Call("[]", (value.term,)))
        else:
            return value
    return value


def _known_element(value: Value, indices: Node, scope: Scope) -> Value | None:
    """An argument of the trigger: TG_ARGV counts from 0 and yields NULL beyond its end."""
    if not isinstance(value.term, Call) or value.term.name != "tg_argv" or "uidx" not in indices:
        return None
    index = evaluate(indices["uidx"], scope).constant
    if index is None or index.text is None or not index.text.isdigit():
        return None
    arguments = value.term.arguments
    number = int(index.text)
    text = arguments[number] if number < len(arguments) else None
    return constant(text.text, "text") if isinstance(text, Constant) and text.text is not None else NULL


def _sublink(node: Node, scope: Scope) -> Value:
    kind = node.get("subLinkType", "EXISTS_SUBLINK")
    result = query.select(node["subselect"], scope.inner())
    if kind == "EXISTS_SUBLINK":
        if result.rows in ("one", "none"):
            return boolean(result.rows == "one")
        usual = "" if result.usually is None else str(result.usually)
        return Value(Type("bool"), Null.NEVER, Call("exists", (Constant(result.key),), usual))
    if kind == "EXPR_SUBLINK":
        value = result.columns[0][1] if result.columns else NOTHING
        if result.rows == "none":
            return Value(value.type, Null.ALWAYS, Constant(None))
        if result.rows == "many" and result.known:
            message = "more than one row returned by a subquery used as an expression"
            lookups.note_many("21000", message, result, scope, scope.span(node))
        return value if result.rows == "one" else join(value, msgspec.structs.replace(NULL, type=value.type))
    if kind == "ARRAY_SUBLINK":
        value = result.columns[0][1] if result.columns else NOTHING
        return Value(UNKNOWN if value.type == UNKNOWN else array_of(value.type), Null.NEVER, Opaque("array"))
    if "testexpr" in node:
        evaluate(node["testexpr"], scope)
    return Value(Type("bool"), Null.MAYBE, Call("in query", (), result.text))


SQL_VALUES = {
    "SVFOP_CURRENT_DATE": "date",
    "SVFOP_CURRENT_TIME": "timetz",
    "SVFOP_CURRENT_TIME_N": "timetz",
    "SVFOP_CURRENT_TIMESTAMP": "timestamptz",
    "SVFOP_CURRENT_TIMESTAMP_N": "timestamptz",
    "SVFOP_LOCALTIME": "time",
    "SVFOP_LOCALTIME_N": "time",
    "SVFOP_LOCALTIMESTAMP": "timestamp",
    "SVFOP_LOCALTIMESTAMP_N": "timestamp",
}


def _sql_value(node: Node, scope: Scope) -> Value:
    kind = node.get("op", "SVFOP_CURRENT_DATE")
    return Value(Type(SQL_VALUES.get(kind, "name")), Null.NEVER, Call(kind, (), volatile=True))


def _collate(node: Node, scope: Scope) -> Value:
    return evaluate(node["arg"], scope)


def _set_to_default(node: Node, scope: Scope) -> Value:
    return Value(UNKNOWN, Null.UNKNOWN, Opaque("default"))


def _unseen(node: Node, scope: Scope) -> Value:
    """SQL/JSON and XML constructors: their result is of no concern but for being there."""
    return Value(UNKNOWN, Null.UNKNOWN, Opaque("constructed"))


# Other modules are named when they are called: they import this one.
HANDLERS: dict[str, Callable[[Node, Scope], Value]] = {
    "A_Const": _constant,
    "ColumnRef": _column,
    "ParamRef": _parameter,
    "A_Expr": lambda node, scope: operators.operation(node, scope),
    "BoolExpr": _boolean,
    "NullTest": _null_test,
    "BooleanTest": _boolean_test,
    "CaseExpr": _case,
    "CoalesceExpr": _coalesce,
    "MinMaxExpr": _min_max,
    "TypeCast": lambda node, scope: casts.type_cast(node, scope),
    "FuncCall": lambda node, scope: functions.call(node, scope),
    "RowExpr": _row,
    "A_ArrayExpr": _array,
    "A_Indirection": _indirection,
    "SubLink": _sublink,
    "SQLValueFunction": _sql_value,
    "CollateClause": _collate,
    "SetToDefault": _set_to_default,
    "NamedArgExpr": lambda node, scope: evaluate(node["arg"], scope),
    "JsonObjectConstructor": _unseen,
    "JsonArrayConstructor": _unseen,
    "XmlExpr": _unseen,
    "XmlSerialize": _unseen,
    "JsonIsPredicate": _unseen,
    "GroupingFunc": _unseen,
}


def default_of(relation: Relation, number: int, scope: Scope) -> Value:
    """What a column gets when an INSERT leaves it out."""
    column = relation.column_numbered(number)
    if column is None:
        return NOTHING
    if column.identity:
        return Value(column.type, Null.NEVER, Call("identity", (), volatile=True))
    if column.generated:
        return Value(column.type, Null.UNKNOWN, Opaque("generated"))
    expression = column.default
    if expression is None and isinstance(column.type.id, int):
        domain = scope.catalog.user_type(column.type.id)
        while domain is not None and expression is None:
            expression = domain.default
            base = domain.base
            domain = scope.catalog.user_type(base.id) if base is not None and isinstance(base.id, int) else None
    if expression is None:
        return Value(column.type, Null.ALWAYS, Constant(None))
    bare = msgspec.structs.replace(scope, variables={}, tables=(), outer=None, parameters=())
    value = evaluate(expression.node, bare)
    return casts.converted(value, column.type) if value.type.id != "?" else msgspec.structs.replace(value, type=column.type)
