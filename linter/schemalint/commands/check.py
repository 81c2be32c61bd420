"""`schemalint check`: migrations in, a report out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from schemalint.commands.help import help_option

if TYPE_CHECKING:
    from schemalint.configuration import Configuration
    from schemalint.finding import Report
    from schemalint.migrations.migration import History

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, type=PATH)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    help="The least severity that makes the exit code 1.  [default: error]",
)
@click.option("--config", type=PATH, metavar="FILE", help="The configuration, instead of the nearest .schemalint.yml.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True, help="Colors in the text."
)
@help_option
def check(paths: tuple[Path, ...], format_: str, fail_on: str | None, config: Path | None, color: str) -> int:
    """Lint migrations.

    Without a PATH: what is wrong in the newest state of the schema, blamed on the migration that brought it. With files:
    what these migrations bring about. With a folder: the history in it. The history is always read in whole.
    """
    import gc

    from schemalint.commands.output import complain, write

    # What is made stays until the process ends and forms no cycles: the collector would only look through it again and again.
    gc.disable()
    configuration, report = _report(paths, config)
    write(rendered(report, format_, color))
    if format_ != "text":
        for note in report.notes:
            complain(note, "note")
    return 1 if fails(report, fail_on or configuration.fail_on) else 0


def _report(paths: tuple[Path, ...], config: Path | None) -> tuple[Configuration, Report]:
    configuration, history, asked = discovered(paths, config)
    from schemalint.check import check as report_on

    return configuration, report_on(history, asked, configuration)


def discovered(paths: tuple[Path, ...], config: Path | None) -> tuple[Configuration, History, frozenset[str] | None]:
    """The configuration in force, the history that is meant, and which of its migrations are asked about. Raises CommandError."""
    from schemalint.commands.output import CommandError
    from schemalint.configuration import ConfigurationError, configuration_for
    from schemalint.migrations.discovery import discover
    from schemalint.migrations.migration import HistoryError

    try:
        working_directory = Path.cwd()
    except OSError as error:
        raise CommandError("the working directory is gone") from error
    try:
        configuration = configuration_for(working_directory, config)
        history, asked = discover(paths, configuration.migrations, working_directory)
    except (ConfigurationError, HistoryError) as error:
        raise CommandError(str(error)) from error
    return configuration, history, asked


def rendered(report: Report, format_: str, color: str) -> str:
    if format_ == "json":
        from schemalint.report.json import render as render_json

        return render_json(report)
    import sys

    from schemalint.report.color import wants_color
    from schemalint.report.text import render as render_text

    return render_text(report, sys.stdout is not None and wants_color(color, sys.stdout))


def fails(report: Report, threshold: str) -> bool:
    from schemalint.finding import Severity

    return threshold != "never" and any(each.severity.rank <= Severity(threshold).rank for each in report.findings)
