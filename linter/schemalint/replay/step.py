"""What a replay yields: a step for each statement, with the catalog before and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.finding import Unmodelled
from schemalint.parse.statements import Part
from schemalint.text import Span

if TYPE_CHECKING:
    from schemalint.migrations.migration import Migration


class Refusal(msgspec.Struct, frozen=True):
    """The error that PostgreSQL would answer a statement with."""

    sqlstate: str
    message: str  # in PostgreSQL's own words
    span: Span
    certain: bool = True
    detail: str | None = None


class Step(msgspec.Struct, frozen=True):
    """One statement and what it did."""

    statement: Part
    before: Catalog
    after: Catalog
    refusal: Refusal | None = None
    unmodelled: tuple[Unmodelled, ...] = ()
    commits: bool = False  # a commit boundary lies right after it


class Replayed(msgspec.Struct, frozen=True):
    """One migration's way from a catalog to the next."""

    migration: Migration
    steps: tuple[Step, ...]
    before: Catalog
    after: Catalog
