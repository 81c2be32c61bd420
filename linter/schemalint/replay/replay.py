"""Migrations, statement by statement, from one catalog to the next."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node, Relation, Rows
from schemalint.finding import Unmodelled
from schemalint.parse.statements import MetaCommand, Part, Statement, Unread, read_migration
from schemalint.replay import transactions
from schemalint.replay.alter_table import alter_table, command_spans
from schemalint.replay.context import Context, Handler, NotModelled, Refused
from schemalint.replay.functions import create_function
from schemalint.replay.indexes import create_index
from schemalint.replay.names import TEMPORARY
from schemalint.replay.settings import default_of, select, set_variable
from schemalint.replay.step import Refusal, Replayed, Step
from schemalint.replay.tables import create_table
from schemalint.replay.triggers import create_trigger
from schemalint.text import Span

if TYPE_CHECKING:
    from schemalint.migrations.migration import Migration

__all__ = ["Refusal", "Replayed", "Step", "command_span", "replay_migration", "replay_statement"]

PSQL_UNKNOWN = {
    **dict.fromkeys(("i", "include", "ir", "include_relative"), "no such file in the project, so what it holds is not known"),
    "gexec": "psql runs what the statement answers, which is not known",
    "if": "psql decides what runs, and all of it was read",
}
STRICT = "SCHEMALINT_STRICT"  # set in the tests: a defect in a handler is raised, not remarked


def lazily(module: str, name: str) -> Handler:
    """A handler whose module is imported when it is first needed."""

    def handler(catalog: Catalog, node: Any, context: Context) -> Catalog:
        function: Handler = getattr(importlib.import_module(f"schemalint.replay.{module}"), name)
        HANDLERS[context.place.kind] = function
        return function(catalog, node, context)

    return handler


def nothing(catalog: Catalog, node: Node, context: Context) -> Catalog:
    """A statement that changes nothing the catalog holds."""
    return catalog


HANDLERS: dict[str, Handler] = {
    "CreateStmt": create_table,
    "AlterTableStmt": alter_table,
    "IndexStmt": create_index,
    "CreateFunctionStmt": create_function,
    "CreateTrigStmt": create_trigger,
    "SelectStmt": select,
    "VariableSetStmt": set_variable,
    "DropStmt": lazily("drop", "drop_objects"),
    "RenameStmt": lazily("rename", "rename"),
    "AlterObjectSchemaStmt": lazily("rename", "set_schema"),
    "AlterOwnerStmt": lazily("rename", "set_owner"),
    "CreateSchemaStmt": lazily("schemas", "create_schema"),
    "AlterFunctionStmt": lazily("functions", "alter_function"),
    "CreateEnumStmt": lazily("user_types", "create_enum"),
    "AlterEnumStmt": lazily("user_types", "alter_enum"),
    "CompositeTypeStmt": lazily("user_types", "create_composite"),
    "CreateRangeStmt": lazily("user_types", "create_range"),
    "CreateDomainStmt": lazily("user_types", "create_domain"),
    "AlterDomainStmt": lazily("user_types", "alter_domain"),
    "DefineStmt": lazily("user_types", "define_object"),
    "ViewStmt": lazily("views", "create_view"),
    "CreateTableAsStmt": lazily("views", "create_table_as"),
    "CreateSeqStmt": lazily("sequences", "create_sequence"),
    "AlterSeqStmt": lazily("sequences", "alter_sequence"),
    "CreatePolicyStmt": lazily("policies", "create_policy"),
    "AlterPolicyStmt": lazily("policies", "alter_policy"),
    "RuleStmt": lazily("policies", "create_rule"),
    "GrantStmt": lazily("privileges", "grant"),
    "AlterDefaultPrivilegesStmt": lazily("privileges", "alter_default_privileges"),
    "CreateRoleStmt": lazily("roles", "create_role"),
    "AlterRoleStmt": lazily("roles", "alter_role"),
    "DropRoleStmt": lazily("roles", "drop_role"),
    "GrantRoleStmt": lazily("roles", "grant_role"),
    "ReassignOwnedStmt": lazily("roles", "reassign_owned"),
    "CreatePublicationStmt": lazily("publications", "create_publication"),
    "AlterPublicationStmt": lazily("publications", "alter_publication"),
    "CreateExtensionStmt": lazily("extensions", "create_extension"),
    "CreateEventTrigStmt": lazily("opaque", "create_event_trigger"),
    "CreateCastStmt": lazily("opaque", "create_cast"),
    "CreateForeignServerStmt": lazily("opaque", "create_opaque"),
    "CreateFdwStmt": lazily("opaque", "create_opaque"),
    "CreatePLangStmt": lazily("opaque", "create_opaque"),
    "CreateSubscriptionStmt": lazily("opaque", "create_opaque"),
    "DoStmt": lazily("blocks", "do_block"),
    "InsertStmt": lazily("rows", "insert"),
    "DeleteStmt": lazily("rows", "delete"),
    "CopyStmt": lazily("rows", "copy"),
    "CommentStmt": lazily("comments", "comment"),
    "TruncateStmt": lazily("rows", "truncate"),
    "AlterDatabaseSetStmt": lazily("settings", "set_database_default"),
    "AlterRoleSetStmt": lazily("settings", "set_database_default"),
    **dict.fromkeys(
        (
            "UpdateStmt", "MergeStmt", "SecLabelStmt", "LockStmt", "VacuumStmt", "ReindexStmt", "ClusterStmt",
            "RefreshMatViewStmt", "ExplainStmt", "VariableShowStmt", "NotifyStmt", "ListenStmt", "UnlistenStmt", "CheckPointStmt",
            "AlterSystemStmt", "PrepareStmt", "DeallocateStmt", "CreateStatsStmt", "AlterStatsStmt", "ConstraintsSetStmt",
            "CreateOpClassStmt", "CreateOpFamilyStmt", "AlterOpFamilyStmt", "AlterEventTrigStmt", "AlterExtensionStmt",
            "AlterExtensionContentsStmt", "AlterFdwStmt", "AlterForeignServerStmt", "AlterUserMappingStmt",
            "CreateUserMappingStmt",
            "DropUserMappingStmt", "AlterSubscriptionStmt", "DropSubscriptionStmt", "AlterTSConfigurationStmt", "DiscardStmt",
            "CreateTransformStmt", "AlterOperatorStmt", "AlterTypeStmt", "AlterTSDictionaryStmt", "CreateConversionStmt",
            "CreateTableSpaceStmt", "DropTableSpaceStmt", "AlterDatabaseStmt", "DeclareCursorStmt",
            "AlterDatabaseRefreshCollStmt",
            "FetchStmt", "ClosePortalStmt", "AlterTableMoveAllStmt", "AlterCollationStmt", "CreatedbStmt", "DropdbStmt",
        ),
        nothing,
    ),
}  # fmt: skip


def replay_migration(catalog: Catalog, migration: Migration) -> Replayed:
    """A migration that shares the session of the one before it begins with the settings that were left there.

    Which ones a tool applied in one go, history does not tell: what only applies in a session of its own had one.
    """
    fresh = _at_start(catalog)
    if not migration.shares_session or fresh is catalog:
        return _replayed(catalog, fresh, migration, True)
    shared = _replayed(catalog, catalog, migration, False)
    if not _refusals(shared):
        return shared
    alone = _replayed(catalog, fresh, migration, True)
    return alone if _refusals(alone) < _refusals(shared) else shared


def _refusals(replayed: Replayed) -> int:
    return sum(each.refusal is not None for each in replayed.steps)


def _replayed(before: Catalog, catalog: Catalog, migration: Migration, own_session: bool) -> Replayed:
    session = transactions.Session(catalog, catalog if migration.transactional else None)
    steps: list[Step] = []
    for statement in read_migration(migration):
        step, session = _step(session, statement)
        steps.append(step)
    after = _at_end(before, session.catalog)
    if steps:
        last = steps[-1]
        steps[-1] = msgspec.structs.replace(last, after=after, commits=True)
    return Replayed(migration, tuple(steps), before, after, own_session)


def _at_start(catalog: Catalog) -> Catalog:
    """A migration begins in a session of its own: the settings are the default ones."""
    if catalog.get(("setting", "default_search_path")) is None:
        catalog = catalog.bind(("setting", "default_search_path"), catalog.search_path)
    for name in ("search_path", "check_function_bodies", "role", "lock_timeout"):
        value = default_of(catalog, name)
        if catalog.get(("setting", name)) != value:
            catalog = catalog.bind(("setting", name), value) if value is not None else catalog.unbind(("setting", name))
    return catalog


def _at_end(before: Catalog, catalog: Catalog) -> Catalog:
    """What the migration has made is out there: its tables may get rows, its enum labels may be used."""
    for key in catalog.changes_since(before) or ():
        if isinstance(key, int):
            object_ = catalog.get(key)
            if isinstance(object_, Relation) and object_.rows is Rows.NONE:
                catalog = catalog.bind(key, msgspec.structs.replace(object_, rows=Rows.POSSIBLE))
    return transactions.ended(without_temporary(catalog))


def without_temporary(catalog: Catalog) -> Catalog:
    """The session's temporary objects go with it."""
    schema = catalog.get(("schema", TEMPORARY))
    if schema is None:
        return catalog
    from schemalint.replay.dependencies import drop

    return drop(catalog, [("schema", schema, 0)], cascade=True)


