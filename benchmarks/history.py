"""Writes the migrations of a project that does not exist, as they would have come in over some years.

    python -m benchmarks.history 500 FOLDER [--seed N]

The mix is that of public projects: tables with policies, grants and triggers, columns added one by one, indexes, functions
that are replaced again and again, DO blocks, data, a view here and there, and every now and then a sync between two tables
that later migrations touch. The same number and seed give the same text. All of it applies on a PostgreSQL with the roles
`authenticated`, `anon` and `service_role`.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

SEED = 20250101
MIGRATIONS_FOR_ONE_SYNC = 150

SUBJECTS = (
    "order", "invoice", "customer", "project", "task", "message", "comment", "document", "event", "ticket", "product",
    "payment", "team", "channel", "review", "booking", "campaign", "course", "lesson", "report", "asset", "device",
    "contract", "shipment", "vendor", "subscription", "profile", "article", "survey", "answer",
)  # fmt: skip
PARTS = (
    "", "_item", "_note", "_tag", "_member", "_attachment", "_setting", "_version", "_label", "_event", "_reminder", "_rule",
    "_template", "_link", "_summary", "_request", "_assignment", "_import", "_export", "_limit", "_quota", "_draft", "_archive",
    "_share", "_vote", "_score", "_step", "_stage", "_batch", "_snapshot", "_log", "_alert", "_token", "_invite", "_role",
)  # fmt: skip
QUALITIES = (
    "internal", "public", "primary", "billing", "shipping", "preferred", "legacy", "external", "original", "expected", "final",
    "first", "last", "default", "secondary", "estimated", "approved", "rejected", "source", "target", "short", "long",
)  # fmt: skip
# What a column is called, its type, a default, and a condition on it.
THINGS = (
    ("title", "text", "''", "length({}) <= 300"),
    ("description", "text", None, "length({}) <= 5000"),
    ("code", "varchar(40)", None, None),
    ("email", "varchar(255)", None, "position('@' in {}) > 1"),
    ("amount", "numeric(12,2)", "0", "{} >= 0"),
    ("quantity", "integer", "0", "{} >= 0"),
    ("position", "integer", "0", None),
    ("rating", "smallint", None, "{} BETWEEN 1 AND 5"),
    ("enabled", "boolean", "true", None),
    ("visible", "boolean", "false", None),
    ("at", "timestamptz", "now()", None),
    ("until", "date", None, None),
    ("metadata", "jsonb", "'{{}}'::jsonb", None),
    ("options", "jsonb", None, "jsonb_typeof({}) = 'object'"),
    ("labels", "text[]", "ARRAY[]::text[]", None),
    ("reference", "uuid", "gen_random_uuid()", None),
    ("count", "bigint", "0", "{} >= 0"),
    ("locale", "char(2)", "'en'", None),
)
STATES = ("draft", "open", "pending", "active", "paused", "done", "cancelled", "archived", "failed", "expired")


@dataclass
class Column:
    name: str
    type: str
    default: str | None = None
    not_null: bool = False
    references: str | None = None
    check: str | None = None

    @property
    def definition(self) -> str:
        parts = (
            f"{self.name} {self.type}",
            "NOT NULL" if self.not_null else None,
            f"DEFAULT {self.default}" if self.default is not None else None,
            f"REFERENCES {self.references}" if self.references is not None else None,
            f"CHECK ({self.check})" if self.check is not None else None,
        )
        return " ".join(part for part in parts if part)


@dataclass
class Table:
    name: str
    columns: list[Column]
    guarded: bool = False  # row security is on
    copy: str | None = None  # the table that a trigger copies this one's rows to
    copied: list[str] = field(default_factory=list)  # and which columns of them
    unique: bool = False  # besides its key
    used: set[str] = field(default_factory=set)  # columns that something depends on

    def column(self, name: str) -> Column | None:
        return next((each for each in self.columns if each.name == name), None)


@dataclass
class Project:
    """What is there so far; each kind of migration takes from it and adds to it."""

    random: Random
    tables: dict[str, Table] = field(default_factory=dict)
    enums: dict[str, list[str]] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)  # name → the table it is about
    lookups: dict[str, int] = field(default_factory=dict)  # name → rows so far
    number: int = 0

    def table(self) -> Table:
        """Some table; the younger ones are worked on more."""
        names = list(self.tables)
        return self.tables[names[-1 - int(len(names) * self.random.random() ** 2)]]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def fresh_table_name(self) -> str:
        while True:
            base = self.random.choice(SUBJECTS) + self.random.choice(PARTS)
            name = f"{base}s" if self.chance(0.8) else f"{self.random.choice(QUALITIES)}_{base}s"
            if name not in self.tables and name not in self.lookups:
                return name
            name = f"{name}_{self.number}"
            if name not in self.tables:
                return name

    def fresh_column(self, table: Table) -> tuple[Column, str | None]:
        """A column that the table has not got, and a condition on it."""
        thing, type_, default, condition = self.random.choice(THINGS)
        name = thing if self.chance(0.4) else f"{self.random.choice(QUALITIES)}_{thing}"
        if table.column(name):
            name = f"{name}_{self.number}_{len(table.columns)}"
        default = default.format() if default is not None else None
        not_null = default is not None and self.chance(0.6)
        return Column(name, type_, default, not_null), condition.format(name) if condition else None


# -- tables


def start(project: Project) -> str:
    project.tables["users"] = Table("users", [Column("id", "uuid"), Column("email", "text"), Column("name", "text")])
    return """\
