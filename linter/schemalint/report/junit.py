"""JUnit's XML, as build services read it: a test for each migration with findings, and one for all others."""

from __future__ import annotations

from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from schemalint.finding import Finding, Report, Severity
from schemalint.report.proof import answer_of, script_of
from schemalint.report.safe import one_line, printable, without_commands

SHOWN = 20_000  # characters of a proof's SQL


def render(report: Report) -> str:
    cases = [
        _case(path, list(found))
        for path, found in groupby(
            sorted(report.findings, key=lambda each: each.span.place[0]), key=lambda each: each.span.place[0]
        )
    ]
    quiet = max(report.checked - len(cases), 0)
    if quiet or not cases:
        cases.append(f'    <testcase classname="schemalint" name="{quiet} migrations without findings"/>')
    failures = sum("<failure" in each for each in cases)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="schemalint" tests="{len(cases)}" failures="{failures}">',
        f'  <testsuite name="schemalint" tests="{len(cases)}" failures="{failures}" errors="0">',
        *cases,
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(path: str, findings: list[Finding]) -> str:
    """One failure with all errors and warnings of a file; infos are its output."""
    grave = [each for each in findings if each.severity is not Severity.INFO]
    minor = [each for each in findings if each.severity is Severity.INFO]
    lines = [f'    <testcase classname="schemalint" name={_attribute(path)} file={_attribute(path)}>']
    if grave:
        title = f"{len(grave)} {'finding' if len(grave) == 1 else 'findings'}"
        lines.append(f'      <failure type="{grave[0].severity.value}" message={_attribute(title)}>{_text(grave)}</failure>')
    if minor:
        lines.append(f"      <system-out>{_text(minor)}</system-out>")
    lines.append("    </testcase>")
    return "\n".join(lines)


def _text(findings: list[Finding]) -> str:
    lines = []
    for each in findings:
        path, line, column = each.span.place
        lines.append(f"{path}:{line}:{column}: {each.severity.value}[{each.rule}]: {each.message}")
        if each.help is not None:
            lines.append(f"  help: {each.help}")
        if each.proof is not None:
            lines.append(f"  proof: {answer_of(each.proof)}")
        if script := script_of(each, SHOWN):
            lines.append("  run:")
            lines.extend(script.split("\n"))
    return escape("\n".join(without_commands(one_line(each)) for each in lines))


def _attribute(text: str) -> str:
    return quoteattr(without_commands(printable(text)))
