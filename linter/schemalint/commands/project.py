"""What commands begin with: the configuration in force and the history, or one line about why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from schemalint.commands.output import CommandError

if TYPE_CHECKING:
    from schemalint.configuration import Configuration
    from schemalint.decisions.baseline import Baseline
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
    return discovered(paths, configuration.migrations, working_directory(), configuration)


def discovered(
    paths: tuple[Path, ...], directory: Path | None, working: Path, configuration: Configuration
) -> tuple[History, frozenset[str] | None]:
    """The history as it stands in a working directory, with what is configured about it. Raises CommandError."""
    from schemalint.migrations.discovery import Stated, discover
    from schemalint.migrations.migration import HistoryError

    stated = Stated(configuration.layout, configuration.placeholders, configuration.starting_state)
    try:
        return discover(paths, directory, working, stated)
    except HistoryError as error:
        raise CommandError(str(error)) from error


def chosen(
    configuration: Configuration, select: Sequence[str] = (), ignore: Sequence[str] = (), baseline: Path | None = None
) -> Configuration:
    """The configuration with what the command line says: other rules to ask, more to leave out, another baseline."""
    if not (select or ignore or baseline):
        return configuration
    import msgspec

    return msgspec.structs.replace(
        configuration,
        select=tuple(map(_known, _words(select))) or configuration.select,
        ignore=(*configuration.ignore, *map(_known, _words(ignore))),
        baseline=working_directory() / baseline if baseline is not None else configuration.baseline,
    )


def _words(values: Sequence[str]) -> list[str]:
    return [word.strip() for each in values for word in each.split(",")]


def _known(rule: str) -> str:
    from schemalint.configuration.reading import known_rule

    try:
        return known_rule(rule)
    except KeyError as error:
        raise CommandError(f"{error.args[0]}; `schemalint rules` lists them") from error


def baseline_of(configuration: Configuration) -> Baseline:
    """The baseline that is configured; an empty one where there is none. Raises CommandError."""
    from schemalint.decisions.baseline import EMPTY, BaselineError, read_baseline

    if configuration.baseline is None:
        return EMPTY
    try:
        return read_baseline(configuration.baseline, shown(configuration.baseline))
    except BaselineError as error:
        raise CommandError(str(error)) from error


def shown(path: Path) -> str:
    """A path as messages have it: relative to the working directory, with "/"."""
    from schemalint.migrations.discovery import shown as shown_from

    return shown_from(str(path), str(working_directory()))


def report_on_whole(path: Path | None, configuration: Configuration) -> tuple[Report, frozenset[str] | None]:
    """What is said of the newest state of the history that a path belongs to; and which migrations the path means."""
    from schemalint.check import check

    history, asked = read_history(() if path is None else (path,), configuration)
    return check(history, None, configuration), asked