-- What everything else stands on.
CREATE EXTENSION IF NOT EXISTS plpgsql;

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL UNIQUE CHECK (position('@' in email) > 1),
  name text,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  table_name text NOT NULL,
  row_id text,
  action text NOT NULL,
  changes jsonb,
  made_by uuid,
  made_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION current_user_id() RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT nullif(current_setting('app.user_id', true), '')::uuid
$$;

CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END;
$$;

CREATE FUNCTION write_audit_log() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO audit_log (table_name, row_id, action, changes, made_by)
  VALUES (
    TG_TABLE_NAME,
    CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END,
    TG_OP,
    CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END,
    current_user_id()
  );
  RETURN COALESCE(NEW, OLD);
END;
$$;
"""


def create_table(project: Project) -> str:
    table = Table(project.fresh_table_name(), [Column("id", "uuid", "gen_random_uuid()", True)], used={"id"})
    lines = ["id uuid PRIMARY KEY DEFAULT gen_random_uuid()"]
    for _ in range(project.random.choice((0, 1, 1, 1, 2, 2))):
        target = project.table()
        name = f"{target.name.removesuffix('s')}_id"
        if not table.column(name):
            # As those who keep two tables alive have to: a delete that is carried over must not be refused by the old one's
            # references.
            table.columns.append(Column(name, "uuid", None, True, f"{target.name}(id) ON DELETE CASCADE"))
            lines.append(table.columns[-1].definition)
            table.used.add(name)
            target.used.add("id")
    for _ in range(project.random.randint(2, 7)):
        column, condition = project.fresh_column(table)
        column.check = condition if project.chance(0.5) else None
        table.columns.append(column)
        lines.append(column.definition)
    for name in ("created_at", "updated_at"):
        table.columns.append(Column(name, "timestamptz", "now()", True))
        lines.append(f"{name} timestamptz NOT NULL DEFAULT now()")
    unique = [each.name for each in table.columns[1:4]]
    if project.chance(0.3):
        lines.append(f"CONSTRAINT {table.name}_key UNIQUE ({', '.join(unique)})")
        table.used.update(unique)
        table.unique = True
    project.tables[table.name] = table
    parts = [f"CREATE TABLE {table.name} (\n  " + ",\n  ".join(lines) + "\n);"]
    if project.chance(0.6):
        parts.append(f"CREATE INDEX {table.name}_{table.columns[1].name}_idx ON {table.name} ({table.columns[1].name});")
        table.used.add(table.columns[1].name)
    if project.chance(0.6):
        parts.append(updated_at_trigger(table))
    if project.chance(0.7):
        parts.append(guard(project, table))
    if project.chance(0.25):
        parts.append(
            f"CREATE TRIGGER {table.name}_audit\n  AFTER INSERT OR UPDATE OR DELETE ON {table.name}\n"
            "  FOR EACH ROW EXECUTE FUNCTION write_audit_log();"
        )
    if project.chance(0.3):
        parts.append(f"COMMENT ON TABLE {table.name} IS 'Since migration {project.number}: the {table.name} of a customer.';")
    return "\n\n".join(parts) + "\n"


def updated_at_trigger(table: Table) -> str:
    table.used.add("updated_at")
    return (
        f"CREATE TRIGGER {table.name}_updated_at\n  BEFORE UPDATE ON {table.name}\n"
        "  FOR EACH ROW EXECUTE FUNCTION set_updated_at();"
    )


def guard(project: Project, table: Table) -> str:
    """Row security with policies, and grants."""
    table.guarded = True
    owner = next((each.name for each in table.columns if each.name.endswith("_id")), "id")
    table.used.add(owner)
    rule = f"{owner} = current_user_id()"
    parts = [f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY;"]
    for action in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        clause = {"INSERT": f"WITH CHECK ({rule})", "UPDATE": f"USING ({rule}) WITH CHECK ({rule})"}.get(
            action, f"USING ({rule})"
        )
        policy = f'"{table.name}: {action.lower()} own"'
        parts.append(f"CREATE POLICY {policy} ON {table.name}\n  FOR {action} TO authenticated\n  {clause};")
    parts.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO authenticated;")
    parts.append(f"GRANT ALL ON {table.name} TO service_role;")
    return "\n".join(parts)


def several_tables(project: Project) -> str:
    """A feature that comes in one large file."""
    return "\n\n".join(create_table(project) for _ in range(project.random.randint(3, 6)))


# -- columns and constraints


def add_columns(project: Project) -> str:
    table = project.table()
    parts = []
    for _ in range(project.random.choice((1, 1, 1, 2, 3))):
        column, condition = project.fresh_column(table)
        table.columns.append(column)
        guarded = "IF NOT EXISTS " if project.chance(0.3) else ""
        column.check = condition if project.chance(0.3) else None
        parts.append(f"ALTER TABLE {table.name} ADD COLUMN {guarded}{column.definition};")
        if project.chance(0.3):
            parts.append(
                f"COMMENT ON COLUMN {table.name}.{column.name} IS 'The {column.name} of it; see ticket {project.number}.';"
            )
    column = table.columns[-1]
    if project.chance(0.3):
        parts.append(backfill(table, column))
    if project.chance(0.2) and column.type not in ("jsonb", "text[]"):
        parts.append(
            f"CREATE INDEX {table.name}_{column.name}_idx ON {table.name} ({column.name}) WHERE {column.name} IS NOT NULL;"
        )
        table.used.add(column.name)
    return "\n".join(parts) + "\n"


def backfill(table: Table, column: Column) -> str:
    value = column.default if column.default is not None else "NULL"
    return f"UPDATE {table.name}\nSET {column.name} = {value}\nWHERE {column.name} IS NULL;"


def add_reference(project: Project) -> str:
    table, target = project.table(), project.table()
    name = f"{project.random.choice(QUALITIES)}_{target.name.removesuffix('s')}_id_{project.number}"
    table.columns.append(Column(name, "uuid", references=f"{target.name}(id) ON DELETE SET NULL"))
    table.used.add(name)
    return (
        f"ALTER TABLE {table.name}\n  ADD COLUMN {name} uuid;\n"
        f"ALTER TABLE {table.name}\n  ADD CONSTRAINT {name}_fkey FOREIGN KEY ({name})\n"
        f"  REFERENCES {target.name}(id) ON DELETE SET NULL NOT VALID;\n"
        f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {name}_fkey;\n"
    )


def add_constraint(project: Project) -> str:
    table = project.table()
    column, condition = project.fresh_column(table)
    table.columns.append(column)
    name = f"{table.name}_check_{project.number}"
    added = column.definition
    column.check = condition or f"{column.name} IS NOT NULL OR true"
    return (
        f"ALTER TABLE {table.name} ADD COLUMN {added};\n"
        f"ALTER TABLE {table.name}\n  ADD CONSTRAINT {name} CHECK ({column.check}) NOT VALID;\n"
        f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {name};\n"
    )


def change_column(project: Project) -> str | None:
    table = project.table()
    free = [each for each in table.columns if each.name not in table.used and each.name not in ("created_at", "updated_at")]
    if not free or table.name == "users":
        return None
    column = project.random.choice(free)
    where = f"ALTER TABLE {table.name}"
    if project.chance(0.25):
        table.columns.remove(column)
        return f"-- Nobody reads it any more.\n{where} DROP COLUMN IF EXISTS {column.name};\n"
    if column.default is not None and not column.not_null:
        column.not_null = True
        return f"{backfill(table, column)}\n\n{where} ALTER COLUMN {column.name} SET NOT NULL;\n"
    if column.not_null:
        column.not_null = False
        return f"{where} ALTER COLUMN {column.name} DROP NOT NULL;\n"
    if column.type.startswith("varchar"):
        column.type = "text"
        return f"{where} ALTER COLUMN {column.name} TYPE text;\n"
    old, column.name = column.name, f"{column.name}_{project.number}"
    return f"{where} RENAME COLUMN {old} TO {column.name};\n"


def create_index(project: Project) -> str | None:
    table = project.table()
    plain = [each.name for each in table.columns if each.type not in ("jsonb", "text[]")]
    columns = project.random.sample(plain, min(len(plain), project.random.choice((1, 1, 2))))
    table.used.update(columns)
    name = f"{table.name}_idx_{project.number}"
    if project.chance(0.35):
        return f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name}\n  ON {table.name} ({', '.join(columns)});\n"
    condition = f"\n  WHERE {columns[0]} IS NOT NULL" if project.chance(0.4) else ""
    return f"CREATE INDEX IF NOT EXISTS {name}\n  ON {table.name} USING btree ({', '.join(columns)}){condition};\n"


# -- types, rights, views, data


def create_enum(project: Project) -> str:
    table = project.table()
    name = f"{table.name.removesuffix('s')}_state_{project.number}"
    labels = project.random.sample(STATES, project.random.randint(3, 6))
    project.enums[name] = labels
    column = Column(f"state_{project.number}", name, f"'{labels[0]}'", True)
    table.columns.append(column)
    table.used.add(column.name)
    listed = ", ".join(f"'{each}'" for each in labels)
    return f"CREATE TYPE {name} AS ENUM ({listed});\n\nALTER TABLE {table.name}\n  ADD COLUMN {column.definition};\n"


def add_label(project: Project) -> str | None:
    if not project.enums:
        return None
    name = project.random.choice(list(project.enums))
    label = f"{project.random.choice(STATES)}_{project.number}"
    project.enums[name].append(label)
    return f"ALTER TYPE {name} ADD VALUE IF NOT EXISTS '{label}';\n"


def change_policies(project: Project) -> str:
    table = project.table()
    if not table.guarded:
        return guard(project, table) + "\n"
    policy = f'"{table.name}: read {project.number}"'
    return (
        f"DROP POLICY IF EXISTS {policy} ON {table.name};\n"
        f"CREATE POLICY {policy} ON {table.name}\n  FOR SELECT TO authenticated, anon\n"
        f"  USING (\n    created_at > now() - interval '1 year'\n"
        "    OR EXISTS (\n      SELECT 1 FROM users WHERE users.id = current_user_id() AND users.name IS NOT NULL\n    )\n  );\n"
        if table.column("created_at")
        else f"REVOKE ALL ON {table.name} FROM anon;\n"
    )


def grant(project: Project) -> str:
    tables = sorted({project.table().name for _ in range(3)})
    return (
        f"GRANT SELECT ON {', '.join(tables)} TO authenticated;\n"
        f"GRANT ALL ON {', '.join(tables)} TO service_role;\n"
        f"REVOKE ALL ON {tables[0]} FROM anon;\n"
    )


def create_view(project: Project) -> str:
    table = project.table()
    columns = [each.name for each in table.columns][:6]
    table.used.update(columns)
    listed = ",\n  ".join(f"t.{each}" for each in columns)
    name = f"{table.name}_view_{project.number}"
    return (
        f"CREATE OR REPLACE VIEW {name} AS\nSELECT\n  {listed},\n  count(*) OVER () AS total\nFROM {table.name} t\n"
        f"WHERE t.id IS NOT NULL;\n\nGRANT SELECT ON {name} TO authenticated;\n"
    )


def comment(project: Project) -> str:
    parts = []
    for _ in range(project.random.randint(2, 6)):
        table = project.table()
        column = project.random.choice(table.columns)
        table.used.add(column.name)
        text = "It''s what the customer sees" if project.chance(0.3) else "Set by the application, never by hand"
        parts.append(f"COMMENT ON COLUMN {table.name}.{column.name} IS '{text} (migration {project.number}).';")
    return "\n".join(parts) + "\n"


def lookup_data(project: Project) -> str:
    """Rows of a small table that the application reads only."""
    parts = []
    if not project.lookups or project.chance(0.3):
        name = f"{project.random.choice(SUBJECTS)}_kinds_{project.number}"
        project.lookups[name] = 0
        parts.append(
            f"CREATE TABLE {name} (\n  code text PRIMARY KEY,\n  label text NOT NULL,\n  rank integer NOT NULL DEFAULT 0\n);"
        )
    else:
        name = project.random.choice(list(project.lookups))
    first = project.lookups[name]
    count = project.random.choice((3, 5, 8, 8, 60))
    project.lookups[name] += count
    rows = ",\n  ".join(
        f"('{name[:4]}-{each}', '{STATES[each % len(STATES)].title()} {each}', {each})" for each in range(first, first + count)
    )
    parts.append(
        f"INSERT INTO {name} (code, label, rank) VALUES\n  {rows}\n"
        "ON CONFLICT (code) DO UPDATE SET label = EXCLUDED.label, rank = EXCLUDED.rank;"
    )
    return "\n\n".join(parts) + "\n"


def update_data(project: Project) -> str:
    table = project.table()
    column = project.random.choice(table.columns)
    if column.name == "id" or column.default is None:
        return f"DELETE FROM {table.name} WHERE id IS NULL;\nANALYZE {table.name};\n"
    return f"-- Rows of before the default.\n{backfill(table, column)}\n\nANALYZE {table.name};\n"


# -- blocks and functions


def guarded_block(project: Project) -> str:
    """What people write so that a migration can run twice."""
    table = project.table()
    column, condition = project.fresh_column(table)
    table.columns.append(column)
    kind = project.random.randrange(3)
    if kind == 0:
        return f"""\
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = '{table.name}' AND column_name = '{column.name}'
  ) THEN
    ALTER TABLE {table.name} ADD COLUMN {column.definition};
  END IF;
