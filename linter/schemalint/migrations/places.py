"""Where the history is that some paths belong to."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from schemalint.migrations.files import inside, sql_files
from schemalint.migrations.layouts import USUAL_DUMPS, USUAL_FOLDERS
from schemalint.migrations.migration import HistoryError
from schemalint.migrations.names import IN_OWN_FOLDER, is_sql, named

NOTES_OF_A_KIND = 5
DUMPS = frozenset(each.rpartition("/")[2] for each in USUAL_DUMPS)

# Paths are strings here: pathlib costs more than reading the files does.


class Place(msgspec.Struct, frozen=True):
    """Where the history is, and the files or folders in it that are asked about (None: its newest state)."""

    root: str
    asked: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def shown(path: str, working: str) -> str:
    """A path as it is shown: relative to the working directory, with "/"."""
    try:
        relative = os.path.relpath(path, working)
    except ValueError:  # another drive
        relative = path
    return relative.replace(os.sep, "/")


def place_of(given: Sequence[str], configured: str | None, working: str) -> Place:
    if not given:
        root = configured or _usual_folder(working) or _usual_dump(working) or _nowhere(working)
        return Place(root, notes=() if configured else _other_folders(root, working))
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
        notes = some(others)
        roots = roots or {usual: []}
    if len(roots) > 1:
        names = ", ".join(shown(each, working) for each in sorted(roots)[:3])
        raise HistoryError(
            f"the paths belong to {len(roots)} histories ({names}): check one at a time, or configure `migrations`"
        )
    ((root, members),) = roots.items()
    whole = any(os.path.isdir(each) and inside(root, each) for each in members)
    return Place(root, None if whole else tuple(members), tuple(notes))


def _root_of(path: str, usual: str | None, configured: bool, working: str) -> str:
    """The folder of the history that a path belongs to; empty where it belongs to none."""
    if usual is not None and (inside(path, usual) or (configured and inside(usual, path))):
        return usual
    if os.path.isdir(path):
        return _root_of_folder(path)
    folder, file = os.path.split(path)
    if usual is None and file.lower() in DUMPS:
        return path
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
    there = _usual_folders(project)
    for each in there:
        if next(sql_files(each, ""), None) is not None:
            return each
    return next((each for each in there if each.endswith("migrations")), None)


def _usual_folders(project: str) -> list[str]:
    there = [each for name in USUAL_FOLDERS if os.path.isdir(each := os.path.join(project, *name.split("/")))]
    # Any project may deploy something.
    return [e for e in there if os.path.basename(e) != "deploy" or os.path.isfile(os.path.join(project, "sqitch.plan"))]


def _usual_dump(project: str) -> str | None:
    return next((e for name in USUAL_DUMPS if os.path.isfile(e := os.path.join(project, *name.split("/")))), None)


def _other_folders(root: str, working: str) -> tuple[str, ...]:
    """What is said of other folders in which migrations usually are."""
    others = [each for each in _usual_folders(working) if not inside(each, root) and not inside(root, each)]
    holding = [each for each in others if any(named(name).version for name in sql_files(each, ""))]
    return tuple(
        f"{shown(each, working)} holds migrations too and was not read: name one of the two folders, here or as `migrations` "
        "in the configuration"
        for each in holding
    )


def _nowhere(working: str) -> str:
    raise HistoryError(f"no folder of migrations found (looked for {', '.join(USUAL_FOLDERS[:4])} …): give one as an argument")


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def some(notes: Sequence[str]) -> list[str]:
    more = len(notes) - NOTES_OF_A_KIND
    return [*notes[:NOTES_OF_A_KIND], f"… and {more} more such"] if more > 1 else list(notes)
