"""Standard output and standard error, which may be closed, full, or of a narrow encoding."""

from __future__ import annotations

import io
import os
import sys


class CommandError(Exception):
    """The tool cannot do its work; its message is one line for the user."""


def prepare_streams() -> None:
    """The same bytes on every system: UTF-8, whatever the locale is, and line ends as they are printed.

    Half a surrogate pair (a file name that is no text) is spelled out instead of ending the run.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def write(text: str) -> None:
    """Writes to standard output, where somebody still reads it. Raises CommandError."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has seen enough. What is left in the buffer must not fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"standard output cannot be written ({(error.strerror or str(error)).lower()})") from error


def complain(message: str, kind: str = "error") -> None:
    """One line on standard error."""
    from schemalint.report.safe import one_line, without_commands

    if sys.stderr is None:
        return
    try:
        sys.stderr.write(without_commands(f"schemalint: {kind}: {one_line(message)}") + "\n")
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
