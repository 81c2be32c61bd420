"""The files under `fixtures/<group>/<name>/`: migrations, what must be said of them, and the writes that prove it.

(What stands to the right here explains; in a file, a header is the whole line.)

    -- configuration                            a .schemalint.yml; what is expected in it stands in its own comments
    mirrors:
      - source: nowhere  # -- expect: decisions/z
        target: messages
    -- setup                                    SQL that a superuser runs first, unseen by the linter: a platform's tables
    CREATE SCHEMA auth;
    -- 0001_tables.sql                          a migration; the file's lines down to the next header
    CREATE TABLE ...
    -- rows                                     SQL that runs here, unseen by the linter: what production holds by now
    INSERT INTO ...
    -- 0002_change.sql
    ALTER TABLE ... -- expect: breaks/x         at the end of the line on which the finding begins,
    -- expect: breaks/y warning, loses/z        or on a line of its own above that line
    ALTER TABLE ...
    -- probe                                    the writes that prove it, one session for each user
    INSERT INTO ...;
    -- as authenticated                         who runs the one statement that follows
    INSERT INTO ...;
    -- lost                                     a query: a row for each row or value that did not arrive, or that somebody got at
    SELECT ...

Lines above the first header are remarks. A file is whole in itself. `bad*.sql` expects something, `good*.sql` nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "fixtures"
HEADER = re.compile(r"-- (?:(?P<migration>\S+\.sql)|(?P<section>configuration|setup|rows|probe|lost))$")
EXPECT = re.compile(r"-- expect:(?P<list>.*)$")
EXPECTED = re.compile(r"(?P<rule>[a-z]+/[a-z][a-z-]*)(?: (?P<severity>error|warning|info))?$")
NEARLY_A_MARK = re.compile(r"--\s*(expects?\b|(configuration|setup|rows|probe|lost|as \w+)\s*:?\s*$)", re.IGNORECASE)
USER = re.compile(r"\s*-- as (?P<user>\w+)$")
# What a semicolon does not end a statement in: comments, strings, quoted names, dollar quotes.
OPAQUE = re.compile(
    r"--[^\n]*|/\*.*?\*/|\b[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|\"[^\"]*\"|(?<![\w$])\$(\w*)\$.*?\$\1\$", re.DOTALL
)


class Migration(NamedTuple):
    name: str
    sql: str


class Expectation(NamedTuple):
    rule: str
    severity: str | None  # error or warning, whichever, where it is not said
    migration: str
    line: int  # in the migration


class Probe(NamedTuple):
    """One statement, and who runs it."""

    sql: str
    user: str


@dataclass(frozen=True)
class Fixture:
    path: Path
    migrations: tuple[Migration, ...]
    expectations: tuple[Expectation, ...]
    probe: tuple[Probe, ...] = ()
    lost: str | None = None
    setup: str | None = None
    rows: Mapping[str, str] = field(default_factory=dict)  # SQL to run before the migration of that name
    remark: str = ""
    configuration: str = ""

    @property
    def bad(self) -> bool:
        return self.path.name.startswith("bad")

    @property
    def group(self) -> str:
        return self.path.parent.parent.name

    @property
    def rule(self) -> str:
        """The rule that the fixture stands for, from its folder."""
        return f"{self.group}/{self.path.parent.name.replace('_', '-')}"

    @property
    def name(self) -> str:
        """What tests call it."""
        return f"{self.rule}/{self.path.stem}"


class FixtureError(Exception):
    """A file that does not keep to the format."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")


class Block(NamedTuple):
    """The lines under one header."""

    header: re.Match[str]
    line: int  # the header's
    lines: list[str]

    @property
    def migration(self) -> str | None:
        return self.header["migration"]

    @property
    def section(self) -> str | None:
        return self.header["section"]

    @property
    def sql(self) -> str:
        return "\n".join(self.lines).rstrip() + "\n"


def fixture_files(folder: Path = FOLDER) -> list[Path]:
    """The fixtures of rules, in order; `projects` holds whole projects, which are something else."""
    return [path for path in sorted(folder.glob("*/*/*.sql")) if path.parts[-3] != "projects"]


def read_fixture(path: Path) -> Fixture:
    lines = path.read_text(encoding="utf-8").splitlines()
    blocks = list(_blocks(lines))
    first = blocks[0].line if blocks else len(lines) + 1
    for number, line in enumerate(lines[: first - 1], 1):
        if line.strip() and not line.startswith("--"):
            raise FixtureError(path, number, "SQL above the first header")
    _check_order(path, blocks)
    migrations = tuple(Migration(block.migration, block.sql) for block in blocks if block.migration)
    expectations = tuple(each for block in blocks for each in _expectations(path, block))
    _check_name(path, expectations)
    sections = {block.section: block for block in blocks if block.section and block.section != "rows"}
    return Fixture(
        path=path,
        migrations=migrations,
        expectations=expectations,
        probe=tuple(_probe(path, sections["probe"])) if "probe" in sections else (),
        lost=sections["lost"].sql if "lost" in sections else None,
        setup=sections["setup"].sql if "setup" in sections else None,
        rows={after.migration: block.sql for block, after in pairwise(blocks) if block.section == "rows" and after.migration},
        configuration=sections["configuration"].sql if "configuration" in sections else "",
        remark="\n".join(line.removeprefix("--").strip() for line in lines[: first - 1]).strip(),
    )


