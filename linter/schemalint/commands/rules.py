"""`schemalint rules` and `schemalint explain RULE`: what schemalint looks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from schemalint.commands.help import help_option

Command = Callable[..., Any]


def chosen_rules(command: Command) -> Command:
    """The options that choose among the rules."""
    ignore = click.option(
        "--ignore", multiple=True, metavar="RULE", help="Leave out a rule or a group, as loses/; may be repeated."
    )
    select = click.option("--select", multiple=True, metavar="RULE", help="Ask only this rule or group; may be repeated.")
    return select(ignore(command))


@click.command()
@help_option
def rules() -> int:
    """List every rule, in a line."""
    from schemalint.commands.output import write
    from schemalint.rule import load_rules

    found = load_rules()
    width = max(len(each.id) for each in found)
    write("".join(f"{each.id:<{width}}  {each.documentation.partition(chr(10))[0]}\n" for each in found))
    return 0


@click.command()
@help_option
@click.argument("rule")
def explain(rule: str) -> int:
    """Print a rule's page: what it finds, why that matters, and the way out."""
    from inspect import cleandoc

    from schemalint.commands.output import CommandError, write
    from schemalint.rule import load_rules

    known = {each.id: each for each in load_rules()}
    found = known.get(rule)
    if found is None:
        raise CommandError(f"unknown rule {rule!r}{_suggestion(rule, list(known))}; `schemalint rules` lists them")
    states = f" ({', '.join(found.sqlstates)})" if found.sqlstates else ""
    write(f"# {found.id}{states}\n\n{cleandoc(found.documentation)}\n")
    return 0


def _suggestion(rule: str, known: list[str]) -> str:
    from difflib import get_close_matches

    # A bare name is what people remember.
    close = [each for each in known if each.rpartition("/")[2] == rule] or get_close_matches(rule[:80], known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
