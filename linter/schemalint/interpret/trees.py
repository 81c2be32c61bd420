"""The SQL in a function's body as trees, and the way back from a tree to the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from schemalint.interpret.scope import Context, Scope
from schemalint.interpret.state import State
from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.plpgsql import BodySyntaxError, parse_body
from schemalint.parse.statements import parse_one
from schemalint.text import Excerpt, Span

Node = dict[str, Any]


@lru_cache(maxsize=4096)
def parsed_expression(text: str) -> tuple[str, Node]:
    """The statement that evaluates an expression: "SELECT " before it."""
    return next(iter(parse_one("SELECT " + text)))


@lru_cache(maxsize=4096)
def parsed_statement(text: str) -> tuple[str, Node]:
    return next(iter(parse_one(text)))


WORD = re.compile(r'[\w.$"]+')


@lru_cache(maxsize=2048)
def parsed_body(text: str) -> tree.Block | BodySyntaxError:
    try:
        return parse_body(text)
    except BodySyntaxError as error:
        return error


def locator(excerpt: Excerpt | None, fragment: tree.Fragment, lead: int) -> Callable[[int], Span | None]:
    """From a byte location in a fragment's tree to its place in the file: the word that stands there."""

    def locate(location: int) -> Span | None:
        if excerpt is None:
            return None
        if location < 0:
            return excerpt.span(fragment.start, fragment.end)
        text = fragment.text
        prefix = location - lead if text.isascii() else len(text.encode()[: max(location - lead, 0)].decode("utf-8", "replace"))
        start = max(prefix, 0)
        word = WORD.match(text, start)
        end = word.end() if word is not None else start
        return excerpt.span(fragment.start + start, fragment.start + max(end, start + 1))

    return locate


def scope_at(fragment: tree.Fragment, state: State, context: Context, lead: int = len("SELECT ")) -> Scope:
    count = 0
    while f"${count + 1}" in state.variables:
        count += 1
    parameters = tuple(state.variables[f"${i}"] for i in range(1, count + 1))
    deleted = tuple((w.target, frozenset((c, v.term) for c, v in w.matches)) for w in state.writes if w.operation == "delete")
    if deleted:
        context = msgspec.structs.replace(context, gone=deleted)
    guards = tuple(each.key for each in state.conditions)
    return Scope(context, state.variables, locator(context.excerpt, fragment, lead), parameters=parameters, guards=guards)
