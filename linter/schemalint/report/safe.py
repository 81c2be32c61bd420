"""Text of other people made fit to print: nothing in it steers a terminal, a reader's eye or a build service."""

from __future__ import annotations

import re
import unicodedata

# Joiners are letters' business in several scripts; every other format character can hide or turn what is read.
JOINERS = "\u200c\u200d"
STEERING = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
PLAIN = re.compile(r"[ -~]*")
# GitHub Actions obeys `::command` at a line's start (blanks before it do not count, and a third colon makes it none);
# it, Azure and TeamCity obey `##[…`, `##vso[…` and `##teamcity[…` anywhere in a line.
COMMAND = re.compile(r"\A(\s*):(?=:(?!: ))")
HASH_COMMAND = re.compile(r"##(?=\w*\[)")


def escaped(character: str) -> str:
    """A character that steers, spelled out; any other as it is."""
    code = ord(character)
    if not _is_noncharacter(code) and (character in JOINERS or unicodedata.category(character) not in STEERING):
        return character
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_noncharacter(code: int) -> bool:
    """Whether no text has such a character; XML does not take all of them."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def one_line(text: str) -> str:
    """Text for the inside of a line: line ends and tabs become blanks, what steers is spelled out."""
    return printable(re.sub(r"\s*[\r\n]+\s*|\t", " ", text.strip()))


def printable(text: str) -> str:
    """The text with every control character spelled out, line ends included."""
    return text if PLAIN.fullmatch(text) else "".join(map(escaped, text))


def plain_line(text: str) -> str:
    """One finished line of a report in plain text."""
    return without_commands(printable(text))


def without_commands(line: str) -> str:
    """A finished line that no build service takes for an order."""
    return without_hash_commands(COMMAND.sub(r"\1\\x3a", line))


def without_hash_commands(line: str) -> str:
    """A line of orders of our own with nobody else's in it."""
    return HASH_COMMAND.sub(r"#\\x23", line)
