"""What is wrong with a configuration, and the words for what was nearly right."""

from __future__ import annotations

from collections.abc import Sequence


class ConfigurationError(Exception):
    """The configuration cannot be used; its message is one line for the user."""


class EntryError(Exception):
    """What is wrong with a part of the file, and in which line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def suggestion(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word[:80], known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
