"""Files that others take in with psql's \\i and \\ir."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from re import MULTILINE
from re import compile as pattern

import msgspec

from schemalint.text import Source

COMMANDS = frozenset(("i", "include", "ir", "include_relative"))
INCLUDE = pattern(r"^[ \t]*\\(?P<command>i|ir|include|include_relative)[ \t]+(?P<argument>[^\r\n]+?)[ \t]*\r?$", MULTILINE)
DEEPEST = 50


class Included(msgspec.Struct, frozen=True):
    """A file that another takes in: `by` and `argument` are that one's path and the command's argument there."""

    by: str
    argument: str
    source: Source
    file: str  # where it is


def included_in(
    source: Source, file: str, folders: tuple[str, ...], read: Callable[[str], Source | None], around: tuple[str, ...] = ()
) -> Iterator[Included]:
    """What a source takes in, and what that takes in. What is not found, or leads back to itself, is left out.

    `folders` are those in which a relative path is looked for (psql looks in the one that it was started in); `read` gives
    a file's text where it may be read.
    """
    if "\\i" not in source.text or len(around) > DEEPEST:
        return
    for each in INCLUDE.finditer(source.text):
        relative = each["command"] in ("ir", "include_relative")
        for folder in (os.path.dirname(file), *(() if relative else folders)):
            path = os.path.normpath(os.path.join(folder, unquoted(each["argument"])))
            if path == file or path in around or not os.path.isfile(path):
                continue
            found = read(path)
            if found is not None:
                yield Included(source.path, each["argument"], found, path)
                yield from included_in(found, path, folders, read, (*around, file))
            break


def unquoted(argument: str) -> str:
    quoted = len(argument) > 1 and argument[0] == argument[-1] == "'"
    return argument[1:-1].replace("''", "'") if quoted else argument
