"""Entries into settings, by the settings' own types; what is wrong is said with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from re import compile as pattern
from types import MappingProxyType
from typing import Any

from msgspec import inspect

from schemalint.configuration.entries import Entry, shortened
from schemalint.configuration.errors import EntryError, suggestion
from schemalint.configuration.settings import NEWEST, Key

NUMBER = pattern(r"[+-]?\d{1,9}")
GRAVITY = ("error", "warning", "info", "off", "never")  # the order in which choices are said
DATE = pattern(r"\d{4}-\d\d-\d\d")


def settings_in(root: Entry, type_: type[Any], lines: dict[Key, int]) -> Any:
    """The settings that an entry spells; `lines` gets the line of each of its parts. Raises EntryError."""
    return _Reader(lines).read(root, inspect.type_info(type_), "the configuration", ())


class _Reader:
    def __init__(self, lines: dict[Key, int]) -> None:
        self._lines = lines

    def read(self, entry: Entry, type_: Any, name: str, key: Key) -> Any:
        self._lines.setdefault(key, entry.line)
        extra: dict[str, Any] = {}
        while isinstance(type_, inspect.Metadata):
            type_, extra = type_.type, {**extra, **(type_.extra or {})}
        if isinstance(type_, inspect.UnionType):
            return self.read(entry, _choice_for(entry, type_), name, key)
        if isinstance(type_, inspect.StructType):
            return self._struct(entry, type_, name, key)
        if isinstance(type_, inspect.VarTupleType):
            return self._list(entry, type_.item_type, name, key)
        if isinstance(type_, inspect.DictType):
            return self._mapping(entry, type_, name, key)
        value = _word(entry, type_, name, extra.get("such as", ""))
        return _known_rule(entry, value) if extra.get("is") == "rule" else value

    def _struct(self, entry: Entry, type_: Any, name: str, key: Key) -> Any:
        fields = {each.encode_name: each for each in type_.fields}
        values: dict[str, Any] = {}
        for word, (at, value) in _pairs_of(entry, name).items():
            if word not in fields:
                raise EntryError(at.line, f"unknown key {shortened(word)!r}{suggestion(word, list(fields))}")
            self._lines[(*key, word)] = at.line
            values[fields[word].name] = self.read(value, fields[word].type, word if not key else f"{name}.{word}", (*key, word))
        for each in type_.fields:
            if each.required and each.name not in values:
                raise EntryError(entry.line, f"{name} needs the key {each.encode_name!r}")
        return type_.cls(**values)

    def _list(self, entry: Entry, item: Any, name: str, key: Key) -> tuple[Any, ...]:
        if entry.items is None:
            raise EntryError(entry.line, f"{name} must be a list{_of_what(item)}, not {entry}")
        return tuple(self.read(each, item, f"each entry of {name}", (*key, number)) for number, each in enumerate(entry.items))

    def _mapping(self, entry: Entry, type_: Any, name: str, key: Key) -> Mapping[Any, Any]:
        found = {}
        for word, (at, value) in _pairs_of(entry, name).items():
            known = self.read(at, type_.key_type, f"a key of {name}", (*key, word))
            if known in found:
                raise EntryError(at.line, f"{known!r} stands there twice")
            found[known] = self.read(value, type_.value_type, f"the {name} of {word}", (*key, word))
        return MappingProxyType(found)


def _pairs_of(entry: Entry, name: str) -> dict[str, tuple[Entry, Entry]]:
    """A mapping's keys and values, by key."""
    if entry.pairs is None:
        raise EntryError(entry.line, f"{name} must be a mapping (key: value), not {entry}")
    found: dict[str, tuple[Entry, Entry]] = {}
    for key, value in entry.pairs:
        if key.word is None:
            raise EntryError(key.line, f"a key of {name} must be a word, not {key}")
        if key.word in found:
            raise EntryError(key.line, f"{shortened(key.word)!r} stands there twice")
        found[key.word] = (key, value)
    return found


