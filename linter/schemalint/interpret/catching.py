"""Which EXCEPTION clause takes which error."""

from __future__ import annotations

from collections.abc import Iterable

from schemalint.flow.path import Handler
from schemalint.parse.plpgsql_conditions import SQLSTATES

NOT_OTHERS = ("57014", "P0004")  # OTHERS takes neither query_canceled nor assert_failure


def catches(conditions: Iterable[str], sqlstate: str) -> bool:
    """Whether one of an EXCEPTION clause's conditions matches (chapter "PL/pgSQL", Trapping Errors)."""
    return any(_matches(each, sqlstate) for each in conditions)


def _matches(condition: str, sqlstate: str) -> bool:
    if condition == "others":
        return sqlstate not in NOT_OTHERS
    if condition.startswith("sqlstate:"):
        codes: tuple[str, ...] = (condition.removeprefix("sqlstate:"),)
    else:
        codes = SQLSTATES.get(condition, ())
    return any(code == sqlstate or (code.endswith("000") and code[:2] == sqlstate[:2]) for code in codes)


def is_caught(sqlstate: str, handlers: Iterable[Handler]) -> bool:
    return any(catches(each.conditions, sqlstate) for each in handlers)
