"""Files that hold the way up and the way down: only the way up is applied.

What is left out becomes blanks, so that every offset stays what it is in the file.
"""

from __future__ import annotations

from re import IGNORECASE, MULTILINE
from re import compile as pattern
from typing import TYPE_CHECKING

import msgspec

from schemalint.parse.splitter import pieces

if TYPE_CHECKING:
    from schemalint.migrations.layouts import Transaction

# goose: -- +goose Up · sql-migrate: -- +migrate Down notransaction · dbmate: -- migrate:up transaction:false
MARKER = pattern(
    r"^[ \t]*--[ \t]*(?:\+goose[ \t]+|\+migrate[ \t]+|migrate:)(?P<what>up|down|no[ \t]+transaction)\b(?P<options>[^\r\n]*)",
    MULTILINE | IGNORECASE,
)
HINTS = ("+goose", "+migrate", "migrate:")
# node-pg-migrate: -- Up Migration
WAYS = pattern(r"^[ \t]*--[ \t-]*(?P<what>up|down)[ \t]+migration\b(?P<options>[^\r\n]*)", MULTILINE | IGNORECASE)
# sqlx: in the first line; Atlas: in the comments at the top.
OPTED_OUT = pattern(r"--[ \t]*no-transaction\b|(?:[ \t]*--[^\n]*\n|[ \t\r]*\n)*[ \t]*--[ \t]*atlas:txmode[ \t]+none\b")
NO_TRANSACTION = pattern(r"\bnotransaction\b|\btransaction:\s*false\b", IGNORECASE)
# No server takes these inside a transaction block: whoever has such a file lets it run outside of one. What may stand
# between the words is short, so that a text made to be slow is not.
OUTSIDE_ONLY = pattern(
    r"(?:CREATE\s+(?:UNIQUE\s+)?INDEX\s+|DROP\s+INDEX\s+|REINDEX\b[^;]{0,200}?|"
    r"ALTER\s+TABLE\b[^;]{0,200}?\bDETACH\s+PARTITION\b[^;]{0,200}?)\bCONCURRENTLY\b",
    IGNORECASE,
)
SPELLINGS = ("CONCURRENTLY", "concurrently", "Concurrently")
LINES = pattern(r"[^\n]*\n|[^\n]+")
VISIBLE = pattern(r"[^\r\n]")


class UpPart(msgspec.Struct, frozen=True):
    text: str
    transactional: bool = True


def up_part(text: str, habit: Transaction = "where possible", ways: bool = False) -> UpPart:
    """The part of a file that is applied, at its place, and whether it runs in one transaction.

    `habit` is what the tool does with a file that says nothing of it; with `ways` the file has node-pg-migrate's marks.
    """
    if not ways and not any(each in text for each in HINTS):
        return UpPart(text, _is_transaction(text, habit))
    markers = list((WAYS if ways else MARKER).finditer(text))
    sections = [each for each in markers if each["what"].lower() in ("up", "down")]
    transactional = len(sections) == len(markers) and not any(
        NO_TRANSACTION.search(each["options"]) for each in sections if each["what"].lower() == "up"
    )
    if not sections:
        return UpPart(text, transactional)
    kept = [_without_statements(text[: sections[0].start()])]
    ends = [*(each.start() for each in sections[1:]), len(text)]
    for marker, end in zip(sections, ends, strict=True):
        section = text[marker.start() : end]
        kept.append(section if marker["what"].lower() == "up" else _blank(section))
    return UpPart("".join(kept), transactional)


def _is_transaction(text: str, habit: Transaction) -> bool:
    if habit == "none":
        return False
    if habit == "where possible":
        return not _has_to_run_outside(text)
    if habit == "script":
        return not _has_to_run_outside(text) or sum(not each.meta for each in pieces(text)) > 1
    return OPTED_OUT.match(text) is None


def _has_to_run_outside(text: str) -> bool:
    """Whether a statement of the text (and not just a comment) needs to run outside of a transaction."""
    if not any(each in text for each in SPELLINGS):
        return False
    return any(OUTSIDE_ONLY.match(text, each.start, each.end) for each in pieces(text))


def _without_statements(text: str) -> str:
    """What stands above the first section: no tool runs it, but what its comments say is said of the file."""
    return "".join(line if line.lstrip().startswith("--") else _blank(line) for line in LINES.findall(text))


def _blank(text: str) -> str:
    return VISIBLE.sub(" ", text)
