"""Flyway's placeholders: ${name} stands for a value that its configuration gives.

Source: https://documentation.red-gate.com/flyway, "Placeholders". Names are compared without case.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from re import IGNORECASE, MULTILINE
from re import compile as pattern

from schemalint.migrations.folder import Folder
from schemalint.text import Edit, Source

PLACEHOLDER = pattern(r"\$\{(?P<name>[^${}\s]+)\}")
SETTING = pattern(
    r"^[ \t]*flyway\.placeholders\.(?P<name>[^=\s]+)[ \t]*=[ \t]*(?P<value>[^\r\n]*?)[ \t]*\r?$", MULTILINE | IGNORECASE
)
# What Flyway says by itself.
BUILT_IN = {"flyway:defaultschema": "public", "flyway:user": "postgres", "flyway:database": "postgres"}
FILES = ("flyway.conf", "conf/flyway.conf")


def configured_by(folder: Folder) -> dict[str, str]:
    """The placeholders that Flyway's own configuration near the migrations gives."""
    found: dict[str, str] = {}
    for name in FILES:
        for text in folder.above(name):
            found = {each["name"]: each["value"] for each in SETTING.finditer(text)} | found
    for text in folder.above("flyway.toml"):
        found = _of_toml(text) | found
    return found


def _of_toml(text: str) -> dict[str, str]:
    try:
        flyway = tomllib.loads(text).get("flyway")
    except tomllib.TOMLDecodeError:
        return {}
    placeholders = flyway.get("placeholders") if isinstance(flyway, dict) else None
    return {str(name): str(value) for name, value in placeholders.items()} if isinstance(placeholders, dict) else {}


def filled(source: Source, values: Mapping[str, str]) -> tuple[Source, list[str]]:
    """The source as Flyway runs it, and the names of the placeholders that have no value."""
    if "${" not in source.text:
        return source, []
    known = BUILT_IN | {name.lower(): value for name, value in values.items()}
    pieces: list[str] = []
    edits: list[Edit] = []
    missing: list[str] = []
    length = read = 0
    for each in PLACEHOLDER.finditer(source.text):
        value = known.get(each["name"].lower())
        if value is None:
            missing.append(each["name"])
            continue
        before = source.text[read : each.start()]
        length += len(before)
        pieces += (before, value)
        edits.append(Edit(length, length + len(value), each.end() - each.start()))
        length += len(value)
        read = each.end()
    text = "".join((*pieces, source.text[read:]))
    return Source(source.path, text, source.text, tuple(edits)), sorted(set(missing))
