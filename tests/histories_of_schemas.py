# ruff: noqa: E501 (SQL)
"""Histories in the styles of real projects, for the comparison of catalogs. A list is several migrations, in order."""

HISTORIES: dict[str, list[str]] = {
    "generated names": [
        """CREATE TABLE a_table_whose_name_is_rather_long_so_that_it_must_be_cut (
             id serial PRIMARY KEY, a_column_whose_name_is_rather_long_too integer UNIQUE CHECK (a_column_whose_name_is_rather_long_too > 0),
             other integer REFERENCES a_table_whose_name_is_rather_long_so_that_it_must_be_cut);
           CREATE INDEX ON a_table_whose_name_is_rather_long_so_that_it_must_be_cut (a_column_whose_name_is_rather_long_too, other);
           CREATE INDEX ON a_table_whose_name_is_rather_long_so_that_it_must_be_cut (a_column_whose_name_is_rather_long_too, other);
           CREATE TABLE t (a int CHECK (a > 0) CHECK (a < 9), b int, CHECK (a < b), CHECK (a <> b), UNIQUE (a, b), UNIQUE (b, a));
           CREATE INDEX ON t (lower(a::text), (a + b), a); CREATE INDEX ON t (b) INCLUDE (a);""",
    ],
    "names stay behind a rename": [
        "CREATE TABLE messages (id bigserial PRIMARY KEY, body text NOT NULL CHECK (body <> ''), author int UNIQUE);",
        """ALTER TABLE messages RENAME TO messages_old;
           CREATE TABLE messages (id bigserial PRIMARY KEY, body text NOT NULL CHECK (body <> ''), author int UNIQUE);""",
        "ALTER TABLE messages_old RENAME COLUMN body TO content; ALTER TABLE messages_old RENAME CONSTRAINT messages_pkey TO old_key;",
    ],
    "like": [
        """CREATE TABLE source (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text NOT NULL DEFAULT 'x' CHECK (length(a) < 9),
             b numeric(10,2) DEFAULT 0, g int GENERATED ALWAYS AS (length(a)) STORED, UNIQUE (a, b));
           CREATE INDEX source_lower ON source (lower(a)) WHERE b > 1;
           CREATE TABLE plain (LIKE source); CREATE TABLE part (LIKE source INCLUDING DEFAULTS INCLUDING CONSTRAINTS, more int);
           CREATE TABLE whole (LIKE source INCLUDING ALL);""",
    ],
    "inheritance": [
        """CREATE TABLE parent (id int NOT NULL, a text DEFAULT 'q' CHECK (a <> ''));
           CREATE TABLE child (b int) INHERITS (parent); CREATE TABLE grandchild (c int, a text NOT NULL) INHERITS (child);
           ALTER TABLE parent ADD COLUMN d date NOT NULL DEFAULT now(); ALTER TABLE parent ADD CHECK (id > 0);""",
        """ALTER TABLE parent RENAME COLUMN d TO e; ALTER TABLE parent DROP COLUMN e; ALTER TABLE parent ALTER a SET NOT NULL;
           ALTER TABLE child NO INHERIT parent; ALTER TABLE parent DROP CONSTRAINT parent_id_check;""",
    ],
    "partitions": [
        """CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
           CREATE TABLE kinds (id int PRIMARY KEY);
           CREATE TABLE events (id bigint, at timestamptz NOT NULL, kind int REFERENCES kinds, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
           CREATE INDEX ON events (kind);
           CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
           CREATE TRIGGER touched BEFORE UPDATE OF kind ON events FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION touch();""",
        """CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
           ALTER TABLE events ADD COLUMN note text; CREATE UNIQUE INDEX by_kind ON events (kind, at);
           ALTER TABLE events ADD CONSTRAINT positive CHECK (id > 0);
           CREATE TABLE events_2026 (LIKE events INCLUDING DEFAULTS);
           ALTER TABLE events_2026 ADD CONSTRAINT positive CHECK (id > 0);
           ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');""",
        "ALTER TABLE events DETACH PARTITION events_2024; DROP TABLE events_2025; ALTER TABLE events DISABLE TRIGGER touched;",
    ],
    "types": [
        """CREATE TYPE mood AS ENUM ('sad', 'happy'); ALTER TYPE mood ADD VALUE 'ok' BEFORE 'happy';
           CREATE TYPE pair AS (a int, b text[]); CREATE DOMAIN positive AS integer DEFAULT 1 CHECK (VALUE > 0) NOT NULL;
           CREATE TYPE span AS RANGE (subtype = float8);
           CREATE TABLE t (a mood DEFAULT 'sad', b pair, c positive, d span, e mood[], f varchar(20)[], g numeric(8), h numeric(8,3),
             i timestamp(3), j timestamptz(0), k interval day to second, l bit(3), m bit varying(5), n char, o char(5), p "char",
             q time(2) with time zone, r float, s real, t decimal, u name, v interval(2), w regclass, x pair[]);""",
        """ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; ALTER TYPE pair ADD ATTRIBUTE c date; ALTER TYPE mood RENAME TO feeling;
           ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 100) NOT VALID; ALTER DOMAIN positive DROP NOT NULL;
           ALTER DOMAIN positive VALIDATE CONSTRAINT small; ALTER DOMAIN positive DROP CONSTRAINT positive_check;""",
    ],
    "schemas and search_path": [
        """CREATE SCHEMA app; CREATE SCHEMA other; SET search_path = app, public; CREATE TABLE t (id int PRIMARY KEY);
           CREATE TABLE public.t (id int); SET LOCAL search_path = other; CREATE TABLE t (id int);""",
        """CREATE TABLE u (id int); SELECT pg_catalog.set_config('search_path', 'app', false); ALTER TABLE t ADD COLUMN x int;
           RESET search_path; ALTER TABLE t ADD COLUMN y int; ALTER TABLE app.t RENAME TO tt; ALTER TABLE app.tt SET SCHEMA other;""",
        "ALTER SCHEMA app RENAME TO application; CREATE TABLE application.v (a int);",
    ],
    "quoted names": [
        """CREATE TABLE "Order" ("Id" int PRIMARY KEY, "user" text NOT NULL, "a b" int CHECK ("a b" > 0));
           CREATE INDEX "My Index" ON "Order" ("user", "a b"); ALTER TABLE "Order" RENAME "user" TO "User";
           CREATE TABLE "été" ("naïve" text UNIQUE);""",
    ],
    "foreign keys": [
        """CREATE TABLE a (id int PRIMARY KEY, x int, y int, UNIQUE (x, y));
           CREATE TABLE b (id int, a int REFERENCES a ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED, x int, y int,
             FOREIGN KEY (x, y) REFERENCES a (x, y) MATCH FULL ON DELETE SET NULL (x), self int);
           ALTER TABLE b ADD PRIMARY KEY (id); ALTER TABLE b ADD CONSTRAINT loops FOREIGN KEY (self) REFERENCES b NOT VALID;
           ALTER TABLE b VALIDATE CONSTRAINT loops; ALTER TABLE b ALTER CONSTRAINT loops DEFERRABLE;
           ALTER TABLE b ADD CONSTRAINT unforced FOREIGN KEY (self) REFERENCES b NOT ENFORCED;""",
        "DROP TABLE a CASCADE;",
    ],
    "keys": [
        """CREATE TABLE t (a int, b int, c int);
           CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a);""",
        """ALTER TABLE t ADD CONSTRAINT t_key PRIMARY KEY USING INDEX t_a; ALTER TABLE t ADD UNIQUE NULLS NOT DISTINCT (b) INCLUDE (c);
           ALTER TABLE t ADD CONSTRAINT no_overlap EXCLUDE USING btree (c WITH =) WHERE (c > 0);
           ALTER TABLE t ADD CONSTRAINT later UNIQUE (c, b) DEFERRABLE INITIALLY DEFERRED;""",
        "ALTER TABLE t DROP CONSTRAINT t_key; ALTER TABLE t ALTER a DROP NOT NULL; ALTER INDEX later RENAME TO sooner;",
    ],
    "not null": [
        """CREATE TABLE t (a int NOT NULL, b int CONSTRAINT b_there NOT NULL, c int, d int, CONSTRAINT c_there NOT NULL c);
           ALTER TABLE t ALTER d SET NOT NULL; ALTER TABLE t ALTER a DROP NOT NULL; ALTER TABLE t ADD CONSTRAINT a_there NOT NULL a NOT VALID;
           ALTER TABLE t DROP CONSTRAINT b_there; ALTER TABLE t ADD COLUMN e int NOT NULL; ALTER TABLE t ADD f serial, ADD PRIMARY KEY (c);
           ALTER TABLE t VALIDATE CONSTRAINT a_there;""",
    ],
    "several commands at once": [
        """CREATE TABLE t (a int, b text DEFAULT 'x', c int);
           ALTER TABLE t ADD CONSTRAINT positive CHECK (d > 0), ADD COLUMN d int DEFAULT 1, DROP COLUMN a, ALTER c TYPE bigint,
             ADD COLUMN a text, ALTER b DROP DEFAULT, ALTER b SET NOT NULL, ADD UNIQUE (a);
           ALTER TABLE t ADD COLUMN IF NOT EXISTS d int, DROP COLUMN IF EXISTS nothing, ADD e uuid PRIMARY KEY DEFAULT gen_random_uuid(),
             ALTER COLUMN c SET DEFAULT 5;""",
    ],
    "dropped columns": [
        """CREATE TABLE t (a int, b int, c int, UNIQUE (a, b), CHECK (b > c), CHECK (c > 0)); CREATE INDEX by_c ON t (c);
           CREATE INDEX part ON t (a) WHERE b > 1; ALTER TABLE t DROP COLUMN b;""",
        """CREATE TABLE g (a int, d int GENERATED ALWAYS AS (a * 2) STORED, e int GENERATED ALWAYS AS (a * 3) VIRTUAL);
           ALTER TABLE g ALTER d DROP EXPRESSION; ALTER TABLE g DROP COLUMN a CASCADE; ALTER TABLE g ADD s serial; ALTER TABLE g DROP s;""",
    ],
    "identity": [
        """CREATE TABLE t (a int GENERATED BY DEFAULT AS IDENTITY (START 10), b bigint NOT NULL);
           ALTER TABLE t ALTER b ADD GENERATED ALWAYS AS IDENTITY; ALTER TABLE t ALTER a SET GENERATED ALWAYS;
           ALTER TABLE t RENAME TO u; ALTER TABLE u ALTER b DROP IDENTITY; ALTER TABLE u ALTER b DROP IDENTITY IF EXISTS;""",
    ],
    "sequences": [
        """CREATE SEQUENCE s AS int START 5; CREATE TABLE t (a int DEFAULT nextval('s')); ALTER SEQUENCE s OWNED BY t.a;
           CREATE SEQUENCE free; ALTER SEQUENCE free RENAME TO freed; CREATE TABLE u (b bigserial); ALTER TABLE u SET SCHEMA public;
           CREATE SCHEMA z; ALTER TABLE u SET SCHEMA z; ALTER TABLE t DROP COLUMN a;""",
        "DROP SEQUENCE z.u_b_seq CASCADE;",
    ],
    "views": [
        """CREATE TABLE a (id int PRIMARY KEY, name varchar(20), at timestamptz); CREATE TABLE b (id int, a_id int, note text);
           CREATE VIEW v AS SELECT * FROM a; CREATE VIEW w AS SELECT a.*, b.note AS n, count(*) OVER () FROM a JOIN b ON b.a_id = a.id;
           CREATE VIEW x (one, two) AS SELECT id, lower(name) FROM v WHERE at > now(); CREATE MATERIALIZED VIEW m AS SELECT id, name FROM a;
           CREATE VIEW y AS SELECT id, coalesce(name, 'q') AS name, CASE WHEN id > 1 THEN 'a' ELSE 'b' END AS c, id::text AS shown, max(at) AS last,
             EXISTS (SELECT 1 FROM b WHERE a_id = a.id) FROM a GROUP BY id, name;
           CREATE VIEW u AS SELECT id FROM a UNION ALL SELECT a_id FROM b; CREATE UNIQUE INDEX ON m (id);
           CREATE VIEW l AS WITH q AS (SELECT id, at FROM a) SELECT q.id, s.note FROM q LEFT JOIN LATERAL (SELECT note FROM b LIMIT 1) s ON true;
           CREATE VIEW joined AS SELECT * FROM a JOIN b USING (id);""",
        """ALTER TABLE a ADD COLUMN later int; CREATE OR REPLACE VIEW v AS SELECT id, name, at, later FROM a;
           ALTER TABLE a RENAME COLUMN name TO title; ALTER VIEW v RENAME COLUMN name TO title; ALTER TABLE a RENAME TO aa;""",
        "DROP TABLE b CASCADE;",
    ],
    "tables from queries": [
        """CREATE TABLE a (id int PRIMARY KEY, name varchar(20) NOT NULL, x numeric(5,1)[]);
           CREATE TABLE b AS SELECT * FROM a; CREATE TABLE c AS SELECT id, upper(name) AS loud, 1 AS one, 'x' AS t, 1.5 AS n, true AS f FROM a;
           SELECT id, name INTO d FROM a WHERE id > 1; CREATE TABLE e (q) AS SELECT id FROM a WITH NO DATA;
           CREATE TABLE IF NOT EXISTS e AS SELECT 1; CREATE TYPE row AS (p int, q text); CREATE TABLE f OF row (q DEFAULT 'z', PRIMARY KEY (p));""",
    ],
    "functions": [
        """CREATE FUNCTION f(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 1';
           CREATE FUNCTION f(a text) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET work_mem = '1MB'
             AS $f$ BEGIN RETURN; END $f$;
           CREATE FUNCTION g(OUT x int, INOUT y text, VARIADIC z int[]) LANGUAGE sql AS $$ SELECT 1, 'a' $$;
           CREATE FUNCTION h() RETURNS TABLE (p int, q varchar(10)) LANGUAGE sql STABLE BEGIN ATOMIC SELECT 1, 'x'; END;
           CREATE PROCEDURE p(a int, INOUT b numeric) LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
           CREATE FUNCTION r() RETURNS int RETURN 1; CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);""",
        """CREATE OR REPLACE FUNCTION f(a int, b text DEFAULT 'y') RETURNS int LANGUAGE sql AS 'SELECT 2';
           ALTER FUNCTION f(text) SECURITY INVOKER RESET search_path; ALTER FUNCTION f(int, text) RENAME TO ff;
           ALTER FUNCTION ff SET search_path = ''; CREATE SCHEMA s; ALTER FUNCTION ff(int, text) SET SCHEMA s; DROP FUNCTION g;
           ALTER FUNCTION r() STABLE STRICT; DROP ROUTINE p;""",
    ],
    "triggers": [
        """CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT * FROM t; CREATE SCHEMA s;
           CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
           CREATE TRIGGER one BEFORE INSERT OR UPDATE OF b, a ON t FOR EACH ROW WHEN (NEW.a > 1) EXECUTE FUNCTION f('x', 2);
           CREATE TRIGGER two AFTER DELETE OR TRUNCATE ON t EXECUTE PROCEDURE f();
           CREATE TRIGGER three AFTER UPDATE ON t REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION f();
           CREATE CONSTRAINT TRIGGER four AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f();
           CREATE TRIGGER five INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();
           CREATE TRIGGER plain AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();""",
        """ALTER TABLE t DISABLE TRIGGER two, ENABLE ALWAYS TRIGGER one, ENABLE REPLICA TRIGGER three; ALTER TRIGGER one ON t RENAME TO first;
           ALTER TABLE t RENAME COLUMN a TO aa; CREATE OR REPLACE TRIGGER two AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
           ALTER FUNCTION f() RENAME TO g; ALTER FUNCTION g() SET SCHEMA s; ALTER TABLE t SET SCHEMA s;""",
        "ALTER TABLE s.t DISABLE TRIGGER USER;",
        "DROP TRIGGER IF EXISTS nothing ON s.t; DROP TRIGGER three ON s.t; DROP TABLE s.t CASCADE;",
    ],
    "cascades": [
        """CREATE TYPE e AS ENUM ('a'); CREATE FUNCTION f(x e) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
           CREATE FUNCTION d() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
           CREATE TABLE t (id int DEFAULT d() CHECK (id > d()), e e DEFAULT 'a', x int); CREATE INDEX ON t (f(e));
           CREATE VIEW v AS SELECT id, d() AS dd FROM t; CREATE VIEW w AS SELECT id FROM v; CREATE INDEX dx ON t ((x + d()));
           CREATE DOMAIN dom AS int CHECK (VALUE > d()); CREATE POLICY p ON t USING (id = d());""",
        "DROP FUNCTION d() CASCADE;",
        "DROP TYPE e CASCADE;",
    ],
    "row security": [
        """CREATE TABLE members (team int, who text); CREATE TABLE t (id int, team int, owner text);
           ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;
           CREATE POLICY mine ON t FOR SELECT TO authenticated USING (owner = current_user);
           CREATE POLICY team ON t AS RESTRICTIVE USING (EXISTS (SELECT 1 FROM members m WHERE m.team = t.team)) WITH CHECK (true);
           CREATE POLICY ins ON t FOR INSERT WITH CHECK (id > 0); ALTER POLICY ins ON t RENAME TO added; GRANT SELECT ON t TO authenticated;""",
        "ALTER TABLE members RENAME COLUMN team TO team_id; ALTER TABLE t NO FORCE ROW LEVEL SECURITY;",
        "DROP TABLE members CASCADE; DROP POLICY IF EXISTS nothing ON t;",
    ],
    "transactions": [
        "CREATE TABLE a (x int); BEGIN; CREATE TABLE b (x int); ROLLBACK; BEGIN; CREATE TABLE c (x int); SAVEPOINT s; CREATE TABLE d (x int);"
        " ROLLBACK TO s; CREATE TABLE e (x int); RELEASE s; COMMIT;",
        "BEGIN; SET LOCAL search_path = nowhere, public; ALTER TABLE c ADD y int; COMMIT; ALTER TABLE c ADD z int;",
    ],
    "pg_dump": [
        """SET statement_timeout = 0; SET client_encoding = 'UTF8'; SELECT pg_catalog.set_config('search_path', '', false);
           SET check_function_bodies = false; SET default_table_access_method = heap;
           CREATE TYPE public.status AS ENUM ('new', 'done');
           CREATE FUNCTION public.log() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.log VALUES (NEW.id); RETURN NEW; END;$$;
           CREATE TABLE public.items (id bigint NOT NULL, status public.status DEFAULT 'new'::public.status, name character varying(255),
             created_at timestamp without time zone DEFAULT now() NOT NULL);
           CREATE SEQUENCE public.items_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;
           ALTER SEQUENCE public.items_id_seq OWNED BY public.items.id;
           ALTER TABLE ONLY public.items ALTER COLUMN id SET DEFAULT nextval('public.items_id_seq'::regclass);
           ALTER TABLE ONLY public.items ADD CONSTRAINT items_pkey PRIMARY KEY (id);
           CREATE INDEX index_items_on_name ON public.items USING btree (name);
           CREATE TRIGGER log AFTER INSERT ON public.items FOR EACH ROW EXECUTE FUNCTION public.log();""",
        "ALTER TABLE items ADD COLUMN note text;",
    ],
    "type changes": [
        """CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (a varchar(10) DEFAULT 'x', b int REFERENCES p, c text, d serial);
           CREATE INDEX ON t (a); ALTER TABLE t ALTER a TYPE text; ALTER TABLE t ALTER b TYPE bigint, ALTER c TYPE int USING c::int;
           CREATE TYPE e AS ENUM ('x'); ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE e USING a::e, ALTER a SET DEFAULT 'x';
           ALTER TABLE t ALTER d TYPE bigint;""",
    ],
    "temporary and unlogged": [
        "CREATE TEMP TABLE scratch (a int); CREATE UNLOGGED TABLE u (a serial); INSERT INTO scratch VALUES (1); DROP TABLE scratch;"
        " CREATE TEMPORARY TABLE u2 AS SELECT * FROM u; CREATE TABLE IF NOT EXISTS u (b int);",
    ],
    "schema with elements": [
        """CREATE SCHEMA shop CREATE TABLE goods (id int PRIMARY KEY, price numeric) CREATE INDEX ON goods (price)
             CREATE VIEW cheap AS SELECT id FROM goods WHERE price < 5;
           DROP SCHEMA IF EXISTS nothing; CREATE SCHEMA gone CREATE TABLE t (a int); DROP SCHEMA gone CASCADE;""",
    ],
    "rules and replication": [
        """CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE log (id int, a int); CREATE UNIQUE INDEX two ON log (id);
           CREATE RULE copied AS ON INSERT TO t DO ALSO INSERT INTO log VALUES (NEW.id, NEW.a); ALTER TABLE t REPLICA IDENTITY FULL;
           CREATE PUBLICATION pub FOR TABLE t (id); ALTER PUBLICATION pub ADD TABLE log; ALTER TABLE t DISABLE RULE copied;""",
        "DROP TABLE log CASCADE; ALTER TABLE t RENAME COLUMN a TO b;",
    ],
}  # fmt: skip

