"""The parser for PL/pgSQL, statement by statement."""

from __future__ import annotations

import subprocess
import sys

import pytest

from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.plpgsql import BodySyntaxError, check_fragments, fragments, parse_body, walk
from schemalint.parse.plpgsql_conditions import SQLSTATES


def only(text: str, declarations: str = "") -> tree.Statement:
    """The one statement of a body, after a look at its span."""
    body = f"\n{declarations} BEGIN -- first\n  {text} /* last */\nEND;\n"
    (statement,) = parse_body(body).body
    assert body[statement.start : statement.end] == text
    return statement


def declared(text: str) -> tree.Declaration:
    body = f"DECLARE\n  {text}\nBEGIN END"
    (declaration,) = parse_body(body).declarations
    assert body[declaration.start : declaration.end] == text
    return declaration


def texts(value: object) -> list[str]:
    return [fragment.text for fragment in fragments(value)]


def refusal(body: str) -> tuple[str, str]:
    """Why a body is refused, and the piece of it that is to blame."""
    try:
        error = check_fragments(parse_body(body))
    except BodySyntaxError as raised:
        error = raised
    assert error is not None
    return error.message, body[error.start : error.end]


@pytest.mark.parametrize(
    ("text", "parts", "subscripted", "value"),
    [
        ("NEW.content := upper(NEW.content);", ("new", "content"), False, "upper(NEW.content)"),
        ("v = 1;", ("v",), False, "1"),
        ("NEW.tags[1] := 'x';", ("new", "tags"), True, "'x'"),
        ("rec.a.b := 1;", ("rec", "a", "b"), False, "1"),
        ("p.y[1:2].z[f(';')] := array[1, 2];", ("p", "y", "z"), True, "array[1, 2]"),
        ('"Order" := 1;', ("Order",), False, "1"),
        ("exit := 1;", ("exit",), False, "1"),
        ("type[1] := 1;", ("type",), True, "1"),
        ("value.key := 1;", ("value", "key"), False, "1"),
        ("new.end := 1;", ("new", "end"), False, "1"),
        ("$1 := 2;", ("$1",), False, "2"),
        ("É := 2;", ("É",), False, "2"),
        ("x := $q$ ; $q$ || E'\\';' /* ; /* ; */ */ || ';';", ("x",), False, "$q$ ; $q$ || E'\\';' /* ; /* ; */ */ || ';'"),
        ("x := CASE WHEN a THEN 1 ELSE 2 END;", ("x",), False, "CASE WHEN a THEN 1 ELSE 2 END"),
        ("x := count(*) FROM t WHERE a > 1;", ("x",), False, "count(*) FROM t WHERE a > 1"),
    ],
)
def test_assignments(text: str, parts: tree.Name, subscripted: bool, value: str) -> None:
    match only(text):
        case tree.Assign() as assign:
            assert (assign.target_parts, assign.subscripted, assign.value.text) == (parts, subscripted, value)
        case other:
            pytest.fail(repr(other))


@pytest.mark.parametrize(
    ("text", "query", "into"),
    [
        ("SELECT a, b INTO x, y FROM t;", "SELECT a, b           FROM t", (False, (("x",), ("y",)))),
        ("SELECT a INTO STRICT rec.field FROM t;", "SELECT a                       FROM t", (True, (("rec", "field"),))),
        ("INSERT INTO t VALUES (1) RETURNING id INTO x;", "INSERT INTO t VALUES (1) RETURNING id", (False, (("x",),))),
        ("INSERT INTO t SELECT 1;", "INSERT INTO t SELECT 1", None),
        ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE;", None, None),
        ("IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c;", None, None),
        ("WITH q AS (SELECT 1) INSERT INTO t SELECT * FROM q;", None, None),
        ("CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;", None, None),
        ("CREATE OR REPLACE PROCEDURE g() BEGIN ATOMIC INSERT INTO t VALUES (1); END;", None, None),
        ("CALL p(1, ';');", None, None),
        ("DO $x$ BEGIN RETURN; END $x$;", None, None),
        ("UPDATE t SET a = 1 WHERE b = NEW.b;", None, None),
        ("TRUNCATE t;", None, None),
    ],
)
def test_sql(text: str, query: str | None, into: tuple[bool, tuple[tree.Name, ...]] | None) -> None:
    match only(text):
        case tree.Sql() as sql:
            assert sql.query.text == (query or text.rstrip(";"))
            assert sql.keyword == text.split()[0].lower()
            assert (sql.into and (sql.into.strict, sql.into.targets)) == into
        case other:
            pytest.fail(repr(other))


