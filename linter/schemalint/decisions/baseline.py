"""The baseline: findings that were there when a project began to use schemalint, kept in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from re import compile as pattern
from typing import Literal

import msgspec

from schemalint.finding import Finding

LARGEST = 50_000_000  # bytes
AT_BYTE = pattern(r" \(byte (\d+)\)$")
# Findings about schemalint itself, which nobody can mend in a migration, and those of a migration while it runs, which are
# over with the next one.
PASSING_GROUPS = ("tool/", "blocks/")
OF_SERVER = "verify/"  # told by `verify` alone
NEWLINE = b"\n"
NAMED = 5  # entries in a note


class BaselineError(Exception):
    """The baseline cannot be used; its message is one line for the user."""


class Recorded(msgspec.Struct, frozen=True):
    """A finding as the file has it. Only the fingerprint decides; the rest is for people."""

    rule: str
    path: str  # relative to the folder of the migrations
    message: str
    fingerprint: str


class Baseline(msgspec.Struct, frozen=True):
    version: Literal[1]
    findings: tuple[Recorded, ...]


EMPTY = Baseline(1, ())


class Left(msgspec.Struct, frozen=True):
    """What a baseline leaves to be said, and which of its entries were for nothing."""

    findings: tuple[Finding, ...]
    gone: tuple[Recorded, ...]


def recorded(findings: Iterable[Finding], root: str) -> Baseline:
    """The baseline of these findings, in an order that keeps its changes small."""
    entries = {
        Recorded(each.rule, each.span.source.path.removeprefix(f"{root}/"), each.message, each.fingerprint)
        for each in findings
        if not each.rule.startswith(PASSING_GROUPS)
    }
    return Baseline(1, tuple(sorted(entries, key=lambda each: (each.path, each.rule, each.message, each.fingerprint))))


def text_of(baseline: Baseline) -> str:
    import json

    return json.dumps(msgspec.to_builtins(baseline), indent=2, ensure_ascii=True) + "\n"


def read_baseline(path: Path, shown: str) -> Baseline:
    """The baseline in a file. Raises BaselineError."""
    try:
        if not path.is_file():
            hint = "is no file" if path.exists() else "does not exist; `schemalint baseline` writes it"
            raise BaselineError(f"{shown}: {hint}")
        if path.stat().st_size > LARGEST:
            raise BaselineError(f"{shown}: larger than {LARGEST:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise BaselineError(f"{shown}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    try:
        return msgspec.json.decode(data, type=Baseline)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        place = AT_BYTE.search(str(error))
        line = f":{data.count(NEWLINE, 0, int(place[1])) + 1}" if place else ""
        reason = AT_BYTE.sub("", str(error)) if not isinstance(error, RecursionError) else "nested too deeply"
        raise BaselineError(f"{shown}{line}: no baseline of schemalint: {reason}") from error


def left_by(baseline: Baseline, findings: Sequence[Finding]) -> Left:
    known = {each.fingerprint for each in baseline.findings}
    there = {each.fingerprint for each in findings}
    return Left(
        tuple(each for each in findings if each.fingerprint not in known or each.rule.startswith(PASSING_GROUPS)),
        tuple(each for each in baseline.findings if each.fingerprint not in there),
    )


def note_on(gone: Sequence[Recorded], asks: Callable[[str], bool]) -> Iterator[str]:
    """What is said of entries that no longer match; of those whose rule was not asked, nothing is known."""
    heard = [each for each in gone if asks(each.rule) and not each.rule.startswith(OF_SERVER)]
    if not heard:
        return
    named = ", ".join(f"{each.rule} in {each.path}" for each in heard[:NAMED])
    more = f" and {len(heard) - NAMED} more" if len(heard) > NAMED else ""
    what = "1 entry of the baseline matches" if len(heard) == 1 else f"{len(heard)} entries of the baseline match"
    yield f"{what} nothing any more ({named}{more}): `schemalint baseline` renews it"
