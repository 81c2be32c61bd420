"""What a configuration may say. These types are what files are read by and what editors' JSON schema is made from."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from re import compile as pattern
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemalint.configuration.globs import matches
from schemalint.text import Source

OLDEST, NEWEST = 12, 18  # versions of PostgreSQL

PART = pattern(r'"((?:[^"]|"")+)"|([^".]+)')

LayoutName = Literal[
    "drizzle", "sqitch", "flyway", "atlas", "supabase", "goose", "dbmate", "sql-migrate", "node-pg-migrate", "golang-migrate",
    "sqlx", "prisma", "diesel", "flat", "folder each", "unnumbered", "tree",
]  # fmt: skip
Level = Literal["error", "warning", "info", "off"]
Threshold = Literal["error", "warning", "info", "never"]
Rule = Annotated[str, Meta(extra={"is": "rule"}, description="A rule (breaks/required-column) or a whole group (breaks/).")]
Text = Annotated[str, Meta(min_length=1)]
Table = Annotated[str, Meta(pattern=r'^(("([^"]|"")+"|[^".]+)\.)?("([^"]|"")+"|[^".]+)$', extra={"such as": "public.messages"})]
Duration = Annotated[str, Meta(pattern=r"^\d{1,9} ?(us|ms|s|min|h|d)?$", extra={"such as": "5s or 500ms"})]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of the file."""


class Ignored(Entry, frozen=True):
    """A decision: findings of a rule that stay, and why."""

    rule: Rule
    because: Annotated[str, Meta(min_length=1, description="The reason; without one nothing is ignored.")]
    path: Annotated[str | None, Meta(description="Which migrations: a glob, relative to this file. Without it, all.")] = None
    until: Annotated[date | None, Meta(description="The last day on which this holds, as 2026-12-31.")] = None


class Mirror(Entry, frozen=True):
    """What the team declares about a sync."""

    source: Annotated[Table, Meta(description="The table that is written to: schema.table.")]
    target: Annotated[Table, Meta(description="The table that the triggers write to: schema.table.")]
    left_out: Annotated[
        tuple[Text, ...], Meta(description="Columns, of the source or the target, that are not copied, on purpose.")
    ] = ()
    one_way: Annotated[bool, Meta(description="No trigger carries rows of the target back to the source.")] = False
    insert_only: Annotated[bool, Meta(description="Edits and deletes are not carried, on purpose.")] = False
    retired: Annotated[bool, Meta(description="The sync has ended: what it carried is no longer missed.")] = False


class AtPath(Entry, frozen=True):
    """What holds for some migrations only."""

    path: Annotated[Text, Meta(description="Which migrations: a glob, relative to this file.")]
    select: Annotated[tuple[Rule, ...], Meta(description="Only these rules and groups are asked there. Without it, all.")] = ()
    ignore: Annotated[tuple[Rule, ...], Meta(description="Rules and groups that are not asked there.")] = ()
    severity: Annotated[Mapping[Rule, Level], Meta(description="Severities of rules and groups there.")] = msgspec.field(
        default_factory=dict
    )


class Roles(Entry, frozen=True):
    """Who does what in the database."""

    migrates: Annotated[Text | None, Meta(description="The role that runs the migrations.")] = None
    writes: Annotated[tuple[Text, ...], Meta(description="The roles as which applications write.")] = ()


class Runner(Entry, frozen=True):
    """What the tool that applies the migrations does around them."""

    transaction: Annotated[
        bool,
        Meta(
            description="Whether a migration runs in one transaction, unless it says otherwise or holds a statement that cannot."
        ),
    ] = True
    search_path: Annotated[
        tuple[str, ...] | None, Meta(description="The search_path of its sessions, where it is not the database's own.")
    ] = None
    lock_timeout: Annotated[Duration | None, Meta(description="The lock_timeout that it sets, such as 5s.")] = None


