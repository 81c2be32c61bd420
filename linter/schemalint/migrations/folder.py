"""A folder as layouts look at it: its SQL files, and what else stands there or around it to say which tool has made it."""

from __future__ import annotations

import os
from functools import cached_property

from schemalint.migrations.decode import decode

READ_AT_MOST = 4_000_000  # bytes of a file that only says how migrations are ordered
HEAD = 4_000  # bytes at the beginning of a file, in which tools put their marks
ABOVE = 3  # folders above, up to the project


class Folder:
    """`files` are the paths of its SQL files, relative to it and with "/"; ways down are none of them."""

    def __init__(self, root: str, files: tuple[str, ...]) -> None:
        self.root = root
        self.files = files

    def holds(self, name: str) -> bool:
        return os.path.isfile(self._path(name))

    def text_of(self, name: str) -> str:
        """What a small file of it holds; empty where there is none, or it cannot be read."""
        return self._read(name, READ_AT_MOST)

    def head_of(self, name: str) -> str:
        return self._read(name, HEAD)

    def above(self, name: str) -> list[str]:
        """What the files of that name in the folders above hold."""
        ways = ("/".join([".."] * level) for level in range(1, ABOVE + 1))
        return [text for way in ways if (text := self.text_of(f"{way}/{name}"))]

    @cached_property
    def direct(self) -> list[str]:
        return [each for each in self.files if "/" not in each]

    @cached_property
    def first_lines(self) -> str:
        """The head of the first file, which shows whose marks the files bear."""
        return self.head_of(min(self.direct)) if self.direct else ""

    def _path(self, name: str) -> str:
        return os.path.join(self.root, *name.split("/"))

    def _read(self, name: str, limit: int) -> str:
        path = self._path(name)
        try:
            if not os.path.isfile(path):
                return ""
            with open(path, "rb") as file:
                return decode(file.read(limit)).text
        except OSError:
            return ""
