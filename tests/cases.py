"""Runs `check` on proved cases (what a real server did with a history and a migration) and says where it sees something else.

    python -m tests.cases [FOLDER] [--name PATTERN] [--class CLASS] [--show]

FOLDER holds YAML files of cases; by default it is `../shared/cases` beside the repository. A case is *right* where the
migration gets the finding that its class owes, and nothing else; *unknown* where the linter says that it cannot tell; and
*wrong* otherwise. Cases of the same input (history and migration) are judged together: what one of them owes is no false
alarm in the other. Only these groups can be false alarms: a `blocks/` or `drifts/` finding beside the owed one is true or
not, but no case says which.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from schemalint.check import check
from schemalint.configuration import Configuration
from schemalint.finding import Finding, Report
from schemalint.migrations.discovery import discover

FOLDER = Path(__file__).parents[2] / "shared" / "cases"
FALSE_ALARMS = ("breaks", "loses", "fails", "exposes")
ALARMS = ("error", "warning")
ELLIPSIS = " ... "  # in a migration that is told, not written


class Owed(NamedTuple):
    """The finding that a class of cases owes."""

    group: str
    severities: tuple[str, ...]


OWED = {
    "BREAKS": Owed("breaks", ("error",)),
    "LATENT": Owed("breaks", ALARMS),
    "LOSES": Owed("loses", ALARMS),
    "BLOCKS": Owed("blocks", (*ALARMS, "info")),
    "SECURITY": Owed("exposes", ALARMS),
    "REFUSED": Owed("fails", ("error",)),
}


@dataclass(frozen=True)
class Case:
    name: str
    kind: str  # the class: BREAKS, OK …
    static: str  # certain or maybe
    history: tuple[str, ...]
    migration: str
    transactional: bool
    sqlstate: str | None

    @property
    def input(self) -> tuple[object, ...]:
        return (self.history, self.migration, self.transactional)

    @property
    def owed(self) -> Owed | None:
        """What it owes, None where it owes silence. Where a static reading can only warn, any finding of the group will do."""
        owed = OWED.get(self.kind)
        return owed._replace(severities=(*ALARMS, "info")) if owed and self.static == "maybe" else owed


class Verdict(NamedTuple):
    case: Case
    outcome: str  # right, wrong or unknown
    reason: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def read_cases(folder: Path) -> list[Case]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [
        as_case(each) for path in sorted(folder.glob("*.yaml")) for each in yaml.load(path.read_text(encoding="utf-8"), loader)
    ]


def as_case(fields: dict[str, Any]) -> Case:
    history, migration = fields["history"], fields["migration"]
    return Case(
        name=fields["name"],
        kind=fields["class"],
        static=fields["static"],
        history=(history,) if isinstance(history, str) else tuple(history),
        migration=migration if isinstance(migration, str) else "\n".join(migration),
        transactional=fields.get("transaction", True),
        sqlstate=(fields.get("expect") or {}).get("sqlstate"),
    )


def judge(case: Case, twins: Iterable[Case], report: Report) -> Verdict:
    """The verdict on what was said, given all cases of the same input."""
    findings = report.findings
    owed = case.owed
    crashed = [each.message for each in findings if group(each) == "tool"]
    if crashed:
        return Verdict(case, "wrong", crashed[0], findings)
    false_alarms = set(FALSE_ALARMS) - {each.owed.group for each in twins if each.owed}
    extra = [each for each in findings if group(each) in false_alarms and each.severity in ALARMS]
    if extra:
        return Verdict(case, "wrong", f"false alarm: {summary(extra)}", findings)
    if owed is None:
        return Verdict(case, "right", "", findings)
    meant = [each for each in findings if group(each) == owed.group]
    kept = [each for each in meant if each.severity in owed.severities]
    if case.kind == "BREAKS" and case.static == "certain":
        kept = [each for each in kept if each.sqlstate == case.sqlstate]
    if kept:
        return Verdict(case, "right", "", findings, tuple(notes(case, kept)))
    if all(each.severity == "info" for each in meant) and (meant or any(each.certainty == "unknown" for each in findings)):
        return Verdict(case, "unknown", f"{in_words(case)}: {summary(findings)}", findings)
    gaps = "".join(f" [unmodelled: {each.reason}]" for each in report.unmodelled)
    return Verdict(case, "wrong", f"{in_words(case)}: {summary(findings)}{gaps}", findings)


def notes(case: Case, kept: Sequence[Finding]) -> Iterator[str]:
    if case.kind == "LATENT" and not any(each.witness for each in kept):
        yield "no witness"
    if case.sqlstate and case.kind in ("LATENT", "BREAKS", "REFUSED") and case.sqlstate not in {each.sqlstate for each in kept}:
        yield f"{case.sqlstate}, but it says {', '.join(sorted({str(each.sqlstate) for each in kept}))}"


def group(finding: Finding) -> str:
    return finding.rule.partition("/")[0]


def summary(findings: Iterable[Finding]) -> str:
    said = [f"{each.severity}[{each.rule}]" + (f" {each.sqlstate}" if each.sqlstate else "") for each in findings]
    return ", ".join(said) or "nothing said"


def in_words(case: Case) -> str:
    owed = case.owed
    if owed is None:
        return "owed silence"
    return f"owed {owed.group}/ {'|'.join(owed.severities)} {case.sqlstate or ''}".rstrip()


def report_on(case: Case, folder: Path) -> Report:
    """What `check` says when asked about the case's migration, the last file of its history."""
    folder.mkdir()
    texts = (*case.history, case.migration)
    names = [f"{number:04}_{'migration' if number == len(texts) else 'history'}.sql" for number in range(1, len(texts) + 1)]
    for name, text in zip(names, texts, strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    history, asked = discover([folder / names[-1]], folder, folder)
    if not case.transactional:
        last = msgspec.structs.replace(history.migrations[-1], transactional=False)
        history = msgspec.structs.replace(history, migrations=(*history.migrations[:-1], last))
    return check(history, asked, Configuration())


def verdicts(cases: list[Case], folder: Path) -> Iterator[Verdict]:
    twins: dict[object, list[Case]] = defaultdict(list)
    for case in cases:
        twins[case.input].append(case)
    for number, case in enumerate(cases):
        try:
            report = report_on(case, folder / str(number))
        except Exception as error:  # a crash is an answer too, and must not hide the other cases
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(last.filename).name}:{last.lineno}"
            yield Verdict(case, "wrong", f"crash: {traceback.format_exception_only(error)[-1].strip()} ({place})", ())
        else:
            yield judge(case, twins[case.input], report)