# What PostgreSQL refuses, after a history that it takes: (history, migration, SQLSTATE).
REFUSED: dict[str, tuple[str, str, str]] = {
    "table exists": ("CREATE TABLE t (a int);", "CREATE TABLE t (b int);", "42P07"),
    "column exists": ("CREATE TABLE t (a int);", "ALTER TABLE t ADD a text;", "42701"),
    "column twice": ("", "CREATE TABLE t (a int, a text);", "42701"),
    "no column": ("CREATE TABLE t (a int);", "ALTER TABLE t DROP COLUMN b;", "42703"),
    "no column in index": ("CREATE TABLE t (a int);", "CREATE INDEX ON t (b);", "42703"),
    "no column in check": ("CREATE TABLE t (a int);", "ALTER TABLE t ADD CHECK (b > 0);", "42703"),
    "no column in key": ("", "CREATE TABLE t (a int, PRIMARY KEY (b));", "42703"),
    "dropped table": ("CREATE TABLE t (a int); DROP TABLE t;", "ALTER TABLE t ADD b int;", "42P01"),
    "dropped again": ("CREATE TABLE t (a int); DROP TABLE t;", "DROP TABLE t;", "42P01"),
    "renamed table": ("CREATE TABLE t (a int); ALTER TABLE t RENAME TO u;", "CREATE INDEX ON t (a);", "42P01"),
    "renamed column": ("CREATE TABLE t (a int); ALTER TABLE t RENAME a TO b;", "ALTER TABLE t ALTER a SET NOT NULL;", "42703"),
    "schema exists": ("CREATE SCHEMA s;", "CREATE SCHEMA s;", "42P06"),
    "schema not empty": ("CREATE SCHEMA s; CREATE TABLE s.t (a int);", "DROP SCHEMA s;", "2BP01"),
    "type exists": ("CREATE TYPE e AS ENUM ('a');", "CREATE TYPE e AS ENUM ('b');", "42710"),
    "type in use": ("CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (a e);", "DROP TYPE e;", "2BP01"),
    "label exists": ("CREATE TYPE e AS ENUM ('a');", "ALTER TYPE e ADD VALUE 'a';", "42710"),
    "function exists": ("CREATE FUNCTION f() RETURNS int RETURN 1;", "CREATE FUNCTION f() RETURNS int RETURN 2;", "42723"),
    "result changed": ("CREATE FUNCTION f() RETURNS int RETURN 1;", "CREATE OR REPLACE FUNCTION f() RETURNS text RETURN 'a';", "42P13"),
    "argument renamed": (
        "CREATE FUNCTION f(a int) RETURNS int RETURN 1;", "CREATE OR REPLACE FUNCTION f(b int) RETURNS int RETURN 2;", "42P13",
    ),
    "ambiguous function": (
        "CREATE FUNCTION f() RETURNS int RETURN 1; CREATE FUNCTION f(int) RETURNS int RETURN 1;", "DROP FUNCTION f;", "42725",
    ),
    "no such overload": ("CREATE FUNCTION f() RETURNS int RETURN 1;", "DROP FUNCTION f(int);", "42883"),
    "trigger exists": (
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
        "CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
        "CREATE TRIGGER x AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();", "42710",
    ),
    "function of trigger": (
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
        "CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
        "DROP FUNCTION f();", "2BP01",
    ),
    "no trigger function": (
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS int RETURN 1;",
        "CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();", "42P17",
    ),
    "column of view": ("CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a FROM t;", "ALTER TABLE t DROP a;", "2BP01"),
    "table of view": ("CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t;", "DROP TABLE t;", "2BP01"),
    "type under view": ("CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t;", "ALTER TABLE t ALTER a TYPE bigint;", "0A000"),
    "type under policy": ("CREATE TABLE t (a int); CREATE POLICY p ON t USING (a > 1);", "ALTER TABLE t ALTER a TYPE bigint;", "0A000"),
    "column of policy": ("CREATE TABLE t (a int, b int); CREATE POLICY p ON t USING (a > 1);", "ALTER TABLE t DROP a;", "2BP01"),
    "type under trigger": (
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
        "CREATE TRIGGER x AFTER UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f();",
        "ALTER TABLE t ALTER a TYPE bigint;", "0A000",
    ),
    "generated from it": ("CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) STORED);", "ALTER TABLE t DROP a;", "2BP01"),
    "type under generated": ("CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) STORED);", "ALTER TABLE t ALTER a TYPE bigint;", "0A000"),
    "no cast": ("CREATE TABLE t (a text);", "ALTER TABLE t ALTER a TYPE int;", "42804"),
    "default has no cast": (
        "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (a text DEFAULT 'a');", "ALTER TABLE t ALTER a TYPE e USING a::e;", "42804",
    ),
    "second primary key": ("CREATE TABLE t (a int PRIMARY KEY, b int);", "ALTER TABLE t ADD PRIMARY KEY (b);", "42P16"),
    "concurrently in a transaction": ("CREATE TABLE t (a int);", "CREATE INDEX CONCURRENTLY ON t (a);", "25001"),
    "no unique key": ("CREATE TABLE t (a int);", "CREATE TABLE u (a int REFERENCES t (a));", "42830"),
    "no primary key": ("CREATE TABLE t (a int);", "CREATE TABLE u (a int REFERENCES t);", "42704"),
    "types of foreign key": ("CREATE TABLE t (a uuid PRIMARY KEY);", "CREATE TABLE u (a int REFERENCES t);", "42804"),
    "key of foreign key": (
        "CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (a int REFERENCES t);", "ALTER TABLE t DROP CONSTRAINT t_pkey;", "2BP01",
    ),
    "table of foreign key": ("CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (a int REFERENCES t);", "DROP TABLE t;", "2BP01"),
    "index of constraint": ("CREATE TABLE t (a int UNIQUE);", "DROP INDEX t_a_key;", "2BP01"),
    "rows without a value": ("CREATE TABLE t (a int); INSERT INTO t VALUES (1);", "ALTER TABLE t ADD b int NOT NULL;", "23502"),
    "not null of a key": ("CREATE TABLE t (a int PRIMARY KEY);", "ALTER TABLE t ALTER a DROP NOT NULL;", "42P16"),
    "constraint exists": (
        "CREATE TABLE t (a int CONSTRAINT c CHECK (a > 0));", "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1);", "42710",
    ),
    "no constraint": ("CREATE TABLE t (a int);", "ALTER TABLE t DROP CONSTRAINT c;", "42704"),
    "view columns dropped": (
        "CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a, b FROM t;", "CREATE OR REPLACE VIEW v AS SELECT a FROM t;", "42P16",
    ),
    "view column renamed": (
        "CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a FROM t;", "CREATE OR REPLACE VIEW v AS SELECT b FROM t;", "42P16",
    ),
    "no column in view": ("CREATE TABLE t (a int);", "CREATE VIEW v AS SELECT b FROM t;", "42703"),
    "sequence in use": ("CREATE SEQUENCE s; CREATE TABLE t (a int DEFAULT nextval('s'));", "DROP SEQUENCE s;", "2BP01"),
    "parent table": ("CREATE TABLE t (a int); CREATE TABLE u () INHERITS (t);", "DROP TABLE t;", "2BP01"),
    "inherited column": ("CREATE TABLE t (a int); CREATE TABLE u () INHERITS (t);", "ALTER TABLE u DROP a;", "42P16"),
    "partition key": ("CREATE TABLE t (a int) PARTITION BY LIST (a);", "ALTER TABLE t DROP a;", "42P16"),
    "not a view": ("CREATE TABLE t (a int);", "DROP VIEW t;", "42809"),
    "no policy": ("CREATE TABLE t (a int);", "DROP POLICY p ON t;", "42704"),
    "no such savepoint": ("CREATE TABLE t (a int);", "BEGIN; ROLLBACK TO s;", "3B001"),
    "label of its own transaction": (
        "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (a e);", "ALTER TYPE e ADD VALUE 'b'; INSERT INTO t VALUES ('b');", "55P04",
    ),
    "default with the new label": (
        "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (a e);", "ALTER TYPE e ADD VALUE 'b'; ALTER TABLE t ALTER a SET DEFAULT 'b';", "55P04",
    ),
}  # fmt: skip
