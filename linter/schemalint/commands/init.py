"""`schemalint init`: what a project needs to begin, from what is found in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from schemalint.commands.help import help_option

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("path", required=False, type=PATH)
@click.option("--print", "only_print", is_flag=True, help="Show the files; write nothing.")
@help_option
def init(path: Path | None, only_print: bool) -> int:
    """Write the files that a project begins with.

    The configuration with the folder, layout and syncs that are found, an entry for pre-commit, and a workflow for GitHub.
    What is there already is left alone. PATH is the folder of the migrations, where it is not a usual one.
    """
    from schemalint.commands.output import write

    files = _files(path)
    if only_print:
        write("\n".join(f"# {name}\n{text}" for name, text in files.items()))
        return 0
    for name, text in files.items():
        write(f"{_written(name, text)}\n")
    return 0


def _files(path: Path | None) -> Mapping[str, str]:
    """What is to be written, by name."""
    from importlib.metadata import PackageNotFoundError, distribution

    from schemalint.commands import starting
    from schemalint.commands.output import CommandError
    from schemalint.commands.project import read_configuration, read_history
    from schemalint.detected import detected_mirrors

    configuration = read_configuration(None)
    history, asked = read_history(() if path is None else (path,), configuration)
    if asked is not None:
        raise CommandError(f"{path}: give the folder of the migrations")
    try:
        origin = starting.origin_of(distribution("schemalint").read_text("direct_url.json"))
    except PackageNotFoundError:
        origin = None
    return {
        ".schemalint.yml": starting.configuration_text(history, detected_mirrors(history, configuration)),
        starting.HOOK_FILE: starting.hook_text(origin),
        starting.WORKFLOW_FILE: starting.workflow_text(origin),
    }


def _written(name: str, text: str) -> str:
    """Writes a file where there is none; what became of it."""
    from schemalint.commands.output import CommandError
    from schemalint.commands.project import working_directory

    folder = working_directory()
    reason = _reason_against(folder, name)
    if reason is not None:
        return f"left alone {name}: {reason}"
    try:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with open(folder / name, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return f"left alone {name}: it is there already"
    except OSError as error:
        raise CommandError(f"{name}: cannot be written ({(error.strerror or str(error)).lower()})") from error
    return f"wrote {name}"


def _reason_against(folder: Path, name: str) -> str | None:
    """Why a file is not written."""
    from schemalint.commands.project import shown
    from schemalint.commands.starting import HOOK_FILE
    from schemalint.configuration.files import find

    if name == ".schemalint.yml":
        found = find(folder)
        return f"{shown(found)} is the configuration" if found is not None else None
    if (folder / name).exists() or (folder / name).is_symlink():
        return "it is there already; `schemalint init --print` shows the entry" if name == HOOK_FILE else "it is there already"
    root = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)
    if root != folder:
        return "this is not the root of a git repository"
    return None
