"""What a rule says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from schemalint.finding import Certainty, Place, Severity
from schemalint.finding import Sync as SyncNames
from schemalint.text import Span

Key = tuple[Any, ...]


class Violation(msgspec.Struct, frozen=True):
    """One place where an invariant does not hold. The engine adds rule, severity and the statement to blame."""

    key: Key  # by identities, so that a rename makes no old violation new
    message: str
    at: tuple[Span | None, ...] = ()  # what the finding marks, where it lies in the blamed statement
    certainty: Certainty = Certainty.CERTAIN
    sync: SyncNames | None = None
    related: tuple[Place, ...] = ()
    sqlstate: str | None = None
    answer: str | None = None
    witness: str | None = None
    help: str | None = None
    fix: str | None = None  # SQL that ends it, run right behind the blamed statement
    severity: Severity | None = None  # where it is not the certainty that decides
    momentary: bool = False  # said at the migration that causes it, and not of later states


Violations = Iterator[Violation]