def test_an_into_has_a_place_and_blanks_keep_offsets() -> None:
    body = "BEGIN SELECT a /* c */ INTO  STRICT\n x , y /* d */ FROM t WHERE b; END"
    (statement,) = parse_body(body).body
    assert isinstance(statement, tree.Sql)
    assert statement.into is not None
    assert body[statement.into.start : statement.into.end] == "INTO  STRICT\n x , y"
    query = statement.query
    assert len(query.text) == query.end - query.start
    assert query.text.index("FROM") + query.start == body.index("FROM")


def test_if() -> None:
    statement = only("IF a AND (CASE WHEN b THEN c END) THEN RETURN 1; ELSIF d THEN ELSEIF e THEN NULL; ELSE RETURN 2; END IF;")
    assert isinstance(statement, tree.If)
    assert [branch.condition.text for branch in statement.branches] == ["a AND (CASE WHEN b THEN c END)", "d", "e"]
    assert [len(branch.body) for branch in statement.branches] == [1, 0, 1]
    assert statement.otherwise is not None
    assert texts(statement.otherwise) == ["2"]
    bare = only("IF a THEN END IF;")
    assert isinstance(bare, tree.If)
    assert bare.otherwise is None


def test_a_condition_ends_at_its_first_then_as_in_postgresql() -> None:
    body = "BEGIN IF CASE WHEN a THEN b END THEN RETURN 1; END IF; END"
    assert refusal(body)[0].startswith("syntax error")


def test_case() -> None:
    statement = only("CASE x WHEN 1, f(2, 3) THEN RETURN 1; WHEN 4 THEN ELSE RETURN 2; END CASE;")
    assert isinstance(statement, tree.Case)
    assert texts(statement.subject) == ["x"]
    assert [texts(branch.values) for branch in statement.branches] == [["1", "f(2, 3)"], ["4"]]
    assert texts(statement.otherwise) == ["2"]
    searched = only("CASE WHEN a THEN NULL; ELSE END CASE;")
    assert isinstance(searched, tree.Case)
    assert (searched.subject, searched.otherwise) == (None, ())


def test_loops() -> None:
    loop = only("<<outer>> LOOP EXIT outer WHEN a > 1; CONTINUE; END LOOP outer;")
    assert isinstance(loop, tree.Loop)
    assert loop.label == "outer"
    leave, again = loop.body
    assert isinstance(leave, tree.Exit) and isinstance(again, tree.Exit)
    assert (leave.label, leave.is_continue, texts(leave)) == ("outer", False, ["a > 1"])
    assert (again.label, again.is_continue, again.when) == (None, True, None)
    while_loop = only("WHILE a < 1 LOOP NULL; END LOOP;")
    assert isinstance(while_loop, tree.While)
    assert while_loop.condition.text == "a < 1"


@pytest.mark.parametrize(
    ("head", "reverse", "bounds"),
    [
        ("i IN 1..10", False, ["1", "10"]),
        ("i IN REVERSE a..b BY c", True, ["a", "b", "c"]),
        ("i IN array_lower(a, 1) .. array_upper(a, 1)", False, ["array_lower(a, 1)", "array_upper(a, 1)"]),
        ("i IN 1..-1", False, ["1", "-1"]),
    ],
)
def test_loops_over_numbers(head: str, reverse: bool, bounds: list[str]) -> None:
    statement = only(f"FOR {head} LOOP NULL; END LOOP;")
    assert isinstance(statement, tree.ForRange)
    assert (statement.variable, statement.reverse, texts(statement)) == ("i", reverse, bounds)


