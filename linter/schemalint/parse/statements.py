"""SQL text into statements with their trees and their places in the file."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from re import IGNORECASE
from re import compile as pattern
from typing import TYPE_CHECKING, Any

import msgspec

from schemalint.parse.libpg_query import ParseError, parse_json, scan
from schemalint.parse.splitter import Piece, pieces, skip_blank
from schemalint.stack import on_deep_stack
from schemalint.text import ByteOffsets, Source, Span

if TYPE_CHECKING:
    from schemalint.migrations.migration import Migration

WHOLE_AT_MOST = 100_000  # characters of a file that is parsed in one piece
DATA_FROM = 65_536  # characters of an INSERT, or of equal ones in a row, from which on they are taken for data
MOST = 100_000  # statements of one source, at some 5 kB of memory each
DEEPEST = 5_000  # levels of a tree: some 2,500 operators in a row. PostgreSQL's own stack gives out not far behind
SHALLOW = DEEPEST // 2  # bytes of a statement that cannot hold a deeper tree
# What libpg_query cannot read: psql's commands and the data behind COPY.
NOT_SQL = pattern(r"(?m)^\s*\\|\bFROM\s+STDIN\b|\\g", IGNORECASE)
INSERT_VALUES = pattern(r"\s*INSERT\s+INTO\b[^;']*?\bVALUES\s*\(", IGNORECASE)
# Flyway's ${name}; psql's :name, :'name' and :"name".
PLACEHOLDER = pattern(r"""\$\{[^${}\s]+\}|:(?:[A-Za-z_]\w*|'\w+'|"\w+")""")
TOO_DEEP = "nested too deeply to be read"

_decoder = msgspec.json.Decoder()


class Statement(msgspec.Struct, frozen=True):
    """One statement: libpg_query's name for it, its tree, and where it stands."""

    kind: str
    node: dict[str, Any]
    span: Span
    base: int  # offset in the source of the text that was parsed
    offsets: ByteOffsets
    copied: bool = False  # rows of data come with it

    def offset(self, location: int) -> int:
        """The character offset in the source of a byte location in the tree."""
        return self.base + self.offsets.character(location)


class Broken(msgspec.Struct, frozen=True):
    """A statement that PostgreSQL cannot parse."""

    span: Span
    at: Span  # the token that it stumbles over
    message: str


class MetaCommand(msgspec.Struct, frozen=True):
    """A command of psql's own: \\connect, \\i file …"""

    span: Span
    name: str
    argument: str


class Unread(msgspec.Struct, frozen=True):
    """What is not known: a statement with a placeholder that has no value, or the end of a source that holds too much."""

    span: Span
    reason: str


Part = Statement | Broken | MetaCommand | Unread


def read_migration(migration: Migration) -> tuple[Part, ...]:
    """All statements of a migration, those of the files that it takes in at their place."""
    parts = read_statements(migration.source)
    return tuple(_taken_in(parts, migration)) if migration.included else parts


def _taken_in(parts: tuple[Part, ...], migration: Migration) -> Iterator[Part]:
    for part in parts:
        found = migration.taken_in(part.span.source.path, part.argument) if isinstance(part, MetaCommand) else None
        if found is None:
            yield part
        else:
            yield from _taken_in(read_statements(found), migration)


def read_statements(source: Source) -> tuple[Part, ...]:
    """All statements of a source. One that does not parse hides none of the others."""
    text = source.text
    plain = len(text) <= WHOLE_AT_MOST and (("\\" not in text and "stdin" not in text.lower()) or NOT_SQL.search(text) is None)
    if plain:
        try:
            return tuple(_whole(source))
        except ParseError:
            pass
    return tuple(_piecewise(source))


def parse_one(sql: str) -> list[tuple[str, dict[str, Any]]]:
    """The (kind, node) of each statement in a text. Raises ParseError."""
    return [_kind_and_node(each) for each in _decoded(parse_json(sql))]


