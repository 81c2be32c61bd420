"""GitHub Actions' workflow commands: an annotation for each finding, at its line of the pull request."""

from __future__ import annotations

from schemalint.finding import Finding, Report, Severity
from schemalint.report.proof import answer_of, script_of
from schemalint.report.safe import one_line, printable, without_hash_commands

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report) -> str:
    return "".join(f"{without_hash_commands(_command(each))}\n" for each in report.findings)


def _command(finding: Finding) -> str:
    path, line, column = finding.span.place
    end_line, end_column = finding.span.source.position(finding.span.end)
    properties = {"file": path, "line": line, "endLine": end_line, "title": f"{finding.rule}"}
    if end_line == line:  # columns are for annotations within a line
        properties |= {"col": column, "endColumn": end_column}
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{COMMANDS[finding.severity]} {listed}::{_data(_message(finding))}"


def _message(finding: Finding) -> str:
    parts = [one_line(finding.message)]
    parts.extend(f"at {each.span.place[0]}:{each.span.place[1]}: {one_line(each.message)}" for each in finding.related)
    if finding.answer is not None:
        parts.append(f"PostgreSQL answers: {one_line(finding.answer)}")
    if finding.help is not None:
        parts.append(f"help: {one_line(finding.help)}")
    if finding.proof is not None:
        parts.append(f"proof: {one_line(answer_of(finding.proof))}")
    if script := script_of(finding):
        parts.append(f"run: {script}")
    return "\n".join(parts)


def _data(text: str) -> str:
    """As the toolkit escapes a message: what is left cannot end the command."""
    lines = [printable(each) for each in text.split("\n")]
    return "%0A".join(each.replace("%", "%25") for each in lines)


def _property(text: str) -> str:
    return printable(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
