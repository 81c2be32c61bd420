"""Files that commands write: whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from schemalint.commands.output import CommandError


def write_file(path: Path, text: str, shown: str) -> None:
    """Puts a text into a file, in the place of what was there; whoever reads meanwhile has one or the other.

    Raises CommandError.
    """
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise CommandError(f"{shown}: is a folder")
    beside = f"{target}.{os.getpid()}.tmp"
    try:
        with open(beside, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except OSError as error:
        if not isinstance(error, FileExistsError) and os.path.lexists(beside):
            os.unlink(beside)
        raise CommandError(f"{shown}: cannot be written ({(error.strerror or str(error)).lower()})") from error