def test_loops_over_rows() -> None:
    query = only("FOR a, r.b IN SELECT x, y FROM t LOOP NULL; END LOOP;")
    assert isinstance(query, tree.ForQuery)
    assert (query.targets, query.query.text) == ((("a",), ("r", "b")), "SELECT x, y FROM t")
    for text in ("(SELECT 1)", "VALUES (1)", "TABLE t", "INSERT INTO t VALUES (1) RETURNING *", "SELECT"):
        assert isinstance(only(f"FOR r IN {text} LOOP END LOOP;"), tree.ForQuery)
    dynamic = only("FOR r IN EXECUTE 'SELECT $1' USING 1, f(2, 3) LOOP END LOOP;")
    assert isinstance(dynamic, tree.ForExecute)
    assert (dynamic.query.text, texts(dynamic.using)) == ("'SELECT $1'", ["1", "f(2, 3)"])
    bound = only("FOR r IN cur(1, k := 2) LOOP END LOOP;", "DECLARE cur CURSOR (j int, k int) FOR SELECT j;")
    assert isinstance(bound, tree.ForCursor)
    assert (bound.variable, bound.cursor, texts(bound)) == ("r", ("cur",), ["(1, k := 2)"])
    plain = only("FOR r IN cur LOOP END LOOP;", "DECLARE cur CURSOR FOR SELECT 1;")
    assert isinstance(plain, tree.ForCursor)
    assert plain.arguments is None
    array = only("FOREACH x SLICE 1 IN ARRAY a || b LOOP END LOOP;")
    assert isinstance(array, tree.Foreach)
    assert (array.targets, array.slice, array.array.text) == ((("x",),), 1, "a || b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RAISE;", ("exception", None, None, [], [])),
        ("RAISE 'x';", ("exception", "x", None, [], [])),
        ("RAISE WARNING 'it''s 100%%';", ("warning", "it's 100%%", None, [], [])),
        ("RAISE NOTICE 'x %, %', a, f(b, c);", ("notice", "x %, %", None, ["a", "f(b, c)"], [])),
        (
            "RAISE 'x %', a USING HINT = 'h', ERRCODE := 'P0001';",
            ("exception", "x %", None, ["a"], [("hint", "'h'"), ("errcode", "'P0001'")]),
        ),
        ("RAISE unique_violation USING MESSAGE = 'm';", ("exception", None, "unique_violation", [], [("message", "'m'")])),
        ("RAISE SQLSTATE '22012';", ("exception", None, "sqlstate:22012", [], [])),
        ("RAISE INFO USING MESSAGE = m;", ("info", None, None, [], [("message", "m")])),
        ("RAISE DEBUG E'a\\n' 'b';", None),
        ("RAISE DEBUG E'a\\n';", ("debug", "a\n", None, [], [])),
        ("RAISE LOG $$a$$;", ("log", "a", None, [], [])),
        ("RAISE 'a'\n 'b';", ("exception", "ab", None, [], [])),
    ],
)
def test_raise(text: str, expected: tuple[object, ...] | None) -> None:
    if expected is None:
        assert refusal(f"BEGIN {text} END") == ("syntax error at or near \"'b'\"", "'b'")
        return
    statement = only(text)
    assert isinstance(statement, tree.Raise)
    options = [(option.name, option.value.text) for option in statement.options]
    assert (statement.level, statement.format, statement.condition, texts(statement.arguments), options) == expected
    assert statement.rethrows == (text == "RAISE;")


def test_return() -> None:
    values = {"RETURN;": [], "RETURN NEW;": ["NEW"], "RETURN (SELECT 1);": ["(SELECT 1)"], "RETURN next.x;": ["next.x"]}
    for text, value in values.items():
        statement = only(text)
        assert isinstance(statement, tree.Return)
        assert texts(statement) == value
    following = only("RETURN NEXT a + 1;")
    assert isinstance(following, tree.ReturnNext)
    assert texts(following) == ["a + 1"]
    query = only("RETURN QUERY SELECT 1;")
    assert isinstance(query, tree.ReturnQuery)
    assert (texts(query.query), query.dynamic) == (["SELECT 1"], None)
    dynamic = only("RETURN QUERY EXECUTE q USING 1, 2;")
    assert isinstance(dynamic, tree.ReturnQuery)
    assert (dynamic.query, texts(dynamic.dynamic), texts(dynamic.using)) == (None, ["q"], ["1", "2"])


@pytest.mark.parametrize(
    ("text", "targets", "strict", "using"),
    [
        ("EXECUTE format('%I', x);", None, None, []),
        ("EXECUTE q INTO a, b.c USING 1, 2;", (("a",), ("b", "c")), False, ["1", "2"]),
        ("EXECUTE q USING 1 INTO STRICT a;", (("a",),), True, ["1"]),
    ],
)
def test_execute(text: str, targets: object, strict: bool | None, using: list[str]) -> None:
    statement = only(text)
    assert isinstance(statement, tree.Execute)
    assert statement.query.text in ("q", "format('%I', x)")
    assert (statement.into and statement.into.targets, statement.into and statement.into.strict) == (targets, strict)
    assert texts(statement.using) == using


