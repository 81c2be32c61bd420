"""The command line: what there is to call, and what its mistakes are answered."""

from __future__ import annotations

from collections.abc import Sequence

import click

from schemalint import __version__
from schemalint.commands.baseline import baseline
from schemalint.commands.check import check
from schemalint.commands.help import help_option
from schemalint.commands.init import init
from schemalint.commands.map import map_
from schemalint.commands.output import CommandError, complain, prepare_streams
from schemalint.commands.rules import explain, rules
from schemalint.commands.schema import schema
from schemalint.commands.suppressions import suppressions
from schemalint.commands.verify import verify
from schemalint.stack import on_deep_stack

FAILED = 2
INTERRUPTED = 130


@click.group(context_settings={"max_content_width": 100})
@help_option
@click.version_option(__version__, prog_name="schemalint", message="%(prog)s %(version)s")
def schemalint() -> None:
    """Finds the migration that breaks a trigger-based table sync.

    Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 the tool could not do its work.
    """


for command in (check, verify, map_, schema, init, baseline, suppressions, rules, explain):
    schemalint.add_command(command)


def _ran(arguments: list[str]) -> object:
    def work() -> object:
        return schemalint.main(arguments, prog_name="schemalint", standalone_mode=False)

    # verify takes signals, which reach the first thread only, and sees to its own stack.
    return work() if arguments[0] == verify.name else on_deep_stack(work)


def run(arguments: Sequence[str]) -> int:
    """Runs a command; its exit code."""
    prepare_streams()
    if not arguments:
        complain(f"which command? {', '.join(sorted(schemalint.commands))}; schemalint --help says more")
        return FAILED
    try:
        code = _ran(list(arguments))
    except click.exceptions.Abort:
        return INTERRUPTED
    except (click.ClickException, CommandError) as error:
        complain(error.format_message() if isinstance(error, click.ClickException) else str(error))
        return FAILED
    return code if isinstance(code, int) else 0
