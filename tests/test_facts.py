"""PostgreSQL's facts, and the resolution of casts, operators and functions over them, against the server itself.

Each question is a query that the server only prepares: what comes back is its result type or the SQLSTATE.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from itertools import product

import msgspec
import psycopg
import pytest

from schemalint.catalog import facts
from schemalint.catalog.coercion import NoUserTypes
from schemalint.catalog.facts import FunctionFact, Type
from schemalint.catalog.resolve import Resolved, Unresolved, coercion, common_type, resolve_function, resolve_operator
from tests import generate_facts
from tests.postgres import Connection, Row, Server

ANSWERS = """
CREATE FUNCTION answers(queries text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  query text;
  found text;
BEGIN
  FOREACH query IN ARRAY queries LOOP
    BEGIN
      EXECUTE 'PREPARE asked AS ' || query;
      SELECT result_types[1]::oid::text INTO found FROM pg_prepared_statements WHERE name = 'asked';
      DEALLOCATE asked;
    EXCEPTION WHEN OTHERS THEN
      found := SQLSTATE || ' ' || SQLERRM;
    END;
    RETURN NEXT coalesce(found, '');
  END LOOP;
END $$
"""

USER_TYPES = """
CREATE TYPE mood AS ENUM ('calm', 'loud');
CREATE DOMAIN label AS text;
CREATE DOMAIN amount AS int4;
CREATE DOMAIN small_amount AS amount;
CREATE DOMAIN main_mood AS mood;
CREATE DOMAIN numbers AS int4[];
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN main_pair AS pair;
CREATE TYPE badge AS (c int);
CREATE CAST (int4 AS mood) WITH INOUT AS ASSIGNMENT;
CREATE CAST (mood AS int8) WITH INOUT AS IMPLICIT;
"""
OWN_TYPES = """
SELECT oid::int8, typname, typtype, typbasetype::int8, typarray::int8, typnamespace = 'pg_catalog'::regnamespace FROM pg_type
"""
OWN_FUNCTIONS = generate_facts.FUNCTIONS.replace("'pg_catalog'::", "'public'::").replace(
    "proallargtypes", "proallargtypes, p.oid::int8"
)
NAMES = ("mood", "label", "amount", "small_amount", "main_mood", "numbers", "pair", "main_pair", "badge")

USER_FUNCTIONS = """
CREATE FUNCTION plain(int4) RETURNS int4 LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION plain(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION several(int4) RETURNS int4 LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION several(int4, int4 DEFAULT 1) RETURNS int8 LANGUAGE sql AS 'SELECT 1::int8';
CREATE FUNCTION several(text, int4 DEFAULT 1, text DEFAULT '') RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION many(VARIADIC int4[]) RETURNS int4 LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION many(int4, int4) RETURNS int8 LANGUAGE sql AS 'SELECT 1::int8';
CREATE FUNCTION many(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION any_many(VARIADIC anyarray) RETURNS anyelement LANGUAGE sql AS 'SELECT $1[1]';
CREATE FUNCTION compatible(anycompatible, anycompatiblearray) RETURNS anycompatiblearray LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION ranged(anyelement, anyrange) RETURNS anymultirange LANGUAGE sql AS 'SELECT NULL';
CREATE FUNCTION ranged(anycompatible, anycompatiblerange) RETURNS anycompatible LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION listed(anynonarray) RETURNS anyarray LANGUAGE sql AS 'SELECT ARRAY[$1]';
CREATE FUNCTION moods(anyenum) RETURNS anyenum LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION moods(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION named(a int4, b text DEFAULT '', c int4 DEFAULT 1) RETURNS int4 LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION named(b text, d int4) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION of_row(pair) RETURNS int4 LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION of_row(record) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION domains(label) RETURNS int4 LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION domains(amount) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE FUNCTION length(mood) RETURNS int8 LANGUAGE sql AS 'SELECT 1::int8';
CREATE FUNCTION lower(text) RETURNS int8 LANGUAGE sql AS 'SELECT 1::int8';
CREATE FUNCTION abs(int2) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
"""


def run(connection: Connection, text: str) -> psycopg.Cursor[Row]:
    """Executes SQL that was put together: as bytes, psycopg's types let it pass."""
    return connection.execute(text.encode())


class Asked:
    """A database with types and functions of a user's, as resolution sees them and as the server does."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        for each in (ANSWERS, USER_TYPES, USER_FUNCTIONS):
            run(connection, each)
        rows = self._rows(OWN_TYPES)
        own = {oid: (array, kind, base) for oid, _, kind, base, array, system in rows if array and not system}
        self.types: dict[int, Type] = {oid: name for oid, name, _, _, _, system in rows if system}
        self.types |= {oid: oid for oid in own} | {array: -oid for oid, (array, _, _) in own.items()}
        self.names: dict[str, int] = {name: oid for oid, name, *_ in rows if oid in own and name in NAMES}
        self._own = own
        mood = self.names["mood"]
        self._casts: dict[tuple[Type, Type], str] = {("int4", mood): "a", (mood, "int8"): "i"}

    def kind(self, type: int) -> str:
        return "a" if type < 0 else self._own[type][1]

    def base(self, type: int) -> Type:
        return self.types[self._own[type][2]] if self.kind(type) == "d" else type

    def element(self, type: int) -> Type | None:
        return -type if type < 0 else None

    def casts(self, source: Type, target: Type) -> str | None:
        return self._casts.get((source, target))

    def _rows(self, query: str) -> list[Row]:
        return list(run(self.connection, query).fetchall())

    def type(self, name: str) -> Type:
        """A pg_catalog type by its name, a user's by its name, an array of one as mood[]."""
        bare = name.removesuffix("[]")
        if bare not in self.names:
            return name
        return self.names[bare] if bare == name else -self.names[bare]

    def answers(self, queries: Sequence[str]) -> list[Type]:
        """For each query the type of its first column ("" if it has none), or "! SQLSTATE message"."""
        rows = self.connection.execute("SELECT * FROM answers(%s)", [list(queries)]).fetchall()
        return [self.types[int(row[0])] if row[0].isdigit() else row[0] and f"! {row[0]}" for row in rows]

    def functions(self, name: str) -> list[FunctionFact]:
        """The user's functions of the name, and PostgreSQL's own."""
        found = [self._function(row) for row in self._rows(OWN_FUNCTIONS) if row[0] == name]
        return [*found, *facts.functions_named(name)]

    def _function(self, row: Row) -> FunctionFact:
        name, inputs, result, volatility, strict, kind, returns_set, variadic, defaults, names, *_, identity = row
        return FunctionFact(
            name=name,
            arguments=tuple(self.types[each] for each in inputs),
            result=self.type(result),
            volatility=volatility,
            strict=strict,
            kind=kind,
            returns_set=returns_set,
            variadic=variadic,
            defaults=defaults,
            argument_names=tuple(each or None for each in names or ()),
            identity=identity,
            place=1,
        )

    def shown(self, message: str) -> str:
        """A message with the user's types by their names."""
        names = {str(oid): name for name, oid in self.names.items()}
        return re.sub(r"-?\b(\d{5,})", lambda found: names[found[1]] + "[]" * found[0].startswith("-"), message)


@pytest.fixture(scope="module")
def asked(postgres: Server) -> Iterator[Asked]:
    with postgres.database() as connect:
        yield Asked(connect("postgres"))


def value(name: str) -> str:
    """An expression of the type."""
    if name == "unknown":
        return "NULL"
    if name == "record":
        return "(SELECT ROW(1, 'a'))"  # a bare ROW(…) is compared and converted field by field
    return f"NULL::{name}" if name.endswith("[]") else f'NULL::"{name}"'


def verdict(found: Resolved | Unresolved, asked: Asked) -> Type | None:
    """The result type, or "! SQLSTATE message", as the server's answers have it."""
    return found.result if isinstance(found, Resolved) else f"! {found.sqlstate} {asked.shown(found.message)}"


def differs(answer: Type, found: Type | None) -> bool:
    """Polymorphic types that do not fit have many messages; of those only the SQLSTATE is compared."""
    if isinstance(answer, str) and answer.startswith("! 42804"):
        return str(found)[:7] != answer[:7]
    return answer != found


SOME = """
bool int2 int4 int8 numeric float8 text varchar bpchar name bytea date time timetz timestamp timestamptz interval json
jsonb uuid unknown _text _int4 _varchar _int8 inet mood label amount small_amount main_mood numbers pair main_pair
mood[] pair[] label[] record int4range int4multirange tsvector point money bit varbit regclass oid char xid cidr
"""
FEW = """
bool int4 int8 numeric text varchar bpchar date timestamptz interval jsonb uuid unknown _text _int4 bytea inet int4range
mood label amount pair mood[] record numbers
"""
SOME_TYPES = tuple(SOME.split())
OPERATORS = "= <> < <= > >= || + - * / % ^ ~ ~~ ~~* !~ -> ->> #>> @> <@ ? && & << @@ -|-"
PREFIX_OPERATORS = "- + ~ @ |/ !! @@"


def test_the_file_is_what_the_server_says(asked: Asked) -> None:
    assert generate_facts.FILE.read_text(encoding="utf-8") == generate_facts.printed(generate_facts.facts(asked.connection))


def test_coercion(asked: Asked) -> None:
    targets = [each for each in SOME_TYPES if each not in ("unknown", "record")]
    for number, target in enumerate(targets):
        shown = value(target).removeprefix("NULL::")
        run(asked.connection, f"CREATE TABLE target_{number} (c {shown})")
        run(asked.connection, f"CREATE FUNCTION takes_{number}({shown}) RETURNS int4 LANGUAGE internal AS 'int4abs'")
    pairs = [(s, n, t) for s, (n, t) in product(SOME_TYPES, enumerate(targets)) if s != "record"]  # only ROW(…) itself converts
    questions = {
        "i": [f"SELECT takes_{number}({value(source)})" for source, number, _ in pairs],
        "a": [f"INSERT INTO target_{number} SELECT {value(source)}" for source, number, _ in pairs],
        "e": [f"SELECT ({value(source)})::{value(target).removeprefix('NULL::')}" for source, _, target in pairs],
    }
    wrong = []
    for context, queries in questions.items():
        allowed = "iae"[: "iae".index(context) + 1]
        for (source, _, target), answer in zip(pairs, asked.answers(queries), strict=True):
            found = coercion(asked.type(source), asked.type(target), asked)
            if (found is not None and found in allowed) == str(answer).startswith("!"):
                wrong.append((source, target, context, answer, found))
    assert not wrong


def test_operators(asked: Asked) -> None:
    calls = list(product(OPERATORS.split(), FEW.split(), FEW.split()))
    answers = asked.answers([f"SELECT {value(left)} {name} {value(right)}" for name, left, right in calls])
    wrong = []
    for (name, left, right), answer in zip(calls, answers, strict=True):
        found = verdict(resolve_operator(name, asked.type(left), asked.type(right), asked), asked)
        if differs(answer, found):
            wrong.append((left, name, right, answer, found))
    assert not wrong


def test_prefix_operators(asked: Asked) -> None:
    calls = list(product(PREFIX_OPERATORS.split(), SOME_TYPES))
    answers = asked.answers([f"SELECT {name} {value(right)}" for name, right in calls])
    found = [verdict(resolve_operator(name, None, asked.type(right), asked), asked) for name, right in calls]
    assert [each for each in zip(calls, answers, found, strict=True) if differs(each[1], each[2])] == []


# -- functions

COMMON_FUNCTIONS = """
abs age array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions
array_prepend array_remove array_replace array_to_json array_to_string array_upper ascii bit_length btrim cardinality
ceil ceiling char_length chr clock_timestamp coalesce_missing col_description concat concat_ws convert_from convert_to
current_setting date_bin date_part date_trunc decode degrees div encode enum_first enum_last enum_range exp factorial
floor format format_type gcd gen_random_uuid generate_series generate_subscripts get_byte hashtext initcap isempty
isfinite json_agg json_array_elements json_array_length json_build_array json_build_object json_each
json_extract_path_text json_object json_object_keys json_populate_record json_typeof jsonb_agg jsonb_array_elements
jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
jsonb_extract_path jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_query jsonb_pretty jsonb_set
jsonb_strip_nulls jsonb_typeof justify_days left length ln log lower lower_inc lpad ltrim make_date make_interval
make_time make_timestamp make_timestamptz max md5 min mod multirange nextval now num_nonnulls num_nulls obj_description
octet_length overlay parse_ident pg_advisory_xact_lock pg_get_serial_sequence pg_notify pg_sleep pg_size_pretty
pg_trigger_depth pg_typeof position power quote_ident quote_literal quote_nullable radians random range_merge
regexp_count regexp_match regexp_matches regexp_replace regexp_split_to_array repeat replace reverse right round
row_to_json rpad rtrim scale set_config setseed setval sha256 sign split_part sqrt starts_with statement_timestamp
string_agg string_to_array strpos substr substring sum timezone to_char to_date to_hex to_json to_jsonb to_number
to_regclass to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim_array trunc unnest upper upper_inc
uuidv7 width_bucket xpath avg count bool_or array_agg every text varchar int4 int8 numeric date timestamptz jsonb uuid
bool name float8 regclass
"""
USER_NAMES = """
plain several many any_many compatible ranged listed moods named of_row domains length lower abs
"""

# What is tried where a function wants the type.
LIKELY: dict[Type, tuple[str, ...]] = {
    "anyelement": ("int4", "text", "mood", "label", "pair", "_int4", "unknown"),
    "anynonarray": ("int4", "text", "_int4"),
    "anyenum": ("mood", "main_mood", "int4", "unknown"),
    "anyarray": ("_int4", "_text", "mood[]", "numbers", "unknown", "int4"),
    "anyrange": ("int4range", "numrange", "unknown"),
    "anymultirange": ("int4multirange", "unknown"),
    "anycompatible": ("int4", "int8", "text", "numeric", "unknown", "amount", "mood"),
    "anycompatiblearray": ("_int4", "_int8", "_numeric", "numbers", "unknown", "mood[]", "label[]"),
    "anycompatiblerange": ("int4range", "numrange", "unknown"),
    "any": SOME_TYPES,
    "text": ("text", "varchar", "unknown", "bpchar", "name", "label", "int4", "mood"),
    "int4": ("int4", "int2", "int8", "amount", "unknown", "numeric"),
    "int8": ("int8", "int4", "unknown", "small_amount", "mood"),
    "float8": ("float8", "int4", "numeric", "float4", "unknown"),
    "numeric": ("numeric", "int4", "int8", "float8", "unknown"),
    "timestamptz": ("timestamptz", "timestamp", "date", "unknown", "time"),
    "timestamp": ("timestamp", "timestamptz", "date", "unknown"),
    "date": ("date", "timestamp", "unknown"),
    "jsonb": ("jsonb", "json", "unknown", "text"),
}


class Call(msgspec.Struct, frozen=True):
    name: str
    arguments: tuple[str, ...]
    names: tuple[str | None, ...]

    @property
    def query(self) -> str:
        shown = [f'"{n}" => {value(a)}' if n else value(a) for a, n in zip(self.arguments, self.names, strict=True)]
        return f'SELECT "{self.name}"({", ".join(shown)})'


def likely_call(fact: FunctionFact, chance: random.Random) -> Call:
    """A call near what the function wants: other types, arguments left out or too many, some by name."""
    wanted = list(fact.arguments)
    if fact.variadic:
        wanted[-1:] = [ELEMENTS.get(wanted[-1], "int4")] * chance.randint(0, 3)
    elif fact.defaults and chance.random() < 0.6:
        wanted = wanted[: len(wanted) - chance.randint(0, fact.defaults)]
    if chance.random() < 0.05:
        wanted = wanted[1:] if chance.random() < 0.5 else [*wanted, "text"]
    arguments = tuple(likely_argument(each, chance) for each in wanted)
    names: tuple[str | None, ...] = (None,) * len(arguments)
    if fact.argument_names and chance.random() < 0.5:
        first_named = chance.randint(0, len(arguments))
        named = fact.argument_names[first_named : len(arguments)]
        if all(named) and len(arguments) <= len(fact.argument_names):
            names = (*names[:first_named], *named)
    return Call(fact.name, arguments, names)


ELEMENTS: dict[Type, Type] = {"any": "any", "anyarray": "anyelement", "anycompatiblearray": "anycompatible", "_text": "text"}


def likely_argument(wanted: Type, chance: random.Random) -> str:
    if chance.random() < 0.1:
        return chance.choice(SOME_TYPES)
    known = str(wanted) if isinstance(wanted, str) and wanted not in LIKELY else "unknown"
    return chance.choice(LIKELY.get(wanted, (known, known, "unknown")))


NOT_OF_RESOLUTION = ("! 0A000", "! 42809")  # set-returning in COALESCE, aggregates that want WITHIN GROUP …


@pytest.mark.parametrize(("names", "times"), [(COMMON_FUNCTIONS, 6), (USER_NAMES, 150)], ids=["own", "overloaded"])
def test_functions(asked: Asked, names: str, times: int) -> None:
    chance = random.Random(20)
    candidates = {name: asked.functions(name) for name in names.split()}
    calls = [likely_call(fact, chance) for overloads in candidates.values() for fact in overloads for _ in range(times)]
    wrong = []
    for call, answer in zip(calls, asked.answers([each.query for each in calls]), strict=True):
        types = [asked.type(each) for each in call.arguments]
        found = resolve_function(candidates[call.name], call.name, types, call.names, False, asked)
        if str(answer).startswith(NOT_OF_RESOLUTION) or may_be_a_column(found, call):
            continue
        if differs(answer, verdict(found, asked)):
            wrong.append((call.query, answer, found))
    assert not wrong


def may_be_a_column(found: Resolved | Unresolved, call: Call) -> bool:
    """f(row) is row.f too, and type(x) a user's cast: there resolution does not say that a function is missing."""
    one = len(call.arguments) == 1 and (call.arguments[0] in ("pair", "main_pair") or call.name in ("int4", "int8"))
    return one and isinstance(found, Unresolved) and found.reason == "unknown"


def test_calls_with_an_argument_that_is_not_known(asked: Asked) -> None:
    assert resolve_operator("=", "?", "int4") == Resolved("bool")
    assert resolve_operator("=", None, "int4") == resolve_operator("=", "?", "int4")
    assert resolve_operator("-", None, "int4") == resolve_operator("-", None, "int4", asked)
    assert resolve_operator("+", "?", "int4") == Unresolved("unknown")
    only = FunctionFact("f", ("int4", "anyelement"), "anyelement", identity=20000)
    found = resolve_function([only], "f", [None, None])
    assert isinstance(found, Resolved)
    assert (found.result, found.identity) == (None, 20000)
    assert resolve_function([only], "f", ["text", None]) == Unresolved("unknown")
    missing = resolve_function([only], "f", [None])
    assert isinstance(missing, Unresolved)
    assert missing.reason == "missing"


def test_types_of_extensions_are_not_judged() -> None:
    citext = 20000
    user = NoUserTypes()
    assert resolve_operator("=", citext, "text", user) == Unresolved("unknown")
    assert resolve_function(facts.functions_named("lower"), "lower", [citext], user=user) == Unresolved("unknown")
    assert coercion(citext, "text", user) == "a"
    assert coercion(citext, "int4", user) == "i"
    assert coercion("?", "int4", user) == coercion("int4", "?", user) == "i"


def test_variadic_calls(asked: Asked) -> None:
    calls = list(
        product(("many", "any_many", "concat", "concat_ws", "jsonb_build_array", "num_nulls"), ("_int4", "_text", "numbers"))
    )
    answers = asked.answers([f"SELECT {name}(VARIADIC {value(array)})" for name, array in calls])
    found = [resolve_function(asked.functions(name), name, [asked.type(array)], (), True, asked) for name, array in calls]
    assert [each for each in zip(calls, answers, found, strict=True) if differs(each[1], verdict(each[2], asked))] == []


# -- common types, and types as they are printed


def test_common_type(asked: Asked) -> None:
    triples = list(
        product((*SOME_TYPES[:9], "unknown", "mood", "label", "amount", "numbers", "_int4", "pair", "main_mood"), repeat=3)
    )
    answers = asked.answers([f"SELECT COALESCE({', '.join(value(each) for each in triple)})" for triple in triples])
    wrong = []
    for triple, answer in zip(triples, answers, strict=True):
        found = common_type([asked.type(each) for each in triple], asked)
        if found is None and str(answer)[:7] in ("! 42804", "! 42846"):
            continue
        if answer != found:
            wrong.append((triple, answer, found))
    assert not wrong


@pytest.mark.parametrize(
    "form", ["SELECT {0} UNION ALL SELECT {1}", "VALUES ({0}), ({1})", "SELECT CASE WHEN true THEN {1} ELSE {0} END"]
)
def test_common_type_of_two(asked: Asked, form: str) -> None:
    pairs = list(product(SOME_TYPES, repeat=2))
    answers = asked.answers([form.format(value(left), value(right)) for left, right in pairs])
    found = [common_type([asked.type(left), asked.type(right)], asked) for left, right in pairs]
    assert [
        each
        for each in zip(pairs, answers, found, strict=True)
        if each[1] != each[2] and not (each[2] is None and str(each[1])[:7] in ("! 42804", "! 42846"))
    ] == []


MODIFIED = (  # 32767: all fields of an interval
    ("varchar(50)", "varchar", (50,)), ("varchar", "varchar", ()), ("varchar(50)[]", "_varchar", (50,)),
    ("char", "bpchar", (1,)), ("char(3)", "bpchar", (3,)), ("bpchar", "bpchar", ()), ("bpchar[]", "_bpchar", ()),
    ("bit", "bit", (1,)), ("bit(3)", "bit", (3,)), ("varbit", "varbit", ()), ("bit varying(7)", "varbit", (7,)),
    ("numeric", "numeric", ()), ("numeric(10)", "numeric", (10,)), ("numeric(10,2)", "numeric", (10, 2)),
    ("numeric(3,-2)", "numeric", (3, -2)), ("numeric(10,2)[]", "_numeric", (10, 2)), ("timestamp", "timestamp", ()),
    ("timestamp(3)", "timestamp", (3,)), ("timestamptz(3)", "timestamptz", (3,)), ("timestamptz(9)", "timestamptz", (9,)),
    ("time(0)", "time", (0,)), ("timetz(2)[]", "_timetz", (2,)), ("interval", "interval", ()),
    ("interval(3)", "interval", (32767, 3)), ("interval hour", "interval", (1024,)),
    ("interval year to month", "interval", (6,)), ("interval day to second(2)", "interval", (7176, 2)),
    ('"char"', "char", ()), ("text[]", "_text", ()), ("int", "int4", ()), ("float", "float8", ()), ("int4[][]", "_int4", ()),
)  # fmt: skip


def test_types_as_printed(asked: Asked) -> None:
    columns = ", ".join(f"c{number} {written}" for number, (written, _, _) in enumerate(MODIFIED))
    run(asked.connection, f"CREATE TABLE printed ({columns})")
    query = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'printed'::regclass AND attnum > 0"
    shown = [row[0] for row in run(asked.connection, f"{query} ORDER BY attnum").fetchall()]
    assert [facts.format_type(name, modifiers) for _, name, modifiers in MODIFIED] == shown


def test_all_types_as_printed(asked: Asked) -> None:
    query = "SELECT typname, format_type(oid, NULL), format_type(oid, -1) FROM pg_type WHERE typnamespace = 11"
    rows = run(asked.connection, query).fetchall()
    assert [row for row in rows if (facts.display_name(row[0]), facts.format_type(row[0])) != row[1:]] == []


def test_look_ups() -> None:
    assert facts.system_relation("pg_catalog", "pg_namespace") == (
        ("oid", "oid"), ("nspname", "name"), ("nspowner", "oid"), ("nspacl", "_aclitem")
    )  # fmt: skip
    assert dict(facts.system_relation("information_schema", "columns") or ())["table_name"] == "name"
    assert facts.system_relation("public", "pg_namespace") is None
    assert facts.canonical_name(["pg_catalog", "int4"]) == "int4"
    assert facts.canonical_name(["public", "int4"]) is None
    assert facts.canonical_name(["mood"]) is None
    assert facts.cast("int4", "int8") == facts.CastFact("int4", "int8", "i", "f", "i")
    assert facts.type_named("mood") is None
    assert facts.functions_named("no_such_function") == ()
    assert facts.operators_named("no such operator") == ()
    assert ("key", "text") in facts.functions_named("jsonb_each")[0].columns