def test_statements_of_one_line() -> None:
    assert texts(only("PERFORM f(a), b FROM t;")) == ["f(a), b FROM t"]
    assert isinstance(only("PERFORM pg_notify('a', ';');"), tree.Perform)
    assert isinstance(only("NULL;"), tree.Null)
    check = only("ASSERT a > 1, 'm';")
    assert isinstance(check, tree.Assert)
    assert texts(check) == ["a > 1", "'m'"]
    assert [getattr(only(text), "chain", None) for text in ("COMMIT;", "COMMIT AND CHAIN;", "ROLLBACK AND NO CHAIN;")] == [
        False,
        True,
        False,
    ]
    facts = only("GET STACKED DIAGNOSTICS a = MESSAGE_TEXT, r.b := PG_EXCEPTION_DETAIL;")
    assert isinstance(facts, tree.GetDiagnostics)
    assert facts.stacked
    assert [(item.target, item.item) for item in facts.items] == [(("a",), "message_text"), (("r", "b"), "pg_exception_detail")]


def test_cursors() -> None:
    query = only("OPEN c NO SCROLL FOR SELECT 1;")
    assert isinstance(query, tree.OpenCursor)
    assert (query.cursor, query.scroll, texts(query)) == (("c",), False, ["SELECT 1"])
    assert texts(only("OPEN c FOR EXECUTE q USING a, b;")) == ["q", "a", "b"]
    assert texts(only("OPEN c(1, x := 2);", "DECLARE c CURSOR (y int, x int) FOR SELECT y;")) == ["(1, x := 2)"]
    for text, direction, count in (
        ("c", "", []),
        ("FROM c", "", []),
        ("NEXT FROM c", "next", []),
        ("RELATIVE -1 IN c", "relative", ["-1"]),
    ):
        fetch = only(f"FETCH {text} INTO a, b;")
        assert isinstance(fetch, tree.Fetch)
        assert (fetch.is_move, fetch.direction, texts(fetch)) == (False, direction, count)
        assert (fetch.cursor, fetch.targets) == (("c",), (("a",), ("b",)))
    move = only("MOVE BACKWARD ALL FROM c;")
    assert isinstance(move, tree.Fetch)
    assert (move.is_move, move.direction, move.targets) == (True, "backward all", ())
    close = only("CLOSE c;")
    assert isinstance(close, tree.Close)
    assert close.cursor == ("c",)


@pytest.mark.parametrize(
    ("text", "name", "type_text", "flags", "default"),
    [
        ("a messages%ROWTYPE;", "a", "messages%ROWTYPE", (False, False), []),
        ("B public.messages.content%TYPE := 'x';", "b", "public.messages.content%TYPE", (False, False), ["'x'"]),
        ("c my_enum[];", "c", "my_enum[]", (False, False), []),
        ("d CONSTANT varchar(50) NOT NULL DEFAULT ';';", "d", "varchar(50)", (True, True), ["';'"]),
        ("e RECORD;", "e", "RECORD", (False, False), []),
        ('"F" timestamp with time zone = now();', "F", "timestamp with time zone", (False, False), ["now()"]),
        ("g messages.tags%TYPE[];", "g", "messages.tags%TYPE[]", (False, False), []),
        ("type text;", "type", "text", (False, False), []),
    ],
)
def test_variables(text: str, name: str, type_text: str, flags: tuple[bool, bool], default: list[str]) -> None:
    variable = declared(text)
    assert isinstance(variable, tree.Variable)
    assert (variable.name, variable.type_text.text, (variable.constant, variable.not_null)) == (name, type_text, flags)
    assert texts(variable.default) == default


def test_other_declarations() -> None:
    collated = declared('a text COLLATE pg_catalog."C" := b;')
    assert isinstance(collated, tree.Variable)
    assert collated.collation == ("pg_catalog", "C")
    alias = declared("a ALIAS FOR $1;")
    assert isinstance(alias, tree.Alias)
    assert (alias.name, alias.of) == ("a", ("$1",))
    cursor = declared("c NO SCROLL CURSOR (a int, b numeric(3, 2)) IS SELECT a INTO x;")
    assert isinstance(cursor, tree.Cursor)
    assert (cursor.name, cursor.scroll, [(one.name, one.type_text.text) for one in cursor.arguments], cursor.query.text) == (
        "c",
        False,
        [("a", "int"), ("b", "numeric(3, 2)")],
        "SELECT a INTO x",
    )


