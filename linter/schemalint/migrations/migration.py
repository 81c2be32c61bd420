"""Migrations and the history that they make."""

from __future__ import annotations

import msgspec

from schemalint.text import Source


class HistoryError(Exception):
    """The migrations cannot be read; its message is one line for the user."""


class Migration(msgspec.Struct, frozen=True):
    """One file, as far as the migration tool applies it: the up part."""

    path: str  # relative to the working directory, with "/"
    version: str  # as the file's name has it; empty where it has none
    name: str
    source: Source
    transactional: bool = True  # its statements share one transaction unless they say otherwise


class History(msgspec.Struct, frozen=True):
    """All migrations of a folder, in the order in which they are applied."""

    root: str
    layout: str
    migrations: tuple[Migration, ...]
    notes: tuple[str, ...] = ()
