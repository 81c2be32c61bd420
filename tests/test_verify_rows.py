"""Rows made up for tables: accepted by constraints that nothing here understands, with parents and at the edges of types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from schemalint.verify.probe import Asked, Probed, probe
from schemalint.verify.rows import Found, Stock
from schemalint.verify.server import Server, embedded_binaries, started
from schemalint.verify.shape import Column, Shapes, literal
from schemalint.verify.values import edges, ordinary

DEMANDING = {
    "lengths": "name text NOT NULL CHECK (length(name) BETWEEN 30 AND 31)",
    "a pattern": "mail text NOT NULL CHECK (mail ~ '^[^@]+@[^@]+[.][a-z]+$')",
    "one of some words": "state varchar(8) NOT NULL CHECK (state IN ('open', 'shut'))",
    "a range": "age int NOT NULL CHECK (age > 17 AND age < 20)",
    "two columns": "first date NOT NULL, last date NOT NULL, CHECK (last > first + 1)",
    "one of two columns": "a int, b int, CHECK (num_nonnulls(a, b) = 1)",
    "an enum": "mood mood NOT NULL",
    "a domain": "code code NOT NULL",
    "few digits": "rate numeric(3, 3) NOT NULL, price numeric(4, 2) NOT NULL",
    "a short code": "country char(2) NOT NULL UNIQUE",
    "identity": "n int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (1) STORED, word text",
    "other types": "j jsonb NOT NULL, k uuid NOT NULL, l inet NOT NULL, m int[] NOT NULL, o interval NOT NULL,"
    " p int4range NOT NULL,"
    " q bytea NOT NULL, r bit(3) NOT NULL, s point NOT NULL, t tsvector NOT NULL, u timetz NOT NULL, v money NOT NULL",
    "a reserved word": '"select" text NOT NULL, "Mixed Case""" int NOT NULL',
    "a parent of a parent": "child int NOT NULL REFERENCES child (id)",
    "two parents": "a int NOT NULL, b text NOT NULL, FOREIGN KEY (a, b) REFERENCES pair (a, b)",
    "itself": "above int REFERENCES row_",
    "a parent with a check": "strict int NOT NULL REFERENCES strict (id)",
    "nothing at all": "",
}
PARENTS = """
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE DOMAIN code AS text NOT NULL CHECK (VALUE ~ '^[A-Z]{3}$');
CREATE TABLE grand (id int PRIMARY KEY, word text NOT NULL UNIQUE);
CREATE TABLE child (id int PRIMARY KEY, grand int NOT NULL REFERENCES grand);
CREATE TABLE pair (a int, b text, PRIMARY KEY (a, b));
CREATE TABLE strict (id int PRIMARY KEY CHECK (id % 2 = 1 AND id > 40));
"""
SYNC = """
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE copies (id int PRIMARY KEY, parent int REFERENCES parents, word varchar(5), n smallint);
CREATE TABLE rows (id int PRIMARY KEY, word text CHECK (length(word) < 100), n int NOT NULL DEFAULT 0 CHECK (n >= 0));
CREATE FUNCTION copy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN DELETE FROM copies WHERE id = OLD.id; RETURN OLD; END IF;
  INSERT INTO copies VALUES (NEW.id, NEW.id, NEW.word, NEW.n) ON CONFLICT (id) DO UPDATE SET word = EXCLUDED.word, n = EXCLUDED.n;
  RETURN NEW; END $$;
CREATE TRIGGER copy AFTER INSERT OR UPDATE OR DELETE ON rows FOR EACH ROW EXECUTE FUNCTION copy();
"""
ASKED = Asked("public", "rows", ("copy",), (("public", "copies"),))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with started(embedded_binaries(18)) as running:
        yield running


def database(server: Server, text: str) -> str:
    name = server.clone()
    with server.session(name) as connection:
        connection.execute(text.encode())
    return name


@contextmanager
def stock(server: Server, name: str) -> Iterator[Stock]:
    with server.session(name) as reading, server.session(name) as writing:
        writing.execute("BEGIN")
        yield Stock(writing, Shapes(reading))


