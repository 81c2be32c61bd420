"""Which migrations a run is about: those of the paths, of a branch, of the index, or one from standard input."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from schemalint.commands.output import CommandError
from schemalint.commands.project import discovered, read_history, working_directory

if TYPE_CHECKING:
    from schemalint.configuration import Configuration
    from schemalint.migrations.migration import History

Asked = tuple["History", frozenset[str] | None]
STANDARD_INPUT = Path("-")


def read_asked(
    paths: tuple[Path, ...], configuration: Configuration, since: str | None, staged: bool, stdin_filename: Path | None
) -> Asked:
    """The history, and the migrations in it that are asked about. Raises CommandError."""
    ways = [since is not None, staged, STANDARD_INPUT in paths or stdin_filename is not None]
    if sum(ways) > 1:
        raise CommandError("--since, --staged and standard input are ways to say what is asked about: choose one")
    if ways[2]:
        return _standard_input(paths, configuration, stdin_filename)
    if since is not None:
        return _since(paths, configuration, since)
    return _staged(paths, configuration) if staged else read_history(paths, configuration)


def _since(paths: tuple[Path, ...], configuration: Configuration, revision: str) -> Asked:
    from schemalint.commands.git import changed_since

    history, within = read_history(paths, configuration)
    files = changed_since(revision, working_directory())
    changed = _shown(files.there, working_directory())
    asked = frozenset(
        each.path for each in history.migrations if each.path in changed and (within is None or each.path in within)
    )
    late = _late(history, _shown(files.new, working_directory()))
    return _with_notes(history, [*_gone(files.gone, history), *late]), asked


LATE = {
    "applied": "{layout} applies it after that one, though it was read before it here",
    "refused": "{layout} refuses it, unless it is told otherwise",
    "never applied": "{layout} never applies it to a database that has run that one",
    "unknown": "some tools refuse it, and others never apply it",
}


def _late(history: History, new: set[str]) -> Iterator[str]:
    """What becomes of new migrations that are older than others which are there already."""
    newest = None
    for each in reversed(history.migrations):
        if not each.version:
            continue
        if each.path not in new:
            newest = newest or each
        elif newest is not None and each.version != newest.version:
            said = LATE[history.late].format(layout=history.layout)
            yield f"{each.path} is new, and older than {newest.path}: {said}"


def _gone(files: list[Path], history: History) -> list[str]:
    root = os.path.abspath(working_directory() / history.root)
    names = [each for each in files if str(each).startswith(root + os.sep) and each.suffix.lower() == ".sql"]
    return [
        f"{each} is deleted: a database that has run it already is not what is modelled here"
        for each in sorted(_shown(names, working_directory()))
    ]


def _shown(files: list[Path], working: Path) -> set[str]:
    real = os.path.realpath(working)
    return {os.path.relpath(os.path.realpath(each.parent) + os.sep + each.name, real).replace(os.sep, "/") for each in files}


def _with_notes(history: History, notes: list[str]) -> History:
    if not notes:
        return history
    import msgspec

    return msgspec.structs.replace(history, notes=(*history.notes, *notes))


def _staged(paths: tuple[Path, ...], configuration: Configuration) -> Asked:
    from schemalint.commands.git import staged

    working = Path(os.path.realpath(working_directory()))
    top, changed, texts = staged(working)
    real_top = Path(os.path.realpath(top))
    with _copy({real_top / name: text for name, text in texts.items()}, real_top) as copied:
        history, within = _read_in(copied, real_top, working, paths, configuration)
    names = _shown(changed.there, working)
    asked = frozenset(m.path for m in history.migrations if m.path in names and (within is None or m.path in within))
    return _with_notes(history, list(_late(history, _shown(changed.new, working)))), asked


def _standard_input(paths: tuple[Path, ...], configuration: Configuration, name: Path | None) -> Asked:
    """The text as the migration of that name, among the others of its history; by itself where it has no name."""
    text = sys.stdin.buffer.read() if sys.stdin is not None else b""
    working = Path(os.path.realpath(working_directory()))
    others = tuple(each for each in paths if each != STANDARD_INPUT)
    if others:
        raise CommandError("standard input is the one thing that is asked about: leave the other paths out")
    if name is None:
        alone = working / "standard input.sql"
        with _copy({alone: text}, working) as copied:
            history, _ = _read_in(copied, working, working, (alone.relative_to(working),), configuration, configured=False)
        return history, frozenset(each.path for each in history.migrations)
    place = Path(os.path.normpath(working / name))
    if os.path.isdir(place):
        raise CommandError(f"--stdin-filename {name}: is a folder, where the name of a migration is asked for")
    folder = place.parent if configuration.migrations is None else working / configuration.migrations
    top = Path(os.path.commonpath((working, place.parent)))
    with _copy({**_files_below(folder), place: text}, top) as copied:
        history, _ = _read_in(copied, top, working, (Path(os.path.relpath(place, working)),), configuration)
    return history, frozenset(each.path for each in history.migrations if each.path in _shown([place], working))


def _files_below(folder: Path) -> dict[Path, bytes]:
    """What can belong to a history in a folder, as its own discovery would look there. Raises CommandError."""
    from schemalint.commands.git import is_read
    from schemalint.migrations.files import NOT_ENTERED

    files: dict[Path, bytes] = {}
    for directory, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".") and each not in NOT_ENTERED]
        for path in (Path(directory, each) for each in names if is_read(os.fsencode(each))):
            # A link may lead to anything on the machine.
            if path.is_file() and Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
                try:
                    files[path] = path.read_bytes()
                except OSError as error:
                    raise CommandError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    return files


@contextmanager
def _copy(files: Mapping[Path, bytes], top: Path) -> Iterator[Path]:
    """A folder with these files, each where it stands below the top."""
    folder = tempfile.mkdtemp(prefix="schemalint-")
    try:
        for file, text in files.items():
            if file.is_relative_to(top):
                target = Path(folder) / file.relative_to(top)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(text)
        yield Path(os.path.realpath(folder))
    except OSError as error:
        raise CommandError(f"the migrations cannot be copied to {folder} ({(error.strerror or str(error)).lower()})") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read_in(
    copied: Path, top: Path, working: Path, paths: tuple[Path, ...], configuration: Configuration, configured: bool = True
) -> Asked:
    """The history as it stands in a copy, with the paths that it has in the working tree."""
    inside = copied / working.relative_to(top)
    inside.mkdir(parents=True, exist_ok=True)
    directory = configuration.migrations if configured else None
    if directory is not None:
        wanted = Path(os.path.normpath(working / directory))
        directory = copied / wanted.relative_to(top) if wanted.is_relative_to(top) else wanted
    return discovered(paths, directory, inside, configuration)
