"""`schemalint schema`: the schema that the migrations make, after any of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from schemalint.commands.help import help_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemalint.replay.replay import Replayed

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("path", required=False, type=PATH)
@click.option("--at", metavar="MIGRATION", help="After this migration (its path, file name or version).  [default: the newest]")
@click.option("--diff", nargs=2, metavar="A B", help="What differs between the states after two migrations.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@click.option("--config", type=PATH, metavar="FILE", help="The configuration, instead of the nearest one.")
@help_option
def schema(path: Path | None, at: str | None, diff: tuple[str, str] | None, format_: str, config: Path | None) -> int:
    """Print the schema that the migrations make.

    It is modelled, not asked of a server: what cannot be known is marked. PATH is the folder of migrations, where it is not
    the usual one.
    """
    from schemalint.commands.output import CommandError, write
    from schemalint.commands.project import read_configuration, read_history
    from schemalint.report import schema as report

    if at is not None and diff is not None:
        raise CommandError("--at and --diff: choose one")
    configuration = read_configuration(config)
    history, _ = read_history(() if path is None else (path,), configuration)
    from schemalint.check import replay

    replayed = list(replay(history, None, configuration))
    if not replayed:
        raise CommandError(f"{history.root}: has no migrations")
    if diff is not None:
        before, after = (report.document_of(_find(each, replayed).after) for each in diff)
        found = report.difference(before, after)
        write(report.render(found) if format_ == "json" else report.difference_text(found))
        return 0
    document: dict[str, Any] = report.document_of((replayed[-1] if at is None else _find(at, replayed)).after)
    write(report.render(document) if format_ == "json" else report.text_of(document))
    return 0


def _find(name: str, replayed: Sequence[Replayed]) -> Replayed:
    """The migration that is meant. Raises CommandError."""
    from schemalint.commands.output import CommandError

    wanted = name.replace("\\", "/").removeprefix("./")
    migrations = [each.migration for each in replayed]
    for matches in (
        [m.path == wanted for m in migrations],
        [m.path.endswith("/" + wanted) or m.path.rpartition("/")[2] == wanted for m in migrations],
        [m.version == wanted or (m.version.isdigit() and wanted.isdigit() and int(m.version) == int(wanted)) for m in migrations],
        [m.path.rpartition("/")[2].startswith(wanted) for m in migrations],
    ):
        if sum(matches) == 1:
            return replayed[matches.index(True)]
        if sum(matches) > 1:
            raise CommandError(f"{name}: {sum(matches)} migrations are called so; give the path of one")
    raise CommandError(f"{name}: there is no such migration in this history of {len(migrations)}")