def table(results: Sequence[Verdict]) -> Iterator[str]:
    tally = Counter((each.case.kind, each.case.static, each.outcome) for each in results)
    outcomes = ("right", "wrong", "unknown")
    yield f"{'class':10}{'static':10}" + "".join(f"{each:>9}" for each in outcomes)
    for kind, static in sorted({key[:2] for key in tally}):
        yield f"{kind:10}{static:10}" + "".join(f"{tally[kind, static, each]:9}" for each in outcomes)
    totals = Counter(each.outcome for each in results)
    yield f"{'all':20}" + "".join(f"{totals[each]:9}" for each in outcomes)


def show(verdict: Verdict) -> Iterator[str]:
    yield f"\n{verdict.case.kind} {verdict.case.name}: {verdict.outcome} {verdict.reason}".rstrip()
    for each in verdict.findings:
        path, line, column = each.span.place
        yield f"  {each.severity}[{each.rule}] {each.certainty}: {each.message}"
        yield f"    {path}:{line}:{column} {' '.join(each.span.text.split())[:100]!r} {each.sqlstate or ''}"
        if each.witness:
            yield f"    witness: {' '.join(each.witness.split())}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--name", default="*", help="only cases whose name matches, as *check*")
    parser.add_argument("--class", dest="kind", metavar="CLASS", help="only cases of one class")
    parser.add_argument("--show", action="store_true", help="print the findings of every case")
    arguments = parser.parse_args()
    found = read_cases(arguments.folder)
    cases = [case for case in found if ELLIPSIS not in case.migration]
    if not cases:
        parser.error(f"no cases in {arguments.folder}")
    started = time.perf_counter()
    # All cases are read and judged with their twins, and those asked for are shown.
    inputs = {case.input for case in cases if wanted(case, arguments)}
    with tempfile.TemporaryDirectory() as folder:
        judged = list(verdicts([case for case in cases if case.input in inputs], Path(folder)))
    results = [each for each in judged if wanted(each.case, arguments)]
    print("\n".join(table(results)), f"\n{time.perf_counter() - started:.1f} s\n")
    for case in found:
        if case not in cases and wanted(case, arguments):
            print(f"left out, its migration is not SQL: {case.kind} {case.name}")
    for outcome in ("wrong", "unknown"):
        for each in results:
            if each.outcome == outcome:
                print(f"{outcome}: {each.case.kind} {each.case.static} {each.case.name}: {each.reason}")
    for each in results:
        for note in each.notes:
            print(f"note: {each.case.kind} {each.case.name}: {note}")
    if arguments.show:
        print("\n".join(line for each in results for line in show(each)))
    return int(any(each.outcome == "wrong" for each in results))


def wanted(case: Case, arguments: argparse.Namespace) -> bool:
    return fnmatch(case.name, arguments.name) and arguments.kind in (None, case.kind)


if __name__ == "__main__":
    sys.exit(main())
