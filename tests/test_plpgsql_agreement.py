"""The parser for PL/pgSQL against libpg_query's own, and against texts that nobody wrote.

PostgreSQL 18 accepts the bodies in ACCEPTED and NEEDS_A_CATALOG and refuses those in REFUSED.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemalint.parse import libpg_query
from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.plpgsql import BodySyntaxError, check_fragments, fragments, parse_body, walk

ACCEPTED = (
    """
BEGIN
  INSERT INTO messages (id, sender_id, content) VALUES (NEW.id, NEW.sender_id, NEW.content)
  ON CONFLICT (id) DO UPDATE SET content = EXCLUDED.content;
  RETURN NEW;
END;
""",
    """
DECLARE
  v_conversation bigint;
  v_status text := 'sent';
BEGIN
  IF pg_trigger_depth() > 1 THEN
    RETURN NEW;
  END IF;
  SELECT c.id INTO v_conversation
  FROM conversations c
  WHERE c.owner_id = NEW.sender_id;
  IF v_conversation IS NULL THEN
    INSERT INTO conversations (owner_id) VALUES (NEW.sender_id)
    RETURNING id INTO STRICT v_conversation;
  ELSIF NEW.status IN ('read', 'seen') THEN
    v_status := 'read';
  ELSE
    v_status = lower(NEW.status);
  END IF;
  NEW.conversation_id := v_conversation;
  RETURN NEW;
END
""",
    """
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO audit VALUES (TG_TABLE_NAME, row_to_json(NEW));
    RETURN NEW;
  ELSEIF TG_OP = 'UPDATE' THEN
    IF NEW IS DISTINCT FROM OLD THEN
      UPDATE audit SET body = row_to_json(NEW) WHERE id = OLD.id;
    END IF;
    RETURN NEW;
  ELSIF TG_OP = 'DELETE' THEN
    DELETE FROM audit WHERE id = OLD.id;
    RETURN OLD;
  END IF;
  RETURN NULL;
END;
""",
    """
BEGIN
  CASE TG_OP
    WHEN 'INSERT', 'UPDATE' THEN
      NEW.updated_at := now();
      RETURN NEW;
    WHEN 'DELETE' THEN
      RETURN OLD;
    ELSE
      RAISE EXCEPTION 'unexpected %', TG_OP USING ERRCODE = 'feature_not_supported', HINT = 'none';
  END CASE;
END;
""",
    """
BEGIN
  CASE
    WHEN NEW.id > 1 THEN NULL;
    WHEN NEW.id < 1 THEN
      RETURN OLD;
  END CASE;
  RETURN NEW;
END""",
    """
<<main>>
DECLARE
  r record;
  n integer := 0;
BEGIN
  <<rows>>
  FOR r IN SELECT id, content FROM messages WHERE sender_id = NEW.sender_id ORDER BY id LOOP
    CONTINUE rows WHEN r.content IS NULL;
    n := n + 1;
    EXIT rows WHEN n > 10;
    EXIT main WHEN n > 100;
  END LOOP rows;
  RETURN NEW;
END main;
""",
    """
DECLARE
  a int[];
BEGIN
  FOR i IN 1..10 LOOP
    a[i] := i * 2;
  END LOOP;
  FOR i IN REVERSE array_upper(a, 1)..array_lower(a, 1) BY 2 LOOP
    a[i] = NULL;
  END LOOP;
  RETURN NEW;
END;
""",
    """
DECLARE
  x int;
  part int[];
BEGIN
  FOREACH x IN ARRAY ARRAY[1, 2, 3]
  LOOP
    PERFORM f(x);
  END LOOP;
  FOREACH part SLICE 1 IN ARRAY ARRAY[[1, 2], [3, 4]] LOOP
    CONTINUE;
  END LOOP;
  WHILE x > 0 LOOP
    x := x - 1;
  END LOOP;
  LOOP
    EXIT;
  END LOOP;
  RETURN NEW;
END;
""",
    """
DECLARE
  q text;
  n int;
  r record;
