"""The command's entry: quick answers first, and whatever goes wrong in one line."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> int:
    """Runs the command that the process was started with; its exit code."""
    try:
        return _answer(sys.argv[1:])
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("SCHEMALINT_DEBUG") == "1":
            raise
        from schemalint.commands.output import complain

        complain(f"internal error ({type(error).__name__}: {error}); please report it, with what SCHEMALINT_DEBUG=1 prints")
        return 2


def _answer(arguments: list[str]) -> int:
    if arguments != ["--version"]:
        from schemalint.cli import run

        return run(arguments)
    # Asked by editors and hooks at every turn; loading the command line costs more than the answer.
    from schemalint import __version__
    from schemalint.commands.output import CommandError, complain, write

    try:
        write(f"schemalint {__version__}\n")
    except CommandError as error:
        complain(str(error))
        return 2
    return 0


def leave() -> NoReturn:
    """The console script: runs, and ends the process without taking a large history apart first."""
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        code = code or 2
    os._exit(code)


if __name__ == "__main__":
    leave()
