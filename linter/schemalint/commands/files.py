"""Files that commands write: whole, or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from schemalint.commands.output import CommandError


def write_file(path: Path, text: str, shown: str) -> None:
    """Puts a text into a file, in the place of what was there; whoever reads meanwhile has one or the other.

    Raises CommandError.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        if _is_device(path):
            path.write_bytes(data)
        else:
            _replace(os.path.realpath(path), data)
    except OSError as error:
        reason = "is a folder" if os.path.isdir(path) else f"cannot be written ({(error.strerror or str(error)).lower()})"
        raise CommandError(f"{shown}: {reason}") from error


def _is_device(path: Path) -> bool:
    """Whether what is there is no file (/dev/stdout, /dev/null, a pipe), in whose place none must be put."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode)


def _replace(target: str, data: bytes) -> None:
    beside = f"{target}.{os.getpid()}.tmp"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise
