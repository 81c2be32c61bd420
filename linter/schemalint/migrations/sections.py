"""Files that hold the way up and the way down: only the way up is applied.

What is left out becomes blanks, so that every offset stays what it is in the file.
"""

from __future__ import annotations

from re import IGNORECASE, MULTILINE
from re import compile as pattern

import msgspec

from schemalint.parse.splitter import pieces

# goose: -- +goose Up · sql-migrate: -- +migrate Down notransaction · dbmate: -- migrate:up transaction:false
MARKER = pattern(
    r"^[ \t]*--[ \t]*(?:\+goose[ \t]+|\+migrate[ \t]+|migrate:)(?P<what>up|down|no[ \t]+transaction)\b(?P<options>[^\r\n]*)",
    MULTILINE | IGNORECASE,
)
HINTS = ("+goose", "+migrate", "migrate:")
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


def up_part(text: str) -> UpPart:
    """The part of a file that is applied, at its place, and whether it runs in one transaction."""
    if not any(each in text for each in HINTS):
        return UpPart(text, not _has_to_run_outside(text))
    markers = list(MARKER.finditer(text))
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
