"""What the names of migration files say: versions, directions, kinds."""

from __future__ import annotations

from re import IGNORECASE
from re import compile as pattern

import msgspec

FLYWAY = pattern(r"(?P<kind>[VBUR])(?P<version>\d+(?:[._]\d+)*)?__(?P<name>.*)")
SUPABASE = pattern(r"\d+_.*\.sql$")
# 2025-11-01-120000_x, 2025_11_01_120000_x, 2025-11-01T12-00-00_x
DATED = pattern(r"(?P<version>(?:19|20)\d\d([-_.])\d\d\2\d\d(?:[-_.T]\d+)*)(?:[-_. ]+(?P<name>.*))?$")
NUMBERED = pattern(r"(?P<version>\d+(?:\.\d+)*)(?:[-_. ]*(?P<name>.*))?$")
DATE = pattern(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{0,9}")
DATE_DIGITS = 17  # a year down to its milliseconds
DIGITS = pattern(r"\d+")
EXTENSION = pattern(r"(?:\.up)?\.sql$", IGNORECASE)
DOWN = pattern(r"(?:^down|[._-]down|\.undo|\.rollback)\.sql$", IGNORECASE)
# Layouts with a folder for each migration give the file in it one of these names.
IN_OWN_FOLDER = frozenset(("migration.sql", "up.sql"))

Order = tuple[int, tuple[int, ...], str]


class Named(msgspec.Struct, frozen=True):
    """What a name says."""

    version: str
    name: str
    order: Order  # versions by their numbers, then what has none, then what is applied again and again


def base_of(path: str) -> str:
    """The name of the file itself."""
    return path.rpartition("/")[2]


def is_sql(path: str) -> bool:
    return path[-4:].lower() == ".sql"


def is_down(path: str) -> bool:
    """Whether a file takes a migration back; nobody applies it on the way to the newest state."""
    file = base_of(path)
    flyway = FLYWAY.match(file)
    return DOWN.search(file) is not None or (flyway is not None and flyway["kind"] == "U" and flyway["version"] is not None)


def named(path: str) -> Named:
    """What the name of a migration says: of its file, or of the folder that it has for itself."""
    folder, _, file = path.rpartition("/")
    if file.lower() in IN_OWN_FOLDER and folder:
        return _named(folder.rpartition("/")[2], path)
    return _named(EXTENSION.sub("", file), path)


def _named(stem: str, path: str) -> Named:
    flyway = FLYWAY.match(stem)
    if flyway is not None and flyway["kind"] == "R" and flyway["version"] is None:
        return Named("", flyway["name"], (2, (), path))
    if flyway is not None and flyway["version"] is not None:
        version = flyway["version"]
        return Named(version, flyway["name"], (0, _numbers(version), path))
    match = DATED.match(stem) or NUMBERED.match(stem)
    if match is None:
        return Named("", stem, (1, (), path))
    return Named(match["version"], match["name"] or "", (0, _numbers(match["version"]), path))


def _numbers(version: str) -> tuple[int, ...]:
    """A version's numbers. Dates of different length compare as dates, and a bare day comes after the times in it, as the
    tools that compare names have it."""
    digits = "".join(DIGITS.findall(version))
    if DATE.fullmatch(digits):
        return (int(digits.ljust(DATE_DIGITS, "9")),)
    return _without_trailing_zeros([int(each) for each in DIGITS.findall(version)])


def _without_trailing_zeros(numbers: list[int]) -> tuple[int, ...]:
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