BEGIN
  q := format('SELECT count(*) FROM %I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME);
  EXECUTE q INTO n;
  EXECUTE q || ' WHERE id = $1' INTO STRICT n USING NEW.id;
  EXECUTE 'UPDATE t SET a = $1 WHERE b = $2' USING NEW.a, (SELECT 1 WHERE true);
  EXECUTE 'SELECT 1' USING n INTO r;
  FOR r IN EXECUTE 'SELECT * FROM t WHERE a = $1' USING n LOOP
    RAISE NOTICE '%', r;
  END LOOP;
  RETURN NEW;
END;
""",
    """
BEGIN
  BEGIN
    INSERT INTO t VALUES (NEW.id);
  EXCEPTION
    WHEN unique_violation OR foreign_key_violation THEN
      NULL;
    WHEN SQLSTATE '23502' THEN
      RAISE WARNING 'skipped %: %', NEW.id, SQLERRM;
    WHEN OTHERS THEN
      RAISE;
  END;
  RETURN NEW;
EXCEPTION WHEN others THEN
  RETURN NULL;
END;
""",
    """
DECLARE
  v_state text; v_message text; v_context text;
  n bigint;
BEGIN
  UPDATE t SET a = 1;
  GET DIAGNOSTICS n = ROW_COUNT;
  GET CURRENT DIAGNOSTICS n := ROW_COUNT, v_context = PG_CONTEXT;
  RETURN NEW;
EXCEPTION
  WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT,
      v_context = PG_EXCEPTION_CONTEXT;
    INSERT INTO errors VALUES (v_state, v_message, v_context);
    RETURN NULL;
END
""",
    """
DECLARE
  plain CURSOR FOR SELECT * FROM t;
  bound NO SCROLL CURSOR (low int, high int) IS SELECT a FROM t WHERE a BETWEEN low AND high;
  free refcursor;
  r record; x int; y int;
BEGIN
  OPEN plain;
  FETCH NEXT FROM plain INTO r;
  FETCH plain INTO x, y;
  MOVE FORWARD 3 FROM plain;
  CLOSE plain;
  FOR r IN bound(1, 2) LOOP
    NULL;
  END LOOP;
  FOR r IN bound(high := 2, low := 1) LOOP
    NULL;
  END LOOP;
  OPEN bound(low := 1, high := 2);
  FETCH ABSOLUTE x + 1 IN bound INTO r;
  MOVE bound;
  CLOSE bound;
  OPEN free FOR SELECT 1;
  OPEN free SCROLL FOR EXECUTE 'SELECT $1' USING 1;
  RETURN NEW;
END;
""",
    """
BEGIN
  RETURN QUERY SELECT a FROM t;
  RETURN QUERY EXECUTE 'SELECT a FROM t WHERE b = $1' USING 1;
  RETURN NEXT 1;
  RETURN;
END;
""",
    """
DECLARE
  "Order" int; status text; type text; value jsonb; key text; user_id uuid; exit int;
BEGIN
  "Order" := 1;
  status := 'a';
  type := 'b';
  value := '{}';
  value['a'] := '1';
  key := 'c';
  exit := 3;
  user_id := gen_random_uuid();
  RETURN NEW;
END;
""",
    """
DECLARE
  a CONSTANT int := 1;
  b int NOT NULL DEFAULT 2;
  c text COLLATE "C" = 'x';
  d varchar(50);
  e numeric(10, 2) := 1.5;
  f timestamp with time zone DEFAULT now();
  g ALIAS FOR c;
BEGIN
  DECLARE
    a text;
  BEGIN
    a := g;
  END;
  RETURN NEW;
END;
""",
    """#variable_conflict use_column
BEGIN
  UPDATE t SET content = NEW.content WHERE id = NEW.id;
  IF NOT FOUND THEN
    INSERT INTO t SELECT NEW.id, NEW.content UNION SELECT 1, 'x';
  END IF;
  RETURN NEW;
END;
""",
    """
-- a comment; with a semicolon
/* another; /* nested; */ END; */
BEGIN -- BEGIN
  /* RETURN OLD; */ RETURN /* ; */ NEW; -- END

END; -- the end
/* really */
""",
    r"""
BEGIN
  PERFORM pg_notify('a;b', $$x;'y'$$ || $tag$ $$;END; $tag$ || E'\';');
  PERFORM set_config('app.x', 'y', true), 2 FROM t WHERE a IN (SELECT b FROM c);
  RETURN NEW;
END;
""",
    """
BEGIN
  WITH moved AS (
    DELETE FROM a WHERE id = NEW.id RETURNING *
  )
  INSERT INTO b SELECT * FROM moved;
  MERGE INTO t USING s ON t.id = s.id
  WHEN MATCHED THEN UPDATE SET a = s.a
  WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id);
  RETURN NEW;
