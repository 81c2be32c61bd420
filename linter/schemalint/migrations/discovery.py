"""Finds the migrations that are meant, and reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from schemalint.migrations.dumps import versions_in
from schemalint.migrations.files import inside, read_file, sql_files
from schemalint.migrations.folder import Folder
from schemalint.migrations.includes import included_in
from schemalint.migrations.layouts import Layout, layout_of
from schemalint.migrations.migration import History, HistoryError, Migration
from schemalint.migrations.names import base_of, is_down, named
from schemalint.migrations.notes import on_files, on_versions
from schemalint.migrations.placeholders import configured_by, filled
from schemalint.migrations.places import Place, place_of, shown, some
from schemalint.migrations.plans import JournalError
from schemalint.migrations.sections import up_part
from schemalint.text import Source

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Stated", "discover", "shown"]


class Stated(msgspec.Struct, frozen=True):
    """What the configuration says of the migrations, besides their folder."""

    layout: str | None = None
    placeholders: Mapping[str, str] = MappingProxyType({})
    starting_state: Path | None = None  # absolute, or relative to the working directory


NOTHING_STATED = Stated()


def discover(
    paths: Sequence[Path], directory: Path | None, working_directory: Path, stated: Stated = NOTHING_STATED
) -> tuple[History, frozenset[str] | None]:
    """The history that the paths belong to, and which of its migrations are asked about (None: its newest state).

    `directory` is the folder that the configuration names. Raises HistoryError.
    """
    working = os.path.abspath(working_directory)
    configured = os.path.join(working, directory) if directory is not None else None
    if configured is not None and not os.path.isdir(configured):
        raise HistoryError(f"{shown(configured, working)}: the configured folder of migrations does not exist")
    given = [os.path.normpath(os.path.join(working, each)) for each in paths]
    place = place_of(given, configured, working)
    history = _history(place, working, stated)
    if place.asked is None:
        return history, None
    asked = {shown(each, working) for each in place.asked}
    folders = tuple(each.rstrip("/") + "/" for each in asked)
    chosen = frozenset(each.path for each in history.migrations if _is_asked(each, asked, folders))
    met = chosen | {source for each in history.migrations for source in _paths_of(each)}
    others = sorted(each for each in asked - met if not os.path.isdir(os.path.join(working, each)))
    said = [f"{each} is none of the migrations and was not checked" for each in others]
    return msgspec.structs.replace(history, notes=(*some(said), *history.notes)), chosen


def _is_asked(migration: Migration, asked: set[str], folders: tuple[str, ...]) -> bool:
    """A migration is asked about, too, by the name of a file that it takes in."""
    return any(each in asked or each.startswith(folders) for each in _paths_of(migration))


def _paths_of(migration: Migration) -> Iterator[str]:
    yield migration.path
    yield from (each.source.path for each in migration.included)


class _Reader:
    """Reads the files of one history: each once, and what is to be said of it."""

    def __init__(self, place: Place, root: str, working: str, layout: Layout | None, stated: Stated) -> None:
        self.notes: list[str] = []
        self._place, self._root, self._working, self._layout = place, root, working, layout
        self._placeholders = stated.placeholders
        self._sources: dict[str, Source | None] = {}

    def source(self, file: str, path: str) -> Source | None:
        read = read_file(file, path, (self._root, self._working))
        if isinstance(read, str):
            if self._place.asked is not None and file in self._place.asked:
                raise HistoryError(f"{path} {read}")
            self.notes.append(f"{path} {read}")
            return None
        if read.note is not None:
            self.notes.append(f"{path} {read.note}")
        return Source(path, read.text)

    def included(self, file: str) -> Source | None:
        """A file that another takes in; it has to be in the project."""
        if not any(inside(os.path.realpath(file), os.path.realpath(each)) for each in (self._root, self._working)):
            return None
        if file not in self._sources:
            self._sources[file] = self.source(file, shown(file, self._working))
        return self._sources[file]

    def migration(self, file: str, path: str, member: str) -> Migration | None:
        source = self.source(file, path)
        if source is None:
            return None
        layout, what = self._layout, named(member)
        if layout is not None and layout.placeholders:
            source, missing = filled(source, self._placeholders)
            self.notes.extend(f"{path}: the placeholder ${{{each}}} has no value" for each in missing)
        habit = layout.transaction if layout is not None else "where possible"
        part = up_part(source.text, habit, ways=layout is not None and layout.name == "node-pg-migrate")
        if part.text != source.text:
            source = Source(path, part.text)
        included = tuple(included_in(source, file, (self._working, self._root), self.included))
        transactional = part.transactional and not _opted_out(file, layout)
        shares = layout is not None and layout.shares_session
        return Migration(path, what.version, what.name, source, transactional, shares, included)


def _opted_out(file: str, layout: Layout | None) -> bool:
    """Diesel says in a file beside the migration that it runs without a transaction."""
    if layout is None or layout.name != "diesel":
        return False
    metadata = Folder(os.path.dirname(file), ()).text_of("metadata.toml")
    return "run_in_transaction=false" in "".join(metadata.split())


def _history(place: Place, working: str, stated: Stated) -> History:
    alone = not os.path.isdir(place.root)
    root = os.path.dirname(place.root) if alone else place.root
    prefix = shown(root, working)
    start = "" if prefix == "." else prefix.rstrip("/") + "/"
    files = [os.path.basename(place.root)] if alone else list(sql_files(root, ""))
    folder = Folder(root, tuple(each for each in files if not is_down(each)))
    layout, members = _layout_of(folder, stated, prefix)
    if layout is not None and layout.placeholders:
        given = MappingProxyType(configured_by(folder) | dict(stated.placeholders))
        stated = msgspec.structs.replace(stated, placeholders=given)
    reader = _Reader(place, root, working, layout, stated)
    migrations = []
    for member in _ordered(members, layout):
        file = os.path.join(root, *member.split("/"))
        # From inside the history its paths are shorter than the folder and the rest.
        path = shown(file, working) if start.startswith("../") else start + member
        if layout is not None and layout.order == "given" and not os.path.isfile(file):
            reader.notes.append(f"{path} is listed by {layout.name} and is not there")
            continue
        migration = reader.migration(file, path, member)
        if migration is not None:
            migrations.append(migration)
    migrations = _not_taken_in(migrations)
    notes = [*place.notes, *on_files(files, members, start)]
    if not members:
        notes.append(f"{prefix} holds no migrations")
    if stated.starting_state is not None:
        migrations, said = _started(migrations, os.path.join(working, stated.starting_state), reader, working)
        notes.extend(said)
    notes.extend([*reader.notes, *on_versions(migrations)])
    late = layout.late if layout is not None else "unknown"
    return History(prefix, layout.name if layout is not None else "empty", tuple(migrations), tuple(notes), late)


def _layout_of(folder: Folder, stated: Stated, prefix: str) -> tuple[Layout | None, list[str]]:
    try:
        layout, members = layout_of(folder, stated.layout)
    except JournalError as error:
        raise HistoryError(f"{prefix}: {error}") from error
    if layout is None and stated.layout is not None and folder.files:
        raise HistoryError(f"{prefix}: holds nothing that {stated.layout} would run; leave `layout` out to have it found")
    return layout, members


def _ordered(members: Sequence[str], layout: Layout | None) -> Sequence[str]:
    if layout is not None and layout.order == "given":
        return members
    if layout is not None and layout.order == "name":
        return sorted(members)
    return sorted(members, key=lambda each: named(each).order)


def _not_taken_in(migrations: list[Migration]) -> list[Migration]:
    """Without the files that run as part of others."""
    taken = {each.source.path for migration in migrations for each in migration.included}
    return [each for each in migrations if each.path not in taken or each.version] if taken else migrations


def _started(migrations: list[Migration], file: str, reader: _Reader, working: str) -> tuple[list[Migration], list[str]]:
    """The history from a dump on: what the dump says to be in it has run already."""
    path = shown(file, working)
    if not os.path.isfile(file):
        raise HistoryError(f"{path}: the configured starting state does not exist")
    source = reader.source(file, path)
    if source is None:
        raise HistoryError(f"{path}: the configured starting state cannot be read")
    done = versions_in(source.text)
    left = [each for each in migrations if each.version not in done and each.path != path]
    note = f"{len(migrations) - len(left)} migrations are part of {path} and were not read again"
    first = Migration(path, "", base_of(path), source, transactional=False)
    return [first, *left], [note] if len(left) < len(migrations) else []
