"""What people have decided about findings: to let them stand, and why."""

from __future__ import annotations

from datetime import date

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.text import Span


class Suppression(msgspec.Struct, frozen=True):
    """A rule, or a group, whose findings in one place stay."""

    rule: str  # "group/name", or "group/" for all of a group
    reason: str
    span: Span  # what names the rule, to point at
    until: date | None = None  # the last day on which it holds
    statement: Span | None = None  # of a comment: the statement that it is for, None for the whole file
    path: str | None = None  # of the configuration: which files, as a glob; None for all
    configured: bool = False
    used: bool | None = None  # None where what it is about was not checked


class Malformed(msgspec.Struct, frozen=True):
    """A comment that means to suppress something and cannot."""

    span: Span
    message: str


class DeclaredName(msgspec.Struct, frozen=True):
    """A name in the configuration, and the line that has it."""

    name: tuple[str, str]  # schema and name; a column's has no schema
    span: Span


class DeclaredMirror(msgspec.Struct, frozen=True):
    """What is declared about a sync, by the names in it."""

    source: DeclaredName
    target: DeclaredName
    left_out: tuple[DeclaredName, ...]


class Decisions(msgspec.Struct, frozen=True):
    """All that has been decided, as far as it is about what was checked."""

    suppressions: tuple[Suppression, ...]
    malformed: tuple[Malformed, ...]
    today: date
    mirrors: tuple[DeclaredMirror, ...] = ()
    catalog: Catalog | None = None  # the newest state of the schema

    def expired(self, suppression: Suppression) -> bool:
        return suppression.until is not None and suppression.until < self.today