END;
""",
    """
DECLARE
  x int; y text; r record;
BEGIN
  SELECT 1, 'a' INTO x, y;
  SELECT INTO STRICT x id FROM t WHERE a = 1;
  SELECT * INTO r FROM t LIMIT 1;
  SELECT a FROM t INTO r.a;
  INSERT INTO t VALUES (1) RETURNING id INTO x;
  UPDATE t SET a = 1 RETURNING a, b INTO STRICT x, y;
  DELETE FROM t WHERE a = 1 RETURNING a INTO x;
  WITH q AS (SELECT 1 AS one) SELECT one INTO x FROM q;
  RETURN NEW;
END;
""",
    """
BEGIN
  CREATE TEMP TABLE IF NOT EXISTS x (a int) ON COMMIT DROP;
  ALTER TABLE x ADD COLUMN b text;
  TRUNCATE x;
  LOCK TABLE x IN SHARE MODE;
  SET LOCAL search_path = public;
  NOTIFY channel, 'payload';
  CALL p(NEW.id);
  DO $x$ BEGIN PERFORM 1; END $x$;
  DROP TABLE x;
  RETURN NEW;
END;
""",
    "\nBEGIN\n  COMMIT;\n  COMMIT AND CHAIN;\n  ROLLBACK;\n  ROLLBACK AND NO CHAIN;\n  RETURN NULL;\nEND;\n",
    """
BEGIN
  RAISE 'plain';
  RAISE DEBUG 'debug %', 1;
  RAISE LOG 'two %, %', NEW.id, (SELECT max(a) FROM t);
  RAISE INFO 'percent %%';
  RAISE EXCEPTION unique_violation USING MESSAGE = 'm', DETAIL = 'd', CONSTRAINT = 'c';
  RAISE SQLSTATE '22012';
  RAISE division_by_zero;
  RAISE USING MESSAGE = 'm', ERRCODE := '22012';
  RETURN NEW;
END;
""",
    "\nBEGIN\n  ASSERT NEW.id > 0;\n  ASSERT NEW.id > 0, format('bad %s', NEW.id);\n  RETURN NEW;\nEND;\n",
    """
