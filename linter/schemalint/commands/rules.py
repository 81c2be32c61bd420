"""`schemalint rules` and `schemalint explain RULE`: what schemalint looks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from schemalint.commands.help import help_option

if TYPE_CHECKING:
    from schemalint.rule import Rule

Command = Callable[..., Any]


def chosen_rules(command: Command) -> Command:
    """The options that choose among the rules."""
    ignore = click.option(
        "--ignore", multiple=True, metavar="RULE", help="Leave out a rule or a group, as loses/; may be repeated."
    )
    select = click.option("--select", multiple=True, metavar="RULE", help="Ask only this rule or group; may be repeated.")
    return select(ignore(command))


@click.command()
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@help_option
def rules(format_: str) -> int:
    """List every rule, in a line."""
    from schemalint.commands.output import write
    from schemalint.rule import load_rules

    write(_as_json(load_rules()) if format_ == "json" else _as_text(load_rules()))
    return 0


def _as_text(rules: Sequence[Rule]) -> str:
    width = max(len(each.id) for each in rules)
    return "".join(f"{each.id:<{width}}  {each.summary}\n" for each in rules)


def _as_json(rules: Sequence[Rule]) -> str:
    import json

    listed = [{"id": each.id, "group": each.group, "summary": each.summary, "sqlstates": each.sqlstates} for each in rules]
    return json.dumps({"rules": listed}, indent=2, ensure_ascii=False) + "\n"


@click.command()
@help_option
@click.argument("rule")
def explain(rule: str) -> int:
    """Print a rule's page.

    Why it matters, an example with what PostgreSQL answers to it, the way out, and what is not reported.
    """
    from schemalint.commands.output import CommandError, write
    from schemalint.rule import rule_ids

    known = rule_ids()
    if rule not in known:
        raise CommandError(f"unknown rule {rule!r}{_suggestion(rule, known)}; `schemalint rules` lists them")
    write(_page(rule))
    return 0


def _page(rule: str) -> str:
    """The rule's page, which is made and tested with the rule. Raises CommandError."""
    from importlib.resources import files

    from schemalint.commands.output import CommandError

    group, _, name = rule.partition("/")
    try:
        return (files("schemalint.pages") / group / f"{name}.md").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CommandError(f"{rule} has no page yet: `python -m tests.generate_rule_pages` makes it") from error


def _suggestion(rule: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    # A bare name is what people remember.
    names = [each for each in known if each.rpartition("/")[2] == rule] or get_close_matches(rule[:80], known, n=3)
    quoted = [repr(each) for each in names]
    listed = " or ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:])))
    return f" (did you mean {listed}?)" if listed else ""
