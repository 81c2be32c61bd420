"""Values that a column may take: ordinary ones, and those at the edge of what its type and its constraints allow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from schemalint.verify.shape import Column

TEXTS = ("text", "varchar", "bpchar", "name", "citext")
WHOLE = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
READABLE = ("11111111-1111-4111-8111-111111111111", "2024-01-15", "12345", "{}", "true")  # as values of other types
LONG = 2_000  # characters of a text that nothing limits
LONGEST = 100_000
FIRST_DAY = date(2024, 1, 15)
ORDINARY = {
    "bool": ("true", "false"), "float4": ("1", "2", "3"), "float8": ("1", "2", "3"), "money": ("1.00", "2.00", "3.00"),
    "time": ("10:00:00", "11:00:00", "12:00:00"), "timetz": ("10:00:00+00", "11:00:00+00", "12:00:00+00"),
    "interval": ("1 day", "2 days", "3 days"), "json": ('{"a": 1}', '{"a": 2}', "[]"), "jsonb": ('{"a": 1}', '{"a": 2}', "[]"),
    "bytea": ("\\x01", "\\x02", "\\x03"), "inet": ("10.0.0.1", "10.0.0.2", "::1"), "cidr": ("10.0.0.0/8", "10.1.0.0/16", "::/0"),
    "macaddr": ("08:00:2b:01:02:03", "08:00:2b:01:02:04"), "point": ("(1,2)", "(3,4)"), "line": ("{1,2,3}",),
    "lseg": ("[(0,0),(1,1)]",), "box": ("(1,1),(0,0)",), "path": ("((0,0),(1,1))",), "polygon": ("((0,0),(1,1),(1,0))",),
    "circle": ("<(0,0),1>", "<(0,0),2>"), "int4range": ("[1,2)", "[3,4)", "[5,6)"), "int8range": ("[1,2)", "[3,4)", "[5,6)"),
    "numrange": ("[1,2)", "[3,4)", "[5,6)"), "daterange": ("[2024-01-01,2024-01-02)", "[2024-02-01,2024-02-02)"),
    "tsrange": ("[2024-01-01,2024-01-02)", "[2024-02-01,2024-02-02)"),
    "tstzrange": ("[2024-01-01 00:00+00,2024-01-02 00:00+00)", "[2024-02-01 00:00+00,2024-02-02 00:00+00)"),
    "tsvector": ("a", "b", "c"), "tsquery": ("a", "b", "c"), "xml": ("<a/>", "<b/>"),
    "oid": ("1", "2", "3"), "char": ("a", "b", "c"),
    "regclass": ("pg_class", "pg_type"), "jsonpath": ("$", "$.a"),
}  # fmt: skip
EDGES: dict[str, tuple[str, ...]] = {
    "numeric": ("0", "-1", "0.005", "1.23456789", "99999999999", "1e30", "NaN", "Infinity"),
    "float4": ("0", "-1", "1e38", "NaN", "Infinity", "0.1"), "float8": ("0", "-1", "1e308", "NaN", "-Infinity", "0.1"),
    "bool": ("true", "false"), "date": ("infinity", "-infinity", "0001-01-01", "9999-12-31", "2024-02-29"),
    "timestamptz": ("infinity", "-infinity", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00",
                    "2024-01-15 12:34:56.123456+00"),
    "timestamp": ("infinity", "-infinity", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "2024-01-15 12:34:56.123456"),
    "time": ("00:00:00", "24:00:00", "12:34:56.123456"), "interval": ("0", "-1 day", "1000 years", "1.5 seconds"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "json": ("{}", "null", '"x"', "1", '{"a": null}'), "jsonb": ("{}", "null", '"x"', "1", '{"a": null}'),
    "bytea": ("", "\\x00", "\\xff"), "inet": ("0.0.0.0", "10.0.0.0/8", "::1"), "int4range": ("empty", "(,)"),
}  # fmt: skip
# What a CHECK with a pattern is likely to want.
SHAPED = (
    "a@example.com", "https://example.com/a", "+12025550123", "2025550123", "12345", "123456", "abc", "ABC", "USD", "US",
    "en", "en-US",
    "#aabbcc", "a-b", "a_b", "Abc1", "10:00", "1.0.0", "{}", "11111111-1111-4111-8111-111111111111", "2024-01-15", "a", "A", "1",
    "0",
    "abcdefgh", "Abcdefg1!", "abcdefghijklmnop", "a.b", "/a", "00:00", "0x00", "example.com", "12345-6789", "image/png",
)  # fmt: skip


def ordinary(column: Column, number: int) -> str | None:
    """A value of everyday use; another number gives another value, as far as the type has others. None where none is known."""
    if column.labels:
        return column.labels[number % len(column.labels)]
    type_ = column.type
    if type_ == "uuid":
        return f"{number + 1:08x}-0000-4000-8000-{_digest(column.name)[:12]}"
    if type_ in WHOLE or type_ == "numeric":
        return _fitting(column, number + 1)
    if type_ in TEXTS:
        return _text(column, number)
    if type_ in ("date", "timestamp", "timestamptz"):
        day = str(FIRST_DAY + timedelta(days=number))
        return day if type_ == "date" else day + (" 10:00:00" if type_ == "timestamp" else " 10:00:00+00")
    if column.element is not None:
        return "{}"
    if type_ in ("bit", "varbit"):
        return "1" * max(1, column.modifier)
    if column.fields:
        return "(" + "," * (column.fields - 1) + ")"
    if type_ == "vector":
        return "[" + ",".join(["1"] * max(1, column.modifier)) + "]"
    values = ORDINARY.get(type_)
    return values[number % len(values)] if values else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _text(column: Column, number: int) -> str:
    """A short one: a copy may have less room than the source."""
    text = f"{column.name[:1].lower()}{number + 1}"
    length = column.length
    return text if length is None or len(text) <= length else str(number + 1)[-length:]


def _fitting(column: Column, number: int) -> str:
    """A number that numeric(p,s) has the digits for."""
    if column.type == "numeric" and column.modifier >= 4:
        digits = ((column.modifier - 4) >> 16) - ((column.modifier - 4) & 0x7FF)
        if digits <= 0:
            return "0"
        return str(number % 10**digits)
    return str(number)


def edges(column: Column, constants: Iterable[str]) -> list[str | None]:
    """Values at which something may turn, each once."""
    found: dict[str | None, None] = {}
    if not column.required:
        found[None] = None
    for each in column.labels[:50]:
        found[each] = None
    if not column.labels:
        for each in _edges(column, list(constants)):
            found[each] = None
    return list(found)


def _edges(column: Column, constants: list[str]) -> Iterator[str]:
    type_ = column.type
    numbers = [int(each) for each in constants if each.isdigit()]
    if type_ in TEXTS:
        yield from _texts(column, constants, numbers)
    elif type_ in WHOLE:
        limit = WHOLE[type_]
        around = {value + step for value in numbers for step in (-1, 0, 1)}
        for number in sorted({0, 1, -1, 2**15, 2**31, -(2**15) - 1, -(2**31) - 1, limit - 1, -limit, *around}):
            if -limit <= number < limit:
                yield str(number)
    elif type_ == "numeric":
        yield from (str(number + step) for number in numbers for step in (-1, 0, 1))
        yield from EDGES["numeric"]
        yield from _digits(column)
    elif column.element is not None:
        yield from ("{}", "{NULL}")
    else:
        yield from EDGES.get(type_, ORDINARY.get(type_, ()))
        yield from (each for each in constants if type_ in ("date", "timestamp", "timestamptz") and each[:4].isdigit())


def _texts(column: Column, constants: list[str], numbers: list[int]) -> Iterator[str]:
    limit = column.length
    lengths = {length + step for length in numbers for step in (-1, 0, 1) if 0 < length <= LONGEST}
    found = [*READABLE, "", "x", "x  ", "  x", "ä€😀", 'It\'s \\ %s "x"']
    found += [_incompressible(length) for length in sorted({*lengths, limit or LONG}) if length > 0]
    found.append("é" * min(limit or 100, LONG))
    for each in constants:
        found += [each, each.upper(), each + "x"]
    yield from (each for each in found if limit is None or len(each) <= limit)


def _incompressible(length: int) -> str:
    """What an index has to hold in full."""
    text = "".join(_digest(str(number)) for number in range(length // 64 + 1))
    return ("x" + text)[:length]


def _digits(column: Column) -> Iterator[str]:
    """The largest number of numeric(p,s)."""
    if column.modifier >= 4:
        precision, scale = (column.modifier - 4) >> 16, (column.modifier - 4) & 0x7FF
        if 0 <= scale <= precision:
            digits = "9" * precision
            yield (digits[: precision - scale] or "0") + ("." + digits[precision - scale :] if scale else "")


def candidates(column: Column, constants: Iterable[str]) -> list[str | None]:
    """What may satisfy a CHECK that an ordinary value does not."""
    known = list(constants)
    ahead: list[str | None] = [each for each in known if column.type in TEXTS or each.replace(".", "").isdigit()]
    more: list[str | None] = list(SHAPED) if column.type in TEXTS else [ordinary(column, number) for number in range(3)]
    return list(dict.fromkeys([*ahead, *more, *edges(column, known)]))