BEGIN
  NEW.search := to_tsvector('simple', coalesce(NEW.title, '') || ' ' || coalesce(NEW.body, ''));
  NEW.tags[1] := 'x';
  NEW.meta['a']['b'] := '1';
  NEW.meta := NEW.meta - 'a' || jsonb_build_object('b', NEW.meta ->> 'c', 'd', NEW.meta #>> '{e,f}');
  NEW.kind := CASE NEW.kind WHEN 1 THEN 'a' ELSE 'b' END;
  NEW.total := count(*) FROM t WHERE t.id = NEW.id;
  NEW.first := (SELECT min(a) FROM t UNION SELECT 1 LIMIT 1);
  NEW := OLD;
  RETURN CASE WHEN NEW.id = 1 THEN NEW ELSE OLD END;
END;
""",
    """
DECLARE
  c CURSOR FOR SELECT 1;
BEGIN
  DECLARE
    c refcursor; d CURSOR FOR SELECT 2;
  BEGIN
    OPEN c FOR SELECT 3;
    OPEN d;
  END;
  DECLARE
    d refcursor;
  BEGIN
    OPEN d FOR SELECT 4;
  END;
  OPEN c;
  RETURN NEW;
END;
""",
    "BEGIN RETURN NEW; END",
    "BEGIN RETURN NEW; END;",
    "BEGIN END",
    "BEGIN NULL; END",
    "DECLARE BEGIN RETURN NEW; END",
    "DECLARE DECLARE a int; DECLARE b int; BEGIN RETURN NEW; END",
    "<<l>> BEGIN RETURN NEW; END l;",
    '<< "A b" >> BEGIN EXIT "A b"; END "A b";',
    "BEGIN IF true THEN END IF; RETURN NEW; END",
    "BEGIN IF (CASE WHEN true THEN false END) THEN RETURN NEW; END IF; RETURN NULL; END",
    "BEGIN IF true THEN RETURN NEW; ELSE IF false THEN RETURN OLD; END IF; END IF; END",
    "BEGIN PERFORM 1 UNION SELECT 2; RETURN NEW; END",
    "BEGIN PERFORM; RETURN NEW; END",
    'BEGIN NEW."end" := 1; NEW.end := 2; NEW.type := 3; RETURN NEW; END',
    """
DECLARE elsif int; exception int;
BEGIN
  IF true THEN elsif := 1;
  ELSIF false THEN NULL;
  END IF;
  exception := 2;
  RETURN NEW;
END
""",
    "DECLARE insert int; into_ int; BEGIN insert := 1; INSERT INTO t VALUES (1); RETURN NEW; END",
    "DECLARE notice text; BEGIN RAISE NOTICE '%', notice; notice := 'a'; RETURN NEW; END",
    """
DECLARE c refcursor;
BEGIN
  FETCH RELATIVE -1 IN c INTO c;
  MOVE BACKWARD ALL FROM c;
  MOVE 4 FROM c;
  MOVE FORWARD FROM c;
  RETURN NEW;
END
""",
    "DECLARE r record; BEGIN FOR r IN INSERT INTO t VALUES (1) RETURNING * LOOP NULL; END LOOP; RETURN NEW; END",
    """
DECLARE r record;
BEGIN
  FOR r IN VALUES (1) LOOP NULL;
  END LOOP;
  FOR r IN (SELECT 1) LOOP END LOOP;
  FOR r IN TABLE t LOOP END LOOP;
  RETURN NEW;
END
""",
    "DECLARE x int; y text; BEGIN FOR x, y IN SELECT 1, 'a' LOOP NULL; END LOOP; RETURN NEW; END",
    """
BEGIN
  CREATE FUNCTION zz() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END;
  SELECT 2;
  END;
  RETURN NEW;
END
""",
    "BEGIN LOOP BEGIN EXIT; EXCEPTION WHEN OTHERS THEN CONTINUE; END; END LOOP; RETURN NEW; END",
    'DECLARE É int; "é" int; BEGIN É := 1; "é" := 2; RETURN NEW; END',
    "BEGIN IMPORT FOREIGN SCHEMA x FROM SERVER y INTO z; RETURN NEW; END",
    "DECLARE x NO SCROLL CURSOR FOR SELECT 1; no int; scroll int; BEGIN RETURN NEW; END",
)

# libpg_query knows no types and takes every one that it does not know for a scalar or a record.
NEEDS_A_CATALOG = (
    "DECLARE row m%ROWTYPE; BEGIN row.id := 1; RETURN row; END",
    "DECLARE a my_enum[]; BEGIN RETURN NEW; END",
    'DECLARE a public.mood := \'a\'; b "public"."mood"[]; BEGIN RETURN NEW; END',
)

REFUSED = (
    "begin if case when new.id=1 then true else false end then return new; end if; return null; end",
    "begin new.content := 1 union select 2; return new; end",
    "declare execute int; begin return new; end",
    "declare left int; begin left := 1; return new; end",
    "declare r record; begin for r in reverse select * from messages loop null; end loop; return new; end",
    "declare c refcursor; r record; begin fetch all from c into r; return new; end",
    "declare c refcursor; r record; begin fetch forward 2 from c into r; return new; end",
    "declare c refcursor; r record; begin fetch 2 from c into r; return new; end",
    "declare a int; begin get diagnostics a = message_text; return new; end",
    "declare a int; begin get stacked diagnostics a = row_count; return new; end",
    "declare a int; begin get stacked diagnostics a = pg_routine_oid; return new; end",
    "declare a int; begin get diagnostics a = result_oid; return new; end",
    "declare a int; begin get diagnostics a = pg_exception_context; return new; end",
    "declare a int[]; begin get diagnostics a[1] = row_count; return new; end",
    "begin raise exception; end",
    "begin raise notice; end",
    "begin raise 'x %'; end",
    "begin raise 'x %%', 1; end",
    "begin raise nonsense; end",
    "begin raise others; end",
    "begin raise sqlstate 'abcde'; end",
    "begin raise sqlstate '2201'; end",
    "begin raise notice 'a' 'b'; end",
    "begin raise notice U&'a'; end",
    "begin raise notice 'a' || 'b'; end",
    "begin raise exception unique_violation using nonsense = 1; end",
    "begin return new; exception when nonsense then return null; end",
    "begin return new; exception when sqlstate '2350' then return null; end",
    "begin return new; exception end",
    "begin return new; end garbage",
    "begin return new; end; garbage",
    "begin return new; end;;",
    "<<lbl>> begin return new; end other",
    "begin return new; end other",
    "declare <<lbl>> a int; begin return new; end lbl;",
    "begin <<l>> loop exit m; end loop l; return new; end",
    "begin exit; end",
    "begin continue; end",
    "begin <<x>> begin exit; end; return new; end",
    "begin <<x>> begin continue x; end; return new; end",
    "begin loop <<x>> begin continue x; end; end loop; return new; end",
    "begin while true loop exit; end loop x; return new; end",
    "begin case new.id else return new; end case; end",
    "begin case case when true then 1 end when 1 then return new; end case; end",
    "begin if then return new; end if; end",
    "begin if true return new; end if; end",
    "begin return query; end",
    "declare e int not null; begin return new; end",
    "declare e int null; begin return new; end",
    "declare a int; a text; begin return new; end",
    "declare a; begin return new; end",
    "declare a int begin return new; end",
    "declare a := 1; begin return new; end",
    "declare a messages%foo; begin return new; end",
    "declare a messages%rowtype foo; begin return new; end",
    "declare a setof int; begin return new; end",
    "begin new.tags[] := 'x'; return new; end",
    "begin new.tags[1 := 'x'; return new; end",
    "begin new.id := 1 2; return new; end",
    "begin new.id := (1; return new; end",
    "begin new.id := 1); return new; end",
    "declare x int; begin foreach x slice a in array array[1,2] loop null; end loop; return new; end",
    "declare x int; y text; begin for x, y in 1..2 loop null; end loop; return new; end",
    "declare x int; begin execute 'select 1' into x into x; return new; end",
    "begin execute 'select 1' using 1 using 2; return new; end",
    "begin execute; return new; end",
    "declare x int; begin select 1 into x into x; return new; end",
    "declare x int; begin select 1 into x, from messages; return new; end",
    "begin table messages; return new; end",
    "begin (select 1); return new; end",
    "begin 1; return new; end",
    "begin ; end",
    "",
    "   ",
    "select 1",
    "begin assert true; assert new.id > 1, 'x'; assert; return new; end",
    "#variable_conflict foo\nbegin return new; end",
    "#print_strict_params maybe\nbegin return new; end",
    "begin #variable_conflict error\n return new; end",
    "begin begin return new; end end",
    "begin null = 3; end",
    "begin for i in 1..2.. 3 loop null; end loop; return new; end",
    "begin for i in 1.. loop null; end loop; return new; end",
    "begin for i in ..2 loop null; end loop; return new; end",
    "begin for i in 1..2 loop null; end; return new; end",
    "begin\n  return new;\nend $x",
    "begin select 1 $1; end",
    "begin if new.id = 1 then return new end if; return old; end",
    "begin return new\nend",
    "begin; return new; end",
    "begin loop exit when new.id > 1; end loop; return new; end loop",
    "declare c cursor for select 1; begin for r in c where true loop null; end loop; return new; end",
    "begin declare c cursor for select 1; return new; end",
    "begin begin; return new; end",
    "begin if new.then then null; end if; return new; end",
    "begin for i in 1..new.loop loop null; end loop; return new; end",
    "begin raise notice '%', new.using using hint = 'h'; return new; end",
    "declare r record; begin select 1 into r.end; return new; end",
    "declare r record; begin select 1 into r.x.y.z; return new; end",
    "declare x int using 3; begin return new; end",
    "declare x int foo; begin return new; end",
    "begin return new; exception when others then raise exception; end",
    "begin if true then null; elsif then null; end if; return new; end",
    "begin else null; end",
    "begin when others then null; end",
    "begin elsif true then null; end",
    "begin if true then exception when others then null; end if; end",
    "begin loop exit; exception when others then null; end loop; return new; end",
    "begin if 1 union select 2 then null; end if; return new; end",
    "begin return 1 except select 2; end",
    "begin new.id := 1 into x; return new; end",
    "declare x int; begin select select 1 into x; return new; end",
    "declare a int; begin a=@3; return new; end",
    "declare a int; begin <<b>><<c>> loop exit; end loop; return new; end",
    "begin <<end>> loop exit; end loop; return new; end",
    "begin <<b>> null; return new; end",
    "declare type text; table text; begin type := 1; table := 2; return new; end",
    "declare case int; begin return new; end",
    "declare strict int; begin return new; end",
    "declare user int; begin user := 3; return new; end",
    "declare _x int; $y int; begin return new; end",
    "declare x int; begin get row_count; return new; end",
    "declare x int; begin get diagnostics x = row_count, ; return new; end",
    "declare c refcursor; begin open c for; return new; end",
    "declare c refcursor; begin open c for execute; return new; end",
    "declare c cursor for; begin return new; end",
    "declare c cursor () for select 1; begin return new; end",
    "declare c cursor (a int, a int) for select 1; begin return new; end",
    "declare c cursor; begin return new; end",
    "declare constant int; constant constant int := 3; begin return new; end",
)

ALL = (*ACCEPTED, *NEEDS_A_CATALOG, *REFUSED)


def second_opinion(body: str) -> str:
    """libpg_query's tree of the body as JSON; raises where it refuses it."""
    returns = "SETOF int" if "RETURN QUERY" in body or "RETURN NEXT" in body else "trigger"
    return libpg_query.parse_plpgsql_json(f"CREATE FUNCTION f() RETURNS {returns} LANGUAGE plpgsql AS $_f_${body}$_f_$")


@pytest.mark.parametrize("body", ACCEPTED)
def test_both_parsers_accept(body: str) -> None:
    second_opinion(body)
    assert check_fragments(parse_body(body)) is None


@pytest.mark.parametrize("body", NEEDS_A_CATALOG)
def test_what_libpg_query_refuses_for_want_of_a_catalog(body: str) -> None:
    with pytest.raises(libpg_query.ParseError):
        second_opinion(body)
    assert check_fragments(parse_body(body)) is None


@pytest.mark.parametrize("body", REFUSED)
def test_both_parsers_refuse(body: str) -> None:
    with pytest.raises(libpg_query.ParseError):
        second_opinion(body)


KINDS = {
    "block": tree.Block, "assign": tree.Assign, "if": tree.If, "case": tree.Case, "loop": tree.Loop, "while": tree.While,
    "fori": tree.ForRange, "fors": tree.ForQuery, "dynfors": tree.ForExecute, "forc": tree.ForCursor,
    "foreach_a": tree.Foreach, "exit": tree.Exit, "return": tree.Return, "return_next": tree.ReturnNext,
    "return_query": tree.ReturnQuery, "raise": tree.Raise, "assert": tree.Assert, "execsql": tree.Sql, "call": tree.Sql,
    "dynexecute": tree.Execute, "getdiag": tree.GetDiagnostics, "open": tree.OpenCursor, "fetch": tree.Fetch,
    "close": tree.Close, "perform": tree.Perform, "commit": tree.Commit, "rollback": tree.Rollback,
}  # fmt: skip


def their_statements(value: object) -> Iterator[tuple[str, int]]:
    """Kind and line of each statement in libpg_query's tree, without the RETURN that it adds at the end."""
    if isinstance(value, list):
        for item in value:
            yield from their_statements(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key.startswith("PLpgSQL_stmt_") and "lineno" in inner:
                yield KINDS[key.removeprefix("PLpgSQL_stmt_")].__name__, inner["lineno"]
            yield from their_statements(inner)


def our_statements(body: str) -> Iterator[tuple[str, int]]:
    for statement in walk(parse_body(body)):
        if not isinstance(statement, tree.Null):
            start = statement.start
            if isinstance(statement, tree.Looping) and statement.label is not None:
                start = body.index(">>", start) + 2
                start += len(body[start:]) - len(body[start:].lstrip())
            if isinstance(statement, tree.Block):  # libpg_query counts from its BEGIN
                start = body.upper().index("BEGIN", start)
            yield type(statement).__name__, body.count("\n", 0, start) + 1


@pytest.mark.parametrize("body", ACCEPTED)
def test_kinds_and_lines_agree(body: str) -> None:
    assert list(our_statements(body)) == list(their_statements(msgspec.json.decode(second_opinion(body))))


@pytest.mark.parametrize("body", [*ACCEPTED, *NEEDS_A_CATALOG])
def test_spans(body: str) -> None:
    """Fragments are pieces of the body in its order, and what is inside of something lies inside of it."""
    block = parse_body(body)
    blanked = {
        statement.query
        for statement in walk(block)
        if isinstance(statement, tree.Sql) and statement.into is not None and statement.into.start < statement.query.end
    }
    for fragment in fragments(block):
        assert len(fragment.text) == fragment.end - fragment.start
        assert fragment in blanked or fragment.text == body[fragment.start : fragment.end] == fragment.text.strip()
    starts = [fragment.start for fragment in fragments(block)]
    assert starts == sorted(starts)
    for statement in walk(block):
        if not isinstance(statement, tree.Block):  # which ends at its END
            assert body[statement.end - 1] == ";"
        for inner in walk(statement):
            assert statement.start <= inner.start < inner.end <= statement.end
        assert all(statement.start <= fragment.start <= fragment.end <= statement.end for fragment in fragments(statement))


def answers(body: str) -> None:
    """Whatever the text, there is a tree or a BodySyntaxError inside of it."""
    try:
        error = check_fragments(parse_body(body))
    except BodySyntaxError as raised:
        error = raised
    if error is not None:
        assert 0 <= error.start <= error.end <= len(body)
        assert error.message


@pytest.mark.parametrize("body", ALL)
def test_truncated_bodies(body: str) -> None:
    for length in range(len(body)):
        answers(body[:length])


PIECES = st.sampled_from(sorted({word for body in ALL for word in body.split()} | set("();[]:='\"$.<>%#,\n") | {"/*", "--"}))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ALL), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), PIECES), min_size=1, max_size=4))
def test_mutated_bodies(body: str, changes: list[tuple[float, int, str]]) -> None:
    for place, width, piece in changes:
        at = int(place * len(body))
        body = f"{body[:at]} {piece} {body[at + width :]}"
    answers(body)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30))
def test_word_salad(words: list[str]) -> None:
    answers("BEGIN " + " ".join(words))


def test_deep_expressions() -> None:
    for expression in ("(" * 20000 + "1" + ")" * 20000, "1" + "+1" * 200000, "[" * 20000):
        answers(f"BEGIN x := {expression}; END")
