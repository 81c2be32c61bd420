"""The page of a rule, as text: its docstring, one example of each kind, and what a server said to them.

What changes from run to run (made-up keys, the time) is left out of it, so that the same rule and fixtures give the same
bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from uuid import UUID

from schemalint.rule import Rule
from tests.applying import apply_all, lost, probe, probe_meanwhile
from tests.fixture_files import EXPECT, EXPECTED, FOLDER, Fixture, Probe, read_fixture
from tests.postgres import Answer, Server

ROWS_SHOWN = 5
SECTION = re.compile(r"^## (.+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """A fixture, and what a server said to it."""

    fixture: Fixture
    version: int
    refused: dict[str, Answer]
    answers: Sequence[Answer]
    lost: Sequence[tuple[object, ...]]
    meanwhile: bool  # whether the probe ran while the last migration's transaction was open


# -- what is asked of the server


def run_of(server: Server, fixture: Fixture) -> Run:
    with server.database() as connect:
        version = connect().info.server_version // 10000
        if fixture.group == "blocks" and fixture.bad:
            return Run(fixture, version, {}, probe_meanwhile(connect, fixture), [], meanwhile=True)
        refused = apply_all(connect, fixture)
        return Run(fixture, version, refused, probe(connect, fixture), lost(connect, fixture), meanwhile=False)


def page_of(server: Server, rule: Rule) -> str:
    """The rule's page, from its file, its fixtures and the server."""
    fixtures = fixtures_of(rule)
    bad, good = (next(each for each in fixtures if each.bad is wanted) for wanted in (True, False))
    others = [each for each in fixtures if each not in (bad, good)]
    return rendered(rule, run_of(server, bad), run_of(server, good), others)


def fixtures_of(rule: Rule) -> list[Fixture]:
    return [read_fixture(path) for path in sorted(folder_of(rule).glob("*.sql"), key=_in_order)]


def folder_of(rule: Rule) -> Path:
    return FOLDER / rule.id.replace("-", "_")


def _in_order(path: Path) -> tuple[str, int, str]:
    """`bad` before `bad_2`, `bad_2` before `bad_10`, and that before `bad_in_words`."""
    kind, _, rest = path.stem.partition("_")
    return kind, int(rest or 0) if rest.isdecimal() or not rest else 1000, rest


# -- the page


def rendered(rule: Rule, bad: Run, good: Run, others: Sequence[Fixture]) -> str:
    summary, sections = _documentation(rule)
    parts = [
        f"# {rule.id}",
        summary,
        _group_in_words(rule),
        f"## Why\n\n{sections['Why']}",
        f"## Example\n\n{_example(bad)}",
        f"## Way out\n\n{sections['Way out']}",
        f"## Not reported\n\n{sections['Not reported']}",
        f"### Example\n\n{_example(good)}",
        f"## More examples\n\n{_more(rule, others)}",
    ]
    return "\n\n".join(parts) + "\n"


def _documentation(rule: Rule) -> tuple[str, dict[str, str]]:
    """The first sentence of a rule's docstring, and its sections by heading."""
    summary, *rest = SECTION.split(cleandoc(rule.documentation))
    return summary.strip(), {heading: text.strip() for heading, text in zip(rest[::2], rest[1::2], strict=True)}


def _group_in_words(rule: Rule) -> str:
    stated = " or ".join(filter(None, (", ".join(rule.sqlstates[:-1]), *rule.sqlstates[-1:])))
    answers = f" PostgreSQL answers with {stated}." if rule.sqlstates else ""
    return f"`{rule.group}/`: {meaning_of(rule.group)}{answers}"


def meaning_of(group: str) -> str:
    """What happens where a rule of the group speaks up."""
    return cleandoc(import_module(f"schemalint.rules.{group}").__doc__ or "")


def _more(rule: Rule, others: Sequence[Fixture]) -> str:
    folder = folder_of(rule).relative_to(FOLDER.parent).as_posix()
    kinds = (("Reported", True), ("Not reported", False))
    remarks = [f"- {kind}: {_prose(each.remark)}" for kind, bad in kinds for each in others if each.bad is bad and each.remark]
    place = f"In [{folder}](../../../{folder}); the tests run each on PostgreSQL."
    return "\n".join([*remarks, "", place] if remarks else [place])


def _prose(remark: str) -> str:
    return " ".join(remark.split())


# -- an example