def found(server: Server, name: str, table: str = "row_") -> list[Found]:
    with stock(server, name) as each:
        shape = each.shapes.named("public", table)
        assert shape is not None
        return [each.find(shape, number) for number in (0, 1)]


def column(type_: str, modifier: int = -1, required: bool = False) -> Column:
    return Column("c", type_, modifier, required, False, "", "", None, type_, (), 0)


@pytest.mark.parametrize("name", DEMANDING)
def test_two_rows_are_found(server: Server, name: str) -> None:
    columns = DEMANDING[name]
    text = f"{PARENTS} CREATE TABLE row_ (id int PRIMARY KEY{', ' if columns else ''}{columns});"
    first, second = found(server, database(server, text))
    assert first.row is not None, first.reason
    assert second.row is not None, second.reason
    assert first.row["id"] != second.row["id"]


def test_what_cannot_be_satisfied_is_told(server: Server) -> None:
    first, _ = found(server, database(server, "CREATE TABLE row_ (id int NOT NULL CHECK (id > 5 AND id < 5))"))
    assert first.row is None
    assert first.reason == '23514 new row for relation "row_" violates check constraint "row__id_check"'


def test_edges_of_types() -> None:
    assert None in edges(column("int4"), ())
    assert None not in edges(column("int4", required=True), ())
    assert {"32768", "2147483647", "-2147483648", "41", "42", "43"} <= set(edges(column("int4"), ["42"]))
    assert max(len(each or "") for each in edges(column("varchar", 14), ())) == 10
    assert {499, 500, 501} <= {len(each or "") for each in edges(column("text"), ["500"])}
    assert "99.99" in edges(column("numeric", ((4 << 16) | 2) + 4), ())
    assert {"infinity", "-infinity"} <= set(edges(column("timestamptz"), ()))
    assert ordinary(column("uuid"), 0) != ordinary(column("uuid"), 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("it's", "'it''s'"), (None, "NULL"), ("a\\b'", "E'a\\\\b'''"), ("'; DROP TABLE a; --", "'''; DROP TABLE a; --'")],
)
def test_literals(value: str | None, expected: str) -> None:
    assert literal(value) == expected


# -- probing


@pytest.fixture(scope="module")
def probed(server: Server) -> Probed:
    return probe(server, database(server, SYNC), ASKED)


def test_a_reference_of_the_copy_is_missed_once_and_then_met(probed: Probed) -> None:
    first = probed.outcomes[0]
    assert (first.sqlstate, first.write.label, first.by_source) == ("23503", "an ordinary row", False)
    usual = next(each for each in probed.outcomes if each.write.label == "an ordinary row, its references met")
    assert usual.rows[("public", "copies")] == ({"id": 1, "parent": 1, "word": "w1", "n": 1},)


def test_what_the_copy_has_no_room_for_is_the_syncs_doing(probed: Probed) -> None:
    long = [each for each in probed.outcomes if each.sqlstate == "22001" and each.write.event == "insert"]
    wide = [each for each in probed.outcomes if each.sqlstate == "22003" and each.write.column == "n"]
    assert long and wide
    assert not any(each.by_source for each in (*long, *wide))


def test_what_the_source_itself_refuses_is_its_own_doing(probed: Probed) -> None:
    own = [each for each in probed.outcomes if each.sqlstate == "23514"]
    assert own
    assert all(each.by_source for each in own)


def test_deletes_take_the_copy_along(probed: Probed) -> None:
    (deleted,) = (each for each in probed.outcomes if each.write.event == "delete")
    assert deleted.rows == {("public", "rows"): (), ("public", "copies"): ()}


def test_a_database_is_left_as_it_was(server: Server) -> None:
    name = database(server, SYNC)
    probe(server, name, ASKED)
    with server.session(name) as connection:
        counted = connection.execute(
            "SELECT (SELECT count(*) FROM rows), (SELECT count(*) FROM copies), (SELECT count(*) FROM parents)"
        )
        assert counted.fetchall() == [(0, 0, 0)]
        assert connection.execute("SELECT tgenabled FROM pg_trigger WHERE tgname = 'copy'").fetchall() == [("O",)]


def test_a_source_that_is_not_there_is_told(server: Server) -> None:
    assert probe(server, server.clone(), ASKED) == Probed(reason="public.rows is not there")
