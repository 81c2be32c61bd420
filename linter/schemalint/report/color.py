"""Whether to colour what is printed, and how."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TextIO

RESET = "\x1b[0m"


class Style(StrEnum):
    """What a piece of text is printed in; the value is what switches a terminal to it."""

    PLAIN = ""
    BOLD = "\x1b[1m"
    RED = "\x1b[1;31m"
    YELLOW = "\x1b[1;33m"
    BLUE = "\x1b[1;34m"


def wants_color(choice: str, stream: TextIO) -> bool:
    """`always` and `never` are obeyed; `auto` colours a terminal that can, unless NO_COLOR says no."""
    if choice != "auto":
        return choice == "always"
    # https://no-color.org: set and not empty.
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def painted(text: str, style: Style, color: bool) -> str:
    return f"{style.value}{text}{RESET}" if color and style and text else text