def _decoded(json: str) -> list[dict[str, Any]]:
    """The raw statements of libpg_query's JSON. Raises ParseError where one is too deep.

    The collector is off: it would look through all that is being made.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        statements = _values(json)
    except RecursionError as error:
        raise ParseError(TOO_DEEP, 0) from error
    finally:
        if collecting:
            gc.enable()
    if any(each.get("stmt_len", len(json)) > SHALLOW and _is_too_deep(each) for each in statements):
        raise ParseError(TOO_DEEP, 0)
    return statements


def _values(json: str) -> list[dict[str, Any]]:
    def decode() -> list[dict[str, Any]]:
        statements: list[dict[str, Any]] = _decoder.decode(json).get("stmts") or []
        return statements

    try:
        return decode()
    except RecursionError:
        return on_deep_stack(decode)


def _is_too_deep(tree: dict[str, Any]) -> bool:
    level: list[Any] = [tree]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _kind_and_node(raw: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    ((kind, node),) = raw["stmt"].items()
    return kind, node


def _whole(source: Source) -> Iterator[Statement]:
    text = source.text
    offsets = ByteOffsets(text)
    for raw in _decoded(parse_json(text)):
        first = raw.get("stmt_location", 0)
        length = raw.get("stmt_len", 0)
        start = skip_blank(text, offsets.character(first))
        end = offsets.character(first + length) if length else len(text)
        kind, node = _kind_and_node(raw)
        yield Statement(kind, node, Span(source, start, _content_end(text, start, end)), 0, offsets)


def _content_end(text: str, start: int, end: int) -> int:
    """The end without white space and comments behind the statement; the last statement of a file has them."""
    while end > start and text[end - 1].isspace():
        end -= 1
    if text.find("--", start, end) < 0 and text.find("*/", start, end) < 0:
        return end
    if text.find("\n", text.rfind("--", start, end), end) >= 0 and not text.endswith("*/", start, end):
        return end  # the last comment stands before the statement's last line
    try:
        tokens = [each for each in scan(text[start:end]) if each.name not in ("SQL_COMMENT", "C_COMMENT")]
    except ParseError:
        return end
    return start + tokens[-1].end + 1 if tokens else end


def _piecewise(source: Source) -> list[Part]:
    """The statements one by one. INSERTs of many rows into the same columns are read as far as they may tell something."""
    text = source.text
    parts: list[Part] = []
    head, size = None, 0
    for piece in pieces(text):
        found = INSERT_VALUES.match(text, piece.start, piece.end)
        same = found is not None and found.group() == head
        head, size = found.group() if found is not None else None, piece.end - piece.start + (size if same else 0)
        last = parts[-1] if parts else None
        if same and size > DATA_FROM and isinstance(last, Statement):
            span = Span(source, last.span.start, piece.end)
            parts[-1] = msgspec.structs.replace(last, span=span, copied=True)
        elif len(parts) < MOST:
            parts.append(_read_piece(source, piece))
        else:
            parts.append(Unread(Span(source, piece.start, len(text)), f"there are more than {MOST:,} statements: split the file"))
            break
    return parts


def _read_piece(source: Source, piece: Piece) -> Part:
    span = Span(source, piece.start, piece.end)
    if piece.meta:
        name, argument, *_ = *span.text[1:].split(None, 1), "", ""
        return MetaCommand(span, name, argument.strip())
    if piece.end - piece.start > DATA_FROM and (skimmed := _skimmed(span)) is not None:
        return skimmed
    return _parsed(span, piece)


def _parsed(span: Span, piece: Piece) -> Statement | Broken | Unread:
    text = span.text
    try:
        found = _decoded(parse_json(text))
    except ParseError as error:
        return _broken(span, str(error.args[0]), error.args[1] if len(error.args) > 1 else None)
    if len(found) != 1:
        return Broken(span, span, "no statement")
    kind, node = _kind_and_node(found[0])
    end = _content_end(text, 0, len(text))
    return Statement(kind, node, Span(span.source, span.start, span.start + end), span.start, ByteOffsets(text), piece.copied)


def _broken(span: Span, message: str, location: int | None) -> Broken | Unread:
    """The error at the token that it names; at the end of the statement where there is none."""
    text = span.text
    start = len(text) if location is None else max(0, min(location, len(text)))
    if (placeholder := PLACEHOLDER.match(text, start)) is not None:
        return Unread(span, f"{placeholder[0]} has no value here, so the statement is not known")
    end = start
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    if start == len(text):
        start = max(0, len(text) - 1)
    return Broken(span, Span(span.source, span.start + start, span.start + max(end, start + 1)), message)


def _skimmed(span: Span) -> Statement | None:
    """A huge INSERT … VALUES by its first row: the rest is data."""
    text = span.text
    head = INSERT_VALUES.match(text)
    if head is None:
        return None
    for close in _closings(text, head.end()):
        try:
            found = _decoded(parse_json(text[:close]))
        except ParseError:
            continue
        kind, node = _kind_and_node(found[0])
        return Statement(kind, node, span, span.start, ByteOffsets(text[:close]), True)
    return None


def _closings(text: str, start: int) -> Iterator[int]:
    """The first few places at which the first row can end."""
    position = start
    for _ in range(20):
        position = text.find(")", position) + 1
        if position == 0 or position > start + DATA_FROM:
            return
        yield position
