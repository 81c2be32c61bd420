"""`.schemalint.yml`: found, read and validated.

What is validated are YAML's nodes, not values: they know their lines, and `off` stays the word that was written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from re import compile as pattern
from types import MappingProxyType
from typing import Any

import msgspec

FILE_NAMES = (".schemalint.yml", ".schemalint.yaml")
LARGEST = 1_000_000  # bytes
DEEPEST = 10  # nested collections
OLDEST, NEWEST = 12, 18  # versions of PostgreSQL
SEVERITIES = ("error", "warning", "info", "off")
THRESHOLDS = ("error", "warning", "info", "never")
NUMBER = pattern(r"\d{1,9}")
STRING_TAG = "tag:yaml.org,2002:str"
INTEGER_TAG = "tag:yaml.org,2002:int"


class ConfigurationError(Exception):
    """The configuration cannot be used; its message is one line for the user."""


class Configuration(msgspec.Struct, frozen=True):
    """What a project says about itself."""

    migrations: Path | None = None  # the folder
    severity: Mapping[str, str] = MappingProxyType({})  # of a rule or a group: error, warning, info or off
    postgres: int = NEWEST
    search_path: tuple[str, ...] = ("$user", "public")  # the database's default
    fail_on: str = "error"


class EntryError(Exception):
    """What is wrong with a part of the file, and in which line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Entry(msgspec.Struct, frozen=True):
    """A piece of the file: a word, a list of entries, or a mapping as pairs of them."""

    line: int
    word: str | None = None
    tag: str = ""  # what YAML takes the word for
    items: tuple[Entry, ...] | None = None
    pairs: tuple[tuple[Entry, Entry], ...] | None = None

    def __str__(self) -> str:
        if self.word is None:
            return "a mapping" if self.items is None else "a list"
        return repr(self.word) if self.word else "nothing"


def configuration_for(working_directory: Path, file: Path | None = None) -> Configuration:
    """The configuration in force: the file named, or the nearest one up to the repository's root. Raises ConfigurationError."""
    path = working_directory / file if file is not None else find(working_directory)
    return Configuration() if path is None else read(path, _shown(path, working_directory))


def find(working_directory: Path) -> Path | None:
    """The nearest file, in the directory or one above it. Above the repository, and outside of one, nothing is looked at."""
    searched = []
    for folder in (working_directory, *working_directory.parents):
        searched.append(folder)
        if (folder / ".git").exists():
            break
    else:
        searched = [working_directory]
    return next((each for folder in searched for name in FILE_NAMES if (each := folder / name).is_file()), None)


def read(path: Path, shown: str) -> Configuration:
    """The configuration in a file. Raises ConfigurationError."""
    try:
        if not path.is_file():
            raise ConfigurationError(f"{shown}: {'not a file' if path.exists() else 'does not exist'}")
        if path.stat().st_size > LARGEST:
            raise ConfigurationError(f"{shown}: larger than {LARGEST:,} bytes")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{shown}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{shown}: not UTF-8") from error
    try:
        return parse(text, path.parent)
    except EntryError as error:
        raise ConfigurationError(f"{shown}:{error.line}: {error}") from error


def parse(text: str, folder: Path) -> Configuration:
    """The configuration in a text; paths in it are relative to the folder. Raises EntryError."""
    root = _composed(text)
    if root is None:
        return Configuration()
    values: dict[str, Any] = {}
    for name, (key, value) in _mapping(root, "the configuration").items():
        reader = READERS.get(name)
        if reader is None:
            raise EntryError(key.line, f"unknown key {name!r}{_suggestion(name, list(READERS))}")
        values[name] = reader(value, name)
    if "migrations" in values:
        values["migrations"] = folder / values["migrations"]
    return Configuration(**values)


def _composed(text: str) -> Entry | None:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        # Events come one by one. A tree of aliases, or of brackets in brackets, is turned away before it is built.
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise EntryError(_line(event.start_mark), "aliases (*name) are not allowed here")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise EntryError(_line(event.start_mark), "nested too deeply")
        root = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise EntryError(_line(getattr(error, "problem_mark", None)), f"not valid YAML: {problem}") from error
    return None if root is None else _entry(root)


def _line(mark: Any) -> int:
    return 1 if mark is None else int(mark.line) + 1


def _entry(node: Any) -> Entry:
    line = _line(node.start_mark)
    if node.id == "mapping":
        return Entry(line, pairs=tuple((_entry(key), _entry(value)) for key, value in node.value))
    if node.id == "sequence":
        return Entry(line, items=tuple(map(_entry, node.value)))
    return Entry(line, word=node.value, tag=node.tag)


def _mapping(entry: Entry, name: str) -> dict[str, tuple[Entry, Entry]]:
    """A mapping's keys and values, by key."""
    if entry.pairs is None:
        raise EntryError(entry.line, f"{name} must be a mapping (key: value), not {entry}")
    found: dict[str, tuple[Entry, Entry]] = {}
    for key, value in entry.pairs:
        if key.word is None:
            raise EntryError(key.line, f"a key of {name} must be a word, not {key}")
        if key.word in found:
            raise EntryError(key.line, f"{key.word!r} stands there twice")
        found[key.word] = (key, value)
    return found


def _string(entry: Entry, name: str) -> str:
    if not entry.word or entry.tag != STRING_TAG:
        raise EntryError(entry.line, f"{name} must be a string, not {entry}")
    return entry.word


def _version(entry: Entry, name: str) -> int:
    if entry.word is None or entry.tag != INTEGER_TAG or not NUMBER.fullmatch(entry.word):
        raise EntryError(
            entry.line,
            f"{name} must be a whole number such as {NEWEST}, not {'the string ' if entry.tag == STRING_TAG else ''}{entry}",
        )
    version = int(entry.word)
    if not OLDEST <= version <= NEWEST:
        raise EntryError(entry.line, f"{name} must be a version from {OLDEST} to {NEWEST}, not {version}")
    return version


def _strings(entry: Entry, name: str) -> tuple[str, ...]:
    if entry.items is None:
        raise EntryError(entry.line, f"{name} must be a list of strings, not {entry}")
    return tuple(_string(each, f"each entry of {name}") for each in entry.items)


def _choice(entry: Entry, name: str, choices: Sequence[str]) -> str:
    # By what was written: YAML takes a bare `off` for false.
    if entry.word is None or entry.word not in choices:
        hint = _suggestion(entry.word or "", choices)
        raise EntryError(entry.line, f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, not {entry}{hint}")
    return entry.word


def _threshold(entry: Entry, name: str) -> str:
    return _choice(entry, name, THRESHOLDS)


def _severities(entry: Entry, name: str) -> Mapping[str, str]:
    from schemalint.rule import rule_ids

    rules = rule_ids()
    known = {*rules, *(each.partition("/")[0] for each in rules)}
    found = {}
    for rule, (key, value) in _mapping(entry, name).items():
        if rule not in known:
            raise EntryError(key.line, f"unknown rule or group {rule!r}{_suggestion(rule, sorted(known))}")
        found[rule] = _choice(value, f"the severity of {rule}", SEVERITIES)
    return MappingProxyType(found)


def _suggestion(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word[:80], known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _shown(path: Path, working_directory: Path) -> str:
    try:
        return os.path.relpath(path, working_directory).replace(os.sep, "/")
    except ValueError:  # another drive
        return str(path)


READERS: Mapping[str, Callable[[Entry, str], Any]] = {
    "migrations": _string,
    "severity": _severities,
    "postgres": _version,
    "search_path": _strings,
    "fail_on": _threshold,
}