END $$;
"""
    name = f"{table.name}_check_{project.number}"
    if kind == 1:
        added = column.definition
        column.check = condition or f"{column.name} IS NOT NULL OR true"
        return f"""\
ALTER TABLE {table.name} ADD COLUMN {added};

DO $$
BEGIN
  ALTER TABLE {table.name} ADD CONSTRAINT {name} CHECK ({column.check});
EXCEPTION
  WHEN duplicate_object THEN NULL;
END $$;
"""
    others = ", ".join(f"'{each}'" for each in sorted({project.table().name for _ in range(4)}))
    return f"""\
ALTER TABLE {table.name} ADD COLUMN {column.definition};

DO $$
DECLARE
  each_table text;
BEGIN
  FOREACH each_table IN ARRAY ARRAY[{others}] LOOP
    EXECUTE format('GRANT SELECT ON public.%I TO service_role', each_table);
  END LOOP;
END $$;
"""


def function(project: Project) -> str:
    """A function that the application calls; every other time, a new version of one that is there."""
    if project.functions and project.chance(0.5):
        name = project.random.choice(list(project.functions))
        table = project.tables[project.functions[name]]
    else:
        table = project.table()
        name = f"{project.random.choice(('find', 'close', 'summarise', 'move', 'check'))}_{table.name}_{project.number}"
        project.functions[name] = table.name
    steps = "\n".join(function_step(project, table, step) for step in range(project.random.randint(1, 5)))
    return f"""\
