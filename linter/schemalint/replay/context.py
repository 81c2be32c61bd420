"""A statement on its way through the replay: its places in the source, and what there is to remark on it."""

from __future__ import annotations

from collections.abc import Callable
from re import DOTALL
from re import compile as pattern
from typing import Any, Protocol

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node
from schemalint.finding import Unmodelled
from schemalint.text import Source, Span

# What can hide a comma or a parenthesis, or is one.
MARKS = pattern(
    r"""(?P<text>(?<![A-Za-z0-9_])[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"[^"]*"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"""
    r"""|(?P<comment>--[^\n]*|/\*.*?\*/)|[(),;\[\]]""",
    DOTALL,
)


class Refused(Exception):  # noqa: N818
    """PostgreSQL would refuse the statement."""

    def __init__(
        self, sqlstate: str, message: str, span: Span | None = None, *, certain: bool = True, detail: str | None = None
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.span = span
        self.certain = certain
        self.detail = detail


class NotModelled(Exception):  # noqa: N818
    """The catalog cannot carry what the statement does."""

    def __init__(self, reason: str, *names: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.names = names


class Place(Protocol):
    """Where a statement stands: its source's text and the way from a tree's location into it."""

    @property
    def kind(self) -> str: ...
    @property
    def span(self) -> Span: ...
    def offset(self, location: int) -> int: ...


class Context:
    """What a handler knows of its statement beside the tree, and where it leaves its remarks."""

    __slots__ = ("block", "place", "source", "span", "unmodelled")

    def __init__(self, place: Place, block: bool) -> None:
        self.place = place
        self.span = place.span
        self.source: Source = place.span.source
        self.block = block  # inside a transaction block
        self.unmodelled: list[Unmodelled] = []

    def offset(self, node: Node) -> int:
        """Where a node stands in the source."""
        location = node.get("location", 0)
        return self.place.offset(location) if location >= 0 else self.span.start

    def here(self, node: Node | None) -> Span:
        """The span of a node that ends where its element of a list does."""
        if node is None or node.get("location", 0) < 0:
            return self.span
        start = self.offset(node)
        return Span(self.source, start, self.end_of_element(start))

    def between(self, node: Node, end: int) -> Span:
        return Span(self.source, self.offset(node), end)

    def end_of_element(self, start: int) -> int:
        """Where the element of a list that begins at `start` ends: before the next comma or parenthesis of its level."""
        return element_end(self.source.text, start, self.span.end)

    def trimmed(self, start: int, end: int) -> int:
        """The end of what stands between the two, without white space and comments behind it."""
        return content_end(self.source.text, start, end)

    def gap(self, reason: str, node: Node | None = None) -> None:
        """Remarks that the catalog does not carry a part of the statement."""
        self.unmodelled.append(Unmodelled(self.here(node) if node is not None else self.span, reason))


Handler = Callable[[Catalog, Any, Context], Catalog]


def element_end(text: str, start: int, limit: int) -> int:
    depth = 0
    last = start  # end of the last comment
    content = start  # end of the content before it
    end = limit
    for mark in MARKS.finditer(text, start, limit):
        if mark.lastgroup == "comment":
            if text[last : mark.start()].strip():
                content = last + len(text[last : mark.start()].rstrip())
            last = mark.end()
            continue
        sign = mark.group()
        if sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
            if depth < 0:
                end = mark.start()
                break
        elif depth == 0 and sign in ",;":
            end = mark.start()
            break
    tail = text[last:end].rstrip()
    return last + len(tail) if tail else content


def content_end(text: str, start: int, end: int) -> int:
    content = last = start
    for mark in MARKS.finditer(text, start, end):
        if mark.lastgroup == "comment":
            if text[last : mark.start()].strip():
                content = last + len(text[last : mark.start()].rstrip())
            last = mark.end()
    tail = text[last:end].rstrip()
    return last + len(tail) if tail else content
