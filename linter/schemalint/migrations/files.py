"""The files of a folder, as far as they may be read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from schemalint.migrations.decode import Decoded, decode
from schemalint.migrations.migration import HistoryError
from schemalint.migrations.names import is_sql

NOT_ENTERED = frozenset(("node_modules", "__pycache__", "venv", "target"))


def inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def sql_files(folder: str, prefix: str) -> Iterator[str]:
    """The SQL files below a folder, as paths relative to it with "/". Links to folders are not followed."""
    below = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if is_sql(name):
                    if not _is_folder(entry):
                        yield prefix + name
                elif not name.startswith(".") and name not in NOT_ENTERED and entry.is_dir(follow_symlinks=False):
                    below.append(name)
    except OSError as error:
        raise HistoryError(f"{folder}: {reason_of(error)}") from error
    for name in below:
        yield from sql_files(os.path.join(folder, name), f"{prefix}{name}/")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def read_file(path: str, name: str, allowed: Sequence[str]) -> Decoded | str:
    """A file's text, or why it is left out. Raises HistoryError: without one of its migrations a history means nothing."""
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            # A pull request may hold links to anything on the machine that checks it.
            target = os.path.realpath(path)
            if not any(inside(target, os.path.realpath(each)) for each in allowed):
                return "is a link to a file elsewhere and was not read"
            mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            return "is no regular file and was not read"
        with open(path, "rb", buffering=0) as file:
            return decode(file.read())
    except OSError as error:
        raise HistoryError(f"{name}: {reason_of(error)}") from error


def reason_of(error: OSError) -> str:
    return f"cannot be read ({(error.strerror or str(error)).lower()})"
