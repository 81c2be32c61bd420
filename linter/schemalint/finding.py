"""What a user is told: findings, what could not be modelled, and the report that holds them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from schemalint.decision import Suppression
from schemalint.text import Span


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the gravest."""
        return ("error", "warning", "info").index(self.value)


class Certainty(StrEnum):
    """How often what a finding says comes true."""

    CERTAIN = "certain"  # every write of that event
    CONDITIONAL = "conditional"  # some rows; the witness is one
    UNKNOWN = "unknown"  # the analysis cannot tell


class Place(msgspec.Struct, frozen=True):
    """A second place that a finding points at, and what is to be seen there."""

    span: Span
    message: str


class Sync(msgspec.Struct, frozen=True):
    """The names of a sync, as PostgreSQL prints them."""

    source: str
    target: str | None
    trigger: str | None
    function: str | None


class Proof(msgspec.Struct, frozen=True):
    """What a server answered when a finding was put to it."""

    verdict: str  # "confirmed", "refuted", "not reached"
    sqlstate: str | None = None
    message: str | None = None  # the server's, or why nothing was learnt
    script: str | None = None  # the writes that were answered so


class Fix(msgspec.Struct, frozen=True):
    """SQL that ends a finding, and the offset in the finding's source at which to put it in."""

    offset: int
    text: str


class Finding(msgspec.Struct, frozen=True):
    """A violation, blamed on the statement (or part of one) that brought it about."""

    rule: str  # "group/name"
    severity: Severity
    certainty: Certainty
    message: str  # one sentence without a full stop: what is wrong and for whom
    span: Span
    fingerprint: str
    sync: Sync | None = None
    related: tuple[Place, ...] = ()
    sqlstate: str | None = None
    answer: str | None = None  # what PostgreSQL will say, in its own words
    witness: str | None = None  # SQL that shows it
    help: str | None = None  # the way out; may have several lines
    fix: Fix | None = None
    proof: Proof | None = None  # of `verify`


class Unmodelled(msgspec.Struct, frozen=True):
    """A statement, or a part of one, whose effect the catalog does not carry."""

    span: Span
    reason: str


class Report(msgspec.Struct, frozen=True):
    """All that one check has to say, in order of path, line, column and rule."""

    findings: tuple[Finding, ...]
    unmodelled: tuple[Unmodelled, ...]
    migrations: int  # read
    checked: int  # asked about
    suppressed: int = 0  # findings that were left out, for what has been decided about them
    notes: tuple[str, ...] = ()  # remarks on the run itself: duplicate versions, what was not read
    suppressions: tuple[Suppression, ...] = ()
