"""The document that the project started from, through the installed command: what must be said of it, and what must not.

What breaks or loses here, and what does not, is tried on a real server as well.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.postgres import Connect, Server, sqlstate_of

EXAMPLE = Path(__file__).parents[1] / "fixtures" / "projects" / "seed"
FOLDER = "supabase/migrations"
SYNC_FILE = "20251101000002_sync_messages_v2_to_messages.sql"
CAUTION_FILE = "20251105000000_add_required_field.sql"
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted((EXAMPLE / FOLDER).iterdir())}
HISTORY = {name: text for name, text in FILES.items() if name <= SYNC_FILE}
FUNCTION, _, TRIGGER = HISTORY[SYNC_FILE].partition("CREATE TRIGGER")
INSERT_LINE = HISTORY[SYNC_FILE].splitlines().index("  INSERT INTO messages (") + 1
SYNC = {
    "source": "public.messages_v2",
    "target": "public.messages",
    "trigger": "sync_messages_v2_insert",
    "function": "public.sync_messages_v2_to_messages()",
}

GOOD = "ALTER TABLE messages ADD COLUMN new_field text DEFAULT 'default_value';\n"
CAUTION = FILES[CAUTION_FILE]
WITH_DEFAULT = "ALTER TABLE messages ADD COLUMN required_field text DEFAULT 'migrated';\n"
SUPPLIED = "ALTER TABLE messages_v2 ADD COLUMN required_field text NOT NULL DEFAULT 'migrated';\n" + FUNCTION.replace(
    "    created_at, updated_at\n", "    created_at, updated_at, required_field\n"
).replace("    NEW.created_at, NEW.updated_at\n", "    NEW.created_at, NEW.updated_at, NEW.required_field\n")
REQUIRED = (
    "ALTER TABLE messages ALTER COLUMN required_field SET NOT NULL;\n"
    "ALTER TABLE messages ALTER COLUMN required_field DROP DEFAULT;\n"
)
WITHOUT_DEFAULT = "ALTER TABLE messages ALTER COLUMN required_field DROP DEFAULT;\n"
INSERTS_ONLY = f"CREATE OR REPLACE TRIGGER{TRIGGER}"
ALSO_UPDATES = INSERTS_ONLY.replace("AFTER INSERT", "AFTER INSERT OR UPDATE")
UPDATES_ONLY = INSERTS_ONLY.replace("AFTER INSERT", "AFTER UPDATE")

AUDIT = """\
CREATE TABLE message_audit (id bigint GENERATED ALWAYS AS IDENTITY, message_id uuid, action text NOT NULL);
CREATE FUNCTION audit_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO message_audit (message_id, action) VALUES (NEW.id, TG_OP);
  RETURN NEW;
END;
$$;
CREATE TRIGGER audit_messages_v2 AFTER INSERT ON messages_v2 FOR EACH ROW EXECUTE FUNCTION audit_message();
"""
COUNTER = """\
ALTER TABLE conversations_v2 ADD COLUMN message_count integer NOT NULL DEFAULT 0;
CREATE FUNCTION count_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE conversations_v2 SET message_count = message_count + 1 WHERE id = NEW.conversation_id;
  RETURN NEW;
END;
$$;
CREATE TRIGGER count_messages_v2 AFTER INSERT ON messages_v2 FOR EACH ROW EXECUTE FUNCTION count_message();
"""
UPDATED_AT = """\
CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END;
$$;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON messages_v2 FOR EACH ROW EXECUTE FUNCTION set_updated_at();
"""
OUTSIDE = """\
CREATE TABLE notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), body text, flagged_reason text, updated_at timestamptz);
CREATE FUNCTION touch_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.body := trim(NEW.body);
  RETURN NEW;
END;
$$;
CREATE TRIGGER touch_note BEFORE INSERT OR UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION touch_note();
"""


TARGETS = re.compile(r"(?:auth\.users|public\.conversations)\b")


class Said(NamedTuple):
    """What is owed to the last of the migrations, and where."""

    group: str
    line: int
    sqlstate: str | None


@dataclass(frozen=True)
class Scenario:
    """Migrations after the seed's history, one file each; the last one is asked about."""

    migrations: tuple[str, ...]
    said: Said | None = None  # None: nothing
    writes: tuple[str, ...] = ()  # besides a new message


