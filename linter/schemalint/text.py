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


class Source:
    """One text that people can open: a file's path as it is shown to them, and what it holds."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    def __repr__(self) -> str:
        return f"Source({self.path!r})"

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in NEWLINE.finditer(self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def start_of_line(self, number: int) -> int:
        return self._line_starts[number - 1]

    def line(self, number: int) -> str:
        """A line's text without its end."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] if number < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


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