def _choice_for(entry: Entry, type_: Any) -> Any:
    """Of the types that a value may have, the one that the entry's shape asks for."""
    types = [each for each in type_.types if not isinstance(each, inspect.NoneType)]
    wanted = inspect.StructType if entry.pairs is not None else inspect.VarTupleType if entry.items is not None else None
    bare = [(each, each.type if isinstance(each, inspect.Metadata) else each) for each in types]
    return next((each for each, inner in bare if wanted is not None and isinstance(inner, wanted)), types[0])


def _of_what(item: Any) -> str:
    inner = item.type if isinstance(item, inspect.Metadata) else item
    return " of strings" if isinstance(inner, inspect.StrType) else ""


# -- words


def _word(entry: Entry, type_: Any, name: str, example: str) -> Any:
    if isinstance(type_, inspect.LiteralType):
        return _literal(entry, sorted(map(str, type_.values), key=_gravity), name)
    if isinstance(type_, inspect.BoolType):
        if entry.kind != "bool" or entry.word not in ("true", "false"):
            raise EntryError(entry.line, f"{name} must be true or false, not {entry}")
        return entry.word == "true"
    if isinstance(type_, inspect.IntType):
        return _number(entry, type_, name)
    if isinstance(type_, inspect.DateType):
        return _date(entry, name)
    if not entry.word or entry.kind != "str":
        raise EntryError(entry.line, f"{name} must be a string, not {entry}")
    if "\0" in entry.word:
        raise EntryError(entry.line, f"{name} must not hold NUL characters")
    if isinstance(type_, inspect.CustomType) and type_.cls is Path:
        return Path(entry.word)
    if type_.pattern is not None and not pattern(type_.pattern).search(entry.word):
        raise EntryError(entry.line, f"{name} must be such as {example}, not {entry}")
    if not entry.word.strip():
        raise EntryError(entry.line, f"{name} must not be blank")
    return entry.word


def _gravity(word: str) -> tuple[int, str]:
    return (GRAVITY.index(word) if word in GRAVITY else len(GRAVITY), word)


def _literal(entry: Entry, choices: Sequence[str], name: str) -> str:
    # By what was written: YAML takes a bare `off` for false.
    if entry.word is None or entry.word not in choices:
        hint = suggestion(entry.word or "", choices)
        raise EntryError(entry.line, f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, not {entry}{hint}")
    return entry.word


def _number(entry: Entry, type_: Any, name: str) -> int:
    if entry.word is None or entry.kind != "int" or not NUMBER.fullmatch(entry.word):
        what = "the string " if entry.kind == "str" and entry.word else ""
        raise EntryError(entry.line, f"{name} must be a whole number such as {NEWEST}, not {what}{entry}")
    number = int(entry.word)
    if not type_.ge <= number <= type_.le:
        raise EntryError(entry.line, f"{name} must be from {type_.ge} to {type_.le}, not {number}")
    return number


def _date(entry: Entry, name: str) -> date:
    try:
        if entry.word is None or not DATE.fullmatch(entry.word):
            raise ValueError
        return date.fromisoformat(entry.word)
    except ValueError as error:
        raise EntryError(entry.line, f"{name} must be a date such as 2026-12-31, not {entry}") from error


def _known_rule(entry: Entry, word: str) -> str:
    try:
        return known_rule(word)
    except KeyError as error:
        raise EntryError(entry.line, str(error.args[0])) from error


@cache
def _rules() -> tuple[frozenset[str], frozenset[str]]:
    from schemalint.rule import finding_ids

    rules = frozenset(finding_ids())
    return rules, frozenset(each.partition("/")[0] + "/" for each in rules)


def known_rule(word: str) -> str:
    """A rule's id, or a group with its slash, from what somebody has written. Raises KeyError with a message."""
    rules, groups = _rules()
    if word in rules or word in groups:
        return word
    if f"{word}/" in groups:
        return f"{word}/"
    named = [each for each in sorted(rules) if each.partition("/")[2] == word]
    hint = f" (did you mean {named[0]!r}?)" if named else suggestion(word, sorted(rules | groups))
    raise KeyError(f"unknown rule or group {shortened(word)!r}{hint}")
