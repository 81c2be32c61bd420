"""Comments that let findings stand: `-- schemalint: ignore RULE[, RULE] because REASON [until DATE]`.

A comment in a statement, or behind one in the same line, is for that statement. Lines of nothing but comments are for the
statement that begins in the line below the last of them; where that line is blank and no statement stands above, for the
whole file.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from re import IGNORECASE
from re import compile as pattern

import msgspec

from schemalint.decision import Malformed, Suppression
from schemalint.parse.comments import comments
from schemalint.text import Source, Span

HINT = "schemalint"
MEANT = pattern(r"(?:--[-\s]*|/\*[\s*]*)schemalint(?::|[-\s]+(?:ignore|disable)\b)", IGNORECASE)
ORDER = pattern(r"--\s*schemalint:\s*ignore(?=\s|$)\s*")
BECAUSE = pattern(r"(?:^|\s)because(?=\s|$)")
DATE = pattern(r"\d{4}-\d\d-\d\d")
FORM = "a suppression reads `-- schemalint: ignore RULE because REASON`"
OWN_GROUPS = ("decisions/", "tool/")


class Unplaced(msgspec.Struct, frozen=True):
    """What a comment says, before it is known of what."""

    rules: tuple[Span, ...]
    reason: str
    until: date | None


def suppressions_in(source: Source, statements: Sequence[Span]) -> Iterator[Suppression | Malformed]:
    """What the comments of a file suppress, and those that mean to and cannot."""
    if HINT not in source.text.lower():
        return
    page = _Page(source, statements)
    for span in page.comments:
        if not MEANT.match(span.text):
            continue
        said = read_comment(span)
        place = page.place_of(span)
        if isinstance(said, Malformed):
            yield said
        elif isinstance(place, Malformed):
            yield place
        else:
            for rule in said.rules:
                yield Suppression(rule.text, said.reason, rule, said.until, place)


# -- what a comment says


def read_comment(span: Span) -> Unplaced | Malformed:
    text = span.text
    order = ORDER.match(text)
    if order is None:
        return Malformed(span, FORM)
    because = BECAUSE.search(text, order.end())
    if because is None:
        return Malformed(span, f"a reason is missing: {FORM}")
    rules = tuple(_words(span, order.end(), because.start()))
    reason, until = _reason(" ".join(text[because.end() :].split()))
    if not rules or any(not each.text for each in rules):
        return Malformed(span, f"a rule is missing: {FORM}")
    if not reason:
        return Malformed(span, f"a reason is missing: {FORM}")
    if isinstance(until, str):
        return Malformed(span, f"{until[:20]!r} is no date such as 2026-12-31")
    own = next((each.text for each in rules if each.text.startswith(OWN_GROUPS)), None)
    if own is not None:
        return Malformed(span, f"{own} cannot be suppressed by a comment: give it a severity in the configuration")
    return Unplaced(rules, reason, until)


def _words(span: Span, start: int, end: int) -> Iterator[Span]:
    """What stands between commas."""
    position = start
    for part in span.text[start:end].split(","):
        first = span.start + position + len(part) - len(part.lstrip())
        yield Span(span.source, first, first + len(part.strip()))
        position += len(part) + 1


def _reason(text: str) -> tuple[str, date | str | None]:
    """The reason, and the date behind it: as it is written, where it is none. "until" alone may be a part of the reason."""
    head, found, last = f" {text}".rpartition(" until ")
    if not found or " " in last or not last[:1].isdigit():
        return text, None
    try:
        return head.strip(), date.fromisoformat(last) if DATE.fullmatch(last) else last
    except ValueError:
        return head.strip(), last


# -- where it stands


class _Page:
    """A file's comments and statements by lines."""

    def __init__(self, source: Source, statements: Sequence[Span]) -> None:
        self._source = source
        self._statements = sorted(statements, key=lambda each: each.start)
        self._starts = [each.start for each in self._statements]
        self.comments = [Span(source, start, end) for start, end in comments(source.text)]
        bare = {line for each in self.comments if self._alone(each) for line in self._lines(each)}
        self._below: dict[int, int] = {}  # the line below those of nothing but comments that a line is among
        for number in sorted(bare, reverse=True):
            self._below[number] = self._below.get(number + 1, number + 1)

    def _lines(self, span: Span) -> range:
        return range(self._line(span.start), self._line(span.end) + 1)

    def _line(self, offset: int) -> int:
        return self._source.position(offset)[0]

    def _alone(self, span: Span) -> bool:
        text = self._source.text
        end = self._source.position(span.end)
        before = text[span.start - self._source.position(span.start)[1] + 1 : span.start]
        return not before.strip() and not self._source.line(end[0])[end[1] - 1 :].strip()

    def place_of(self, comment: Span) -> Span | Malformed | None:
        """The statement that a comment is for; None for the whole file."""
        index = bisect_right(self._starts, comment.start) - 1
        before = self._statements[index] if index >= 0 else None
        line = self._line(comment.start)
        if before is not None and (comment.start < before.end or self._line(before.end) == line):
            return before
        line = self._below.get(line, line)
        below = self._statement_in(line)
        if below is not None:
            return below
        if before is None and (line > self._last_line or not self._source.line(line).strip()):
            return None
        return Malformed(comment, "there is no statement in the line below this suppression")

    @property
    def _last_line(self) -> int:
        return self._line(len(self._source.text))

    def _statement_in(self, line: int) -> Span | None:
        """The first statement that begins in a line."""
        if line > self._last_line:
            return None
        start = self._source.start_of_line(line)
        index = bisect_left(self._starts, start)
        found = self._statements[index] if index < len(self._starts) else None
        return found if found is not None and self._line(found.start) == line else None