CREATE OR REPLACE FUNCTION {name}(p_id uuid, p_limit integer DEFAULT 50)
RETURNS jsonb
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  v_row {table.name}%ROWTYPE;
  v_count integer := 0;
  v_result jsonb := '{{}}'::jsonb;
BEGIN
  IF p_id IS NULL THEN
    RAISE EXCEPTION 'An id is needed' USING ERRCODE = '22023';
  END IF;

  SELECT * INTO v_row FROM {table.name} WHERE id = p_id;
  IF NOT FOUND THEN
    RETURN jsonb_build_object('found', false);
  END IF;
{steps}
  RETURN v_result || jsonb_build_object('found', true, 'count', v_count);
END;
$$;

GRANT EXECUTE ON FUNCTION {name}(uuid, integer) TO authenticated;
"""


def function_step(project: Project, table: Table, step: int) -> str:
    other = project.table()
    text = (
        f"""
-- Step {step}: how many there are
SELECT count(*) INTO v_count
FROM {other.name} o
WHERE o.id IS NOT NULL
LIMIT p_limit;
v_result := v_result || jsonb_build_object('{other.name}', v_count);""",
        f"""
FOR v_row IN SELECT * FROM {table.name} WHERE id <> p_id LIMIT p_limit LOOP
  v_count := v_count + 1;
  EXIT WHEN v_count > {project.random.randint(10, 90)};
