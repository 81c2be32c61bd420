"""A report for people, in the manner of rustc: what, where, what PostgreSQL answers, the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemalint.finding import Certainty, Finding, Report, Severity, Sync, Unmodelled
from schemalint.report.color import Style, painted
from schemalint.report.marked import lines_left_out, marked_lines
from schemalint.report.proof import answer_of, script_of
from schemalint.report.safe import one_line, printable, without_commands
from schemalint.text import Span

STYLES = {Severity.ERROR: Style.RED, Severity.WARNING: Style.YELLOW, Severity.INFO: Style.BLUE}
UNMODELLED_SHOWN = 10


def render(report: Report, color: bool) -> str:
    grave = [each for each in report.findings if each.severity is not Severity.INFO]
    infos = [each for each in report.findings if each.severity is Severity.INFO]
    blocks = [list(_finding(each, color)) for each in grave]
    blocks.append([line for each in infos for line in _info(each, color)])
    blocks.append(list(_unmodelled(report.unmodelled)))
    blocks.append([f"note: {one_line(each)}" for each in report.notes])
    blocks.append([_summary(report)])
    return "\n\n".join("\n".join(map(without_commands, block)) for block in blocks if block) + "\n"


def _finding(finding: Finding, color: bool) -> Iterator[str]:
    style = STYLES[finding.severity]
    spans = [finding.span, *(each.span for each in finding.related)]
    gutter = max(len(str(line.number)) for span in spans for line in marked_lines(span))
    title = painted(f"{finding.severity.value}[{one_line(finding.rule)}]", style, color)
    yield title + painted(f": {one_line(finding.message)}", Style.BOLD, color)
    yield from _place("-->", finding.span, "", gutter, style, color)
    for each in finding.related:
        yield from _place(":::", each.span, each.message, gutter, Style.BLUE, color)
    for name, text in _notes(finding):
        yield from _note(name, text, gutter, color)


def _place(arrow: str, span: Span, label: str, gutter: int, style: Style, color: bool) -> Iterator[str]:
    """A place's path and lines, its first one marked; what is to be seen there stands after the mark."""
    blank = painted(" " * (gutter + 1) + "|", Style.BLUE, color)
    yield painted(" " * gutter + arrow, Style.BLUE, color) + f" {_where(span)}"
    yield blank
    said = f" {one_line(label)}" if label else ""
    for place, line in enumerate(marked_lines(span)):
        yield f"{painted(f'{line.number:>{gutter}} |', Style.BLUE, color)} {line.text}".rstrip()
        if place == 0:
            yield f"{blank} {' ' * line.indent}{painted('^' * line.width + said, style, color)}"
    if left_out := lines_left_out(span):
        yield f"{blank} … and {_plural(left_out, 'more line')}"


def _where(span: Span) -> str:
    path, line, column = span.place
    return f"{printable(path)}:{line}:{column}"


def _notes(finding: Finding) -> Iterator[tuple[str, str]]:
    if answer := finding.answer or finding.sqlstate:
        yield "PostgreSQL answers", answer
    if finding.certainty is Certainty.CONDITIONAL:
        yield "certainty", "only some rows, such as this one" if finding.witness else "only some rows"
    if finding.certainty is Certainty.UNKNOWN:
        yield "certainty", "cannot be told from the migrations"
    if finding.witness:
        yield "shown by", finding.witness
    if finding.help:
        yield "help", finding.help
    if finding.sync:
        yield "sync", _sync(finding.sync)
    if finding.proof:
        yield "proof", answer_of(finding.proof)
    if script := script_of(finding):
        yield "run", script


def _sync(sync: Sync) -> str:
    words = [sync.source]
    if sync.target:
        words.append(f"→ {sync.target}")
    if sync.trigger:
        words.append(f"by trigger {sync.trigger}")
    if sync.function:
        words.append(f"calling {sync.function}")
    return " ".join(words)


def _note(name: str, text: str, gutter: int, color: bool) -> Iterator[str]:
    """A remark; its further lines stand below its first."""
    first, *others = text.expandtabs(4).splitlines() or [""]
    margin = " " * (gutter + 1)
    yield f"{margin}{painted('=', Style.BLUE, color)} {painted(f'{name}:', Style.BOLD, color)} {printable(first)}".rstrip()
    for line in others:
        yield without_commands(f"{margin}{' ' * len(f'= {name}: ')}{printable(line)}".rstrip())


def _info(finding: Finding, color: bool) -> Iterator[str]:
    title = painted(f"info[{one_line(finding.rule)}]", STYLES[finding.severity], color)
    proof = f" (proof: {one_line(answer_of(finding.proof))})" if finding.proof else ""
    yield f"{title} {_where(finding.span)}: {one_line(finding.message)}{proof}"
    if script := script_of(finding):
        yield from _note("run", script, 1, color)


def _unmodelled(unmodelled: tuple[Unmodelled, ...]) -> Iterator[str]:
    if not unmodelled:
        return
    yield "not modelled, and so not judged:"
    for each in unmodelled[:UNMODELLED_SHOWN]:
        path, line, _ = each.span.place
        yield f"  {printable(path)}:{line}: {one_line(each.reason)}"
    if len(unmodelled) > UNMODELLED_SHOWN:
        yield f"  and {len(unmodelled) - UNMODELLED_SHOWN} more"


def _summary(report: Report) -> str:
    counts = {each: sum(finding.severity is each for finding in report.findings) for each in Severity}
    migrations = _plural(report.migrations, "migration")
    where = migrations if report.checked == report.migrations else f"{report.checked} of {migrations}"
    aside = list(_aside(len(report.unmodelled), report.suppressed))
    tail = f" ({', '.join(aside)})" if aside else ""
    if not report.findings:
        return f"{where}, no findings{tail}"
    found = [_plural(counts[Severity.ERROR], "error"), _plural(counts[Severity.WARNING], "warning")]
    if counts[Severity.INFO]:
        found.append(_plural(counts[Severity.INFO], "info"))
    return f"{', '.join(found)} in {where}{tail}"


def _aside(unmodelled: int, suppressed: int) -> Iterable[str]:
    if unmodelled:
        yield f"{unmodelled} not modelled"
    if suppressed:
        yield f"{suppressed} suppressed"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
