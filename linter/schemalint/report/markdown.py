"""A comment for a pull request, in GitHub's and GitLab's Markdown."""

from __future__ import annotations

import re

from schemalint.finding import Finding, Report, Severity
from schemalint.report.proof import answer_of, script_of
from schemalint.report.safe import one_line, printable, without_commands

LARGEST = 65_000  # characters; a comment on GitHub may have 65,536
MARKS = {Severity.ERROR: "🛑", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}
SHOWN = 4_000  # characters of a proof's SQL
SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~@&:])")


def render(report: Report) -> str:
    counted = {each: sum(f.severity is each for f in report.findings) for each in Severity}
    head = ", ".join(f"{count} {each.value}{'' if count == 1 else 's'}" for each, count in counted.items() if count)
    parts = ["### schemalint\n", f"{head or 'no findings'} in {report.checked} of {report.migrations} migrations\n"]
    size = sum(map(len, parts))
    for number, each in enumerate(report.findings):
        block = _block(each)
        if size + len(block) > LARGEST:
            left = len(report.findings) - number
            parts.append(f"\n… and {left} more, which this comment has no room for\n")
            break
        parts.append(block)
        size += len(block)
    return "\n".join(parts)


def _block(finding: Finding) -> str:
    path, line, _ = finding.span.place
    title = f"{MARKS[finding.severity]} **{_plain(finding.rule)}** {_code(f'{path}:{line}')}"
    lines = [title, "", _plain(finding.message), "", _fenced(finding.span.text)]
    for each in finding.related:
        place = each.span.place
        lines.append(f"- {_code(f'{place[0]}:{place[1]}')} {_plain(each.message)}")
    if finding.answer is not None:
        lines.append(f"- PostgreSQL answers: {_code(finding.answer)}")
    if finding.witness is not None:
        lines.append(f"- shown by: {_code(finding.witness)}")
    if finding.help is not None:
        lines.append(f"- help: {_plain(finding.help)}")
    if finding.proof is not None:
        lines.append(f"- proof: {_code(answer_of(finding.proof))}")
    if script := script_of(finding, SHOWN):
        lines += ["", _block_of_code([printable(each) for each in script.split("\n")])]
    # A comment is printed on its way to the pull request, where build services listen.
    return "\n".join(without_commands(line) for each in lines for line in each.split("\n")) + "\n"


def _plain(text: str) -> str:
    """Text in which nothing is a link, a mention, an image or HTML."""
    return SPECIAL.sub(r"\\\1", one_line(text)).replace("\\:", "\u200b:" if "://" in text else ":")


def _code(text: str) -> str:
    line = one_line(text)
    fence = "`" * (max((len(each) for each in re.findall("`+", line)), default=0) + 1)
    return f"{fence}{' ' if '`' in line else ''}{line}{' ' if '`' in line else ''}{fence}"


def _fenced(text: str) -> str:
    shown = [one_line(each)[:300] for each in text.split("\n")[:8]]
    return _block_of_code([*shown, *(["-- …"] if text.count("\n") >= 8 else [])])


def _block_of_code(lines: list[str]) -> str:
    fence = "`" * max(3, max((len(each) for each in re.findall("`+", "\n".join(lines))), default=0) + 1)
    return "\n".join([f"{fence}sql", *lines, fence, ""])
