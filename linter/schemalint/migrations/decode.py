"""Bytes into text, whatever editor or tool wrote them."""

from __future__ import annotations

import codecs

import msgspec

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Decoded(msgspec.Struct, frozen=True):
    """The text without its byte-order mark, and what is to be said about the way it was read."""

    text: str
    note: str | None = None


def decode(data: bytes) -> Decoded | None:
    """None where the bytes are no text at all."""
    text, note = _characters(data)
    # PostgreSQL takes no NUL in a statement, and its parser would take it for the end.
    return None if text is None or "\0" in text else Decoded(text, note)


def _characters(data: bytes) -> tuple[str | None, str | None]:
    if data.startswith(UTF_16):
        try:
            return data.decode("utf-16"), None
        except UnicodeDecodeError:
            return None, None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1"), "is not UTF-8 and was read as Latin-1"
    return text.removeprefix("\ufeff"), None
