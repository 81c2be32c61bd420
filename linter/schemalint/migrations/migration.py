"""Migrations and the history that they make."""

from __future__ import annotations

import msgspec

from schemalint.migrations.includes import Included
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
    shares_session: bool = False  # it runs in the session of the migration before it, with the settings left there
    included: tuple[Included, ...] = ()  # the files that it takes in

    def taken_in(self, by: str, argument: str) -> Source | None:
        """The file that a command of psql's in one of its files names."""
        return next((each.source for each in self.included if (each.by, each.argument) == (by, argument)), None)


class History(msgspec.Struct, frozen=True):
    """All migrations of a folder, in the order in which they are applied."""

    root: str
    layout: str
    migrations: tuple[Migration, ...]
    notes: tuple[str, ...] = ()
    late: str = "unknown"  # what the tool does with a migration that is older than the newest one applied