def _example(run: Run) -> str:
    fixture = run.fixture
    parts = [_prose(fixture.remark)] if fixture.remark else []
    if fixture.configuration:
        parts.append(f"With this `.schemalint.yml`:\n\n{_fenced('yaml', _marked(fixture.configuration, '#'))}")
    parts.append(_fenced("sql", "\n".join(_history(fixture))))
    parts.extend(_said(run))
    return "\n\n".join(parts)


def _history(fixture: Fixture) -> Iterator[str]:
    if fixture.setup:
        yield f"-- what the platform has made before\n{fixture.setup}"
    for name, sql in fixture.migrations:
        if name in fixture.rows:
            yield f"-- rows that are there by now\n{fixture.rows[name]}"
        yield f"-- {name}\n{_marked(sql, '--')}"


def _marked(text: str, comment: str) -> str:
    """A text with its expectations in words: an arrow to what is said of the line."""
    return "\n".join(_marked_line(each, comment) for each in text.rstrip().split("\n")) + "\n"


def _marked_line(line: str, comment: str) -> str:
    found = EXPECT.search(line)
    if found is None:
        return line
    expected = [match for item in found["list"].split(",") if (match := EXPECTED.match(item.strip()))]
    named = dict.fromkeys(f"{each['severity']}[{each['rule']}]" if each["severity"] else each["rule"] for each in expected)
    before = line[: found.start()].rstrip().removesuffix(comment).rstrip()
    arrow = f"{comment} {'←' if before else '↓'} {', '.join(named)}"
    return f"{before}  {arrow}" if before else arrow


def _said(run: Run) -> Iterator[str]:
    server = f"PostgreSQL {run.version}"
    for name, answer in run.refused.items():
        yield f"{server} refuses `{name}`:\n\n{_fenced('text', _answer(answer))}"
    transcript = [*map(_exchange, run.fixture.probe, run.answers), *_lost(run)]
    if run.meanwhile:
        last = run.fixture.migrations[-1].name
        yield (
            f"While the transaction of `{last}` is open, {server} answers another session, whose `lock_timeout` is 100 ms:"
            f"\n\n{_fenced('sql', _lines(transcript))}"
        )
    elif transcript:
        then = "applies what is left; then" if run.refused else "applies all of it; then"
        yield f"{server} {then}:\n\n{_fenced('sql', _lines(transcript))}"
    elif not run.refused:
        yield f"{server} applies all of it."


def _lines(transcript: Sequence[str]) -> str:
    return "\n".join(transcript)


def _exchange(asked: Probe, answer: Answer) -> str:
    return f"{asked.sql};\n-- {_answer(answer)}"


def _answer(answer: Answer) -> str:
    return answer.text if answer.sqlstate is None else f"ERROR {answer.sqlstate}: {_prose(answer.text)}"


def _lost(run: Run) -> Iterator[str]:
    if run.fixture.lost is None:
        return
    known = _written(run.fixture)
    shown = sorted(f"({', '.join(_value(value, known) for value in row)})" for row in run.lost)
    shown = [*shown[:ROWS_SHOWN], *(["…"] if len(shown) > ROWS_SHOWN else [])]
    count = f"{len(run.lost)} {'row' if len(run.lost) == 1 else 'rows'}"
    yield f"{run.fixture.lost.strip().removesuffix(';')};\n-- {': '.join(filter(None, (count, ', '.join(shown))))}"


def _written(fixture: Fixture) -> str:
    """All SQL of a fixture."""
    migrations = (each.sql for each in fixture.migrations)
    return "".join((*migrations, *fixture.rows.values(), *(each.sql for each in fixture.probe)))


def _value(value: object, known: str) -> str:
    """A value, unless the server made it up."""
    if value is None:
        return "NULL"
    return "…" if isinstance(value, (UUID, date)) and str(value) not in known else str(value)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


# -- the index


def index_of(rules: Sequence[Rule]) -> str:
    """The list of all pages."""
    groups = dict.fromkeys(each.group for each in rules)
    tables = "\n".join(_table(group, [each for each in rules if each.group == group]) for group in groups)
    return (
        "# Rules\n\nThese pages are made from the rules, their fixtures and a PostgreSQL that was asked: "
        "`python -m tests.generate_rule_pages`.\n`schemalint explain RULE` prints one, `schemalint rules` lists them.\n\n"
    ) + tables


def _table(group: str, rules: Sequence[Rule]) -> str:
    rows = "".join(f"| [{each.id}]({each.id}.md) | {_documentation(each)[0]} |\n" for each in rules)
    return f"## {group}/\n\n{meaning_of(group)}\n\n| | |\n|---|---|\n{rows}"
