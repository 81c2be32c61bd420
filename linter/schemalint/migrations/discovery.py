"""Finds the migrations that are meant, and reads them."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from schemalint.migrations.decode import Decoded, decode
from schemalint.migrations.layouts import USUAL_FOLDERS, layout_of
from schemalint.migrations.migration import History, HistoryError, Migration
from schemalint.migrations.names import IN_OWN_FOLDER, is_down, is_sql, named
from schemalint.migrations.sections import up_part
from schemalint.text import Source

if TYPE_CHECKING:
    from pathlib import Path

NOT_ENTERED = frozenset(("node_modules", "__pycache__", "venv", "target"))
NOTES_OF_A_KIND = 5

# Paths are strings here: pathlib costs more than reading the files does.


class Place(msgspec.Struct, frozen=True):
    """Where the history is, and the files or folders in it that are asked about (None: its newest state)."""

    root: str
    asked: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def discover(paths: Sequence[Path], directory: Path | None, working_directory: Path) -> tuple[History, frozenset[str] | None]:
    """The history that the paths belong to, and which of its migrations are asked about (None: its newest state).

    `directory` is the folder that the configuration names. Raises HistoryError.
    """
    working = os.path.abspath(working_directory)
    configured = os.path.join(working, directory) if directory is not None else None
    if configured is not None and not os.path.isdir(configured):
        raise HistoryError(f"{shown(configured, working)}: the configured folder of migrations does not exist")
    given = [os.path.normpath(os.path.join(working, each)) for each in paths]
    place = _place(given, configured, working)
    history = _history(place, working)
    if place.asked is None:
        return history, None
    asked = {shown(each, working) for each in place.asked}
    folders = tuple(each.rstrip("/") + "/" for each in asked)
    chosen = frozenset(each.path for each in history.migrations if each.path in asked or each.path.startswith(folders))
    others = sorted(each for each in asked - chosen if not os.path.isdir(os.path.join(working, each)))
    said = [f"{each} is none of the migrations and was not checked" for each in others]
    return msgspec.structs.replace(history, notes=(*_some(said), *history.notes)), chosen


def shown(path: str, working: str) -> str:
    """A path as it is shown: relative to the working directory, with "/"."""
    try:
        relative = os.path.relpath(path, working)
    except ValueError:  # another drive
        relative = path
    return relative.replace(os.sep, "/")


def _place(given: Sequence[str], configured: str | None, working: str) -> Place:
    if not given:
        return Place(configured or _usual_folder(working) or _nowhere(working))
    for each in given:
        if not os.path.exists(each):
            raise HistoryError(f"{shown(each, working)}: {'is a broken link' if os.path.islink(each) else 'does not exist'}")
    usual = configured or _usual_folder(working)
    roots: dict[str, list[str]] = defaultdict(list)
    for each in given:
        roots[_root_of(each, usual, configured is not None, working)].append(each)
    notes = []
    outside = roots.pop("", [])
    if outside:
        assert usual is not None
        others = [f"{shown(each, working)} is no migration of {shown(usual, working)} and was not checked" for each in outside]
        notes = _some(others)
        roots = roots or {usual: []}
    if len(roots) > 1:
        names = ", ".join(shown(each, working) for each in sorted(roots)[:3])
        raise HistoryError(
            f"the paths belong to {len(roots)} histories ({names}): check one at a time, or configure `migrations`"
        )
    ((root, members),) = roots.items()
    whole = any(os.path.isdir(each) and _inside(root, each) for each in members)
    return Place(root, None if whole else tuple(members), tuple(notes))


def _root_of(path: str, usual: str | None, configured: bool, working: str) -> str:
    """The folder of the history that a path belongs to; empty where it belongs to none."""
    if usual is not None and (_inside(path, usual) or (configured and _inside(usual, path))):
        return usual
    if os.path.isdir(path):
        return _root_of_folder(path)
    folder, file = os.path.split(path)
    if file.lower() in IN_OWN_FOLDER and named(os.path.basename(folder) + ".sql").version:
        return os.path.dirname(folder)
    # A hook hands over every SQL file that is committed: seeds and queries are not the start of a history of their own.
    if usual is not None and (configured or not named(file).version):
        return ""
    return folder


def _root_of_folder(path: str) -> str:
    """A folder itself, the one that a project usually has in it, or the one above where it is that of a single migration."""
    inner = _usual_folder(path)
    if inner is not None and not any(is_sql(each) for each in _names(path)):
        return inner
    own = any(each.lower() in IN_OWN_FOLDER for each in _names(path))
    return os.path.dirname(path) if own and named(os.path.basename(path) + ".sql").version else path


def _usual_folder(project: str) -> str | None:
    """The first of the usual folders that holds SQL, or else the first that is there."""
    there = [each for name in USUAL_FOLDERS if os.path.isdir(each := os.path.join(project, *name.split("/")))]
    for each in there:
        if next(_sql_files(each, ""), None) is not None:
            return each
    return next((each for each in there if each.endswith("migrations")), None)


def _nowhere(working: str) -> str:
    raise HistoryError(f"no folder of migrations found (looked for {', '.join(USUAL_FOLDERS[:4])} …): give one as an argument")


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _sql_files(folder: str, prefix: str) -> Iterator[str]:
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
        raise HistoryError(f"{folder}: {_reason(error)}") from error
    for name in below:
        yield from _sql_files(os.path.join(folder, name), f"{prefix}{name}/")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _history(place: Place, working: str) -> History:
    root = place.root if os.path.isdir(place.root) else os.path.dirname(place.root)
    prefix = shown(root, working)
    start = "" if prefix == "." else prefix.rstrip("/") + "/"
    files = list(_sql_files(root, ""))
    layout, members = layout_of([each for each in files if not is_down(each)])
    notes = [*place.notes, *_left_out(files, members, start)]
    if not members:
        notes.append(f"{prefix} holds no migrations")
    versions: dict[str, list[str]] = defaultdict(list)
    migrations = []
    for what, member in sorted(((named(each), each) for each in members), key=lambda each: each[0].order):
        file = os.path.join(root, *member.split("/"))
        # From inside the history its paths are shorter than the folder and the rest.
        path = shown(file, working) if start.startswith("../") else start + member
        read = _read(file, path, (root, working))
        if isinstance(read, str):
            if place.asked is not None and file in place.asked:
                raise HistoryError(f"{path} {read}")
            notes.append(f"{path} {read}")
            continue
        part = up_part(read.text)
        if read.note is not None:
            notes.append(f"{path} {read.note}")
        if what.version:
            versions[what.version].append(path)
        migrations.append(Migration(path, what.version, what.name, Source(path, part.text), part.transactional))
    notes.extend(_some([_twice(version, each) for version, each in versions.items() if len(each) > 1]))
    return History(prefix, layout, tuple(migrations), tuple(notes))


def _read(path: str, name: str, allowed: Sequence[str]) -> Decoded | str:
    """A file's text, or why it is left out. Raises HistoryError: without one of its migrations a history means nothing."""
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            # A pull request may hold links to anything on the machine that checks it.
            target = os.path.realpath(path)
            if not any(_inside(target, os.path.realpath(each)) for each in allowed):
                return "is a link to a file elsewhere and was not read"
            mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            return "is no regular file and was not read"
        with open(path, "rb", buffering=0) as file:
            return decode(file.read())
    except OSError as error:
        raise HistoryError(f"{name}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    return f"cannot be read ({(error.strerror or str(error)).lower()})"


def _left_out(files: Sequence[str], members: Sequence[str], start: str) -> list[str]:
    """What is said of the SQL files of the folder that are not read."""
    read = set(members)
    versions = {named(each).version for each in members} if len(files) > len(members) else set()
    lone = [each for each in files if is_down(each) and _version_of_down(each) not in versions]
    notes = [f"{start}{each} is named like the way back of a migration and was not read" for each in sorted(lone)]
    others = sum(each not in read and not is_down(each) for each in files)
    if others and members:
        notes.append(f"{others} SQL {'file' if others == 1 else 'files'} elsewhere below {start or './'} not read")
    return _some(notes)


def _version_of_down(path: str) -> str:
    folder, _, file = path.rpartition("/")
    return named(folder.rpartition("/")[2] if file.lower() == "down.sql" else file.lstrip("U")).version


def _twice(version: str, paths: Sequence[str]) -> str:
    return f"version {version} stands {len(paths)} times, read in this order: {', '.join(paths[:NOTES_OF_A_KIND])}"


def _some(notes: Sequence[str]) -> list[str]:
    more = len(notes) - NOTES_OF_A_KIND
    return [*notes[:NOTES_OF_A_KIND], f"… and {more} more such"] if more > 1 else list(notes)