END LOOP;""",
        f"""
CASE
  WHEN v_count > p_limit THEN
    v_result := v_result || jsonb_build_object('more', true);
  WHEN v_count = 0 THEN
    INSERT INTO audit_log (table_name, row_id, action) VALUES ('{table.name}', p_id::text, 'EMPTY');
  ELSE
    NULL;
END CASE;""",
        f"""
BEGIN
  PERFORM pg_notify('{table.name}', p_id::text);
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'not told: %', SQLERRM;
END;""",
    )
    return textwrap.indent(project.random.choice(text), "  ")


def trigger_function(project: Project) -> str:
    """A trigger that checks or tells: no sync."""
    table = project.table()
    name = f"{project.random.choice(('check', 'notify', 'normalise'))}_{table.name}_{project.number}"
    table.used.add("id")
    body = project.random.choice(
        (
            f"""
  IF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
    RAISE EXCEPTION 'the id of {table.name} does not change';
  END IF;
  RETURN NEW;""",
            f"""
  PERFORM pg_notify('{table.name}', json_build_object('id', NEW.id, 'op', TG_OP)::text);
  RETURN NEW;""",
            """
  IF NEW.id IS NULL THEN
    NEW.id := gen_random_uuid();
  END IF;
  RETURN NEW;""",
        )
    )
    return f"""\
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN{body}
END;
$$;

