"""`schemalint map`: the syncs that the triggers make, column by column."""

from __future__ import annotations

from pathlib import Path

import click

from schemalint.commands.help import help_option

PATH = click.Path(path_type=Path)


@click.command(name="map")
@click.argument("path", required=False, type=PATH)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@click.option("--config", type=PATH, metavar="FILE", help="The configuration, instead of the nearest one.")
@help_option
def map_(path: Path | None, format_: str, config: Path | None) -> int:
    """Print the syncs, column by column.

    For each table that is copied into another by triggers: where each column of the copy comes from, on which events and
    under which conditions, and what takes no part.
    """
    from schemalint.commands.output import write
    from schemalint.commands.project import read_configuration, read_history
    from schemalint.report import map as report
    from schemalint.syncs import newest_syncs

    configuration = read_configuration(config)
    history, _ = read_history(() if path is None else (path,), configuration)
    documents = [report.document_of(sync, catalog) for sync, catalog in newest_syncs(history, configuration)]
    write(report.render(documents) if format_ == "json" else report.text_of(documents))
    return 0
