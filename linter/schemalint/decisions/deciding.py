"""Findings and decisions: which findings stay unsaid, and which decisions are good for nothing."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

import msgspec

from schemalint.configuration.globs import matches
from schemalint.configuration.settings import Configuration, Ignored, covers
from schemalint.decision import Decisions, Malformed, Suppression
from schemalint.decisions.comments import suppressions_in
from schemalint.declared import declared_mirrors, line_of
from schemalint.finding import Finding
from schemalint.replay.step import Replayed
from schemalint.rule import rule_ids
from schemalint.text import Source

# What is said of migrations where they are looked at in the other way: by what they bring about, by what is left of it.
Elsewhere = Callable[[frozenset[int]], Iterable[Finding]]


class Decided(msgspec.Struct, frozen=True):
    findings: tuple[Finding, ...]  # that are left
    suppressed: tuple[Finding, ...]
    decisions: Decisions


def decide(
    findings: Sequence[Finding],
    replayed: Sequence[Replayed],
    asked: frozenset[str] | None,
    configuration: Configuration,
    elsewhere: Elsewhere,
    today: date,
) -> Decided:
    """Parts the findings that somebody has decided about from those that are to be said."""
    found = [each for migration in replayed for each in _in_comments(migration, asked)]
    suppressions = [each for each in found if isinstance(each, Suppression)]
    suppressions += [] if configuration.source is None else _configured(configuration, configuration.source)
    decisions = Decisions(
        suppressions=tuple(suppressions),
        malformed=tuple(each for each in found if isinstance(each, Malformed)),
        today=today,
        # What is declared is about the newest state.
        mirrors=tuple(declared_mirrors(configuration)) if asked is None else (),
        catalog=replayed[-1].after if replayed else None,
    )
    if not suppressions:
        return Decided(tuple(findings), (), decisions)
    folder = _folder(configuration)
    left, used = _sorted_out(findings, decisions, folder)
    doubtful = {n for n, each in enumerate(suppressions) if n not in used and _is_judged(each, asked, configuration)}
    if doubtful:
        about = [suppressions[number] for number in doubtful]
        paths = [each.migration.path for each in replayed]
        numbers = frozenset(n for n, path in enumerate(paths) if any(_is_about(each, path, folder) for each in about))
        used |= _sorted_out(list(elsewhere(numbers)), decisions, folder)[1]
    judged = tuple(
        msgspec.structs.replace(each, used=True if number in used else False if number in doubtful else None)
        for number, each in enumerate(suppressions)
    )
    return Decided(left, without(findings, left), msgspec.structs.replace(decisions, suppressions=judged))


def left_of(findings: Sequence[Finding], decisions: Decisions, configuration: Configuration) -> tuple[Finding, ...]:
    """The findings that nobody has decided about, among those that came up after all decisions were read."""
    return _sorted_out(findings, decisions, _folder(configuration))[0]


def without(findings: Iterable[Finding], left: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that are no longer there among those that are left of them."""
    there = {id(each) for each in left}
    return tuple(each for each in findings if id(each) not in there)


def _folder(configuration: Configuration) -> str:
    return posixpath.dirname(configuration.source.path) if configuration.source is not None else ""


def _in_comments(replayed: Replayed, asked: frozenset[str] | None) -> Iterator[Suppression | Malformed]:
    if asked is None or replayed.migration.path in asked:
        for source in dict.fromkeys((replayed.migration.source, *(each.source for each in replayed.migration.included))):
            yield from suppressions_in(source, [e.statement.span for e in replayed.steps if e.statement.span.source is source])


def _configured(configuration: Configuration, source: Source) -> list[Suppression]:
    return [
        Suppression(
            each.rule, each.because, line_of(source, configuration.line("ignore", number)), each.until, None, each.path, True
        )
        for number, each in enumerate(configuration.ignore)
        if isinstance(each, Ignored)
    ]


def _sorted_out(findings: Sequence[Finding], decisions: Decisions, folder: str) -> tuple[tuple[Finding, ...], set[int]]:
    """The findings that are left, and the numbers of the suppressions that are about one."""
    left, used = [], set()
    for finding in findings:
        about = [n for n, each in enumerate(decisions.suppressions) if _is_of(each, finding, folder)]
        used.update(about)
        if all(decisions.expired(decisions.suppressions[number]) for number in about):
            left.append(finding)
    return tuple(left), used


def _is_of(suppression: Suppression, finding: Finding, folder: str) -> bool:
    if not covers(suppression.rule, finding.rule) or not _is_about(suppression, finding.span.source.path, folder):
        return False
    statement = suppression.statement
    return statement is None or statement.start <= finding.span.start <= statement.end


def _is_about(suppression: Suppression, path: str, folder: str) -> bool:
    """Whether a suppression is about a file at all."""
    if not suppression.configured:
        return suppression.span.source.path == path
    return suppression.path is None or matches(suppression.path, posixpath.relpath(path, folder or "."))


def _is_judged(suppression: Suppression, asked: frozenset[str] | None, configuration: Configuration) -> bool:
    """Whether all was asked that could show a use of it: what holds for the whole history needs the whole history."""
    if suppression.configured and asked is not None:
        return False
    return any(covers(suppression.rule, each) and configuration.asks(each) for each in rule_ids())
