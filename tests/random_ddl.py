# ruff: noqa: E501 (SQL)
"""Random DDL: statements over what a catalog holds, so that most of them apply and many have something to take along.

Names come from small sets: statements meet each other's objects, and names that are taken or gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from schemalint.catalog.catalog import SYSTEM_SCHEMAS, Catalog
from schemalint.catalog.model import Function, Relation, RelationKind, TypeKind, UserType
from schemalint.catalog.type_printing import format_type

Item = TypeVar("Item")
Choose = Callable[[int], int]  # one of so many choices, as a number from 0

TABLES = ("t1", "t2", "t3", "t4", '"a ""t"""', "a_table_whose_name_is_rather_long_so_that_names_made_from_it_are_cut")
COLUMNS = ("a", "b", "c", "d", '"E e"', "a_column_whose_name_is_rather_long_too")
TYPES = (
    "int", "bigint", "smallint", "text", "varchar(20)", "char(3)", "numeric(8,2)", "numeric", "boolean", "date", "timestamptz",
    "timestamp(3)", "uuid", "jsonb", "text[]", "int[]", "real", "double precision", "interval", "bytea", "inet", "serial", "bigserial",
)  # fmt: skip
LITERALS = ("0", "1", "'1'", "''", "NULL", "'a'", "true", "now()", "'{}'", "gen_random_uuid()", "'2024-01-01'", "1.5")
ACTIONS = ("", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE CASCADE", " ON DELETE RESTRICT ON UPDATE SET DEFAULT")
CHECKS = (
    "{0} IS NOT NULL",
    "{0} = {0}",
    "{0}::text <> ''",
    "{0} IS NOT NULL AND {1} IS NOT NULL",
    "length({0}::text) < 10",
    "{0} > 0",
)
TRIGGER_BODY = "LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"
CONSTRAINT_NAMES = ("k1", "k2", "k3", '"K k"')
RESULTS = (
    "int LANGUAGE plpgsql AS", "text LANGUAGE plpgsql STRICT AS", "text LANGUAGE plpgsql STABLE SECURITY DEFINER AS",
    "boolean IMMUTABLE LANGUAGE plpgsql AS",
)  # fmt: skip
TRIGGER_NAMES = ("tr1", "tr2", '"Tr 3"')
PLACES = ("", " BEFORE 'ok'", " AFTER 'sad'")
DEFERRABLE = ("", "", "", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED", " NOT DEFERRABLE")


class Writer:
    """Writes statements over a catalog; every choice is drawn, so that a failure shrinks."""

    def __init__(self, choose: Choose, catalog: Catalog) -> None:
        self._choose = choose
        self._catalog = catalog

    # -- choices

    def one(self, choices: Sequence[Item]) -> Item:
        return choices[self._choose(len(choices))]

    def maybe(self, text: str, of: int = 3) -> str:
        return text if self._choose(of) == of - 1 else ""

    def some(self, choices: Sequence[str], most: int = 3) -> list[str]:
        return [self.one(choices) for _ in range(1 + self._choose(most))]

    def mostly(self, there: Sequence[str], others: Sequence[str]) -> str:
        return self.one(there) if there and not self.maybe("other", 12) else self.one(others)

    # -- what there is

    def relations(self, *kinds: RelationKind) -> list[Relation]:
        found = [each for each in self._catalog.objects(Relation) if self._schema(each) not in SYSTEM_SCHEMAS]
        return sorted((each for each in found if each.kind in kinds), key=lambda each: each.oid)

    def _schema(self, object_: Relation | UserType | Function) -> str:
        return self._catalog.schema_name(object_.schema)

    def _shown(self, object_: Relation | UserType | Function) -> str:
        return self._catalog.qualified_name(object_)

    def relation(self, *kinds: RelationKind) -> str:
        found = self.relations(*(kinds or (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE)))
        return self.mostly([self._shown(each) for each in found], TABLES)

    def own_relation(self) -> str:
        """A relation that stays when the session ends."""
        return self.one([each for each in (self.relation(), "t1") if not each.startswith("pg_temp")])

    def relation_with_columns(self, *kinds: RelationKind) -> tuple[str, list[str]]:
        found = self.relations(*(kinds or (RelationKind.TABLE, RelationKind.TABLE, RelationKind.PARTITIONED_TABLE)))
        if not found or self.maybe("other", 15):
            return self.one(TABLES), list(COLUMNS)
        chosen = found[self._choose(len(found))]
        return self._shown(chosen), [_quoted(each.name) for each in chosen.columns] or ["a"]

    def column(self, columns: Sequence[str]) -> str:
        return self.mostly(columns, COLUMNS)

    def types(self, *kinds: TypeKind) -> list[str]:
        found = [each for each in self._catalog.objects(UserType) if self._schema(each) not in SYSTEM_SCHEMAS]
        return [self._shown(each) for each in sorted(found, key=lambda each: each.oid) if each.kind in kinds]

    def functions(self) -> list[Function]:
        found = [each for each in self._catalog.objects(Function) if self._schema(each) not in SYSTEM_SCHEMAS]
        return sorted(found, key=lambda each: each.oid)

    def function(self) -> str:
        found = [
            f"{self._shown(each)}({', '.join(format_type(a, self._catalog) for a in each.input_types)})"
            for each in self.functions()
        ]
        return self.mostly(found, ("f1()", "f2(int)", "f3"))

    def trigger_function(self) -> str:
        found = [self._shown(each) + "()" for each in self.functions() if each.result.id == "trigger"]
        return self.mostly(found, ("touch()",))

    def schema(self) -> str:
        names = [each for oid in self._catalog.schemas if (each := self._catalog.schema_name(oid)) not in SYSTEM_SCHEMAS]
        return self.mostly([each for each in sorted(names) if not each.startswith("pg_")], ("app", "other"))

    def constraints(self, table: str) -> list[str]:
        return [
            _quoted(k.name)
            for each in self.relations(RelationKind.TABLE, RelationKind.PARTITIONED_TABLE)
            if self._shown(each) == table
            for k in each.constraints
        ]

    def indexes(self) -> list[tuple[str, str]]:
        tables = self.relations(RelationKind.TABLE, RelationKind.PARTITIONED_TABLE, RelationKind.MATERIALIZED_VIEW)
        return [(_quoted(index.name), self._shown(each)) for each in tables for index in each.indexes]

    # -- pieces

    def new_table(self) -> str:
        return self.maybe(f"{self.schema()}.", 5) + self.one(TABLES)

    def type(self) -> str:
        own = self.types(TypeKind.ENUM, TypeKind.DOMAIN, TypeKind.COMPOSITE, TypeKind.RANGE)
        return self.one(own) + self.maybe("[]", 8) if own and self.maybe("own", 4) else self.one(TYPES)

    def definition(self, name: str, in_table: str = "") -> str:
        constraints = [self.column_constraint(name, in_table) for _ in range(self.one((0, 0, 1, 1, 2)))]
        return " ".join([name, self.type(), *constraints])

    def column_constraint(self, name: str, in_table: str) -> str:
        check = self.one(CHECKS).format(name, name)
        references = f"REFERENCES {self.relation()}{self.one(ACTIONS)}{self.one(DEFERRABLE)}"
        kinds = ("NOT NULL", "NOT NULL", f"DEFAULT {self.one(LITERALS)}", "UNIQUE", "PRIMARY KEY", f"CHECK ({check})", references,
                 "GENERATED ALWAYS AS IDENTITY", "GENERATED BY DEFAULT AS IDENTITY (START 5)", f"GENERATED ALWAYS AS ({self.one(LITERALS)}) STORED")  # fmt: skip
        return (
            self.maybe(f"CONSTRAINT {self.one(('k1', 'k2'))} ", 6) + self.one(kinds)
            if self.maybe("named", 3)
            else self.one(kinds)
        )

    def table_constraint(self, columns: Sequence[str], table: str = "") -> str:
        listed = ", ".join(self.some(columns, 2))
        other, theirs = self.relation_with_columns()
        kinds = (
            f"UNIQUE{self.maybe(' NULLS NOT DISTINCT')} ({listed}){self.maybe(' INCLUDE (a)', 6)}{self.one(DEFERRABLE)}",
            f"PRIMARY KEY ({listed})",
            f"CHECK ({self.one(CHECKS).format(self.column(columns), self.column(columns))}){self.maybe(' NO INHERIT', 6)}",
            f"FOREIGN KEY ({self.column(columns)}) REFERENCES {other}{self.maybe(f' ({self.column(theirs)})', 2)}{self.one(ACTIONS)}{self.one(DEFERRABLE)}",
            f"EXCLUDE USING btree ({self.column(columns)} WITH =)",
        )
        return self.maybe(f"CONSTRAINT {self.one(CONSTRAINT_NAMES)} ") + self.one(kinds)

    def using(self, columns: Sequence[str]) -> str:
        """A query over a relation."""
        table, own = self.relation_with_columns(
            RelationKind.TABLE, RelationKind.VIEW, RelationKind.PARTITIONED_TABLE, RelationKind.MATERIALIZED_VIEW
        )
        queries = (
            f"SELECT * FROM {table}", f"SELECT {', '.join(dict.fromkeys(self.some(own)))} FROM {table}",
            f"SELECT {self.column(own)} AS a, count(*) AS b FROM {table} GROUP BY 1",
            f"SELECT x.*, 1 AS one FROM {table} x WHERE x.{self.column(own)} IS NOT NULL",
            "SELECT 1 AS a, 'x'::text AS b", f"SELECT {self.column(own)} AS a FROM {table} UNION SELECT {self.column(own)} FROM {table}",
        )  # fmt: skip
        return self.one(queries)

    # -- statements

    def statement(self) -> str:
        return self.one(STATEMENTS)(self)

    def create_table(self) -> str:
        names = list(dict.fromkeys(self.some(COLUMNS, 5)))
        parts = [self.definition(each) for each in names]
        parts += [self.table_constraint(names) for _ in range(self.one((0, 0, 1, 2)))]
        if self.maybe("like", 8):
            including = self.one(
                (
                    "",
                    " INCLUDING ALL",
                    " INCLUDING DEFAULTS INCLUDING INDEXES",
                    " INCLUDING CONSTRAINTS INCLUDING IDENTITY INCLUDING GENERATED",
                    " INCLUDING ALL EXCLUDING INDEXES",
                )
            )
            parts.insert(0, f"LIKE {self.relation()}{including}")
        words = self.one(("", "", "", "", "UNLOGGED ", "TEMP "))
        tail = self.maybe(f" INHERITS ({self.relation()})", 8)
        if not tail:
            tail = self.maybe(f" PARTITION BY {self.one(('RANGE', 'LIST', 'HASH'))} ({self.column(names)})", 5)
        return f"CREATE {words}TABLE {self.maybe('IF NOT EXISTS ', 6)}{self.new_table() if words != 'TEMP ' else self.one(TABLES)} ({', '.join(parts)}){tail}"

    def create_partition(self) -> str:
        parents = [self._shown(each) for each in self.relations(RelationKind.PARTITIONED_TABLE)]
        bounds = (
            "DEFAULT",
            "FOR VALUES FROM (1) TO (10)",
            "FOR VALUES IN (1, 2)",
            "FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
            "FOR VALUES FROM (MINVALUE) TO (0)",
        )
        return f"CREATE TABLE {self.new_table()} PARTITION OF {self.mostly(parents, TABLES)} {self.one(bounds)}"

    def attach_or_detach(self) -> str:
        parents = [self._shown(each) for each in self.relations(RelationKind.PARTITIONED_TABLE)]
        parts = [self._shown(each) for each in self.relations(RelationKind.TABLE) if each.partition_of is not None]
        parent = self.mostly(parents, TABLES)
        return self.one((f"ALTER TABLE {parent} ATTACH PARTITION {self.relation()} DEFAULT", f"ALTER TABLE {parent} DETACH PARTITION {self.mostly(parts, TABLES)}",
                         f"ALTER TABLE {parent} ATTACH PARTITION {self.relation()} FOR VALUES FROM (20) TO (30)"))  # fmt: skip

    def create_table_as(self) -> str:
        query = self.using(COLUMNS)
        return self.one((f"CREATE TABLE {self.new_table()} AS {query}", f"CREATE TABLE {self.new_table()} (a, b) AS {query} WITH NO DATA",
                         f"SELECT * INTO {self.one(TABLES)} FROM ({query}) q"))  # fmt: skip

    def add_column(self) -> str:
        table, _ = self.relation_with_columns()
        return f"ALTER TABLE {self.maybe('ONLY ', 10)}{table} ADD COLUMN {self.maybe('IF NOT EXISTS ', 4)}{self.definition(self.one(COLUMNS), table)}"

    def drop_column(self) -> str:
        table, columns = self.relation_with_columns()
        return f"ALTER TABLE {table} DROP COLUMN {self.maybe('IF EXISTS ', 4)}{self.column(columns)}{self.maybe(' CASCADE', 3)}"

    def alter_column(self) -> str:
        table, columns = self.relation_with_columns()
        column = self.column(columns)
        type_ = self.type()
        actions = (
            f"TYPE {type_}", f"TYPE {type_} USING {column}::text::{type_ if 'serial' not in type_ else 'int'}", f"TYPE {type_} USING NULL", f"SET DEFAULT {self.one(LITERALS)}", "DROP DEFAULT",
            "SET NOT NULL", "DROP NOT NULL", "ADD GENERATED ALWAYS AS IDENTITY", "ADD GENERATED BY DEFAULT AS IDENTITY", "DROP IDENTITY IF EXISTS",
            "DROP IDENTITY", "SET GENERATED ALWAYS", "DROP EXPRESSION", "DROP EXPRESSION IF EXISTS", "SET STATISTICS 100",
        )  # fmt: skip
        return f"ALTER TABLE {table} ALTER COLUMN {column} {self.one(actions)}"

    def several_commands(self) -> str:
        table, columns = self.relation_with_columns()
        commands = [
            self.one(
                (
                    f"ADD COLUMN {self.definition(self.one(COLUMNS))}",
                    f"DROP COLUMN {self.column(columns)}",
                    f"ALTER COLUMN {self.column(columns)} SET NOT NULL",
                    f"ALTER COLUMN {self.column(columns)} TYPE {self.type()}",
                    f"ALTER COLUMN {self.column(columns)} DROP DEFAULT",
                    f"ADD {self.table_constraint(columns, table)}",
                )
            )
            for _ in range(2)
        ]
        return f"ALTER TABLE {table} {', '.join(commands)}"

    def add_constraint(self) -> str:
        table, columns = self.relation_with_columns()
        return f"ALTER TABLE {table} ADD {self.table_constraint(columns, table)}{self.maybe(' NOT VALID', 6)}"

    def add_named_not_null(self) -> str:
        table, columns = self.relation_with_columns()
        return f"ALTER TABLE {table} ADD {self.maybe('CONSTRAINT n1 ', 2)}NOT NULL {self.column(columns)}{self.maybe(' NOT VALID', 4)}{self.maybe(' NO INHERIT', 8)}"

    def add_constraint_using_index(self) -> str:
        index, table = self.one(self.indexes() or [("i", "t1")])
        return f"ALTER TABLE {table} ADD CONSTRAINT {self.one(('k1', 'k4'))} {self.one(('UNIQUE', 'PRIMARY KEY'))} USING INDEX {index}"

    def constraint_command(self) -> str:
        table, _ = self.relation_with_columns()
        name = self.mostly(self.constraints(table), ("k1", "k2"))
        commands = (f"DROP CONSTRAINT {self.maybe('IF EXISTS ', 4)}{name}{self.maybe(' CASCADE')}", f"VALIDATE CONSTRAINT {name}",
                    f"RENAME CONSTRAINT {name} TO {self.one(('k1', 'k2', 'k9'))}", f"ALTER CONSTRAINT {name} DEFERRABLE INITIALLY DEFERRED",
                    f"ALTER CONSTRAINT {name} NOT ENFORCED", f"ALTER CONSTRAINT {name} INHERIT")  # fmt: skip
        return f"ALTER TABLE {table} {self.one(commands)}"

    def table_command(self) -> str:
        table, columns = self.relation_with_columns()
        index = self.one(self.indexes() or [("i", "t1")])[0]
        commands = (
            f"RENAME TO {self.one(TABLES)}", f"RENAME COLUMN {self.column(columns)} TO {self.one(COLUMNS)}", f"SET SCHEMA {self.schema()}", "ENABLE ROW LEVEL SECURITY",
            "FORCE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY", "REPLICA IDENTITY FULL", f"REPLICA IDENTITY USING INDEX {index}", "REPLICA IDENTITY DEFAULT",
            "DISABLE TRIGGER ALL", "ENABLE TRIGGER USER", "SET UNLOGGED", "SET LOGGED", f"INHERIT {self.relation()}", f"NO INHERIT {self.relation()}",
            "SET (fillfactor = 70)", "OWNER TO CURRENT_USER", f"CLUSTER ON {index}", "SET WITHOUT CLUSTER",
        )  # fmt: skip
        return f"ALTER TABLE {self.maybe('IF EXISTS ', 6)}{table} {self.one(commands)}"

    def create_index(self) -> str:
        table, columns = self.relation_with_columns(
            RelationKind.TABLE, RelationKind.TABLE, RelationKind.PARTITIONED_TABLE, RelationKind.MATERIALIZED_VIEW
        )
        column, other = self.column(columns), self.column(columns)
        keys = self.one(
            (
                column,
                f"{column}, {other}",
                f"lower({column}::text)",
                f"({column} IS NULL)",
                f"{column} DESC NULLS LAST",
                f"({column}::text || 'x'), {other}",
            )
        )
        name = self.maybe(f"{self.maybe('IF NOT EXISTS ', 5)}{self.one(('i1', 'i2', 'i3'))} ", 2)
        return (
            f"CREATE {self.maybe('UNIQUE ')}INDEX {name}ON {self.maybe('ONLY ', 8)}{table} {self.maybe('USING hash ', 10)}({keys}){self.maybe(f' INCLUDE ({other})', 8)}"
            f"{self.maybe(' NULLS NOT DISTINCT', 8)}{self.maybe(f' WHERE {column} IS NOT NULL', 5)}"
        )

    def index_command(self) -> str:
        name = self.one(self.indexes() or [("i1", "t1")])[0]
        return self.one((f"ALTER INDEX {name} RENAME TO {self.one(('i1', 'i7'))}", f"DROP INDEX {self.maybe('IF EXISTS ')}{name}{self.maybe(' CASCADE')}",
                         f"ALTER INDEX {name} ATTACH PARTITION {self.one(self.indexes() or [('i1', 't1')])[0]}"))  # fmt: skip

    def create_view(self) -> str:
        head = self.one(
            (
                "CREATE VIEW",
                "CREATE OR REPLACE VIEW",
                "CREATE OR REPLACE VIEW",
                "CREATE MATERIALIZED VIEW",
                "CREATE MATERIALIZED VIEW IF NOT EXISTS",
            )
        )
        views = [self._shown(each) for each in self.relations(RelationKind.VIEW)]
        return (
            f"{head} {self.mostly([*views, 'v1', 'v2'], ('v1', 'v2', 't1'))}{self.maybe(' (a, b)', 12)} AS {self.using(COLUMNS)}"
        )

    def view_command(self) -> str:
        view, columns = self.relation_with_columns(RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW)
        materialized = any(self._shown(each) == view for each in self.relations(RelationKind.MATERIALIZED_VIEW))
        kind = "MATERIALIZED VIEW" if materialized and not self.maybe("wrong", 8) else "VIEW"
        return self.one((f"ALTER {kind} {view} RENAME TO {self.one(('v1', 'v3', 't2'))}", f"ALTER {kind} {view} RENAME COLUMN {self.column(columns)} TO {self.one(COLUMNS)}",
                         f"ALTER {kind} {view} SET SCHEMA {self.schema()}", f"DROP {kind} {view}{self.maybe(' CASCADE', 2)}", f"ALTER VIEW {view} ALTER a SET DEFAULT 1"))  # fmt: skip

    def drop(self) -> str:
        tables = self.some(
            [self._shown(each) for each in self.relations(RelationKind.TABLE, RelationKind.PARTITIONED_TABLE)] or TABLES, 2
        )
        return f"DROP TABLE {self.maybe('IF EXISTS ')}{', '.join(tables)}{self.maybe(' CASCADE', 2)}"

    def create_type(self) -> str:
        name = self.maybe(f"{self.schema()}.", 5) + self.one(("mood", "pair", "span", "t1"))
        return self.one((f"CREATE TYPE {name} AS ENUM ('sad', 'ok')", f"CREATE TYPE {name} AS (a {self.type()}, b {self.type()})",
                         f"CREATE TYPE {name} AS RANGE (subtype = {self.one(('int', 'timestamptz', 'text'))})",
                         f"CREATE DOMAIN {name} AS {self.type()}{self.maybe(' NOT NULL', 5)}{self.maybe(' DEFAULT NULL', 5)}{self.maybe(' CHECK (VALUE IS NOT NULL)')}"))  # fmt: skip

    def type_command(self) -> str:
        enum, pair = self.mostly(self.types(TypeKind.ENUM), ("mood",)), self.mostly(self.types(TypeKind.COMPOSITE), ("pair",))
        domain = self.mostly(self.types(TypeKind.DOMAIN), ("span",))
        any_type = self.mostly(self.types(*TypeKind), ("mood", "pair"))
        return self.one((
            f"ALTER TYPE {enum} ADD VALUE {self.maybe('IF NOT EXISTS ')}'{self.one(('happy', 'ok', 'meh'))}'{self.one(PLACES)}",
            f"ALTER TYPE {enum} RENAME VALUE 'ok' TO '{self.one(('fine', 'sad'))}'", f"ALTER TYPE {pair} ADD ATTRIBUTE {self.one(COLUMNS)} {self.type()}{self.maybe(' CASCADE')}",
            f"ALTER TYPE {pair} DROP ATTRIBUTE {self.maybe('IF EXISTS ')}{self.one(COLUMNS)}{self.maybe(' CASCADE')}", f"ALTER TYPE {pair} RENAME ATTRIBUTE a TO {self.one(COLUMNS)}",
            f"ALTER TYPE {pair} ALTER ATTRIBUTE a TYPE {self.type()}", f"ALTER TYPE {any_type} RENAME TO {self.one(('mood', 'pair', 'renamed', 't3'))}", f"ALTER TYPE {any_type} SET SCHEMA {self.schema()}",
            f"DROP TYPE {self.maybe('IF EXISTS ')}{any_type}{self.maybe(' CASCADE', 2)}", f"ALTER DOMAIN {domain} ADD CHECK (VALUE IS NOT NULL)", f"ALTER DOMAIN {domain} SET NOT NULL",
            f"ALTER DOMAIN {domain} DROP NOT NULL", f"ALTER DOMAIN {domain} SET DEFAULT NULL", f"ALTER DOMAIN {domain} DROP CONSTRAINT {self.maybe('IF EXISTS ')}span_check",
            f"ALTER DOMAIN {domain} RENAME TO {self.one(('span', 'd2'))}", f"DROP DOMAIN {domain}{self.maybe(' CASCADE', 2)}",
        ))  # fmt: skip

    def create_function(self) -> str:
        name = self.maybe(f"{self.schema()}.", 6) + self.one(("f1", "f2", "touch"))
        arguments = self.one(
            (
                "",
                "x int",
                "x int, y text DEFAULT 'z'",
                "VARIADIC x int[]",
                "x int, OUT y text",
                f"x {self.own_relation()}",
                f"x {self.type().replace('bigserial', 'int').replace('serial', 'int')}",
            )
        )
        head = f"CREATE {self.maybe('OR REPLACE ', 2)}"
        return self.one((
            f"{head}FUNCTION {name}() RETURNS trigger {TRIGGER_BODY}", f"{head}FUNCTION {name}() RETURNS trigger SECURITY DEFINER SET search_path = public {TRIGGER_BODY}",
            f"{head}FUNCTION {name}({arguments.replace(', OUT y text', '')}) RETURNS {self.one(RESULTS)} $$ BEGIN RETURN NULL; END $$",
            f"{head}FUNCTION {name}(x int) RETURNS TABLE (a int, b text) LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$",
            f"{head}PROCEDURE {name}({arguments.replace(', OUT y text', ', INOUT y text')}) LANGUAGE plpgsql AS $$ BEGIN END $$",
            f"{head}FUNCTION {name}(a int) RETURNS int LANGUAGE sql IMMUTABLE RETURN a + 1",
        ))  # fmt: skip

    def function_command(self) -> str:
        function = self.function()
        return self.one((f"DROP FUNCTION {self.maybe('IF EXISTS ')}{function}{self.maybe(' CASCADE', 2)}", f"ALTER FUNCTION {function} RENAME TO {self.one(('f1', 'f9'))}",
                         f"ALTER FUNCTION {function} SET SCHEMA {self.schema()}", f"ALTER FUNCTION {function} STRICT", f"ALTER FUNCTION {function} SECURITY DEFINER SET search_path = app, public",
                         f"DROP ROUTINE {function}", f"ALTER FUNCTION {function} RESET ALL", f"DROP PROCEDURE {function}"))  # fmt: skip

    def create_trigger(self) -> str:
        table, columns = self.relation_with_columns()
        name = self.one(TRIGGER_NAMES)
        events = self.one(
            (
                "INSERT",
                "UPDATE",
                "DELETE",
                "INSERT OR UPDATE",
                f"UPDATE OF {self.column(columns)}",
                f"INSERT OR UPDATE OF {self.column(columns)} OR DELETE",
                "TRUNCATE",
            )
        )
        when = self.maybe(f"WHEN (NEW.{self.column(columns)} IS NOT NULL) ", 5)
        level = self.one(("FOR EACH ROW", "FOR EACH ROW", "FOR EACH STATEMENT", "REFERENCING NEW TABLE AS n FOR EACH STATEMENT"))
        if self.maybe("constraint", 8):
            return f"CREATE CONSTRAINT TRIGGER {name} AFTER {events} ON {table}{self.one(DEFERRABLE)} FOR EACH ROW {when}EXECUTE FUNCTION {self.trigger_function()}"
        return f"CREATE {self.maybe('OR REPLACE ')}TRIGGER {name} {self.one(('BEFORE', 'AFTER'))} {events} ON {table} {level} {when}EXECUTE FUNCTION {self.trigger_function()}"

    def trigger_command(self) -> str:
        tables = self.relations(RelationKind.TABLE, RelationKind.PARTITIONED_TABLE)
        found = [(_quoted(each.name), self._shown(table)) for table in tables for each in table.triggers]
        name, table = self.one(found or [("tr1", self.relation())])
        return self.one((f"DROP TRIGGER {self.maybe('IF EXISTS ')}{name} ON {table}", f"ALTER TRIGGER {name} ON {table} RENAME TO {self.one(('tr2', 'tr9'))}",
                         f"ALTER TABLE {table} DISABLE TRIGGER {name}", f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}", f"ALTER TABLE {table} ENABLE REPLICA TRIGGER {name}"))  # fmt: skip

    def policy(self) -> str:
        table, columns = self.relation_with_columns()
        found = [
            (_quoted(each.name), self._shown(relation))
            for relation in self.relations(RelationKind.TABLE, RelationKind.PARTITIONED_TABLE)
            for each in relation.policies
        ]
        name, owner = self.one(found or [("p1", table)])
        condition = f"({self.column(columns)} IS NOT NULL)"
        return self.one((f"CREATE POLICY {self.one(('p1', 'p2'))} ON {table} {self.one(('', 'AS RESTRICTIVE '))}FOR {self.one(('ALL', 'SELECT', 'UPDATE', 'DELETE'))} USING {condition}",
                         f"CREATE POLICY {self.one(('p1', 'p2'))} ON {table} FOR INSERT TO PUBLIC WITH CHECK {condition}", f"DROP POLICY {self.maybe('IF EXISTS ')}{name} ON {owner}",
                         f"ALTER POLICY {name} ON {owner} RENAME TO p3", f"ALTER POLICY {name} ON {owner} WITH CHECK (true)"))  # fmt: skip

    def sequence(self) -> str:
        table, columns = self.relation_with_columns()
        found = [self._shown(each) for each in self.relations(RelationKind.SEQUENCE)]
        name = self.mostly(found, ("s1", "s2"))
        return self.one((f"CREATE SEQUENCE {self.maybe('IF NOT EXISTS ')}{self.one(('s1', 's2', 't1_a_seq'))}{self.maybe(' AS smallint')}{self.maybe(f' OWNED BY {table}.{self.column(columns)}')}",
                         f"ALTER SEQUENCE {name} OWNED BY {table}.{self.column(columns)}", f"ALTER SEQUENCE {name} OWNED BY NONE", f"ALTER SEQUENCE {name} RENAME TO s3", f"ALTER SEQUENCE {name} AS bigint",
                         f"DROP SEQUENCE {name}{self.maybe(' CASCADE', 2)}", f"ALTER TABLE {table} ALTER {self.column(columns)} SET DEFAULT nextval('{self.mostly(found, ('s1',)).replace(chr(39), '')}')",
                         f"ALTER SEQUENCE {name} SET SCHEMA {self.schema()}"))  # fmt: skip

    def schema_command(self) -> str:
        return self.one((f"CREATE SCHEMA {self.maybe('IF NOT EXISTS ')}{self.one(('app', 'other'))}", "CREATE SCHEMA other CREATE TABLE inside (a int PRIMARY KEY) CREATE VIEW w AS SELECT a FROM inside",
                         f"DROP SCHEMA {self.maybe('IF EXISTS ')}{self.one(('app', 'other'))}{self.maybe(' CASCADE', 2)}", f"ALTER SCHEMA {self.one(('app', 'other'))} RENAME TO {self.one(('app2', 'other'))}"))  # fmt: skip

    def rule(self) -> str:
        table, _ = self.relation_with_columns(RelationKind.TABLE, RelationKind.VIEW)
        return self.one((f"CREATE {self.maybe('OR REPLACE ')}RULE r1 AS ON {self.one(('INSERT', 'UPDATE', 'DELETE'))} TO {table} DO INSTEAD NOTHING", f"CREATE RULE r2 AS ON DELETE TO {table} DO ALSO DELETE FROM {self.relation()}",
                         f"DROP RULE {self.maybe('IF EXISTS ')}{self.one(('r1', 'r2'))} ON {table}"))  # fmt: skip

    def comment(self) -> str:
        table, columns = self.relation_with_columns()
        return self.one(
            (
                f"COMMENT ON TABLE {table} IS 'x'",
                f"COMMENT ON COLUMN {table}.{self.column(columns)} IS 'x'",
                f"COMMENT ON FUNCTION {self.function()} IS 'x'",
            )
        )

    def block(self) -> str:
        inner = self.one((self.add_column, self.create_index, self.drop_column, self.create_table, self.add_constraint))()
        quoted = inner.replace("'", "''")
        table, _ = self.relation_with_columns()
        bare = table.rpartition(".")[2].strip('"')
        return self.one((
            f"DO $do$ BEGIN {inner}; END $do$", f"DO $do$ BEGIN EXECUTE '{quoted}'; EXCEPTION WHEN duplicate_column OR duplicate_table OR duplicate_object THEN NULL; END $do$",
            f"DO $do$ BEGIN IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = '{bare}' AND column_name = 'd') THEN ALTER TABLE {table} ADD COLUMN d int; END IF; END $do$",
            f"DO $do$ DECLARE r record; BEGIN FOR r IN SELECT conname FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype = 'c' LOOP EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', r.conname); END LOOP; END $do$",
            f"DO $do$ BEGIN {inner}; EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'x'; END $do$",
        ))  # fmt: skip


STATEMENTS: tuple[Callable[[Writer], str], ...] = (
    *(Writer.create_table,) * 5, *(Writer.add_column,) * 3, *(Writer.drop_column,) * 3, *(Writer.alter_column,) * 5, *(Writer.several_commands,) * 2,
    *(Writer.add_constraint,) * 3, Writer.add_named_not_null, Writer.add_constraint_using_index, *(Writer.constraint_command,) * 3, *(Writer.table_command,) * 4,
    *(Writer.create_index,) * 3, Writer.index_command, *(Writer.create_view,) * 3, Writer.view_command, *(Writer.drop,) * 2, *(Writer.create_type,) * 2,
    *(Writer.type_command,) * 3, *(Writer.create_function,) * 3, *(Writer.function_command,) * 2, *(Writer.create_trigger,) * 3, Writer.trigger_command,
    *(Writer.policy,) * 2, *(Writer.sequence,) * 2, Writer.schema_command, Writer.rule, Writer.comment, Writer.block, Writer.create_partition,
    *(Writer.attach_or_detach,), Writer.create_table_as,
)  # fmt: skip


def _quoted(name: str) -> str:
    return name if name.isidentifier() and name == name.lower() else '"' + name.replace('"', '""') + '"'
