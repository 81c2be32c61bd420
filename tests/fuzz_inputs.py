"""Inputs for the fuzzer: the repository's own histories, bent, spliced and broken.

An input is a small project: the bytes of its files by name. What makes it is a seed, so that any of them can be made again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from random import Random

from tests.fixture_files import FOLDER, fixture_files, read_fixture, statements

Files = Mapping[str, bytes]
CONFIGURATION = ".schemalint.yml"
MIGRATIONS = "migrations"
TOKEN = re.compile(r"\s+|--[^\n]*|\w+|\"[^\"]*\"|'[^']*'|\$\w*\$|::|:=|.", re.DOTALL)
BODY = re.compile(r"\$(\w*)\$(?P<inside>.*?)\$\1\$", re.DOTALL)
CHANGES = 6  # at most, on one input
LARGEST = 60_000  # characters of a file: what is larger is slow, and shows nothing that a smaller one does not
VALUES = (
    "0", "-1", "NULL", "''", "1e400", "'NaN'", "99999999999999999999", "0x1F", "1_000", "'infinity'", "NEW", "OLD", "NEW.*",
    "(SELECT 1)", "ARRAY[]::int[]", "ROW()", "ROW(NULL)::text", "$1", "E'\\\\x00'", "U&'\\0041'", "B'1'", "DEFAULT",
    "CURRENT_DATE",
    "TG_OP", "TG_ARGV[0]", "FOUND", "SQLERRM", "'a' || NULL", "interval '1 mon'", "'{}'::jsonb -> 'a'", "x.y.z.w",
)  # fmt: skip
ODD = (
    "\0", "\ufeff", "\u202e", "\u2028", "\x85", "\x1b[31m", "\r", "\v", "\xa0", "é", "名", "\U0001f600", "\ud800", "\\", "'", '"',
    "$$", "$x$", "/*", "*/", "--", ";", "(", ")", "::error::", "##vso[x]", "]]>", "<b>", "%s", "%I", "{}", "\\.\n", "\\i x\n",
    "-- schemalint: ignore x because y\n", "-- +goose Down\n", "-- migrate:down\n", "-- +goose StatementBegin\n",
)  # fmt: skip
NESTS = (
    ("(", ")"), ("(SELECT ", ")"), ("CASE WHEN true THEN ", " END"), ("coalesce(NULL, ", ")"), ("ARRAY[", "]"), ("NOT (", ")"),
    ("/*", "*/"), ("CAST(", " AS text)"), ("row(", ")"), ("- - ", ""), ("(WITH q AS (SELECT 1) SELECT ", ")"),
)  # fmt: skip
WRAPS = (
    "DO $w$ BEGIN {} ; END $w$", "DO $w$ BEGIN IF true THEN {} ; END IF; EXCEPTION WHEN OTHERS THEN NULL; END $w$",
    "BEGIN; {} ; COMMIT",
    "DO $w$ BEGIN FOR i IN 1..3 LOOP {} ; END LOOP; END $w$", "EXPLAIN {}", "PREPARE p AS {}", "CREATE SCHEMA s {}", "({})",
    "{} ; ROLLBACK",
    "DO $w$ BEGIN EXECUTE $e${}$e$; END $w$", "CREATE FUNCTION w() RETURNS void LANGUAGE sql AS $w$ {} $w$",
    "SAVEPOINT a; {} ; ROLLBACK TO a",
    "CREATE RULE r AS ON INSERT TO messages DO ALSO {}", "CREATE FUNCTION w() RETURNS int LANGUAGE sql BEGIN ATOMIC {}; END",
    "{} CASCADE",
)  # fmt: skip


@cache
def histories() -> tuple[Files, ...]:
    """The histories of all fixtures and of the seed, with their configurations."""
    found = []
    for path in fixture_files():
        fixture = read_fixture(path)
        files = {f"{MIGRATIONS}/{each.name}": each.sql.encode() for each in fixture.migrations}
        if fixture.configuration:
            files[CONFIGURATION] = fixture.configuration.encode()
        found.append(files)
    for project in sorted((FOLDER / "projects").iterdir()):
        found.append({f"{MIGRATIONS}/{each.name}": each.read_bytes() for each in sorted(project.rglob("*.sql"))})
    return tuple(found)


@cache
def words() -> tuple[str, ...]:
    """The words of all histories: identifiers, types and keywords, each once."""
    texts = (text.decode() for files in histories() for text in files.values())
    return tuple(sorted({each for text in texts for each in re.findall(r"[A-Za-z_]\w*", text)}))


def made(seed: str) -> Files:
    """The input of a seed."""
    random = Random(seed)
    files = dict(random.choice(histories()))
    if random.random() < 0.2:
        files |= random.choice(histories())
    if random.random() < 0.2:
        files = _renamed(random, files)
    for _ in range(random.randint(1, CHANGES)):
        name = random.choice(sorted(files))
        files[name] = _changed(random, files[name])
    if random.random() < 0.1:
        name = random.choice(sorted(files))
        files[name] = _rewritten(random, files[name])
    return files


def _renamed(random: Random, files: Files) -> dict[str, bytes]:
    """Two names of the whole history become one: tables, columns, functions and types that are each other's."""
    found = sorted({each for text in files.values() for each in re.findall(rb"[A-Za-z_]\w*", text)})
    old, new = random.choice(found), random.choice(found)
    return {name: re.sub(rb"\b" + old + rb"\b", new, text) for name, text in files.items()}


