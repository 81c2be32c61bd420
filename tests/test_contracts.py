"""What the configuration declares about syncs and runners, through the installed command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.test_command_line import SEED, error_of, run
from tests.test_decisions import configure, report, rules_of
from tests.test_decisions import project as project  # the fixture

MIRROR = "mirrors:\n  - source: public.orders\n    target: public.orders_old\n"


def add(project: Path, text: str) -> None:
    (project / "migrations/2_change.sql").write_text(text)


def test_a_retired_sync_is_not_missed(project: Path) -> None:
    add(project, "DROP TRIGGER copy_order ON orders;\n")
    assert "loses/trigger-gone" in rules_of(project)
    configure(project, MIRROR + "    retired: true\n")
    assert rules_of(project) == []
    assert rules_of(project, "migrations/2_change.sql") == []
    assert report(project)["summary"]["suppressed"] == 0


def test_what_still_breaks_is_said_of_a_retired_sync(project: Path) -> None:
    configure(project, MIRROR + "    retired: true\n")
    assert rules_of(project) == ["breaks/required-column"]


def test_the_seed_declared_insert_only(tmp_path: Path) -> None:
    shutil.copytree(SEED, tmp_path, dirs_exist_ok=True)
    silent = {"loses/update-not-propagated", "loses/delete-not-propagated"}
    assert silent & set(rules_of(tmp_path))
    configure(tmp_path, "mirrors:\n  - {source: public.messages_v2, target: public.messages, insert_only: true}\n")
    assert not silent & set(rules_of(tmp_path))
    assert "breaks/required-column" in rules_of(tmp_path)


def test_of_another_sync_nothing_is_declared(project: Path) -> None:
    add(project, 'CREATE TABLE "Other" (id int);\nDROP TRIGGER copy_order ON orders;\n')
    configure(project, "mirrors:\n  - {source: orders, target: Other, retired: true}\n")
    assert set(rules_of(project)) == {"loses/trigger-gone"}


def test_names_that_do_not_exist(project: Path) -> None:
    add(project, "SELECT 1;\n")
    configure(project, MIRROR.replace("orders_old", "order_old"))
    done = run(project, "check")
    assert done.returncode == 1
    assert "error[decisions/unknown-name]: there is no table public.order_old" in done.stdout
    assert "--> .schemalint.yml:3:5" in done.stdout
    assert "did you mean public.orders_old?" in done.stdout
    assert rules_of(project, "migrations/2_change.sql") == []


def test_names_in_pyproject(project: Path) -> None:
    add(project, "SELECT 1;\n")
    (project / "pyproject.toml").write_text(
        '[tool.schemalint]\n\n[[tool.schemalint.mirrors]]\nsource = "orders"\ntarget = "orders_old"\n\n'
        '[[tool.schemalint.mirrors]]\nsource = "orders"\ntarget = "gone"\n'
    )
    (finding,) = report(project)["findings"]
    assert (finding["path"], finding["line"], finding["rule"]) == ("pyproject.toml", 9, "decisions/unknown-name")


def test_one_sync_is_declared_once(project: Path) -> None:
    configure(project, MIRROR + "  - {source: orders, target: orders_old}\n")
    message = ".schemalint.yml:4: the sync from public.orders to public.orders_old is declared twice"
    assert error_of(run(project, "check")) == message


# -- the runner


@pytest.mark.parametrize(("setting", "rules"), [("true", []), ("false", ["breaks/required-column"])])
def test_a_runner_without_transactions(project: Path, setting: str, rules: list[str]) -> None:
    """What a migration breaks and repairs is only nobody's business where nobody sees it between."""
    add(
        project,
        "ALTER TABLE orders_old ADD COLUMN origin text NOT NULL;\nALTER TABLE orders_old ALTER COLUMN origin SET DEFAULT '';\n",
    )
    configure(project, f"runner: {{transaction: {setting}}}\n")
    assert rules_of(project, "migrations/2_change.sql") == rules


def test_the_search_path_of_the_runner(project: Path) -> None:
    (project / "migrations/1_tables.sql").write_text("CREATE SCHEMA app;\nCREATE TABLE app.a (id int);\n")
    add(project, "SET search_path = public;\nRESET search_path;\nCREATE TABLE a (id int);\n")
    assert rules_of(project) == []
    configure(project, "runner: {search_path: [app]}\n")
    assert rules_of(project) == ["fails/refused"]