def _step(session: transactions.Session, statement: Part) -> tuple[Step, transactions.Session]:
    before = session.catalog
    if not isinstance(statement, Statement):
        return Step(statement, before, before, None, tuple(_unread(statement))), session
    if statement.kind == "TransactionStmt":
        return transactions.step(session, statement)
    block = session.open is not None
    after, refusal, unmodelled = replay_statement(before, statement, block)
    commits = not block
    if commits:
        after = transactions.ended(after)
    step = Step(statement, before, after, refusal, unmodelled, commits)
    return step, msgspec.structs.replace(session, catalog=after)


def _unread(part: Part) -> Iterator[Unmodelled]:
    """What stays unknown of a text that is no SQL before its tool has worked on it."""
    if isinstance(part, Unread):
        yield Unmodelled(part.span, part.reason)
    elif isinstance(part, MetaCommand) and (reason := PSQL_UNKNOWN.get(part.name)) is not None:
        yield Unmodelled(part.span, f"\\{part.name}: {reason}")


def replay_statement(catalog: Catalog, statement: Any, block: bool) -> tuple[Catalog, Refusal | None, tuple[Unmodelled, ...]]:
    """What a statement makes of the catalog, or why PostgreSQL would refuse it."""
    context = Context(statement, block)
    handler = HANDLERS.get(statement.kind)
    try:
        if handler is None:
            raise NotModelled(f"{statement.kind} is not modelled", *names_in(statement.node))
        if catalog.get(transactions.FRESH):
            from schemalint.replay.fresh_labels import refuse_fresh_labels

            refuse_fresh_labels(catalog, statement.kind, statement.node)
        after = handler(catalog, statement.node, context)
        if statement.kind == "CreateFunctionStmt" and catalog.get(("setting", "check_function_bodies")):
            _check_body(catalog, after, statement)
    except Refused as refused:
        refusal = Refusal(refused.sqlstate, refused.message, refused.span or context.span, refused.certain, refused.detail)
        return catalog, refusal, tuple(context.unmodelled)
    except NotModelled as unknown:
        context.gap(unknown.reason)
        return tainted(catalog, unknown.names), None, tuple(context.unmodelled)
    except Exception as error:
        if os.environ.get(STRICT):
            raise
        context.gap(f"internal error: {type(error).__name__}: {error}")
        return tainted(catalog, names_in(statement.node)), None, tuple(context.unmodelled)
    return after, None, tuple(context.unmodelled)


def _check_body(before: Catalog, after: Catalog, statement: Any) -> None:
    from schemalint.replay.bodies import body_error

    error = body_error(before, after, statement.span.text)
    if error is not None:
        raise Refused("42601", error[0], error[1])


def names_in(node: Any) -> tuple[str, ...]:
    """The relations that a tree names."""
    found: list[str] = []
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            if "relname" in each:
                found.append(each["relname"])
            stack.extend(value for value in each.values() if isinstance(value, dict | list))
        elif isinstance(each, list):
            stack.extend(each)
    return tuple(found)


def tainted(catalog: Catalog, names: tuple[str, ...]) -> Catalog:
    """Something unmodelled may have made or changed objects of these names."""
    for name in names:
        relation = catalog.find_relation(None, name)
        if relation is not None and not relation.tainted:
            catalog = catalog.put(msgspec.structs.replace(relation, tainted=True))
        catalog = catalog.bind(("unmodelled", name), True)
    return catalog


def command_span(statement: Statement, index: int) -> Span:
    """Where a sub-command of an ALTER TABLE stands."""
    spans = command_spans(Context(statement, True), len(statement.node.get("cmds") or ()))
    return spans[index] if index < len(spans) else statement.span
