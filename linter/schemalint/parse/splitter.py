"""Cuts a text into statements without parsing them.

libpg_query's own splitter cuts the bodies of SQL-standard functions apart and gives up on an unterminated quote; psql's
commands and the data behind COPY are no SQL at all. One regular expression jumps from one telling character to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from re import DOTALL, IGNORECASE, MULTILINE, VERBOSE, Pattern
from re import compile as pattern

import msgspec

# Possessive (`++`): one quote that is never closed must not cost more than reading the text once.
QUOTES = r"""
      (?P<comment>--[^\n\r]*)
    | (?P<block>/\*)
    | (?P<escaped>(?<=[eE])(?<![A-Za-z0-9_$][eE])'(?:[^'\\]++|\\(?:.|\Z)|'')*+(?:'|\Z))
    | (?P<string>'[^']*(?:'|\Z))
    | (?P<quoted>"[^"]*(?:"|\Z))
    | (?P<dollar>(?<![A-Za-z0-9_$])\$(?P<tag>[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*)?\$)
    | (?P<end>;)
    | (?P<meta>\\)
"""
NESTS = r"""
    | (?P<open>[(])
    | (?P<close>[)])
    | (?P<word>(?<![A-Za-z0-9_$])(?:BEGIN\s+ATOMIC|CASE|END)(?![A-Za-z0-9_$]))
"""
TELLING = pattern(QUOTES, DOTALL | VERBOSE)
TELLING_IN_NESTS = pattern(QUOTES + NESTS, DOTALL | IGNORECASE | VERBOSE)
# The only statements with statements inside. In any other, a semicolon in parentheses says that a parenthesis is missing,
# and that must not hide what follows.
CREATE_NEST = pattern(r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:(RULE)|FUNCTION|PROCEDURE)\b", IGNORECASE)
COMMENT_MARK = pattern(r"/\*|\*/")
# PostgreSQL's own white space; a no-break space is a letter to it.
WHITE = " \t\n\r\f\v"
BLANK = pattern(f"[{WHITE}]+")
COMMENT_END = pattern(r"[\n\r]|\Z")
LINE_END = pattern(r"\n|\Z")
COPY_FROM_STDIN = pattern(r"\s*COPY\b.*\bFROM\s+STDIN\b", DOTALL | IGNORECASE)
PSQL_COPY = pattern(r"\\copy\b[^\n]*\bfrom\s+p?stdin\b", IGNORECASE)
END_OF_DATA = pattern(r"^\\\.[ \t]*\r?$", MULTILINE)


class Piece(msgspec.Struct, frozen=True):
    """A statement's text from `start` to before its semicolon, or a psql command."""

    start: int
    end: int
    meta: bool = False
    copied: bool = False  # rows of data stand behind it
    open: bool = False  # a quote or a comment in it never ends


def pieces(text: str) -> Iterator[Piece]:
    """The statements and psql commands of a text, in order. White space and comments before each are left out."""
    position = 0
    while True:
        position = skip_blank(text, position)
        if position >= len(text):
            return
        if text[position] == "\\":
            end = _line_end(text, position)
            yield Piece(position, end, meta=True)
            position = data_behind(text, end)[1] if PSQL_COPY.match(text, position) else end
            continue
        end, after, open_ = _statement_end(text, position)
        if COPY_FROM_STDIN.match(text, position, end) and not open_:
            copied, after = data_behind(text, after)
            yield Piece(position, end, copied=copied)
            position = after
            continue
        if end > position:
            yield Piece(position, position + len(text[position:end].rstrip(WHITE)), open=open_)
        position = after


def skip_blank(text: str, position: int) -> int:
    """The next offset at which neither white space, a comment nor an empty statement stands."""
    while position < len(text):
        blank = BLANK.match(text, position)
        if blank is not None:
            position = blank.end()
        elif text.startswith("--", position):
            position = _line_end(text, position, COMMENT_END)
        elif text.startswith("/*", position):
            position = comment_end(text, position + 2)[0]
        elif text[position] == ";":
            position += 1
        else:
            break
    return position


def _line_end(text: str, position: int, mark: Pattern[str] = LINE_END) -> int:
    found = mark.search(text, position)
    return found.start() if found is not None else len(text)


def data_behind(text: str, position: int) -> tuple[bool, int]:
    """Whether there are rows of data below the line, and where they end."""
    data = _line_end(text, position) + 1
    terminator = END_OF_DATA.search(text, data) if data < len(text) else None
    last, after = (terminator.start(), terminator.end()) if terminator else (len(text), len(text))
    return bool(text[data:last].strip()), after


def comment_end(text: str, position: int) -> tuple[int, bool]:
    """The end of a comment, which may hold others; and whether it has one."""
    depth = 1
    for mark in COMMENT_MARK.finditer(text, position):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end(), True
    return len(text), False


def _statement_end(text: str, start: int) -> tuple[int, int, bool]:
    """Where a statement ends, where the next can begin, and whether something in it never ends."""
    position, depth, atomic = start, 0, 0
    nest = CREATE_NEST.match(text, start)
    telling = TELLING if nest is None else TELLING_IN_NESTS
    is_rule = nest is not None and nest[1] is not None
    while True:
        mark = telling.search(text, position)
        if mark is None:
            return len(text), len(text), False
        kind = mark.lastgroup if mark.lastgroup != "tag" else "dollar"
        position = mark.end()
        if kind == "end" and atomic == 0 and (depth == 0 or not is_rule):
            return mark.start(), position, False
        if kind in ("string", "quoted", "escaped") and not _closed(mark.group(), kind):
            return len(text), len(text), True
        if kind == "block":
            position, closed = comment_end(text, position)
            if not closed:
                return len(text), len(text), True
        elif kind == "dollar":
            closing = text.find(mark.group("dollar"), position)
            if closing < 0:
                return len(text), len(text), True
            position = closing + len(mark.group("dollar"))
        elif kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
        elif kind == "word":
            atomic = _atomic_depth(mark.group().upper(), atomic)
        elif kind == "meta" and _is_meta(text, mark.start()):
            return mark.start(), _line_end(text, mark.start()), False


def _closed(token: str, kind: str) -> bool:
    quote = '"' if kind == "quoted" else "'"
    return len(token) > 1 and token.endswith(quote)


def _atomic_depth(word: str, depth: int) -> int:
    """How deep inside BEGIN ATOMIC … END a text is; CASE … END counts only in there."""
    if word.startswith("BEGIN"):
        return depth + 1
    if depth == 0:
        return 0
    return depth + 1 if word == "CASE" else depth - 1


def _is_meta(text: str, position: int) -> bool:
    """Whether a backslash begins a psql command that ends a statement, as \\gexec does."""
    return position + 1 < len(text) and text[position + 1].isalpha()
