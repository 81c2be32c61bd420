"""What commands begin with: the configuration in force and the history, or one line about why there is none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from schemalint.commands.output import CommandError

if TYPE_CHECKING:
    from schemalint.configuration import Configuration
    from schemalint.finding import Report
    from schemalint.migrations.migration import History


def working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise CommandError("the working directory is gone") from error


def read_configuration(config: Path | None) -> Configuration:
    """The configuration named, or the nearest one. Raises CommandError."""
    from schemalint.configuration import ConfigurationError, configuration_for

    try:
        return configuration_for(working_directory(), config)
    except ConfigurationError as error:
        raise CommandError(str(error)) from error


def read_history(paths: tuple[Path, ...], configuration: Configuration) -> tuple[History, frozenset[str] | None]:
    """The history that the paths belong to, and which of its migrations are asked about. Raises CommandError."""
    from schemalint.migrations.discovery import discover
    from schemalint.migrations.migration import HistoryError

    try:
        return discover(paths, configuration.migrations, working_directory())
    except HistoryError as error:
        raise CommandError(str(error)) from error


def report_on_whole(path: Path | None, configuration: Configuration) -> tuple[Report, frozenset[str] | None]:
    """What is said of the newest state of the history that a path belongs to; and which migrations the path means."""
    from schemalint.check import check

    history, asked = read_history(() if path is None else (path,), configuration)
    return check(history, None, configuration), asked
