"""YAML and TOML into entries: pieces that know their lines.

What is read are YAML's nodes, not values, so that `off` stays the word that was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from re import MULTILINE, escape
from re import compile as pattern
from typing import Any

import msgspec

from schemalint.configuration.errors import EntryError

LARGEST = 250_000  # bytes
DEEPEST = 10  # nested collections
CORE = "tag:yaml.org,2002:"
TABLE = ("tool", "schemalint")  # in pyproject.toml
HEADER = pattern(r"^[ \t]*\[+[ \t]*tool[ \t]*\.[ \t]*[\"']?schemalint\b|^[ \t]*schemalint[ \t.=]", MULTILINE)
AT_LINE = pattern(r" ?\(at line (\d+), column \d+\)$")
TOML_KINDS = ((bool, "bool"), (int, "int"), (float, "float"), (str, "str"), ((date, time, datetime), "timestamp"))


class Entry(msgspec.Struct, frozen=True):
    """A piece of the file: a word, a list of entries, or a mapping as pairs of them."""

    line: int
    word: str | None = None
    kind: str = ""  # what the language takes the word for: str, int, bool, null …
    items: tuple[Entry, ...] | None = None
    pairs: tuple[tuple[Entry, Entry], ...] | None = None

    def __str__(self) -> str:
        if self.word is None:
            return "a mapping" if self.items is None else "a list"
        return repr(shortened(self.word)) if self.word else "nothing"


def shortened(word: str) -> str:
    return word if len(word) <= 80 else f"{word[:79]}…"


# -- YAML


def entries_of_yaml(text: str) -> Entry | None:
    """The document's entry; None where there is nothing in it. Raises EntryError."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        # Events come one by one. A tree of aliases, or of brackets in brackets, is turned away before it is built.
        for event in yaml.parse(text, Loader=loader):
            line = _line(event.start_mark)
            if isinstance(event, yaml.AliasEvent):
                raise EntryError(line, "aliases (*name) are not allowed here")
            if getattr(event, "tag", None) is not None:
                raise EntryError(line, "tags (!name) are not allowed here")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise EntryError(line, "nested too deeply")
        root = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise EntryError(_line(getattr(error, "problem_mark", None)), f"not valid YAML: {problem}") from error
    return None if root is None else _of_node(root)


def _line(mark: Any) -> int:
    return 1 if mark is None else int(mark.line) + 1


def _of_node(node: Any) -> Entry:
    line = _line(node.start_mark)
    if node.id == "mapping":
        return Entry(line, pairs=tuple((_of_node(key), _of_node(value)) for key, value in node.value))
    if node.id == "sequence":
        return Entry(line, items=tuple(map(_of_node, node.value)))
    return Entry(line, word=node.value, kind=node.tag.removeprefix(CORE))


# -- TOML


def entries_of_toml(text: str) -> Entry | None:
    """What stands under [tool.schemalint]; None where there is no such table. Raises EntryError."""
    import tomllib

    try:
        value: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = AT_LINE.search(str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        raise EntryError(line, f"not valid TOML: {AT_LINE.sub('', str(error))}") from error
    except RecursionError as error:
        raise EntryError(1, "nested too deeply") from error
    for name in TABLE:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return None
    header = HEADER.search(text)
    return _of_value(value, _Lines(text, header.start() if header else 0), 0)


class _Lines:
    """Lines for a tree that has none: its keys are looked for in the text, in the order in which they stand."""

    def __init__(self, text: str, position: int) -> None:
        self._text = text
        self._position = position

    @property
    def here(self) -> int:
        return self._text.count("\n", 0, self._position) + 1

    def to(self, key: str) -> int:
        found = pattern(rf"(?:^|[\s{{,\[.\"']){escape(key)}[\"']?[ \t]*[]=.]", MULTILINE).search(self._text, self._position)
        if found is not None:
            self._position = found.end() - 1
        return self.here


def _of_value(value: Any, lines: _Lines, depth: int) -> Entry:
    if depth >= DEEPEST:
        raise EntryError(lines.here, "nested too deeply")
    line = lines.here
    if isinstance(value, dict):
        return Entry(line, pairs=tuple(_pairs(value, lines, depth)))
    if isinstance(value, list):
        return Entry(line, items=tuple(_items(value, lines, depth)))
    kind = next((name for type_, name in TOML_KINDS if isinstance(value, type_)), "")
    return Entry(line, word=str(value).lower() if isinstance(value, bool) else str(value), kind=kind)


def _pairs(value: dict[str, Any], lines: _Lines, depth: int) -> Iterator[tuple[Entry, Entry]]:
    for name, each in value.items():
        key = Entry(lines.to(name), word=name, kind="str")
        yield key, _of_value(each, lines, depth + 1)


def _items(value: list[Any], lines: _Lines, depth: int) -> Iterator[Entry]:
    for each in value:
        entry = _of_value(each, lines, depth + 1)
        # A table in a list begins where its first key stands.
        yield msgspec.structs.replace(entry, line=entry.pairs[0][0].line) if entry.pairs else entry
