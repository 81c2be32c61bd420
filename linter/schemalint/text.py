"""Sources of text, spans in them, and the way from an offset to a line and a column.

Offsets count characters from 0. Lines and columns count from 1, columns in characters.
A file is decoded once; its byte-order mark is gone and its line ends are as the file has them.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from re import compile as pattern

import msgspec

NEWLINE = pattern(r"\r\n|\n|\r")
WIDE = pattern(r"[^\x00-\x7f]")


class Edit(msgspec.Struct, frozen=True):
    """A piece of a text that stands in for another: `end - start` characters there for `length` in the file."""

    start: int
    end: int
    length: int


class Source:
    """One text that people can open: a file's path as it is shown to them, and what it holds.

    Where a tool replaces parts of its files before it runs them, `text` is what runs and `written` what the file holds:
    offsets count in the one, lines and columns in the other.
    """

    def __init__(self, path: str, text: str, written: str | None = None, edits: tuple[Edit, ...] = ()) -> None:
        self.path = path
        self.text = text
        self.written = text if written is None else written
        self._edits = edits

    def __repr__(self) -> str:
        return f"Source({self.path!r})"

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in NEWLINE.finditer(self.written))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        if self._edits:
            offset = self._offset_in_file(offset)
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def _offset_in_file(self, offset: int) -> int:
        shift = 0
        for each in self._edits:
            if offset < each.end:
                return min(offset, each.start) + shift
            shift += each.length - (each.end - each.start)
        return offset + shift

    def start_of_line(self, number: int) -> int:
        return self._line_starts[number - 1]

    def line(self, number: int) -> str:
        """A line's text without its end."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] if number < len(self._line_starts) else len(self.written)
        return self.written[start:end].rstrip("\r\n")


class Span(msgspec.Struct, frozen=True):
    """A piece of a source, from `start` to before `end`."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def place(self) -> tuple[str, int, int]:
        """Path, line and column, for ordering."""
        return (self.source.path, *self.source.position(self.start))


class ByteOffsets:
    """Turns the byte offsets (UTF-8) that libpg_query counts in its trees into character offsets."""

    def __init__(self, text: str) -> None:
        self._marks: list[int] = []  # byte offset just after each wide character
        self._surplus: list[int] = [0]  # bytes minus characters up to there
        if text.isascii():
            return
        surplus = 0
        for match in WIDE.finditer(text):
            start = match.start() + surplus
            width = len(match.group().encode("utf-8", "surrogatepass"))
            surplus += width - 1
            self._marks.append(start + width)
            self._surplus.append(surplus)

    def character(self, byte: int) -> int:
        if not self._marks:
            return byte
        return byte - self._surplus[bisect_right(self._marks, byte)]


class Excerpt(msgspec.Struct, frozen=True):
    """A text that stands, perhaps escaped, inside a source: a function's body, a string that is run.

    `escapes` holds the offsets in `text` of characters that the source spells with one character
    more (a doubled quote). Where the text was computed, `whole` is the span that stands for all of it.
    """

    text: str
    source: Source
    start: int
    escapes: tuple[int, ...] = ()
    whole: Span | None = None

    def span(self, start: int, end: int) -> Span:
        """The place in the source of text[start:end]."""
        if self.whole is not None:
            return self.whole
        return Span(self.source, self._offset(start), self._offset(end))

    def _offset(self, offset: int) -> int:
        return self.start + offset + bisect_right(self.escapes, offset - 1)