DROP TRIGGER IF EXISTS {name} ON {table.name};
CREATE TRIGGER {name}
  BEFORE INSERT OR UPDATE ON {table.name}
  FOR EACH ROW EXECUTE FUNCTION {name}();
"""


# -- syncs


def create_sync(project: Project) -> str | None:
    """A second shape of a table, from which a trigger copies every row to the first."""
    taken = {"users", *(each.copy for each in project.tables.values())}
    free = [t for t in project.tables.values() if not (t.name in taken or t.copy or t.unique or len(t.name) > 40)]
    if not free:
        return None
    old = project.random.choice(free[-10:])
    carried = [replace(each) for each in old.columns if each.name == "id" or each.not_null or project.chance(0.6)]
    names = [each.name for each in carried]
    new = Table(f"{old.name}_v2", carried, copy=old.name, copied=names, used=set(names))
    old.used |= new.used
    project.tables[new.name] = new
    lines = [each.definition + (" PRIMARY KEY" if each.name == "id" else "") for each in carried]
    listed = ", ".join(names)
    return (
        f"CREATE TABLE {new.name} (\n  " + ",\n  ".join(lines) + "\n);\n\n" + sync_function(new) + "\n"
        f"CREATE TRIGGER sync_{new.name}\n  AFTER INSERT OR UPDATE OR DELETE ON {new.name}\n"
        f"  FOR EACH ROW EXECUTE FUNCTION sync_{new.name}();\n\n"
        f"INSERT INTO {new.name} ({listed})\nSELECT {listed} FROM {old.name}\nON CONFLICT (id) DO NOTHING;\n"
        + ("\n" + guard(project, new) + "\n" if old.guarded else "")
    )


def sync_function(table: Table) -> str:
    names = table.copied
    updates = ",\n    ".join(f"{name} = EXCLUDED.{name}" for name in names if name != "id")
    return f"""\
