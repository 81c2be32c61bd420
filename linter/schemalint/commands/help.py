"""`--help`, through the same door as everything else that is printed."""

from __future__ import annotations

import click


def _show(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    from schemalint.commands.output import write

    if wanted and not context.resilient_parsing:
        write(context.get_help() + "\n")
        context.exit()


help_option = click.option(
    "-h", "--help", is_flag=True, is_eager=True, expose_value=False, callback=_show, help="Show this message and exit."
)
