"""The configuration's file: where it is looked for, and how it is read."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from schemalint.configuration.entries import LARGEST, Entry, entries_of_toml, entries_of_yaml
from schemalint.configuration.errors import ConfigurationError, EntryError
from schemalint.configuration.settings import Configuration, Key, Settings
from schemalint.text import Source

FILE_NAMES = (".schemalint.yml", ".schemalint.yaml")
PROJECT_FILE = "pyproject.toml"  # of many tools; ours where it has the table
MENTION = b"schemalint"


def configuration_for(working_directory: Path, file: Path | None = None) -> Configuration:
    """The configuration in force: the file named, or the nearest one up to the repository's root. Raises ConfigurationError."""
    path = working_directory / file if file is not None else find(working_directory)
    return Configuration() if path is None else read(path, _shown(path, working_directory))


def find(working_directory: Path) -> Path | None:
    """The nearest file, in the directory or one above it. Above the repository, and outside of one, nothing is looked at.

    Raises ConfigurationError where a folder has two.
    """
    searched = []
    for folder in (working_directory, *working_directory.parents):
        searched.append(folder)
        if (folder / ".git").exists():
            break
    else:
        searched = [working_directory]
    for folder in searched:
        found = [each for name in FILE_NAMES if (each := folder / name).is_file()]
        found += [each for each in (folder / PROJECT_FILE,) if _has_table(each, working_directory)]
        if len(found) > 1:
            names = " and ".join(_shown(each, working_directory) for each in found)
            raise ConfigurationError(f"{names} both configure schemalint: keep one of them")
        if found:
            return found[0]
    return None


def _has_table(path: Path, working_directory: Path) -> bool:
    """Whether a pyproject.toml has our table. One that is broken says so only where it speaks of schemalint."""
    try:
        if not path.is_file() or MENTION not in path.read_bytes():
            return False
    except OSError:
        return False
    return _entry(path, _text(path, _shown(path, working_directory)), _shown(path, working_directory)) is not None


def read(path: Path, shown: str) -> Configuration:
    """The configuration in a file. Raises ConfigurationError."""
    text = _text(path, shown)
    root = _entry(path, text, shown)
    if root is None:
        return Configuration()
    try:
        return configuration_in(root, Source(shown, text), path.parent)
    except EntryError as error:
        raise ConfigurationError(f"{shown}:{error.line}: {error}") from error


def _text(path: Path, shown: str) -> str:
    try:
        if not path.is_file():
            raise ConfigurationError(f"{shown}: {'not a file' if path.exists() else 'does not exist'}")
        if path.stat().st_size > LARGEST:
            raise ConfigurationError(f"{shown}: larger than {LARGEST:,} bytes")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{shown}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{shown}: not UTF-8") from error


def _entry(path: Path, text: str, shown: str) -> Entry | None:
    try:
        return entries_of_toml(text) if path.suffix == ".toml" else entries_of_yaml(text)
    except EntryError as error:
        raise ConfigurationError(f"{shown}:{error.line}: {error}") from error


def parse(text: str, folder: Path, shown: str = ".schemalint.yml") -> Configuration:
    """The configuration in a text of YAML; paths in it are relative to the folder. Raises EntryError."""
    root = entries_of_yaml(text)
    return Configuration() if root is None else configuration_in(root, Source(shown, text), folder)


def configuration_in(root: Entry, source: Source, folder: Path) -> Configuration:
    """The configuration that an entry spells. Raises EntryError."""
    from schemalint.configuration.reading import settings_in

    lines: dict[Key, int] = {}
    settings: Settings = settings_in(root, Settings, lines)
    values = msgspec.structs.asdict(settings)
    for name in ("migrations", "baseline", "starting_state"):
        if values[name] is not None:
            values[name] = folder / values[name]
    configuration = Configuration(**values, source=source, lines=lines)
    _check_mirrors(configuration)
    return configuration


def _check_mirrors(configuration: Configuration) -> None:
    seen = set()
    for number, each in enumerate(configuration.mirrors):
        names = tuple(".".join(configuration.qualified(name)) for name in (each.source, each.target))
        if names in seen:
            line = configuration.line("mirrors", number)
            raise EntryError(line, f"the sync from {names[0]} to {names[1]} is declared twice")
        seen.add(names)


def _shown(path: Path, working_directory: Path) -> str:
    try:
        return os.path.relpath(path, working_directory).replace(os.sep, "/")
    except ValueError:  # another drive
        return str(path)