def statements(sql: str) -> Iterator[str]:
    """The statements of a text, each with the comments above it and without its semicolon."""
    start = 0
    for end in _semicolons(sql):
        if _bare(sql[start:end]).strip():
            yield sql[start:end].strip()
        start = end + 1
    if _bare(sql[start:]).strip():
        yield sql[start:].strip()


def in_one_transaction(sql: str) -> bool:
    """Whether a migration can be run in a transaction of the runner's: it has none of its own and nothing that forbids one."""
    bare = _bare(sql)
    own = re.search(r"(?:^|;)\s*(?:begin|start\s+transaction|commit|end|rollback)\b[^;]*(?:;|\Z)", bare, re.IGNORECASE)
    return own is None and re.search(r"\b(?:concurrently|vacuum)\b", bare, re.IGNORECASE) is None


def _bare(sql: str) -> str:
    """The text without its comments, and with nothing in its strings."""
    return OPAQUE.sub(lambda match: " " if match[0].startswith(("--", "/*")) else "''", sql)


def _semicolons(sql: str) -> Iterator[int]:
    blanked = OPAQUE.sub(lambda match: " " * len(match[0]), sql)
    return (match.start() for match in re.finditer(";", blanked))


def _blocks(lines: list[str]) -> Iterator[Block]:
    block: Block | None = None
    for number, line in enumerate(lines, 1):
        header = HEADER.match(line.rstrip())
        if header:
            if block is not None:
                yield block
            block = Block(header, number, [])
        elif block is not None:
            block.lines.append(line)
    if block is not None:
        yield block


def _check_order(path: Path, blocks: list[Block]) -> None:
    """configuration, then setup, then migrations with rows between them, then probe, then lost; each name once."""
    ranks = {"configuration": -1, None: 1, "setup": 0, "rows": 1, "probe": 2, "lost": 3}
    if not any(block.migration for block in blocks):
        raise FixtureError(path, 1, "no migration: a header is a line that is exactly `-- 0001_name.sql`")
    seen: set[str] = set()
    for block in blocks:
        name = block.migration or block.section or ""
        if name in seen and name != "rows":
            raise FixtureError(path, block.line, f"{name} is there already")
        seen.add(name)
        if not _bare(block.sql).strip():
            raise FixtureError(path, block.line, f"nothing under {name}")
    for block, after in pairwise(blocks):
        if ranks[block.section] > ranks[after.section]:
            raise FixtureError(path, after.line, f"{after.header[0]} after {block.header[0]}")
        if block.section == "rows" and not after.migration:
            raise FixtureError(path, block.line, "rows without a migration after them")
    if blocks[-1].section == "rows":
        raise FixtureError(path, blocks[-1].line, "rows without a migration after them")


def _check_name(path: Path, expectations: tuple[Expectation, ...]) -> None:
    if not path.name.startswith(("bad", "good")):
        raise FixtureError(path, 1, "is neither bad*.sql nor good*.sql")
    if path.name.startswith("bad") != bool(expectations):
        raise FixtureError(path, 1, "a bad fixture expects something, a good one nothing")


def _expectations(path: Path, block: Block) -> Iterator[Expectation]:
    for number, line in enumerate(block.lines, 1):
        place = block.line + number
        found = EXPECT.search(line)
        if found is None:
            if NEARLY_A_MARK.search(line) and not (block.section == "probe" and USER.match(line)):
                raise FixtureError(path, place, f"not a mark: {line.strip()!r}")
            continue
        file = ".schemalint.yml" if block.section == "configuration" else block.migration
        if not file:
            raise FixtureError(path, place, f"an expectation under {block.section}")
        alone = not line[: found.start()].strip()
        if alone and not "".join(block.lines[number : number + 1]).strip():
            raise FixtureError(path, place, "an expectation with no line below it")
        if alone and EXPECT.search(block.lines[number]):
            raise FixtureError(path, place, "two expectations on one line are separated by a comma")
        for item in found["list"].split(","):
            yield _expectation(path, place, item.strip(), file, number + alone)


def _expectation(path: Path, place: int, text: str, migration: str, line: int) -> Expectation:
    match = EXPECTED.match(text)
    if match is None:
        raise FixtureError(path, place, f"{text!r} is not a rule, nor a rule and a severity")
    return Expectation(match["rule"], match["severity"], migration, line)


def _probe(path: Path, block: Block) -> Iterator[Probe]:
    for statement in statements(block.sql):
        users = [match["user"] for line in statement.splitlines() if (match := USER.match(line))]
        if len(users) > 1:
            raise FixtureError(path, block.line, f"two users for one statement: {users}")
        yield Probe(statement, *users or ["app_owner"])