def _changed(random: Random, data: bytes) -> bytes:
    text = data.decode("utf-8", "surrogatepass") if _is_text(data) else data.decode("latin-1")
    change = random.choice(CHANGES_OF_TEXT)
    return change(random, text)[:LARGEST].encode("utf-8", "surrogatepass")


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _rewritten(random: Random, data: bytes) -> bytes:
    """Other bytes: cut anywhere, with noise in them, or in another encoding."""
    at = random.randrange(len(data) + 1)
    kind = random.randrange(5)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + random.randbytes(random.randint(1, 40)) + data[at:]
    if kind == 2:
        return random.randbytes(random.randint(0, 2000))
    text = data.decode("utf-8", "replace")
    return text.encode("utf-16") if kind == 3 else text.encode("latin-1", "replace")


# -- changes of a text


def _tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def _places(random: Random, tokens: list[str], count: int) -> list[int]:
    solid = [place for place, each in enumerate(tokens) if each.strip()]
    return sorted(random.sample(solid, count)) if len(solid) >= count else []


def delete_tokens(random: Random, text: str) -> str:
    tokens = _tokens(text)
    for at in _places(random, tokens, 1):
        del tokens[at : at + random.choice((1, 1, 1, 2, 5))]
    return "".join(tokens)


def duplicate_token(random: Random, text: str) -> str:
    tokens = _tokens(text)
    for at in _places(random, tokens, 1):
        tokens[at : at + 1] = [tokens[at], " ", tokens[at]] * random.choice((1, 1, 1, 20))
    return "".join(tokens)


def swap_tokens(random: Random, text: str) -> str:
    tokens = _tokens(text)
    places = _places(random, tokens, 2)
    if places:
        one, other = places
        tokens[one], tokens[other] = tokens[other], tokens[one]
    return "".join(tokens)


def replace_token(random: Random, text: str) -> str:
    tokens = _tokens(text)
    for at in _places(random, tokens, 1):
        tokens[at] = random.choice((random.choice(words()), random.choice(VALUES), random.choice(ODD)))
    return "".join(tokens)


def rename(random: Random, text: str) -> str:
    """One identifier becomes another one of the same text, everywhere: two things then have one name."""
    found = sorted(set(re.findall(r"[A-Za-z_]\w*", text)))
    if not found:
        return text
    return re.sub(rf"\b{random.choice(found)}\b", lambda _: random.choice((random.choice(found), random.choice(words()))), text)


def quote(random: Random, text: str) -> str:
    tokens = _tokens(text)
    for at in _places(random, tokens, 1):
        tokens[at] = '"' + tokens[at].strip('"').replace('"', '""') + random.choice(("", *ODD)).replace('"', '""') + '"'
    return "".join(tokens)


def insert_odd(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(ODD) * random.choice((1, 1, 1, 3)) + text[at:]


def nest(random: Random, text: str) -> str:
    tokens = _tokens(text)
    opening, closing = random.choice(NESTS)
    depth = random.choice((1, 1, 2, 10, 100, 400, 1500))
    for at in _places(random, tokens, 1):
        tokens[at] = opening * depth + tokens[at] + closing * depth
    return "".join(tokens)


def truncate(random: Random, text: str) -> str:
    return text[: random.randrange(len(text) + 1)]


def change_statements(random: Random, text: str) -> str:
    """Drops, repeats, moves or wraps one, or takes one from another history."""
    found = list(statements(text))
    if not found:
        return text
    at = random.randrange(len(found))
    kind = random.randrange(5)
    if kind == 0:
        del found[at]
    elif kind == 1:
        found.insert(random.randrange(len(found) + 1), found[at])
    elif kind == 2:
        found.insert(random.randrange(len(found)), found.pop(at))
    elif kind == 3:
        found[at] = random.choice(WRAPS).format(found[at].replace("{", "").replace("}", ""))
    else:
        found.insert(at, _foreign_statement(random))
    return ";\n".join(found) + ";\n"


def _foreign_statement(random: Random) -> str:
    files = random.choice(histories())
    text = files[random.choice([each for each in sorted(files) if each != CONFIGURATION])].decode()
    return random.choice(list(statements(text)) or [""])


def scramble_body(random: Random, text: str) -> str:
    """The tokens, lines or statements of one function's body in another order."""
    bodies = list(BODY.finditer(text))
    if not bodies:
        return text
    body = random.choice(bodies)
    separator = random.choice((r"(;)", r"(\n)", r"(\b)"))
    parts = [each for each in re.split(separator, body["inside"]) if each]
    first = random.randrange(len(parts) + 1)
    window = parts[first : first + random.choice((3, 6, 30))]
    random.shuffle(window)
    parts[first : first + len(window)] = window
    return text[: body.start("inside")] + "".join(parts) + text[body.end("inside") :]


CHANGES_OF_TEXT: tuple[Callable[[Random, str], str], ...] = (
    delete_tokens, duplicate_token, swap_tokens, replace_token, replace_token, rename, rename, quote, insert_odd, nest, truncate,
    change_statements, change_statements, change_statements, scramble_body, scramble_body,
)  # fmt: skip
