"""`schemalint check`: migrations in, a report out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from schemalint.commands.help import help_option
from schemalint.commands.rules import chosen_rules

if TYPE_CHECKING:
    from schemalint.configuration import Configuration
    from schemalint.finding import Report

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, type=PATH)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    help="The least severity that makes the exit code 1.  [default: error]",
)
@click.option("--config", type=PATH, metavar="FILE", help="The configuration, instead of the nearest one.")
@chosen_rules
@click.option("--baseline", type=PATH, metavar="FILE", help="Leave out the findings that `schemalint baseline` has recorded.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True, help="Colors in the text."
)
@help_option
def check(paths: tuple[Path, ...], format_: str, fail_on: str | None, config: Path | None, color: str, **choices: Any) -> int:
    """Lint migrations.

    Without a PATH: what is wrong in the newest state of the schema, blamed on the migration that brought it. With files:
    what these migrations bring about. With a folder: the history in it. The history is always read in whole.
    """
    import gc

    from schemalint.commands.output import complain, write

    # What is made stays until the process ends and forms no cycles: the collector would only look through it again and again.
    gc.disable()
    configuration, report = _report(paths, config, choices)
    write(_rendered(report, format_, color))
    if format_ != "text":
        for note in report.notes:
            complain(note, "note")
    return 1 if _fails(report, fail_on or configuration.fail_on) else 0


def _report(paths: tuple[Path, ...], config: Path | None, choices: Mapping[str, Any]) -> tuple[Configuration, Report]:
    from schemalint.commands.project import baseline_of, chosen, read_configuration, read_history

    configuration = chosen(read_configuration(config), **choices)
    history, asked = read_history(paths, configuration)
    baseline = baseline_of(configuration)
    from schemalint.check import check as report_on

    return configuration, report_on(history, asked, configuration, baseline)


def _rendered(report: Report, format_: str, color: str) -> str:
    if format_ == "json":
        from schemalint.report.json import render as render_json

        return render_json(report)
    import sys

    from schemalint.report.color import wants_color
    from schemalint.report.text import render as render_text

    return render_text(report, sys.stdout is not None and wants_color(color, sys.stdout))


def _fails(report: Report, threshold: str) -> bool:
    from schemalint.finding import Severity

    return threshold != "never" and any(each.severity.rank <= Severity(threshold).rank for each in report.findings)
