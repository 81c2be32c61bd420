"""SQL text into statements: their kinds, their places, and what hides none of the others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemalint.parse.statements import Broken, MetaCommand, Statement, parse_one, read_statements
from schemalint.text import Source


def read(text: str) -> list[tuple[str, str]]:
    parts = read_statements(Source("a.sql", text))
    return [(part.kind if isinstance(part, Statement) else type(part).__name__, part.span.text) for part in parts]


def test_each_statement_has_its_own_text() -> None:
    text = "-- é\nselect 1; \r\n create table é (a int) -- x\n ;\n-- end\n"
    assert read(text) == [("SelectStmt", "select 1"), ("CreateStmt", "create table é (a int)")]


def test_one_bad_statement_hides_no_other() -> None:
    expected = [("SelectStmt", "select 1"), ("Broken", "selec 2"), ("SelectStmt", "select 3")]
    assert read("select 1;\nselec 2;\nselect 3") == expected


def test_the_token_that_postgresql_stumbles_over() -> None:
    (broken,) = read_statements(Source("a.sql", "ALTER TABEL x"))
    assert isinstance(broken, Broken)
    assert broken.at.text == "TABEL"
    assert broken.message == 'syntax error at or near "TABEL"'


@pytest.mark.parametrize(
    "statement",
    [
        "select 'a;b'",
        "select E'a\\';b'",
        'create table "a;b" ()',
        "select $$;$$",
        "select $tag$ $$;$$ $tag$",
        "select /* ; /* ; */ ; */ 1",
        "select 1 -- ;\n + 1",
        "create rule r as on insert to t do also (select 1; select 2)",
        "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
        "do $do$ begin perform 1; end $do$",
    ],
)
def test_semicolons_that_end_nothing(statement: str) -> None:
    assert [text for _, text in read(f"\\connect x\n{statement};\nselect 2;")][1:] == [statement, "select 2"]


def test_white_space_is_what_postgresql_takes_for_it() -> None:
    assert read("-- a comment\rselect 1;\f\vselect 2;\r\n") == [("SelectStmt", "select 1"), ("SelectStmt", "select 2")]
    assert read("select 1;\n\u00a0select 2;") == [("SelectStmt", "select 1"), ("Broken", "\u00a0select 2")]


def test_an_unterminated_quote_leaves_what_stands_before_it() -> None:
    assert [kind for kind, _ in read("select 1; select 'x; select 2;")] == ["SelectStmt", "Broken"]


@pytest.mark.parametrize("start", ["select E'", "select '", 'select "', "select $$", "/*", "select E'\\'"])
@pytest.mark.parametrize("end", ["", "\\"])
def test_what_is_never_closed_is_read_once(start: str, end: str) -> None:
    text = "select 1;" + start + "a\n b" * 50_000 + end
    assert read(text)[0] == ("SelectStmt", "select 1")


def test_commands_of_psql() -> None:
    parts = read_statements(Source("a.sql", "\\restrict abc\nselect 1 \\gexec\nselect 2;\n\\i other.sql\n"))
    assert [(p.name, p.argument) for p in parts if isinstance(p, MetaCommand)] == [("restrict", "abc"), ("i", "other.sql")]
    assert [p.kind for p in parts if isinstance(p, Statement)] == ["SelectStmt", "SelectStmt"]


@pytest.mark.parametrize(("data", "copied"), [("1\tx;y\n2\t'\n", True), ("", False)])
def test_data_behind_copy(data: str, copied: bool) -> None:
    parts = read_statements(Source("a.sql", f"COPY a FROM stdin;\n{data}\\.\nselect 1;\n"))
    assert [(p.kind, p.copied) for p in parts if isinstance(p, Statement)] == [("CopyStmt", copied), ("SelectStmt", False)]


def test_data_behind_the_copy_of_psql_is_no_sql() -> None:
    assert read("\\copy a from stdin\n1\t';\n\\.\nselect 1;\n") == [
        ("MetaCommand", "\\copy a from stdin"),
        ("SelectStmt", "select 1"),
    ]


@pytest.mark.parametrize("broken", ["select (1", "insert into t values (1), (2", "create table t (a int", "select '(' || (2"])
def test_a_missing_parenthesis_hides_nothing(broken: str) -> None:
    assert read(f"select 1; {broken}; select 2;") == [("SelectStmt", "select 1"), ("Broken", broken), ("SelectStmt", "select 2")]


def test_two_statements_without_a_semicolon_between_are_one() -> None:
    assert read("create table a ()\ncreate table b ();\nselect 1;") == [
        ("Broken", "create table a ()\ncreate table b ()"),
        ("SelectStmt", "select 1"),
    ]


def test_a_huge_insert_is_read_by_its_first_row() -> None:
    rows = ",\n".join(f"({number}, 'a (b')" for number in range(20_000))
    first, second = read_statements(Source("a.sql", f"\\x\ninsert into t (a, b) values {rows};\nselect 1;"))[1:]
    assert isinstance(first, Statement) and first.copied and first.kind == "InsertStmt"
    assert len(first.node["selectStmt"]["SelectStmt"]["valuesLists"]) == 1
    assert isinstance(second, Statement) and second.span.text == "select 1"


def test_deep_nesting_is_read() -> None:
    (statement,) = read_statements(Source("a.sql", "select " + " || ".join(["'x'"] * 1500)))
    assert isinstance(statement, Statement)


def test_places_count_characters() -> None:
    text = "select 'é', x from t"
    (statement,) = read_statements(Source("a.sql", text))
    assert isinstance(statement, Statement)
    target = statement.node["targetList"][1]["ResTarget"]
    assert text[statement.offset(target["location"])] == "x"


def test_parse_one_gives_all_statements() -> None:
    assert [kind for kind, _ in parse_one("select 1; select 2")] == ["SelectStmt", "SelectStmt"]


FRAGMENTS = ["select 1", ";", "'", '"', "$$", "/*", "*/", "--", "\n", "\\", "(", ")", "begin atomic", "end", "é", "\0", "x", " "]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
def test_any_text_is_read_in_order(text: str) -> None:
    position = 0
    for part in read_statements(Source("a.sql", text)):
        assert position <= part.span.start <= part.span.end <= len(text)
        position = part.span.start
