"""Lines of a source as they are shown, and the marks under the part that is meant.

Marks stand under what they mark in a terminal's cells: a tab is shown as blanks, an East Asian character takes two
cells, an accent none.
"""

from __future__ import annotations

import unicodedata

import msgspec

from schemalint.report.safe import JOINERS, escaped
from schemalint.text import Span

LINES_SHOWN = 3
LONGEST = 130  # characters of a line that are shown
LEAD = 40  # of them before the span, where the line is cut
TAB = "    "
CUT = "…"


class Marked(msgspec.Struct, frozen=True):
    """One line as it is shown; `indent` cells before the mark and `width` cells under it."""

    number: int
    text: str
    indent: int
    width: int


def marked_lines(span: Span) -> list[Marked]:
    """The first lines of a span."""
    first, column = span.source.position(span.start)
    last, end = span.source.position(max(span.end, span.start))
    shown = []
    for number in range(first, min(last, first + LINES_SHOWN - 1) + 1):
        line = span.source.line(number)
        left = column - 1 if number == first else len(line) - len(line.lstrip())
        right = min(end - 1, len(line)) if number == last else len(line.rstrip())
        # What a span of several lines has on its last may be nothing, as may be a line between.
        if number == first or left < right:
            shown.append(_marked(number, line, left, right))
    return shown


def lines_left_out(span: Span) -> int:
    first, last = span.source.position(span.start)[0], span.source.position(max(span.end, span.start))[0]
    return max(0, last - first + 1 - LINES_SHOWN)


def _marked(number: int, line: str, left: int, right: int) -> Marked:
    begin, stop = _window(len(line), left, right)
    before, after = CUT if begin else "", CUT if stop < len(line) else ""
    lead = before + "".join(map(_shown, line[begin:left]))
    middle = "".join(map(_shown, line[left : min(right, stop)]))
    rest = "".join(map(_shown, line[max(left, min(right, stop)) : stop])) + after
    return Marked(number, (lead + middle + rest).rstrip(), cells(lead), max(1, cells(middle)))


def _window(length: int, left: int, right: int) -> tuple[int, int]:
    """From where to where a line of that length is shown."""
    if length <= LONGEST:
        return 0, length
    begin = 0 if right <= LONGEST else max(0, min(left - LEAD, length - LONGEST))
    return begin, begin + LONGEST


def _shown(character: str) -> str:
    return TAB if character == "\t" else escaped(character)


def cells(text: str) -> int:
    """How wide a terminal shows the text."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if character in JOINERS or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
