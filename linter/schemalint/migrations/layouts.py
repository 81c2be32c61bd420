"""The ways in which tools lay their migrations out in a folder, and what they do with them.

A layout is an entry in a table; the first that fits a folder is the one that it has. docs/layouts.md says what is known
of each tool, and where from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from schemalint.migrations.folder import Folder
from schemalint.migrations.names import FLYWAY, IN_OWN_FOLDER, SUPABASE, base_of, named
from schemalint.migrations.plans import JOURNAL, journal_entries, planned_changes

# "file": a file's statements share one transaction, whatever they are. "where possible": unless one of them cannot be in
# a transaction. "script": the file is handed over in one piece, and is a transaction where it has several statements.
# "none": each statement is one, unless the file says otherwise.
Transaction = Literal["file", "where possible", "script", "none"]
# What becomes of a migration that is older than the newest one applied.
Late = Literal["applied", "refused", "never applied", "unknown"]


class Layout(msgspec.Struct, frozen=True):
    name: str
    members: Callable[[Folder], list[str]]  # the files that are migrations in it; none where it is not this layout
    order: Literal["version", "name", "given"] = "version"
    transaction: Transaction = "where possible"
    shares_session: bool = False  # one connection runs them all, and what a migration has SET holds for the next
    late: Late = "unknown"
    placeholders: bool = False


def _drizzle(folder: Folder) -> list[str]:
    return journal_entries(folder.text_of(JOURNAL)) if folder.holds(JOURNAL) else []


def _sqitch(folder: Folder) -> list[str]:
    """The plan stands beside the folder `deploy`, or in the folder that holds it."""
    if folder.holds("../sqitch.plan"):
        return planned_changes(folder.text_of("../sqitch.plan"))
    if folder.holds("sqitch.plan"):
        return [f"deploy/{each}" for each in planned_changes(folder.text_of("sqitch.plan"))]
    return []


def _flyway(folder: Folder) -> list[str]:
    """Flyway searches subfolders too. A baseline script stands for the versions up to its own, where those are gone."""
    kinds = {each: found["kind"] for each in folder.files if (found := FLYWAY.match(base_of(each))) is not None}
    versions = [named(each).order for each, kind in kinds.items() if kind == "V"]
    if not versions and "B" not in kinds.values():
        return []
    baselines = [each for each, kind in kinds.items() if kind == "B" and not any(v <= named(each).order for v in versions)]
    start = max((named(each).order for each in baselines), default=None)
    return [
        each
        for each in folder.files
        if kinds.get(each) != "B" or (start is not None and named(each).order == start)
    ]  # fmt: skip


def _atlas(folder: Folder) -> list[str]:
    """A checkpoint holds all that the files before it have made."""
    if not folder.holds("atlas.sum"):
        return []
    names = sorted(folder.direct)
    checkpoints = [place for place, each in enumerate(names) if "atlas:checkpoint" in folder.head_of(each)]
    return names[checkpoints[-1] :] if checkpoints else names


def _supabase(folder: Folder) -> list[str]:
    if not folder.root.replace("\\", "/").endswith("supabase/migrations"):
        return []
    return [each for each in folder.direct if SUPABASE.match(each)]


def _marked(*marks: str) -> Callable[[Folder], list[str]]:
    def members(folder: Folder) -> list[str]:
        head = folder.first_lines
        return _flat(folder) if any(each in head for each in marks) else []

    return members


def _golang_migrate(folder: Folder) -> list[str]:
    ups = [each for each in folder.direct if each.lower().endswith(".up.sql") and named(each).version]
    return [] if _of_sqlx(folder) else ups


def _sqlx(folder: Folder) -> list[str]:
    return [each for each in folder.direct if named(each).version] if _of_sqlx(folder) else []


def _of_sqlx(folder: Folder) -> bool:
    return any("sqlx" in each for each in folder.above("Cargo.toml"))


def _folders_of(file: str) -> Callable[[Folder], list[str]]:
    """One folder for each migration, with a file of that name in it."""

    def members(folder: Folder) -> list[str]:
        return [each for each in folder.files if each.count("/") == 1 and base_of(each).lower() == file]

    return members


def _folder_each(folder: Folder) -> list[str]:
    """Folders of migrations at any depth: Hasura has one for each database above them."""
    return [each for each in folder.files if "/" in each and base_of(each).lower() in IN_OWN_FOLDER]


def _flat(folder: Folder) -> list[str]:
    return folder.direct if any(named(each).version for each in folder.direct) else []


def _unnumbered(folder: Folder) -> list[str]:
    return folder.direct


def _tree(folder: Folder) -> list[str]:
    """Folders for years, modules or releases; files without any version are no history."""
    return list(folder.files) if any(named(each).version for each in folder.files) else []


LAYOUTS = (
    Layout("drizzle", _drizzle, "given", "file", True, "never applied"),
    Layout("sqitch", _sqitch, "given", "none", late="never applied"),
    Layout("flyway", _flyway, late="refused", placeholders=True),
    Layout("atlas", _atlas, "name", "file", True, "refused"),
    Layout("supabase", _supabase, "name", late="refused"),
    Layout("goose", _marked("+goose"), "version", "file", True, "refused"),
    Layout("dbmate", _marked("migrate:up"), "name", "file", True, "applied"),
    Layout("sql-migrate", _marked("+migrate"), "version", "file", True, "applied"),
    Layout("node-pg-migrate", _marked("-- Up Migration"), "version", "file", True, "refused"),
    Layout("golang-migrate", _golang_migrate, "version", "where possible", True, "never applied"),
    Layout("sqlx", _sqlx, "version", "file", True, "applied"),
    Layout("prisma", _folders_of("migration.sql"), "name", "script", True, "applied"),
    Layout("diesel", _folders_of("up.sql"), "name", "file", True, "applied"),
    Layout("flat", _flat),
    Layout("folder each", _folder_each),
    Layout("unnumbered", _unnumbered),
    Layout("tree", _tree),
)

# Where projects have their migrations, the surest place first; what the layout is there, the files say.
USUAL_FOLDERS = (
    "supabase/migrations", "migrations", "db/migrations", "prisma/migrations", "drizzle", "src/main/resources/db/migration",
    "db/migrate", "database/migrations", "sql/migrations", "schema/migrations", "src/db/migrations", "src/migrations",
    "db/drizzle", "db/migration", "flyway/sql", "hasura/migrations", "postgres/migrations", "deploy", "sql",
)  # fmt: skip
# A schema that was dumped, where a project has no migrations in SQL.
USUAL_DUMPS = ("db/structure.sql", "structure.sql", "db/schema.sql", "schema.sql")


def layout_of(folder: Folder, chosen: str | None = None) -> tuple[Layout | None, list[str]]:
    """The layout that a folder has, or the one that is chosen, and its migrations. Raises JournalError."""
    for layout in LAYOUTS:
        if chosen is None or layout.name == chosen:
            members = layout.members(folder)
            if members:
                return layout, members
    return None, []
