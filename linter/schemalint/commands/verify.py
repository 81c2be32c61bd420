"""`schemalint verify`: the findings of a check, each put to a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from schemalint.commands.check import FORMATS
from schemalint.commands.help import help_option
from schemalint.commands.rules import chosen_rules

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from schemalint.configuration import Configuration
    from schemalint.decisions.baseline import Baseline
    from schemalint.migrations.migration import History
    from schemalint.verify.prove import Proved
    from schemalint.verify.server import Server

PATH = click.Path(path_type=Path)
TERMINATED = 143


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
@click.option("--since", metavar="REV", help="Ask about what this branch changes since it left REV (through git).")
@click.option("--config", type=PATH, metavar="FILE", help="The configuration, instead of the nearest .schemalint.yml.")
@chosen_rules
@click.option("--baseline", type=PATH, metavar="FILE", help="Leave out the findings that `schemalint baseline` has recorded.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True, help="Colors in the text."
)
@click.option("--database", metavar="URL", help="A server to make scratch databases on, instead of one of its own.")
@click.option("--pg-bin", type=PATH, metavar="DIR", help="PostgreSQL's programs, instead of the embedded ones.")
@click.option(
    "--time-limit", type=click.FloatRange(min=1), default=300, show_default=True, metavar="SECONDS", help="For all of it."
)
@click.option("--show-prelude", is_flag=True, help="Print what is run before the history, and stop.")
@click.option("--write-script", type=PATH, metavar="FILE", help="Write a psql script that shows a finding.")
@click.option("--finding", metavar="FINGERPRINT", help="The finding that the script shows.  [default: the gravest confirmed]")
@help_option
def verify(
    paths: tuple[Path, ...], format_: str, outputs: tuple[str, ...], since: str | None, fail_on: str | None,
    config: Path | None, color: str, database: str | None, pg_bin: Path | None, time_limit: float, show_prelude: bool,
    write_script: Path | None, finding: str | None, **choices: Any,
) -> int:  # fmt: skip
    """Prove the findings of `check` on a PostgreSQL.

    The history is replayed on a temporary server, rows are written to the syncs' sources before and after the migrations
    in question, and each finding is told to be confirmed, refuted or not reached. What breaks or is lost without a finding
    is one. PATH is as for `check`.
    """
    import signal

    from schemalint.commands.asked import read_asked
    from schemalint.commands.check import fails, output_of, rendered, write_output
    from schemalint.commands.output import CommandError, complain, write
    from schemalint.commands.project import baseline_of, chosen, read_configuration
    from schemalint.verify.server import ServerError

    if database is not None and pg_bin is not None:
        raise CommandError("--database and --pg-bin are two ways to a server: give one of them")
    if finding is not None and write_script is None:
        raise CommandError("--finding chooses what --write-script writes: give both")
    wanted = [output_of(each) for each in outputs]
    configuration = chosen(read_configuration(config), **choices)
    history, asked = read_asked(paths, configuration, since, staged=False, stdin_filename=None)
    if show_prelude:
        from schemalint.verify.environment import prelude_of

        write(prelude_of(history))
        return 0
    baseline = baseline_of(configuration)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        proved = _proved(history, asked, configuration, baseline, _server(database, pg_bin, configuration), time_limit)
    except ServerError as error:
        if (ended := _ended_by(error)) is not None:
            raise ended from error
        raise CommandError(str(error)) from error
    write(rendered(proved.report, format_, color))
    for each, file in wanted:
        write_output(proved.report, each, file)
    if format_ != "text":
        for note in proved.report.notes:
            complain(note, "note")
    if write_script is not None:
        _write_script(write_script, finding, proved, history)
    return 1 if fails(proved.report, fail_on or configuration.fail_on) else 0


def _ended_by(error: BaseException | None) -> BaseException | None:
    """The Ctrl-C or the signal that came first, where something went wrong on the way out."""
    while error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):
        error = error.__context__
    return error


def _terminated(*_: object) -> None:
    """As an exit, so that everything is put away on the way out."""
    raise SystemExit(TERMINATED)


def _server(database: str | None, pg_bin: Path | None, configuration: Configuration) -> AbstractContextManager[Server]:
    from schemalint.verify.server import embedded_binaries, require_driver, started

    if database is not None:
        require_driver()
        from schemalint.verify.existing import on_existing

        return on_existing(database)
    if pg_bin is not None:
        require_driver()
        return started(pg_bin)
    return started(embedded_binaries(configuration.postgres))


def _proved(
    history: History,
    asked: frozenset[str] | None,
    configuration: Configuration,
    baseline: Baseline,
    server: AbstractContextManager[Server],
    seconds: float,
) -> Proved:
    from schemalint.check import examine
    from schemalint.stack import on_deep_stack
    from schemalint.verify.prove import prove

    examined = on_deep_stack(lambda: examine(history, asked, configuration, baseline))
    with server as running:
        return prove(running, history, examined, asked, configuration, seconds)


def _write_script(file: Path, finding: str | None, proved: Proved, history: History) -> None:
    from schemalint.commands.files import write_file
    from schemalint.commands.output import CommandError
    from schemalint.verify.script import ScriptError, script_for

    try:
        text = script_for(proved, history, finding)
    except ScriptError as error:
        raise CommandError(f"--write-script: {error}") from error
    write_file(file, text, str(file))