CREATE OR REPLACE FUNCTION sync_{table.name}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM {table.copy} WHERE id = OLD.id;
    RETURN OLD;
  END IF;
  INSERT INTO {table.copy} (
    {", ".join(names)}
  ) VALUES (
    {", ".join(f"NEW.{name}" for name in names)}
  )
  ON CONFLICT (id) DO UPDATE SET
    {updates};
  RETURN NEW;
END;
$$;
"""


def touch_sync(project: Project) -> str | None:
    """A column that a sync has to carry too, or one that only its target gets."""
    sources = [each for each in project.tables.values() if each.copy]
    if not sources:
        return None
    source = project.random.choice(sources)
    target = project.tables[source.copy or ""]
    column, _ = project.fresh_column(target)
    column.name = f"{column.name}_{project.number}"
    target.columns.append(column)
    both = f"ALTER TABLE {target.name} ADD COLUMN {column.definition};\n"
    if project.chance(0.4):
        return both
    source.columns.append(column)
    source.copied.append(column.name)
    target.used.add(column.name)
    source.used.add(column.name)
    return f"{both}ALTER TABLE {source.name} ADD COLUMN {column.definition};\n\n{sync_function(source)}"


# -- the whole

MIX: tuple[tuple[Callable[[Project], str | None], int], ...] = (
    (create_table, 17),
    (several_tables, 1),
    (add_columns, 18),
    (add_reference, 5),
    (add_constraint, 4),
    (change_column, 6),
    (create_index, 10),
    (create_enum, 3),
    (add_label, 2),
    (change_policies, 6),
    (grant, 3),
    (create_view, 4),
    (comment, 2),
    (lookup_data, 4),
    (update_data, 3),
    (guarded_block, 4),
    (function, 9),
    (trigger_function, 4),
    (touch_sync, 1),
)


def history(count: int, seed: int = SEED) -> Iterator[tuple[str, str]]:
    """File names and texts of that many migrations, in order."""
    project = Project(Random(seed))
    kinds, weights = zip(*MIX, strict=True)
    for number in range(1, count + 1):
        project.number = number
        made: tuple[Callable[[Project], str | None], str | None]
        if number == 1:
            made = start, start(project)
        elif number <= 4:
            made = create_table, create_table(project)
        elif number % MIGRATIONS_FOR_ONE_SYNC == 25:
            made = create_sync, create_sync(project)
        else:
            made = add_columns, None
        while made[1] is None:
            kind = project.random.choices(kinds, weights)[0]
            made = kind, kind(project)
        kind, text = made
        yield f"{20200101000000 + number}_{kind.__name__}.sql", text or ""


def write(folder: Path, count: int, seed: int = SEED) -> int:
    """Writes the migrations and returns how many bytes they have."""
    folder.mkdir(parents=True, exist_ok=True)
    size = 0
    for name, text in history(count, seed):
        size += (folder / name).write_text(text, encoding="utf-8")
    return size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    size = write(arguments.folder, arguments.count, arguments.seed)
    print(f"{arguments.count} migrations, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
