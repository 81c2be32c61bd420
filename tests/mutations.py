"""Mutated histories, judged by the linter and by a real server, side by side.

    python -m tests.mutations [--style NAME] [--change NAME] [--show]

Each style of sync meets each change; the server says whether ordinary writes raise (BREAKS), whether the target is left
with other rows than before the change (LOSES), whether the migration is refused (REFUSED), or whether all goes on (OK).
What the linter said is held against it, and where the two disagree the pair is printed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import psycopg

from schemalint.check import check
from schemalint.configuration import Configuration
from schemalint.finding import Finding
from schemalint.migrations.migration import History, Migration
from schemalint.text import Source
from tests.postgres import Connect, Server, running_server

TABLES = """
CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders_v2 (
  id bigint PRIMARY KEY, customer_id int NOT NULL REFERENCES customers(id), status text NOT NULL CHECK (length(status) <= 20),
  note text, total int NOT NULL CHECK (total >= 0), created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE orders (
  id bigint PRIMARY KEY, customer_id int, status text, note text, total int, created_at timestamptz,
  legacy text DEFAULT 'none', seen_at timestamptz);
"""
COLUMNS = "id, customer_id, status, note, total, created_at"
NEW = "NEW.id, NEW.customer_id, NEW.status, NEW.note, NEW.total, NEW.created_at"
SETS = ", ".join(f"{each} = EXCLUDED.{each}" for each in COLUMNS.split(", ")[1:])
UPDATES = ", ".join(f"{each} = NEW.{each}" for each in COLUMNS.split(", ")[1:])
DELETE = "IF TG_OP = 'DELETE' THEN DELETE FROM orders WHERE id = OLD.id; RETURN OLD; END IF;"


def function(
    body: str, name: str = "sync_orders", declare: str = "", options: str = "SECURITY DEFINER SET search_path = public"
) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {options} AS $$ {declare} BEGIN {body} END $$;\n"
    )


def trigger(
    events: str, name: str = "sync_orders", level: str = "EACH ROW", timing: str = "AFTER", rest: str = "", call: str = ""
) -> str:
    return f"CREATE TRIGGER {name} {timing} {events} ON orders_v2 {rest} FOR {level} EXECUTE FUNCTION {call or name + '()'};\n"


UPSERT = f"INSERT INTO orders ({COLUMNS}) VALUES ({NEW}) ON CONFLICT (id) DO UPDATE SET {SETS};"
ALL = "INSERT OR UPDATE OR DELETE"
STYLES = {
    "upsert": function(f"{DELETE} {UPSERT} RETURN NEW;") + trigger(ALL),
    "insert only": function(f"INSERT INTO orders ({COLUMNS}) VALUES ({NEW}); RETURN NEW;") + trigger("INSERT"),
    "branches": function(
        f"IF TG_OP = 'INSERT' THEN INSERT INTO orders ({COLUMNS}) VALUES ({NEW}); RETURN NEW; "
        f"ELSIF TG_OP = 'UPDATE' THEN UPDATE orders SET {UPDATES} WHERE id = OLD.id; RETURN NEW; "
        "ELSE DELETE FROM orders WHERE id = OLD.id; RETURN OLD; END IF;"
    )
    + trigger(ALL),
    "case": function(
        f"CASE TG_OP WHEN 'INSERT', 'UPDATE' THEN {UPSERT} WHEN 'DELETE' THEN DELETE FROM orders WHERE id = OLD.id; END CASE; RETURN NULL;"
    )
    + trigger(ALL),
    "three functions": function(f"INSERT INTO orders ({COLUMNS}) VALUES ({NEW}); RETURN NULL;", "sync_insert")
    + function(f"UPDATE orders SET {UPDATES} WHERE id = NEW.id; RETURN NULL;", "sync_update")
    + function("DELETE FROM orders WHERE id = OLD.id; RETURN NULL;", "sync_delete")
    + trigger("INSERT", "sync_insert")
    + trigger("UPDATE", "sync_update")
    + trigger("DELETE", "sync_delete"),
    "update then insert": function(
        f"{DELETE} UPDATE orders SET {UPDATES} WHERE id = NEW.id; "
        f"IF NOT FOUND THEN INSERT INTO orders ({COLUMNS}) VALUES ({NEW}); END IF; RETURN NEW;"
    )
    + trigger(ALL),
    "exists": function(
        f"{DELETE} IF EXISTS (SELECT 1 FROM orders WHERE id = NEW.id) THEN UPDATE orders SET {UPDATES} WHERE id = NEW.id; "
        f"ELSE INSERT INTO orders ({COLUMNS}) VALUES ({NEW}); END IF; RETURN NEW;"
    )
    + trigger(ALL),
    "delete and insert": function(
        f"DELETE FROM orders WHERE id = OLD.id; IF TG_OP <> 'DELETE' THEN INSERT INTO orders ({COLUMNS}) VALUES ({NEW}); END IF; "
        "RETURN COALESCE(NEW, OLD);"
    )
    + trigger(ALL),
    "dynamic": function(
        f"IF TG_OP = 'DELETE' THEN EXECUTE format('DELETE FROM %I WHERE id = $1', TG_ARGV[0]) USING OLD.id; RETURN OLD; END IF; "
        f"EXECUTE format('INSERT INTO %I ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET {SETS}', TG_ARGV[0]) "
        f"USING {NEW}; RETURN NEW;"
    )
    + trigger(ALL, call="sync_orders('orders')"),
    "statement level": function(
        f"INSERT INTO orders ({COLUMNS}) SELECT {COLUMNS} FROM new_rows ON CONFLICT (id) DO UPDATE SET {SETS}; RETURN NULL;"
    )
    + trigger("INSERT", "sync_insert", "EACH STATEMENT", rest="REFERENCING NEW TABLE AS new_rows", call="sync_orders()")
    + trigger("UPDATE", "sync_update", "EACH STATEMENT", rest="REFERENCING NEW TABLE AS new_rows", call="sync_orders()"),
    "sql helper": f"""CREATE FUNCTION copy_order(o orders_v2) RETURNS void LANGUAGE sql AS $$
      INSERT INTO orders ({COLUMNS}) SELECT o.id, o.customer_id, o.status, o.note, o.total, o.created_at ON CONFLICT (id) DO UPDATE SET {SETS} $$;"""
    + function(f"{DELETE} PERFORM copy_order(NEW); RETURN NEW;")
    + trigger(ALL),
    "plpgsql helper": f"""CREATE FUNCTION put_order(i bigint, c int, s text, n text, t int, a timestamptz) RETURNS void LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO orders ({COLUMNS}) VALUES (i, c, s, n, t, a) ON CONFLICT (id) DO UPDATE SET {SETS}; END $$;"""
    + function(f"{DELETE} PERFORM put_order({NEW}); RETURN NEW;")
    + trigger(ALL),
    "row variable": function(
        f"{DELETE} r.id := NEW.id; r.customer_id := NEW.customer_id; r.status := NEW.status; r.note := NEW.note; r.total := NEW.total; "
        f"r.created_at := NEW.created_at; INSERT INTO orders ({COLUMNS}) VALUES (r.id, r.customer_id, r.status, r.note, r.total, "
        f"r.created_at) ON CONFLICT (id) DO UPDATE SET {SETS}; RETURN NEW;",
        declare="DECLARE r orders%ROWTYPE;",
    )
    + trigger(ALL),
    "merge": function(
        f"{DELETE} MERGE INTO orders t USING (SELECT {NEW}) s({COLUMNS}) ON t.id = s.id "
        f"WHEN MATCHED THEN UPDATE SET {', '.join(f'{c} = s.{c}' for c in COLUMNS.split(', ')[1:])} "
        f"WHEN NOT MATCHED THEN INSERT ({COLUMNS}) VALUES ({', '.join('s.' + c for c in COLUMNS.split(', '))}); RETURN NEW;"
    )
    + trigger(ALL),
    "before": function(f"{UPSERT} RETURN NEW;") + trigger("INSERT OR UPDATE", timing="BEFORE"),
    "when": function(f"{UPSERT} RETURN NEW;")
    + trigger("INSERT OR UPDATE", rest="", timing="AFTER").replace("FOR EACH ROW", "FOR EACH ROW WHEN (NEW.status <> 'draft')"),
    "writable cte": function(
        f"{DELETE} WITH copied AS (INSERT INTO orders ({COLUMNS}) VALUES ({NEW}) ON CONFLICT (id) DO UPDATE SET {SETS} RETURNING id) "
        "SELECT count(*) FROM copied INTO n; RETURN NEW;",
        declare="DECLARE n int;",
    )
    + trigger(ALL),
    "re-read": function(
        f"{DELETE} INSERT INTO orders ({COLUMNS}) SELECT {COLUMNS} FROM orders_v2 WHERE id = NEW.id ON CONFLICT (id) DO UPDATE SET {SETS}; "
        "RETURN NEW;"
    )
    + trigger(ALL),
    "loop": function(
        f"{DELETE} FOR r IN SELECT * FROM orders_v2 WHERE id = NEW.id LOOP INSERT INTO orders ({COLUMNS}) VALUES (r.id, r.customer_id, "
        f"r.status, r.note, r.total, r.created_at) ON CONFLICT (id) DO UPDATE SET {SETS}; END LOOP; RETURN NEW;",
        declare="DECLARE r record;",
    )
    + trigger(ALL),
    "swallows": function(f"BEGIN {UPSERT} EXCEPTION WHEN OTHERS THEN RAISE WARNING 'x'; END; RETURN NEW;")
    + trigger("INSERT OR UPDATE"),
    "only when changed": function(f"{DELETE} IF TG_OP = 'INSERT' OR NEW IS DISTINCT FROM OLD THEN {UPSERT} END IF; RETURN NEW;")
    + trigger(ALL),
    "jsonb": function(
        f"{DELETE} INSERT INTO orders SELECT * FROM jsonb_populate_record(NULL::orders, to_jsonb(NEW)) ON CONFLICT (id) DO UPDATE SET {SETS}; RETURN NEW;"
    )
    + trigger(ALL),
}

CHANGES = {
    "add not null": "ALTER TABLE orders ADD COLUMN x text NOT NULL;",
    "add not null default": "ALTER TABLE orders ADD COLUMN x text NOT NULL DEFAULT 'a';",
    "add nullable": "ALTER TABLE orders ADD COLUMN x text;",
    "add serial": "ALTER TABLE orders ADD COLUMN x serial;",
    "set not null copied": "ALTER TABLE orders ALTER COLUMN status SET NOT NULL;",
    "set not null unwritten": "ALTER TABLE orders ALTER COLUMN seen_at SET NOT NULL;",
    "set not null default": "ALTER TABLE orders ALTER COLUMN legacy SET NOT NULL;",
    "not null then drop default": "ALTER TABLE orders ALTER COLUMN legacy SET NOT NULL; ALTER TABLE orders ALTER COLUMN legacy DROP DEFAULT;",
    "not null not valid": "ALTER TABLE orders ADD CONSTRAINT s NOT NULL seen_at NOT VALID;",
    "check not null": "ALTER TABLE orders ADD CONSTRAINT s CHECK (seen_at IS NOT NULL) NOT VALID;",
    "domain": "CREATE DOMAIN d AS text NOT NULL; ALTER TABLE orders ADD COLUMN x d;",
    "drop copied": "ALTER TABLE orders DROP COLUMN total;",
    "drop unwritten": "ALTER TABLE orders DROP COLUMN seen_at;",
    "rename copied": "ALTER TABLE orders RENAME COLUMN total TO amount;",
    "rename unwritten": "ALTER TABLE orders RENAME COLUMN seen_at TO read_at;",
    "rename target": "ALTER TABLE orders RENAME TO orders_old;",
    "rename target, view": "ALTER TABLE orders RENAME TO orders_old; CREATE VIEW orders AS SELECT * FROM orders_old;",
    "target to schema": "CREATE SCHEMA old; ALTER TABLE orders SET SCHEMA old;",
    "drop target": "DROP TABLE orders;",
    "drop key": "ALTER TABLE orders DROP CONSTRAINT orders_pkey;",
    "swap key": "CREATE UNIQUE INDEX u ON orders (id); ALTER TABLE orders DROP CONSTRAINT orders_pkey;",
    "composite key": "ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD PRIMARY KEY (id, created_at);",
    "to uuid": "ALTER TABLE orders ALTER COLUMN note TYPE uuid USING NULL;",
    "to bigint": "ALTER TABLE orders ALTER COLUMN total TYPE bigint;",
    "to text": "ALTER TABLE orders ALTER COLUMN total TYPE text;",
    "to boolean": "ALTER TABLE orders ALTER COLUMN total TYPE boolean USING total > 0;",
    "to wide varchar": "ALTER TABLE orders ALTER COLUMN status TYPE varchar(20);",
    "generated": "ALTER TABLE orders DROP COLUMN total; ALTER TABLE orders ADD COLUMN total int GENERATED ALWAYS AS (1) STORED;",
    "identity": "ALTER TABLE orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;",
    "foreign key same": "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers(id);",
    "check implied": "ALTER TABLE orders ADD CHECK (total >= -1);",
    "check refuses": "ALTER TABLE orders ADD CHECK (legacy = 'other') NOT VALID;",
    "source drop": "ALTER TABLE orders_v2 DROP COLUMN note;",
    "source rename column": "ALTER TABLE orders_v2 RENAME COLUMN note TO remark;",
    "source add": "ALTER TABLE orders_v2 ADD COLUMN x text;",
    "source rename": "ALTER TABLE orders_v2 RENAME TO orders_v3; CREATE VIEW orders_v2 AS SELECT * FROM orders_v3;",
    "source to uuid": "ALTER TABLE orders_v2 ALTER COLUMN note TYPE uuid USING NULL;",
    "drop trigger": "DROP TRIGGER {trigger} ON orders_v2;",
    "disable trigger": "ALTER TABLE orders_v2 DISABLE TRIGGER {trigger};",
    "disable user": "ALTER TABLE orders_v2 DISABLE TRIGGER USER;",
    "disable and enable": "ALTER TABLE orders_v2 DISABLE TRIGGER USER; ALTER TABLE orders_v2 ENABLE TRIGGER USER;",
    "disable on target": "ALTER TABLE orders DISABLE TRIGGER USER;",
    "rename trigger": "ALTER TRIGGER {trigger} ON orders_v2 RENAME TO other_name;",
    "drop function": "DROP FUNCTION {function}() CASCADE;",
    "stable": "ALTER FUNCTION {function}() STABLE;",
    "empty path": "ALTER FUNCTION {function}() SET search_path = '';",
    "early return": "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;",
    "audit": "CREATE TABLE audit (n serial, at timestamptz); CREATE FUNCTION a() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO audit (at) VALUES (now()); RETURN NULL; END $$; CREATE TRIGGER z AFTER INSERT ON orders_v2 FOR EACH ROW EXECUTE FUNCTION a();",
    "refusing target": "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$; "
    "CREATE TRIGGER no BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION no();",
    "filling target": "ALTER TABLE orders ADD COLUMN x text; CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "NEW.x := 'f'; RETURN NEW; END $$; CREATE TRIGGER fill BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fill(); "
    "ALTER TABLE orders ALTER COLUMN x SET NOT NULL;",
    "skipping target": "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; "
    "CREATE TRIGGER skip BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION skip();",
    "other table": "CREATE TABLE other (id int); ALTER TABLE other ADD COLUMN x text NOT NULL; DROP TABLE other;",
    "twice": "CREATE TRIGGER again AFTER INSERT ON orders_v2 FOR EACH ROW EXECUTE FUNCTION {function}();",
    "rebuilt": "CREATE TABLE n (LIKE orders INCLUDING ALL); DROP TABLE orders; ALTER TABLE n RENAME TO orders;",
    "rebuilt bare": "CREATE TABLE n (LIKE orders); DROP TABLE orders; ALTER TABLE n RENAME TO orders;",
}

WRITES = (
    "INSERT INTO {source} (id, customer_id, status, note, total) VALUES (1, 1, 'open', {note}, 5)",
    "UPDATE {source} SET status = 'paid', total = 6 WHERE id = 1",
    "DELETE FROM {source} WHERE id = 1",
)
NOTE = "'11111111-1111-1111-1111-111111111111'"


class Outcome(NamedTuple):
    kind: str  # OK, BREAKS, LOSES, REFUSED
    detail: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--style")
    parser.add_argument("--change")
    parser.add_argument("--show", action="store_true", help="print every finding of a disagreement")
    arguments = parser.parse_args()
    tally: Counter[str] = Counter()
    with running_server() as server:
        for style, change, real, findings in pairs(server, arguments.style, arguments.change):
            verdict = agreement(real, findings)
            tally[verdict] += 1
            if verdict != "agree":
                print(f"{verdict:8} {style} / {change}: server {real.kind} {real.detail}")
                for each in findings if arguments.show or verdict == "wrong" else ():
                    print(f"         {each.severity} {each.rule} {each.message}")
    print(dict(tally))
    return bool(tally["wrong"] or tally["missed"])


def pairs(server: Server, style: str | None, change: str | None) -> Iterator[tuple[str, str, Outcome, list[Finding]]]:
    for style_name, sync in STYLES.items():
        for change_name, text in CHANGES.items():
            if style in (None, style_name) and change in (None, change_name):
                first = sync.split("CREATE TRIGGER ")[1].split(" ")[0]
                called = sync.split("EXECUTE FUNCTION ")[1].split("(")[0]
                migration = text.replace("{trigger}", first).replace("{function}", called)
                yield style_name, change_name, asked_of_server(server, sync, migration), asked_of_linter(sync, migration)


def asked_of_linter(sync: str, migration: str) -> list[Finding]:
    texts = {"0001_tables.sql": TABLES, "0002_sync.sql": sync, "0003_change.sql": migration}
    migrations = tuple(Migration(name, name[:4], name, Source(name, text), True) for name, text in texts.items())
    return list(check(History(".", "flat", migrations), frozenset({"0003_change.sql"}), Configuration()).findings)


def asked_of_server(server: Server, sync: str, migration: str) -> Outcome:
    with server.database() as connect:
        owner = connect()
        for text in (TABLES, "INSERT INTO customers VALUES (1);", sync):
            owner.execute(text)
        before = run_writes(connect)
        try:
            with owner.transaction():
                owner.execute(migration)
        except psycopg.Error as error:
            return Outcome("REFUSED", f"{error.sqlstate} {error}".splitlines()[0])
        after = run_writes(connect)
        for number, (first, second) in enumerate(zip(before, after, strict=True)):
            if isinstance(second, str):
                return Outcome("BREAKS", f"{WRITES[number].split(' ')[0]}: {second}")
            if first != second:
                return Outcome("LOSES", f"{WRITES[number].split(' ')[0]}: {first} became {second}")
    return Outcome("OK", "")


def run_writes(connect: Connect) -> list[str | list[tuple[object, ...]]]:
    """For each write the rows of the target after it, or the error; the whole is rolled back."""
    connection = connect()
    results: list[str | list[tuple[object, ...]]] = []
    with connection.transaction(force_rollback=True):
        target = (
            connection.execute("SELECT to_regclass('orders'), to_regclass('orders_old'), to_regclass('old.orders')").fetchone()
            or ()
        )
        table = next((each for each in target if each is not None), None)
        note = NOTE + ("::uuid" if is_uuid(connection) else "")
        text = WRITES[0].replace("{note}", note)
        present = {
            row[0]
            for row in connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'orders_v2'::regclass AND NOT attisdropped"
            )
        }
        if "note" not in present:
            text = text.replace(", note", "").replace(f", {note}", "")
        for write in (text, *WRITES[1:]):
            try:
                with connection.transaction():
                    connection.execute(write.replace("{source}", "orders_v2"))  # type: ignore[arg-type]
                    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            except psycopg.Error as error:
                results.append(f"{error.sqlstate} {error}".splitlines()[0])
                continue
            if table is None:
                results.append([])
                continue
            columns = {
                row[0]
                for row in connection.execute(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND NOT attisdropped", [table]
                )
            }
            wanted = [each for each in ("id", "customer_id", "status") if each in columns]
            results.append(
                connection.execute(
                    f"SELECT {', '.join(wanted)}{', total::text' if 'total' in columns else ', 0::text'} FROM {table}"
                ).fetchall()
            )  # type: ignore[arg-type]
    return results


def is_uuid(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    found = connection.execute(
        "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'orders_v2'::regclass AND attname = 'note'"
    ).fetchone()
    return found is not None and found[0] == "uuid"


def agreement(real: Outcome, findings: list[Finding]) -> str:
    """ "agree"; "missed": nothing of what the server did; "wrong": something that it did not do; "warned": a warning beside OK."""
    loud = [each for each in findings if each.severity != "info"]
    groups = {each.rule.partition("/")[0] for each in loud}
    errors = {each.rule.partition("/")[0] for each in loud if each.severity == "error"}
    owed = {"BREAKS": "breaks", "LOSES": "loses", "REFUSED": "fails"}.get(real.kind)
    if owed is None:
        return "agree" if not loud else "wrong" if errors else "warned"
    if owed in groups:
        return "agree" if not errors - {owed} else "wrong"
    return "wrong" if errors else "missed"


if __name__ == "__main__":
    sys.exit(main())
