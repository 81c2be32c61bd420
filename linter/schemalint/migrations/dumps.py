"""Dumps of a schema that a history starts from: Rails' structure.sql, or what pg_dump has written."""

from __future__ import annotations

from re import IGNORECASE
from re import compile as pattern

# Rails and dbmate end their dumps with the versions that are in them.
VERSIONS = pattern(
    r"INSERT\s+INTO\s+(?:\"?\w+\"?\.)?\"?schema_migrations\"?\s*\(\s*\"?version\"?\s*\)\s*VALUES(?P<rows>(?:\s*,?\s*\(\s*'[^']*'\s*\))+)",
    IGNORECASE,
)
VERSION = pattern(r"'([^']*)'")


def versions_in(dump: str) -> frozenset[str]:
    """The versions of the migrations that a dump's state has already run, as far as it says so."""
    return frozenset(version for found in VERSIONS.finditer(dump) for version in VERSION.findall(found["rows"]))