class Settings(Entry, frozen=True):
    """The configuration of schemalint."""

    migrations: Annotated[Path | None, Meta(description="The folder of the migrations, relative to this file.")] = None
    layout: Annotated[
        LayoutName | None, Meta(description="The tool whose layout the folder has, where it is not found by itself.")
    ] = None
    placeholders: Annotated[Mapping[str, str], Meta(description="What stands for ${name} in Flyway's migrations, by name.")] = (
        msgspec.field(default_factory=dict)
    )
    starting_state: Annotated[
        Path | None, Meta(description="A dump of the schema that the migrations start from, relative to this file.")
    ] = None
    select: Annotated[tuple[Rule, ...], Meta(description="Only these rules and groups are asked. Without it, all.")] = ()
    ignore: Annotated[
        tuple[Rule | Ignored, ...],
        Meta(description="Rules and groups that are not asked; and, with a reason, findings that stay."),
    ] = ()
    severity: Annotated[Mapping[Rule, Level], Meta(description="Severities of rules and groups; off is ignored.")] = (
        msgspec.field(default_factory=dict)
    )
    paths: Annotated[tuple[AtPath, ...], Meta(description="What holds for some migrations only.")] = ()
    fail_on: Annotated[Threshold, Meta(description="The least severity that makes the exit code 1.")] = "error"
    baseline: Annotated[Path | None, Meta(description="The file of findings to leave out, relative to this file.")] = None
    postgres: Annotated[int, Meta(ge=OLDEST, le=NEWEST, description="The server's version.")] = NEWEST
    search_path: Annotated[tuple[str, ...], Meta(description="The database's search_path.")] = ("$user", "public")
    roles: Annotated[Roles, Meta(description="Who does what in the database.")] = Roles()
    runner: Annotated[Runner, Meta(description="What the tool that applies the migrations does around them.")] = Runner()
    mirrors: Annotated[tuple[Mirror, ...], Meta(description="What is declared about syncs.")] = ()


Key = tuple[str | int, ...]  # the way to an entry of the file: ("mirrors", 0, "source")


class Configuration(Settings, frozen=True):
    """The settings in force, and the file that they come from."""

    source: Source | None = None
    lines: Mapping[Key, int] = MappingProxyType({})  # in which the entries stand

    @property
    def folder(self) -> str:
        """The folder of the file, as its path is shown; what paths in it are relative to."""
        return posixpath.dirname(self.source.path) or "." if self.source is not None else "."

    def line(self, *key: str | int) -> int:
        """The line of an entry, or of the nearest one around it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def qualified(self, written: str) -> tuple[str, str]:
        """Schema and name of a table as it is written here; without a schema, the first of the search_path is meant."""
        parts = [quotes.replace('""', '"') or bare for quotes, bare in PART.findall(written)]
        if len(parts) > 1:
            return parts[0], parts[1]
        return next((each for each in self.search_path if each != "$user"), "public"), parts[0]

    def severity_of(self, rule: str) -> str | None:
        """What is said of a rule; more of the rule itself than of its group."""
        return _of_rule(self.severity, rule)

    def severity_at(self, rule: str, path: str) -> str | None:
        """What is said of a rule in a migration, by its path from the configuration's folder; `off` where it is not asked."""
        chosen = self.severity_of(rule)
        for each in self.paths:
            if matches(each.path, path):
                left_out = (each.select and not any(covers(name, rule) for name in each.select)) or any(
                    covers(name, rule) for name in each.ignore
                )
                chosen = "off" if left_out else _of_rule(each.severity, rule) or chosen
        return chosen

    def asks(self, rule: str) -> bool:
        """Whether a rule is to be heard at all."""
        if self.select and not any(covers(each, rule) for each in self.select):
            return False
        if any(isinstance(each, str) and covers(each, rule) for each in self.ignore):
            return False
        return self.severity_of(rule) != "off"


def _of_rule(severity: Mapping[Rule, Level], rule: str) -> str | None:
    return severity.get(rule, severity.get(f"{rule.partition('/')[0]}/"))


def covers(name: str, rule: str) -> bool:
    """Whether a rule is the one of the name, or of the group that the name is (`breaks/`)."""
    return rule == name or (name.endswith("/") and rule.startswith(name))