EDIT = "UPDATE messages_v2 SET content = 'edited'"
NOTE = "INSERT INTO notes (body) VALUES ('hello')"

SILENT = {
    "column with a default": Scenario((GOOD,)),
    "safe approach, step 1": Scenario((WITH_DEFAULT,)),
    "safe approach, step 2": Scenario((WITH_DEFAULT, SUPPLIED)),
    "safe approach, step 3": Scenario((WITH_DEFAULT, SUPPLIED, REQUIRED)),
    "safe approach as the text stands": Scenario((WITH_DEFAULT, WITHOUT_DEFAULT)),
    "column dropped that nobody writes": Scenario(("ALTER TABLE messages DROP COLUMN flagged_reason;\n",)),
    "target's triggers disabled": Scenario(("ALTER TABLE messages DISABLE TRIGGER USER;\n",)),
    "outside: required column": Scenario((OUTSIDE, "ALTER TABLE notes ADD COLUMN required_field text NOT NULL;\n")),
    "outside: column dropped": Scenario((OUTSIDE, "ALTER TABLE notes DROP COLUMN updated_at;\n"), writes=(NOTE,)),
    "outside: triggers disabled": Scenario((OUTSIDE, "ALTER TABLE notes DISABLE TRIGGER USER;\n"), writes=(NOTE,)),
    "outside: trigger dropped": Scenario((OUTSIDE, "DROP TRIGGER touch_note ON notes;\n"), writes=(NOTE,)),
    "outside: function dropped": Scenario((OUTSIDE, "DROP FUNCTION touch_note() CASCADE;\n"), writes=(NOTE,)),
}

BREAKS = {
    "required column": Scenario((CAUTION,), Said("breaks", 1, "23502")),
    "safe approach without step 2": Scenario((WITH_DEFAULT, REQUIRED), Said("breaks", 2, "23502")),
    "column of the source dropped": Scenario(("ALTER TABLE messages_v2 DROP COLUMN updated_at;\n",), Said("breaks", 1, "42703")),
    "column of the target dropped": Scenario(("ALTER TABLE messages DROP COLUMN updated_at;\n",), Said("breaks", 1, "42703")),
}

LOSES = {
    "triggers disabled": Scenario(("ALTER TABLE messages_v2 DISABLE TRIGGER USER;\n",), Said("loses", 1, None)),
    "trigger dropped": Scenario(("DROP TRIGGER sync_messages_v2_insert ON messages_v2;\n",), Said("loses", 1, None)),
    "function dropped": Scenario(("DROP FUNCTION sync_messages_v2_to_messages() CASCADE;\n",), Said("loses", 1, None)),
    "events changed": Scenario((UPDATES_ONLY,), Said("loses", 1, None)),
    "events narrowed": Scenario((ALSO_UPDATES, INSERTS_ONLY), Said("loses", 1, None), (EDIT,)),
}

BESIDE = {"audit": AUDIT, "counter": COUNTER, "updated_at": UPDATED_AT}


def parameters(scenarios: dict[str, Any]) -> list[Any]:
    return [pytest.param(each, id=name.replace(" ", "-").replace(",", "").replace(":", "")) for name, each in scenarios.items()]


# -- the command


class Answer(NamedTuple):
    status: int
    report: dict[str, Any]

    def findings(self, group: str = "", severity: str = "") -> list[dict[str, Any]]:
        return [
            each for each in self.report["findings"] if each["rule"].startswith(group) and each["severity"].startswith(severity)
        ]

    def grave(self) -> list[dict[str, Any]]:
        """Errors and warnings; a lock is a matter of its own."""
        return [each for each in self.findings() if each["severity"] != "info" and not each["rule"].startswith("blocks/")]


