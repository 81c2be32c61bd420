"""The ways in which tools lay their migrations out in a folder.

A layout is an entry in a table: its name, and which of a folder's files are its migrations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from schemalint.migrations.names import FLYWAY, IN_OWN_FOLDER, named

Files = Sequence[str]  # paths of SQL files, relative to the folder


class Layout(msgspec.Struct, frozen=True):
    name: str
    members: Callable[[Files], list[str]]  # the files that are migrations in it; none where it is not this layout


def _flyway(files: Files) -> list[str]:
    """Flyway searches subfolders too."""
    found = [each for each in files if FLYWAY.match(each.rpartition("/")[2])]
    return list(files) if any(each.rpartition("/")[2].startswith("V") for each in found) else []


def _flat(files: Files) -> list[str]:
    direct = [each for each in files if "/" not in each]
    return direct if any(named(each).version for each in direct) else []


def _folder_each(files: Files) -> list[str]:
    """One folder for each migration: Prisma, Diesel, Drizzle, Hasura (which has a folder for each database above)."""
    return [each for each in files if "/" in each and each.rpartition("/")[2].lower() in IN_OWN_FOLDER]


def _unnumbered(files: Files) -> list[str]:
    return [each for each in files if "/" not in each]


def _tree(files: Files) -> list[str]:
    """Folders for years, modules or releases; files without any version are no history."""
    return list(files) if any(named(each).version for each in files) else []


LAYOUTS = (
    Layout("flyway", _flyway),
    Layout("flat", _flat),
    Layout("folder each", _folder_each),
    Layout("unnumbered", _unnumbered),
    Layout("tree", _tree),
)

# Where projects have their migrations, the surest place first; what the layout is there, the files say.
USUAL_FOLDERS = (
    "supabase/migrations", "migrations", "db/migrations", "prisma/migrations", "drizzle", "src/main/resources/db/migration",
    "db/migrate", "database/migrations", "sql/migrations", "schema/migrations", "src/db/migrations", "src/migrations",
    "db/drizzle", "db/migration", "flyway/sql", "hasura/migrations", "postgres/migrations", "sql",
)  # fmt: skip


def layout_of(files: Files) -> tuple[str, list[str]]:
    """The name of the layout that a folder with these files has, and its migrations; the first that fits."""
    for layout in LAYOUTS:
        members = layout.members(files)
        if members:
            return layout.name, members
    return "empty", []
