"""`schemalint baseline`: today's findings, kept in a file, so that only new ones are told."""

from __future__ import annotations

from pathlib import Path

import click

from schemalint.commands.help import help_option

PATH = click.Path(path_type=Path)
FILE_NAME = ".schemalint-baseline.json"


@click.command()
@click.argument("path", required=False, type=PATH)
@click.option("--output", type=PATH, metavar="FILE", help=f"Where to.  [default: the configured one, or {FILE_NAME}]")
@click.option("--config", type=PATH, metavar="FILE", help="The configuration, instead of the nearest one.")
@help_option
def baseline(path: Path | None, output: Path | None, config: Path | None) -> int:
    """Record today's findings.

    They are what `schemalint check` says of the newest state. `check --baseline FILE`, or `baseline: FILE` in the
    configuration, leaves them out from then on and counts them as suppressed.
    """
    from schemalint.commands.files import write_file
    from schemalint.commands.output import CommandError, complain, write
    from schemalint.commands.project import read_configuration, read_history, shown, working_directory
    from schemalint.decisions.baseline import recorded, text_of

    configuration = read_configuration(config)
    file = working_directory() / output if output is not None else configuration.baseline or working_directory() / FILE_NAME
    _refuse_what_is_no_baseline(file)
    history, asked = read_history(() if path is None else (path,), configuration)
    if asked is not None:
        raise CommandError(f"{shown(working_directory() / str(path))}: a baseline is of a whole history: give its folder")
    from schemalint.check import check

    report = check(history, None, configuration)
    found = recorded(report.findings, history.root)
    write_file(file, text_of(found), shown(file))
    for note in report.notes:
        complain(note, "note")
    count = len(found.findings)
    name = shown(file)
    use = "" if configuration.baseline == file else f"; `schemalint check --baseline {name}` leaves them out"
    write(f"{count} {'finding' if count == 1 else 'findings'} recorded in {name}{use}\n")
    return 0


def _refuse_what_is_no_baseline(file: Path) -> None:
    """A file that is something else is not written over."""
    from schemalint.commands.output import CommandError
    from schemalint.commands.project import shown
    from schemalint.decisions.baseline import BaselineError, read_baseline

    if not file.is_file():
        return
    try:
        read_baseline(file, shown(file))
    except BaselineError as error:
        raise CommandError(f"{error}; it is left as it is: remove it, or give another --output") from error
