"""One check from end to end: a history is replayed, traced and judged, and what is found becomes a report."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from schemalint.catalog.catalog import empty_catalog
from schemalint.course import Course, boundaries_of
from schemalint.decision import Decisions
from schemalint.decisions.baseline import EMPTY, Baseline, left_by, note_on
from schemalint.decisions.deciding import decide, without
from schemalint.declared import declared, run_by
from schemalint.finding import Certainty, Finding, Fix, Report, Severity
from schemalint.judge import Blamed, Crash, Judge
from schemalint.migrations.migration import History
from schemalint.parse.splitter import pieces
from schemalint.replay.platforms import prepared
from schemalint.replay.replay import Replayed, replay_migration
from schemalint.rule import load_rules
from schemalint.text import Span

if TYPE_CHECKING:
    from schemalint.configuration import Configuration

DEFAULT_SEVERITIES = {
    Certainty.CERTAIN: Severity.ERROR,
    Certainty.CONDITIONAL: Severity.WARNING,
    Certainty.UNKNOWN: Severity.INFO,
}


class Examined(msgspec.Struct, frozen=True):
    """A report, and what it was made from."""

    report: Report
    replayed: tuple[Replayed, ...]
    course: Course
    decisions: Decisions
    baseline: Baseline
    unsaid: tuple[Finding, ...]  # suppressed, in the baseline, or of rules that are not asked


def check(history: History, asked: frozenset[str] | None, configuration: Configuration, baseline: Baseline = EMPTY) -> Report:
    """The report on a history: on its newest state, or on the migrations asked about (by their paths)."""
    return examine(history, asked, configuration, baseline).report


def examine(history: History, asked: frozenset[str] | None, configuration: Configuration, baseline: Baseline = EMPTY) -> Examined:
    """The report, with the states that it speaks of."""
    replayed = list(replay(history, asked, configuration))
    course = Course()
    for boundary in boundaries_of(replayed):
        course.advance(boundary)
    judge = Judge(load_rules(), course)
    last = len(history.migrations) - 1
    chosen = [asked is None or each.path in asked for each in history.migrations]
    blamed: list[Blamed] = []
    if asked is None:
        blamed.extend(judge.newest())
    for index, boundary in enumerate(course.boundaries):
        if chosen[boundary.migration]:
            blamed.extend(judge.steps(index, asked is not None or boundary.migration == last))
            if asked is not None:
                blamed.extend(judge.introduced(index))
    findings = [each for b in blamed if (each := finding_of(b, history, configuration, asked is None and b.migration != last))]
    everything = msgspec.structs.replace(configuration, select=(), ignore=(), severity={})
    unasked = [
        each
        for b in blamed
        if not configuration.asks(b.rule) and (each := finding_of(b, history, everything, asked is None and b.migration != last))
    ]

    def elsewhere(migrations: frozenset[int]) -> list[Finding]:
        more = (
            judge.newest()
            if asked is not None
            else chain.from_iterable(
                judge.introduced(index) for index, each in enumerate(course.boundaries) if each.migration in migrations
            )
        )
        return [each for b in more if (each := finding_of(b, history, configuration, False))]

    decided = decide(list(_once(findings)), replayed, asked, configuration, elsewhere, datetime.now(UTC).date())
    said = [each for b in judge.decided(decided.decisions) if (each := finding_of(b, history, configuration, False))]
    findings = list(_once([*decided.findings, *said, *_crashes(judge.crashes.values(), history)]))
    left = left_by(baseline, findings)
    unmodelled = tuple(u for number, each in enumerate(replayed) if chosen[number] for s in each.steps for u in s.unmodelled)
    report = Report(
        findings=tuple(ordered(left.findings)),
        unmodelled=tuple(sorted(unmodelled, key=lambda each: each.span.place)),
        migrations=len(history.migrations),
        checked=sum(chosen),
        suppressed=len(decided.suppressed) + len(findings) - len(left.findings),
        notes=(*history.notes, *(note_on(left.gone, configuration.asks) if asked is None else ())),
        suppressions=decided.decisions.suppressions,
    )
    unsaid = (*decided.suppressed, *without(findings, left.findings), *_once(unasked))
    return Examined(report, tuple(replayed), course, decided.decisions, baseline, unsaid)


def replay(history: History, asked: frozenset[str] | None, configuration: Configuration) -> Iterator[Replayed]:
    """The migrations in order, each replayed into the catalog that the one before it left."""
    path = tuple(each for each in configuration.search_path if each != "$user")
    catalog = declared(prepared(empty_catalog(path), history.root), configuration)
    for migration in history.migrations:
        replayed = replay_migration(catalog, run_by(configuration.runner, migration))
        catalog = replayed.after
        yield replayed


def finding_of(blamed: Blamed, history: History, configuration: Configuration, old: bool) -> Finding | None:
    """A blamed violation as a finding; None where the configuration turns it off, or where it was of its moment only."""
    violation = blamed.violation
    if old and violation.momentary:
        return None
    severity = violation.severity or DEFAULT_SEVERITIES[violation.certainty]
    if not configuration.asks(blamed.rule):
        return None
    path = posixpath.relpath(blamed.span.source.path, configuration.folder)
    chosen = configuration.severity_at(blamed.rule, path) if configuration.paths else configuration.severity_of(blamed.rule)
    if chosen == "off":
        return None
    if chosen is not None:
        severity = Severity(chosen)
    return Finding(
        rule=blamed.rule,
        severity=severity,
        certainty=violation.certainty,
        message=violation.message,
        span=blamed.span,
        fingerprint=fingerprint(blamed, history.root),
        sync=violation.sync,
        related=violation.related,
        sqlstate=violation.sqlstate,
        answer=violation.answer,
        witness=violation.witness,
        help=violation.help,
        fix=_fix_of(blamed),
    )


def _fix_of(blamed: Blamed) -> Fix | None:
    """Behind the blamed statement, on a line of its own."""
    if blamed.violation.fix is None:
        return None
    text, start = blamed.span.source.text, blamed.span.start
    piece = next((each for each in pieces(text) if each.start <= start < max(each.end, each.start + 1)), None)
    if piece is None:
        return None
    behind = text[piece.end : piece.end + 1] == ";"
    return Fix(piece.end + 1 if behind else piece.end, f"{'' if behind else ';'}\n{blamed.violation.fix}")


def fingerprint(blamed: Blamed, root: str) -> str:
    """The same for the same finding, wherever its lines have moved to, and in whichever directory the tool runs."""
    path = blamed.span.source.path.removeprefix(f"{root}/")
    text = "\n".join((blamed.rule, path, " ".join(blamed.span.text.split()), blamed.violation.message))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for each in findings:
        key = (each.rule, each.fingerprint)
        if key not in seen:
            seen.add(key)
            yield each


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda each: (each.span.place, each.rule, each.message))


def _crashes(crashes: Iterable[Crash], history: History) -> Iterator[Finding]:
    """A rule that failed: an info at the newest migration, so that nobody takes its silence for an answer."""
    if not history.migrations:
        return
    source = history.migrations[-1].source
    for each in crashes:
        message = f"the rule {each.rule} failed ({each.message}); what it looks for was not checked"
        digest = hashlib.sha256(message.encode()).hexdigest()[:16]
        yield Finding(
            "tool/rule-failed", Severity.INFO, Certainty.UNKNOWN, message, Span(source, 0, 0), digest,
            help="please report this with the migration",
        )  # fmt: skip