def project(directory: Path, migrations: tuple[str, ...] = ()) -> list[str]:
    """Writes the seed's history and what comes after it; the paths of the latter, from the project's folder."""
    folder = directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, sql in HISTORY.items():
        (folder / name).write_text(sql, encoding="utf-8")
    names = [f"202512010000{number:02}_change.sql" for number, _ in enumerate(migrations)]
    for name, sql in zip(names, migrations, strict=True):
        (folder / name).write_text(sql, encoding="utf-8")
    return [f"{FOLDER}/{name}" for name in names]


def check(directory: Path, *paths: str) -> Answer:
    command = shutil.which("schemalint", path=str(Path(sys.executable).parent)) or "schemalint"
    done = subprocess.run(
        [command, "check", "--format", "json", *paths],
        cwd=directory,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == ""
    return Answer(done.returncode, json.loads(done.stdout))


@pytest.mark.parametrize("scenario", parameters(SILENT))
def test_silent(tmp_path: Path, scenario: Scenario) -> None:
    *_, last = project(tmp_path, scenario.migrations)
    answer = check(tmp_path, last)
    assert answer.grave() == []
    assert answer.status == 0
    assert answer.report["summary"] == {
        **answer.report["summary"],
        "migrations": len(HISTORY) + len(scenario.migrations),
        "checked": 1,
        "errors": 0,
    }


@pytest.mark.parametrize("scenario", parameters(BREAKS | LOSES))
@pytest.mark.parametrize("newest", [False, True], ids=["the-file", "the-newest-state"])
def test_said(tmp_path: Path, scenario: Scenario, newest: bool) -> None:
    """One error, on its line; what the history says of itself stands beside it when the newest state is asked about."""
    *_, last = project(tmp_path, scenario.migrations)
    answer = check(tmp_path) if newest else check(tmp_path, last)
    assert answer.status == 1
    (error,) = answer.findings(severity="error")
    expected = scenario.said
    assert expected is not None
    assert (error["rule"].partition("/")[0], error["line"], error["sqlstate"]) == expected
    assert error["path"] == last
    assert error["certainty"] == "certain"
    assert error["sync"] == SYNC
    if not newest:
        assert [each["rule"] for each in answer.grave()] == [error["rule"]]


def test_the_caution_names_what_it_breaks(tmp_path: Path) -> None:
    (last,) = project(tmp_path, (CAUTION,))
    answer = check(tmp_path, last)
    (finding,) = [each for each in answer.findings() if not each["rule"].startswith("blocks/")]
    assert finding["sync"] == SYNC
    assert (f"{FOLDER}/{SYNC_FILE}", INSERT_LINE) in [(each["path"], each["line"]) for each in finding["related"]]
    assert finding["witness"]
    assert finding["help"]
    # Both ends: the migration itself on a table with rows, the writes on an empty one.
    assert "rows" in f"{finding['message']} {finding['help']} {[each['message'] for each in finding['related']]}"
    assert CAUTION[finding["column"] - 1 :].startswith(("ADD COLUMN required_field", "required_field"))


def test_each_step_of_the_safe_approach_is_silent_in_one_history(tmp_path: Path) -> None:
    paths = project(tmp_path, (WITH_DEFAULT, SUPPLIED, REQUIRED))
    assert check(tmp_path, *paths).grave() == []


def test_of_the_history_as_it_stands(tmp_path: Path) -> None:
    project(tmp_path)
    answer = check(tmp_path)
    assert answer.status == 0
    assert answer.findings(severity="error") == []
    references = answer.findings("breaks/", "warning")
    assert {(each["sqlstate"], each["certainty"]) for each in references} == {("23503", "conditional")}
    assert all(each["witness"] for each in references)
    # The other one: nothing makes a helper in conversations_v2 a user, and V1 wants its recipients to be users.
    assert sorted(word for each in references for word in TARGETS.findall(each["message"])) == [
        "auth.users",
        "public.conversations",
    ]
    losses = answer.findings("loses/", "warning")
    assert {each["rule"] for each in losses} == {"loses/update-not-propagated", "loses/delete-not-propagated"}
    assert "conversations_v2" in json.dumps(losses), "the cascade deletes messages too"
    assert all(each["sync"] == SYNC for each in losses)


@pytest.mark.parametrize("beside", parameters(BESIDE))
def test_a_trigger_beside_the_sync_is_no_sync(tmp_path: Path, beside: str) -> None:
    project(tmp_path)
    before = check(tmp_path)
    (last,) = project(tmp_path, (beside,))
    alone, after = check(tmp_path, last), check(tmp_path)
    assert alone.grave() == []
    for group in ("loses/", "drifts/"):
        assert alone.findings(group) == []
        assert [each["fingerprint"] for each in after.findings(group)] == [each["fingerprint"] for each in before.findings(group)]


def test_all_at_once(tmp_path: Path) -> None:
    """Triggers beside the sync do not hide what breaks it."""
    *_, last = project(tmp_path, (AUDIT, COUNTER, UPDATED_AT, CAUTION))
    (error,) = check(tmp_path, last).findings(severity="error")
    assert error["sync"] == SYNC


# -- the server

PEOPLE = """\
INSERT INTO auth.users VALUES ('00000000-0000-0000-0000-000000000001'), ('00000000-0000-0000-0000-000000000002');
INSERT INTO conversations VALUES ('00000000-0000-0000-0000-00000000000a');
INSERT INTO conversations_v2
SELECT id, '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002' FROM conversations;
"""
MESSAGE = """\
INSERT INTO messages_v2 (conversation_id, sender_id, content)
SELECT id, requester_id, 'hello' FROM conversations_v2
"""
LOST = """\
SELECT id FROM messages_v2 FULL JOIN messages USING (id)
WHERE messages_v2.content IS DISTINCT FROM messages.content
"""


def apply(connect: Connect, *migrations: str) -> None:
    for sql in migrations:
        with connect() as session, session.transaction():
            session.execute(sql)


@pytest.mark.parametrize("scenario", parameters(SILENT | {name: Scenario((each,)) for name, each in BESIDE.items()}))
def test_silence_is_right(postgres: Server, scenario: Scenario) -> None:
    with postgres.database() as connect:
        apply(connect, *HISTORY.values(), PEOPLE, *scenario.migrations)
        for write in (MESSAGE, *scenario.writes):
            assert sqlstate_of(connect(), write) is None
        assert connect().execute(LOST).fetchall() == []


@pytest.mark.parametrize("scenario", parameters(BREAKS))
def test_it_breaks(postgres: Server, scenario: Scenario) -> None:
    assert scenario.said is not None
    with postgres.database() as connect:
        apply(connect, *HISTORY.values(), PEOPLE)
        assert sqlstate_of(connect(), f"BEGIN; {MESSAGE}; ROLLBACK") is None
        apply(connect, *scenario.migrations)
        assert sqlstate_of(connect(), MESSAGE) == scenario.said.sqlstate


@pytest.mark.parametrize("scenario", parameters(LOSES))
def test_it_loses(postgres: Server, scenario: Scenario) -> None:
    with postgres.database() as connect:
        apply(connect, *HISTORY.values(), PEOPLE, *scenario.migrations)
        for write in (MESSAGE, *scenario.writes):
            assert sqlstate_of(connect(), write) is None
        assert connect().execute(LOST).fetchall() != []


def test_the_caution_fails_on_a_table_with_rows(postgres: Server) -> None:
    with postgres.database() as connect:
        apply(connect, *HISTORY.values(), PEOPLE, MESSAGE)
        assert sqlstate_of(connect(), CAUTION) == "23502"


@pytest.mark.parametrize(
    ("write", "sqlstate"),
    [
        ("DELETE FROM conversations; " + MESSAGE, "23503"),
        (MESSAGE + "; UPDATE messages_v2 SET content = 'edited'", None),
        (MESSAGE + "; DELETE FROM messages_v2", None),
        (MESSAGE + "; DELETE FROM conversations_v2", None),
    ],
    ids=["conversation-of-v2-only", "edit", "delete", "delete-by-cascade"],
)
def test_what_the_history_as_it_stands_does(postgres: Server, write: str, sqlstate: str | None) -> None:
    with postgres.database() as connect:
        apply(connect, *HISTORY.values(), PEOPLE)
        assert sqlstate_of(connect(), write) == sqlstate
        if sqlstate is None:
            assert connect().execute(LOST).fetchall() != []