def test_blocks() -> None:
    body = """
    #variable_conflict use_column
    #print_strict_params on
    <<main>> DECLARE a int; DECLARE b int;
    BEGIN
      <<"In"> ner">> DECLARE a text; BEGIN NULL; END "In"> ner";
    EXCEPTION
      WHEN unique_violation OR SQLSTATE '23502' THEN NULL;
      WHEN OTHERS THEN RAISE;
    END main -- done
    """.replace('"In"> ner"', '"In> ner"')
    block = parse_body(body)
    assert block.options == tree.Options("use_column", True)
    assert (block.label, [declaration.name for declaration in block.declarations]) == ("main", ["a", "b"])
    assert body[block.start :].startswith("<<main>>")
    assert body[: block.end].endswith("END main")
    (inner,) = block.body
    assert isinstance(inner, tree.Block)
    assert (inner.label, len(inner.declarations)) == ("In> ner", 1)
    assert [handler.conditions for handler in block.handlers] == [("unique_violation", "sqlstate:23502"), ("others",)]
    handler = block.handlers[0]
    assert body[handler.start : handler.end] == "WHEN unique_violation OR SQLSTATE '23502' THEN NULL;"
    assert [type(statement).__name__ for statement in walk(block)] == ["Block", "Block", "Null", "Null", "Raise"]


@pytest.mark.parametrize(
    ("body", "message", "blamed"),
    [
        ("BEGIN RETURN NEW; END garbage", 'end label "garbage" specified for unlabeled block at or near "garbage"', "garbage"),
        ("BEGIN RETURN NEW; END; x", 'syntax error at or near "x"', "x"),
        ("BEGIN x := ; END", 'missing expression at or near ";"', ";"),
        ("BEGIN IF THEN END IF; END", 'missing expression at or near "THEN"', "THEN"),
        ("BEGIN RETURN QUERY; END", 'missing SQL statement at or near ";"', ";"),
        ("BEGIN é := a b c; END", 'syntax error at or near "c"', "c"),
        ("BEGIN INSERT INTO t VALUE (1); END", 'syntax error at or near "VALUE"', "VALUE"),
        ("BEGIN EXECUTE a USING b, c d e; END", 'syntax error at or near "e"', "e"),
        ("DECLARE a int text; BEGIN END", 'syntax error at or near "text"', "text"),
        ("BEGIN x := 'a; END", 'unterminated quoted string at or near "\'a; END"', "'a; END"),
        ("BEGIN x := (1; END", 'mismatched parentheses at or near ";"', ";"),
        ("BEGIN a\0b := 1; END", "invalid character", "\0"),
        ("BEGIN a := '\ud800'; END", "invalid character", "\ud800"),
    ],
)
def test_errors_have_a_place(body: str, message: str, blamed: str) -> None:
    assert refusal(body) == (message, blamed)


@pytest.mark.parametrize("count", [1000, 20000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [("BEGIN ", "END; "), ("IF a THEN ", "END IF; "), ("LOOP ", "END LOOP; "), ("CASE WHEN a THEN ", "END CASE; ")],
)
def test_deep_nesting(opening: str, closing: str, count: int) -> None:
    for body in ("BEGIN " + opening * count + closing * count + "END", "BEGIN " + opening * count):
        assert refusal(body)[0] == "nested too deeply"


def test_nesting_that_people_write_is_fine() -> None:
    depth = 40
    body = "BEGIN " + "IF a THEN BEGIN " * (depth // 2) + "NULL; " + "END; END IF; " * (depth // 2) + "END"
    assert len(list(walk(parse_body(body)))) == depth + 2


def test_conditions() -> None:
    assert SQLSTATES["unique_violation"] == ("23505",)
    assert SQLSTATES["null_value_not_allowed"] == ("22004", "39004")
    assert "others" not in SQLSTATES


def test_pglast_can_be_imported_afterwards() -> None:
    program = """
import sys
from schemalint.parse import libpg_query
assert not [name for name in sys.modules if name.startswith("pglast") and name != "pglast.error"]
import pglast
assert pglast.parse_sql("SELECT 1")[0].stmt.__class__ is pglast.ast.SelectStmt
assert pglast.parser.ParseError is libpg_query.ParseError
assert issubclass(libpg_query.ParseError, pglast.Error)
assert libpg_query.scan("a")[0].name == "IDENT"
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_pglast_may_have_been_imported_before() -> None:
    program = """
import pglast
from schemalint.parse import libpg_query
assert pglast.parser.ParseError is libpg_query.ParseError
"""
    subprocess.run([sys.executable, "-c", program], check=True)
