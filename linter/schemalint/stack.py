"""Work on a stack that is large enough for every tree that is read.

Trees are walked recursively, and those that PostgreSQL accepts can be thousands of levels deep: a chain of operators, a
long UNION. On the stack that the process was started with, that ends in a RecursionError at best.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

STACK = 512 * 1024 * 1024  # bytes of address space; only what is used becomes memory
RECURSION = 200_000

Result = TypeVar("Result")


def on_deep_stack(work: Callable[[], Result]) -> Result:
    """What the work returns or raises. Where there is no room for such a stack, it is done on the one at hand."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    limit, size = sys.getrecursionlimit(), threading.stack_size(STACK)
    sys.setrecursionlimit(RECURSION)
    try:
        # A daemon: after an interruption nobody waits for it.
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join()
    except RuntimeError:
        pass
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    if errors:
        raise errors[0]
    return results[0] if results else work()
