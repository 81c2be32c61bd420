"""The trees that name a relation or a column, put right when its name changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Expression, Node, Reference, Relation
from schemalint.replay.names import replace
from schemalint.replay.reading import NOWHERE, Reader, Scope, Table, rewritten, table_of

Change = Callable[[Node, Reference], Node]


def rewrite_users(catalog: Catalog, relation: Relation, number: int | None, change: Change) -> Catalog:
    """Puts present names into every tree that refers to the relation or, with a number, to that column of it."""
    for oid in sorted({relation.oid, *catalog.users(relation.oid)}):
        holder = catalog.get(oid)
        if isinstance(holder, Relation):
            rewrite = _Rewriting(catalog, relation.oid, number, change)
            changed = rewrite.relation(holder)
            if changed is not holder:
                catalog = catalog.put(changed)
    return catalog


class _Rewriting:
    def __init__(self, catalog: Catalog, oid: int, number: int | None, change: Change) -> None:
        self.catalog = catalog
        self.oid = oid
        self.number = number
        self.change = change

    def relation(self, holder: Relation) -> Relation:
        own = (table_of(holder, self.catalog),)
        changes: dict[str, Any] = {}
        for field, rewrite in PIECES.items():
            before = getattr(holder, field)
            if before:
                after = tuple([rewrite(self, each, own) for each in before])
                if any(new is not old for new, old in zip(after, before, strict=True)):
                    changes[field] = after
        if holder.query is not None:
            node = self.tree({"SelectStmt": holder.query.node}, NOWHERE)["SelectStmt"]
            if node is not holder.query.node:
                changes["query"] = replace(holder.query, node=node)
        return replace(holder, **changes) if changes else holder

    def tree(self, node: Any, scope: Scope) -> Any:
        reader = Reader(self.catalog)
        reader.visit(node, scope)
        changes = {
            id(tree): self.change(tree, reference)
            for tree, reference in reader.nodes
            if reference.oid == self.oid and (self.number is None or reference.column == self.number)
        }
        return rewritten(node, changes) if changes else node

    def expression(self, expression: Expression | None, tables: tuple[Table, ...]) -> Expression | None:
        if expression is None or not self._concerns(expression, tables):
            return expression
        node = self.tree(expression.node, Scope(tables))
        return expression if node is expression.node else replace(expression, node=node)

    def _concerns(self, expression: Expression, tables: tuple[Table, ...]) -> bool:
        own = any(each.relation == self.oid for each in tables)
        if own and (self.number is None or self.number in expression.columns):
            return True
        return any(each.oid == self.oid and self.number in (None, each.column) for each in expression.references)

    def holding(self, object_: Any, fields: tuple[str, ...], tables: tuple[Table, ...]) -> Any:
        changes = {}
        for field in fields:
            before = getattr(object_, field)
            after = self.expression(before, tables)
            if after is not before:
                changes[field] = after
        return replace(object_, **changes) if changes else object_

    def index(self, index: Any, own: tuple[Table, ...]) -> Any:
        expressions = tuple([self.expression(each, own) for each in index.expressions])
        if any(new is not old for new, old in zip(expressions, index.expressions, strict=True)):
            index = replace(index, expressions=expressions)
        return self.holding(index, ("predicate",), own)

    def rule(self, rule: Any, own: tuple[Table, ...]) -> Any:
        scope = Scope(tuple(each._replace(name=word) for word in ("old", "new") for each in own))
        condition = self.tree(rule.condition, scope) if rule.condition is not None else None
        actions = tuple(self.tree(each, scope) for each in rule.actions)
        return replace(rule, condition=condition, actions=actions)


PIECES: dict[str, Callable[[_Rewriting, Any, tuple[Table, ...]], Any]] = {
    "columns": lambda self, column, own: self.holding(column, ("default",), own),
    "constraints": lambda self, constraint, own: self.holding(constraint, ("expression",), own),
    "indexes": _Rewriting.index,
    "triggers": lambda self, trigger, own: self.holding(
        trigger, ("when",), tuple(each._replace(name=word) for word in ("old", "new") for each in own)
    ),
    "policies": lambda self, policy, own: self.holding(policy, ("using", "check"), own),
    "rules": _Rewriting.rule,
}
