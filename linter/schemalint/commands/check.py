"""`schemalint check`: migrations in, a report out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from schemalint.commands.help import help_option
from schemalint.commands.rules import chosen_rules

if TYPE_CHECKING:
    from schemalint.configuration import Configuration
    from schemalint.finding import Report

PATH = click.Path(path_type=Path)
FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit", "markdown")


@click.command()
@click.argument("paths", nargs=-1, type=PATH)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help="How to print.")
@click.option(
    "--output", "outputs", multiple=True, metavar="FORMAT:FILE", help="Write the report to a file as well; may be repeated."
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    help="The least severity that makes the exit code 1.  [default: error]",
)
@click.option("--config", type=PATH, metavar="FILE", help="The configuration, instead of the nearest one.")
@click.option("--since", metavar="REV", help="Ask about what this branch changes since it left REV (through git).")
@click.option("--staged", is_flag=True, help="Ask about what the next commit holds: reads the index, not the files.")
@click.option(
    "--stdin-filename", type=PATH, metavar="NAME", help="Read the migration of this name from standard input (PATH: -)."
)
@chosen_rules
@click.option("--baseline", type=PATH, metavar="FILE", help="Leave out the findings that `schemalint baseline` has recorded.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True, help="Colors in the text."
)
@help_option
def check(
    paths: tuple[Path, ...],
    format_: str,
    outputs: tuple[str, ...],
    fail_on: str | None,
    config: Path | None,
    color: str,
    **choices: Any,
) -> int:
    """Lint migrations.

    Without a PATH: what is wrong in the newest state of the schema, blamed on the migration that brought it. With files:
    what these migrations bring about. With a folder: the history in it. The history is always read in whole.
    """
    import gc

    from schemalint.commands.output import complain, write

    # What is made stays until the process ends and forms no cycles: the collector would only look through it again and again.
    gc.disable()
    wanted = [output_of(each) for each in outputs]
    asked = Asked(paths, choices.pop("since"), choices.pop("staged"), choices.pop("stdin_filename"))
    configuration, report = _report(asked, config, choices)
    write(rendered(report, format_, color))
    for each, file in wanted:
        write_output(report, each, file)
    if format_ != "text":
        for note in report.notes:
            complain(note, "note")
    return 1 if fails(report, fail_on or configuration.fail_on) else 0


class Asked(NamedTuple):
    """What the command line says of what a run is about."""

    paths: tuple[Path, ...]
    since: str | None
    staged: bool
    stdin_filename: Path | None


def _report(wanted: Asked, config: Path | None, choices: Mapping[str, Any]) -> tuple[Configuration, Report]:
    from schemalint.commands.asked import read_asked
    from schemalint.commands.project import baseline_of, chosen, read_configuration

    configuration = chosen(read_configuration(config), **choices)
    history, asked = read_asked(wanted.paths, configuration, wanted.since, wanted.staged, wanted.stdin_filename)
    baseline = baseline_of(configuration)
    from schemalint.check import check as report_on

    return configuration, report_on(history, asked, configuration, baseline)


def rendered(report: Report, format_: str, color: str) -> str:
    import sys

    from schemalint.report.color import wants_color
    from schemalint.report.formats import render

    return render(report, format_, format_ == "text" and sys.stdout is not None and wants_color(color, sys.stdout))


def output_of(text: str) -> tuple[str, Path]:
    """A format and the file that gets it. Raises CommandError."""
    from schemalint.commands.output import CommandError

    format_, _, file = text.partition(":")
    if format_ not in FORMATS or not file:
        raise CommandError(f"--output {text}: write FORMAT:FILE, as sarif:report.sarif; formats are {', '.join(FORMATS)}")
    return format_, Path(file)


def write_output(report: Report, format_: str, file: Path) -> None:
    from schemalint.commands.files import write_file
    from schemalint.report.formats import render

    write_file(file, render(report, format_), str(file))


def fails(report: Report, threshold: str) -> bool:
    from schemalint.finding import Severity

    return threshold != "never" and any(each.severity.rank <= Severity(threshold).rank for each in report.findings)
