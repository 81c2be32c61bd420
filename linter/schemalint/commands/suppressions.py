"""`schemalint suppressions`: all that has been decided to stay, and whether it is still for something."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from schemalint.commands.help import help_option

if TYPE_CHECKING:
    from schemalint.decision import Suppression

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("path", required=False, type=PATH)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@click.option("--config", type=PATH, metavar="FILE", help="The configuration, instead of the nearest one.")
@help_option
def suppressions(path: Path | None, format_: str, config: Path | None) -> int:
    """List what has been decided to stay, and why.

    Every suppression in the migrations and in the configuration: its place, rule, reason and last day, and whether it is
    used. With a file: those in it.
    """
    from schemalint.commands.output import write
    from schemalint.commands.project import read_configuration, report_on_whole

    report, asked = report_on_whole(path, read_configuration(config))
    found = sorted(
        (each for each in report.suppressions if asked is None or each.span.source.path in asked),
        key=lambda each: (each.span.place, each.rule),
    )
    write(_as_json(found) if format_ == "json" else _as_text(found))
    return 0


def _as_text(found: Iterable[Suppression]) -> str:
    from schemalint.report.safe import one_line, without_commands

    lines = []
    for each in found:
        path, line, _ = each.span.place
        until = f" until {each.until}" if each.until else ""
        lines.append(without_commands(one_line(f"{path}:{line}: {each.rule} because {each.reason}{until} ({state_of(each)})")))
    return "".join(f"{line}\n" for line in lines) or "no suppressions\n"


def _as_json(found: Iterable[Suppression]) -> str:
    import json

    from schemalint.report.json import spelled

    return spelled(json.dumps({"suppressions": [_document(each) for each in found]}, indent=2, ensure_ascii=True)) + "\n"


def _document(suppression: Suppression) -> dict[str, Any]:
    path, line, column = suppression.span.place
    scope = "statement" if suppression.statement is not None else "configuration" if suppression.configured else "file"
    return {
        "path": path,
        "line": line,
        "column": column,
        "rule": suppression.rule,
        "reason": suppression.reason,
        "until": suppression.until.isoformat() if suppression.until else None,
        "scope": scope,
        "files": suppression.path,
        "state": state_of(suppression),
        "used": suppression.used,
    }


def state_of(suppression: Suppression) -> str:
    """used, unused, expired, unknown rule, or not asked (its rule is turned off)."""
    from datetime import UTC, datetime

    from schemalint.configuration.reading import known_rule

    try:
        known = known_rule(suppression.rule) == suppression.rule
    except KeyError:
        known = False
    if not known:
        return "unknown rule"
    if suppression.until is not None and suppression.until < datetime.now(UTC).date():
        return "expired"
    return {True: "used", False: "unused", None: "not asked"}[suppression.used]
