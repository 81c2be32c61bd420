"""Lists in which a tool keeps the order of its migrations: Drizzle's journal, Sqitch's plan."""

from __future__ import annotations

from re import MULTILINE
from re import compile as pattern
from typing import Any

import msgspec

JOURNAL = "meta/_journal.json"
# A change, its dependencies, when and by whom; a line of its own for a tag (https://sqitch.org/docs/manual/sqitchtutorial).
PLAN_LINE = pattern(r"^[ \t]*(?P<change>[^\s@%#\[][^\s\[]*)|^[ \t]*@(?P<tag>\S+)", MULTILINE)


class JournalError(Exception):
    """The journal is none; its message says why."""


def journal_entries(text: str) -> list[str]:
    """The files that Drizzle's journal lists, in its order. Raises JournalError."""
    try:
        entries: Any = msgspec.json.decode(text)["entries"]
        ordered = sorted(entries, key=lambda each: each["idx"])
        return [f"{each['tag']}.sql" for each in ordered]
    except (msgspec.DecodeError, KeyError, TypeError, IndexError) as error:
        raise JournalError(f"cannot be read as a journal of Drizzle's ({error})") from error


def planned_changes(text: str) -> list[str]:
    """The names of a plan's scripts, in its order.

    A change that stands twice has been reworked: the script of the earlier one bears the name of the first tag after it.
    """
    names: list[str] = []
    waiting: list[int] = []  # places of changes that no tag has followed yet
    tags: dict[int, str] = {}
    for line in PLAN_LINE.finditer(text):
        if line["tag"] is not None:
            tags.update(dict.fromkeys(waiting, line["tag"]))
            waiting = []
        else:
            waiting.append(len(names))
            names.append(line["change"])
    last = {name: place for place, name in enumerate(names)}
    return [
        f"{name}.sql" if last[name] == place or place not in tags else f"{name}@{tags[place]}.sql"
        for place, name in enumerate(names)
    ]
