"""Queries of which one row is wanted: what happens where they can find several (P0003, 21000)."""

from __future__ import annotations

from schemalint.flow.path import Failure
from schemalint.interpret import query
from schemalint.interpret.catching import is_caught
from schemalint.interpret.scope import Effect, Scope
from schemalint.text import Span


def note_many(sqlstate: str, message: str, result: query.Result, scope: Scope, span: Span | None) -> None:
    """Leaves in `context.pending` the error that a second row brings about."""
    if not result.text:
        return
    failure = Failure(
        "many-rows", sqlstate, message, span, (scope.context.source, scope.context.function, "many rows", result.text),
        "conditional", reason=result.text, function=scope.context.function, caught=is_caught(sqlstate, scope.context.caught),
    )  # fmt: skip
    scope.context.pending.append((Effect(failures=(failure,)),))
