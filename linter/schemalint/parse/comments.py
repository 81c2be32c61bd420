"""The comments of a text: outside of strings, function bodies and the data behind COPY."""

from __future__ import annotations

from collections.abc import Iterator

from schemalint.parse.splitter import PSQL_COPY, TELLING, comment_end, data_behind, pieces


def comments(text: str) -> Iterator[tuple[int, int]]:
    """The start and end of each comment, in order."""
    position = 0
    for piece in pieces(text):
        yield from _between(text, position, piece.start)
        if piece.meta:
            position = data_behind(text, piece.end)[1] if PSQL_COPY.match(text, piece.start) else piece.end
            continue
        yield from _between(text, piece.start, piece.end)
        # Behind COPY … FROM stdin there is a line, which may end in a comment, and then what is no SQL.
        position = data_behind(text, piece.end)[1] if piece.copied else piece.end
    yield from _between(text, position, len(text))


def _between(text: str, position: int, end: int) -> Iterator[tuple[int, int]]:
    while mark := TELLING.search(text, position, end):
        position = mark.end()
        if mark.lastgroup == "comment":
            yield mark.start(), min(position, end)
        elif mark.lastgroup == "block":
            position = min(comment_end(text, position)[0], end)
            yield mark.start(), position
        elif mark.lastgroup in ("dollar", "tag"):
            closing = text.find(mark["dollar"], position, end)
            position = closing + len(mark["dollar"]) if closing >= 0 else end
