"""PostgreSQL's functions over text, numbers, dates and arrays, as far as DO blocks build names and bounds with them.

A value that is not known is UNKNOWN, NULL is None, a date is a `date`, a timestamp a `datetime`, an array a list.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta
from re import compile as pattern
from typing import Any, NamedTuple

from schemalint.catalog.catalog import quoted


class _Unknown:
    """A value that is not known; NULL is None."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = _Unknown()
PLACEHOLDER = pattern(r"%(?:(\d+)\$)?(-?\d*)([sIL%])")
MOST_ITEMS = 10_000
LONGEST = 100_000  # characters of a text: a loop may double one in each turn


class Interval(NamedTuple):
    months: int = 0
    days: int = 0
    seconds: int = 0


PART_OF_INTERVAL = pattern(r"\s*([+-]?\d+)\s*([a-z]+)", 2)
UNITS = {
    "year": Interval(12), "month": Interval(1), "mon": Interval(1), "week": Interval(0, 7), "day": Interval(0, 1),
    "hour": Interval(0, 0, 3600), "minute": Interval(0, 0, 60), "min": Interval(0, 0, 60), "second": Interval(0, 0, 1),
    "sec": Interval(0, 0, 1), "quarter": Interval(3), "decade": Interval(120),
}  # fmt: skip
FORM = pattern(r'"[^"]*"|(?i:yyyy|mm|dd|iw|q)|[A-Za-z]+|[^A-Za-z"]+')
ELEMENT = pattern(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,{}"]*))\s*(?:,|$)')


# -- reading and printing


def text_of(value: Any) -> str:
    """A value as PostgreSQL prints it."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value)


def array_of(text: str) -> Any:
    """A one-dimensional array literal."""
    inner = text.strip()
    if not (inner.startswith("{") and inner.endswith("}")) or "{" in inner[1:]:
        return UNKNOWN
    inner = inner[1:-1]
    if not inner.strip():
        return []
    found: list[Any] = []
    position = 0
    while position <= len(inner):
        match = ELEMENT.match(inner, position)
        if match is None or match.end() == position:
            break
        bare = (match[2] or "").strip()
        found.append(match[1].replace('\\"', '"') if match[1] is not None else None if bare.upper() == "NULL" else bare)
        position = match.end()
    return found


def date_of(text: str) -> Any:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return UNKNOWN


def timestamp_of(text: str) -> Any:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return UNKNOWN
    return found if found.tzinfo is None else UNKNOWN


def interval_of(text: str) -> Any:
    total, position = Interval(), 0
    for match in PART_OF_INTERVAL.finditer(text):
        unit = UNITS.get(match[2].lower().removesuffix("s")) or UNITS.get(match[2].lower())
        if unit is None or match.start() != position:
            return UNKNOWN
        count, position = int(match[1]), match.end()
        total = Interval(*(a + count * b for a, b in zip(total, unit, strict=True)))
    return total if text[position:].strip() == "" and position else UNKNOWN


# -- operators


def operate(name: str, left: Any, right: Any) -> Any:
    if name == "||":
        if isinstance(left, list) and isinstance(right, list):
            return [*left, *right]
        if not isinstance(left, str) and not isinstance(right, str):
            return UNKNOWN
        text = f"{text_of(left)}{text_of(right)}"
        return text if len(text) <= LONGEST else UNKNOWN
    if isinstance(left, date | Interval) or isinstance(right, date | Interval):
        return _operate_on_dates(name, left, right)
    if name in ("=", "<>"):
        if isinstance(left, str) != isinstance(right, str):
            return UNKNOWN
        return (left == right) == (name == "=")
    if isinstance(left, int) and isinstance(right, int):
        orders: dict[str, Any] = {
            "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right,
            "+": left + right, "-": left - right, "*": left * right,
        }  # fmt: skip
        if name in ("/", "%") and right:
            quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
            return quotient if name == "/" else left - quotient * right
        return orders.get(name, UNKNOWN)
    return UNKNOWN


def _operate_on_dates(name: str, left: Any, right: Any) -> Any:
    if isinstance(left, Interval) and isinstance(right, Interval | int):
        other = right if isinstance(right, Interval) else Interval(right, right, right)
        if name == "+" and isinstance(right, Interval):
            return Interval(*(a + b for a, b in zip(left, other, strict=True)))
        return Interval(*(a * b for a, b in zip(left, other, strict=True))) if name == "*" else UNKNOWN
    if isinstance(right, Interval) and isinstance(left, int):
        return _operate_on_dates(name, right, left)
    if isinstance(left, date) and isinstance(right, Interval) and name in "+-":
        return _moved(left, right, 1 if name == "+" else -1)
    if isinstance(left, date) and isinstance(right, int) and not isinstance(left, datetime) and name in "+-":
        return left + timedelta(days=right if name == "+" else -right)
    if isinstance(left, date) and type(left) is type(right):
        orders = {
            "<": left < right,
            ">": left > right,
            "<=": left <= right,
            ">=": left >= right,
            "=": left == right,
            "<>": left != right,
        }
        if name == "-" and not isinstance(left, datetime):
            return (left - right).days
        return orders.get(name, UNKNOWN)
    return UNKNOWN


def _moved(start: date, by: Interval, sign: int) -> Any:
    months = start.year * 12 + start.month - 1 + sign * by.months
    year, month = divmod(months, 12)
    try:
        day = min(start.day, monthrange(year, month + 1)[1])
        clock = start.time() if isinstance(start, datetime) else datetime.min.time()
        return datetime.combine(date(year, month + 1, day), clock) + sign * timedelta(days=by.days, seconds=by.seconds)
    except (ValueError, OverflowError):
        return UNKNOWN


# -- functions


def formatted(arguments: list[Any]) -> Any:
    """format()"""
    if not arguments or not isinstance(arguments[0], str):
        return UNKNOWN
    rest = iter(arguments[1:])
    pieces: list[str] = []
    last = 0
    for match in PLACEHOLDER.finditer(arguments[0]):
        pieces.append(arguments[0][last : match.start()])
        last = match.end()
        if match[3] == "%":
            pieces.append("%")
            continue
        value = (arguments[int(match[1])] if int(match[1]) < len(arguments) else UNKNOWN) if match[1] else next(rest, UNKNOWN)
        if value is UNKNOWN or isinstance(value, list | dict | Interval):
            return UNKNOWN
        pieces.append(_shown(match[3], value))
    return "".join((*pieces, arguments[0][last:]))


def _shown(kind: str, value: Any) -> str:
    if value is None:
        return "NULL" if kind == "L" else ""
    text = text_of(value)
    if kind == "I":
        return identifier(text)
    return "'" + text.replace("'", "''") + "'" if kind == "L" else text


def identifier(text: str) -> str:
    name = quoted(text)
    return f'"{text}"' if name == text and text in RESERVED else name


RESERVED = frozenset({
    "all", "and", "any", "array", "as", "asc", "both", "case", "cast", "check", "collate", "column", "constraint",
    "create", "default", "desc", "distinct", "do", "else", "end", "except", "false", "for", "foreign", "from", "grant",
    "group", "having", "in", "into", "limit", "not", "null", "offset", "on", "only", "or", "order", "primary",
    "references", "returning", "select", "some", "table", "then", "to", "trailing", "true", "union", "unique", "user",
    "using", "when", "where", "window", "with",
})  # fmt: skip


def _joined_text(arguments: list[Any]) -> Any:
    if any(each is UNKNOWN or isinstance(each, list) for each in arguments):
        return UNKNOWN
    return "".join(text_of(each) for each in arguments if each is not None)


def _joined_with(arguments: list[Any]) -> Any:
    return _joined_text([e for each in arguments[1:] if each is not None for e in (arguments[0], each)][1:])


def _repeated(text: str, count: int) -> Any:
    return text * count if len(text) * count <= LONGEST else UNKNOWN


def _padded(left: bool) -> Callable[..., Any]:
    def pad(text: str, length: int, fill: str = " ") -> Any:
        if length > LONGEST:
            return UNKNOWN
        missing = ((fill or " ") * length)[: max(0, length - len(text))]
        return (missing + text if left else text + missing)[: max(0, length)]

    return pad


def _replaced(text: str, old: str, new: str) -> Any:
    return text if not old else text.replace(old, new) if len(text) * (len(new) + 1) <= LONGEST else UNKNOWN


def _part(text: str, delimiter: str, place: int) -> str:
    parts = text.split(delimiter)
    return parts[place - 1 if place > 0 else place] if 0 < abs(place) <= len(parts) else ""


def _substring(text: str, start: int, length: int | None = None) -> str:
    first = max(start - 1, 0)
    return text[first:] if length is None else text[first : max(first, start - 1 + length)]


def _to_char(value: Any, form: str) -> Any:
    """The patterns with which partitions are named."""
    if not isinstance(value, date):
        return UNKNOWN
    shown = {
        "YYYY": f"{value.year:04}", "MM": f"{value.month:02}", "DD": f"{value.day:02}", "IW": f"{value.isocalendar().week:02}",
        "Q": str((value.month + 2) // 3),
    }  # fmt: skip
    pieces = []
    for match in FORM.finditer(form):
        word = match[0]
        if word.upper() not in shown and word.isalpha():
            return UNKNOWN
        pieces.append(shown.get(word.upper(), word.strip('"')))
    return "".join(pieces)


def _truncated(unit: str, value: Any) -> Any:
    if not isinstance(value, date):
        return UNKNOWN
    day = datetime(value.year, value.month, value.day)
    starts = {
        "year": day.replace(month=1, day=1), "quarter": day.replace(month=(value.month - 1) // 3 * 3 + 1, day=1),
        "month": day.replace(day=1), "week": day - timedelta(days=value.weekday()), "day": day,
    }  # fmt: skip
    return starts.get(unit.lower(), UNKNOWN)


def series(arguments: list[Any]) -> Any:
    """The values of generate_series over numbers or times."""
    if len(arguments) not in (2, 3) or any(each is UNKNOWN or each is None for each in arguments):
        return UNKNOWN
    start, stop, step = (*arguments, 1)[:3]
    if isinstance(start, date) and isinstance(stop, str):
        stop = date_of(stop)
    if isinstance(step, str):
        step = interval_of(step)
    if isinstance(start, date) and isinstance(stop, date) and isinstance(step, Interval) and any(step):
        start, stop = (e if isinstance(e, datetime) else datetime(e.year, e.month, e.day) for e in (start, stop))
    elif not all(isinstance(each, int) for each in (start, stop, step)) or step == 0:
        return UNKNOWN
    found: list[Any] = []
    turn = 0
    while len(found) <= MOST_ITEMS:
        at = start + turn * step if isinstance(step, int) else _moved(start, Interval(*(turn * each for each in step)), 1)
        if at is UNKNOWN or (at < stop if isinstance(step, int) and step < 0 else at > stop):
            return found
        found.append(at)
        turn += 1
    return UNKNOWN


def _strict(function: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    """NULL where an argument is; UNKNOWN where one is not known, or of a kind that the function is not made for."""

    def run(arguments: list[Any]) -> Any:
        if any(each is UNKNOWN for each in arguments):
            return UNKNOWN
        if any(each is None for each in arguments):
            return None
        try:
            return function(*arguments)
        except (TypeError, ValueError, AttributeError, OverflowError):
            return UNKNOWN

    return run


PURE: dict[str, Callable[[list[Any]], Any]] = {
    "format": formatted,
    "concat": _joined_text,
    "concat_ws": _joined_with,
    "quote_ident": _strict(identifier),
    "quote_literal": _strict(lambda value: "'" + text_of(value).replace("'", "''") + "'"),
    "lower": _strict(str.lower), "upper": _strict(str.upper), "initcap": _strict(str.title),
    "btrim": _strict(str.strip), "ltrim": _strict(str.lstrip), "rtrim": _strict(str.rstrip),
    "length": _strict(lambda text: len(str.__add__(text, ""))), "char_length": _strict(lambda text: len(str.__add__(text, ""))),
    "lpad": _strict(_padded(True)), "rpad": _strict(_padded(False)), "repeat": _strict(_repeated),
    "replace": _strict(_replaced), "left": _strict(lambda text, n: text[:n]),
    "right": _strict(lambda text, n: text[-n:] if n > 0 else text[-n:] if n else ""),
    "substr": _strict(_substring), "substring": _strict(_substring), "split_part": _strict(_part),
    "string_to_array": _strict(str.split), "array_to_string": _strict(lambda items, by: by.join(map(text_of, items))),
    "array_length": _strict(lambda items, _: len(items) or None), "cardinality": _strict(len),
    "make_date": _strict(date), "to_char": _strict(_to_char), "date_trunc": _strict(_truncated),
    "abs": _strict(abs), "mod": _strict(lambda a, b: operate("%", a, b)),
}  # fmt: skip
