"""Bytes into text, whatever editor or tool wrote them."""

from __future__ import annotations

import codecs

import msgspec

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Decoded(msgspec.Struct, frozen=True):
    """The text without its byte-order mark, and what is to be said about the way it was read."""

    text: str
    note: str | None = None


def decode(data: bytes) -> Decoded:
    if data.startswith(UTF_16):
        return _of_utf_16(data)
    try:
        text, note = data.decode().removeprefix("\ufeff"), None
    except UnicodeDecodeError:
        text, note = data.decode("latin-1"), "is not UTF-8 and was read as Latin-1"
    # PostgreSQL takes no NUL in a statement. The statement that has one is a finding; the others are read.
    if "\0" in text:
        note = f"{note}, and holds NUL characters" if note else "holds NUL characters, which PostgreSQL does not take"
    return Decoded(text, note)


def _of_utf_16(data: bytes) -> Decoded:
    try:
        return Decoded(data.decode("utf-16"))
    except UnicodeDecodeError:
        return Decoded(data.decode("utf-16", "replace"), "is not valid UTF-16; what could not be read was replaced")
