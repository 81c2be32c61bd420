"""PostgreSQL's own scanner and parser (libpg_query), loaded without the Python package around it.

`import pglast` builds classes for every node of the grammar, some 60 ms that a linter in a pre-commit hook would
pay on each run. Only its extension module is wanted here, and that loads in about a millisecond.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any, Protocol

PACKAGE = "pglast"
# The extension imports both, but uses them only to build the trees that nobody asks for here.
STAND_INS = ("ast", "enums")


class Token(Protocol):
    """A token: characters `start` to `end` inclusive, the grammar's name for it, and its keyword class."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...


def _stand_in(name: str) -> ModuleType:
    """A module that becomes the real one at first use, so that pglast.parse_sql works for whoever imports pglast later."""
    module = ModuleType(name)

    def attribute(attribute_name: str) -> Any:
        if attribute_name.startswith("__"):
            raise AttributeError(attribute_name)
        return getattr(importlib.import_module(name), attribute_name)

    module.__dict__["__getattr__"] = attribute
    return module


def _load() -> ModuleType:
    if PACKAGE in sys.modules:
        return importlib.import_module(f"{PACKAGE}.parser")
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named {PACKAGE!r}", name=PACKAGE)
    package = ModuleType(PACKAGE)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[PACKAGE] = package
    try:
        package.__dict__["Error"] = importlib.import_module(f"{PACKAGE}.error").Error
        for name in STAND_INS:
            module = _stand_in(f"{PACKAGE}.{name}")
            sys.modules[module.__name__] = package.__dict__[name] = module
        return importlib.import_module(f"{PACKAGE}.parser")
    finally:
        # A later `import pglast` must find nothing of this. The extension is imported again then and hands out the same
        # module; pglast.error stays, because the extension's exceptions derive from the class in it (the one trace: after
        # it `import pglast.error` sets no attribute `pglast.error`, while `from pglast.error import Error` works).
        for name in (PACKAGE, f"{PACKAGE}.parser", *(f"{PACKAGE}.{stand_in}" for stand_in in STAND_INS)):
            sys.modules.pop(name, None)


_extension: Any = _load()

# Its arguments are the message and the offset of the character in question, or None at the end of the text.
ParseError: type[Exception] = _extension.ParseError


def scan(sql: str) -> list[Token]:
    """The tokens of a text, comments included."""
    tokens: list[Token] = _extension.scan(sql)
    return tokens


def parse_json(sql: str) -> str:
    """The statements of a text as libpg_query's JSON; locations in it count bytes. Raises ParseError."""
    try:
        tree: str = _extension.parse_sql_json(sql)
    except UnicodeError as error:  # a string can spell bytes that are no text: E'\\xff'
        raise ParseError('invalid byte sequence for encoding "UTF8"', 0) from error
    return tree


def parse_plpgsql_json(sql: str) -> str:
    """What libpg_query makes of the PL/pgSQL in a CREATE FUNCTION or DO. It knows no catalog and refuses valid bodies."""
    tree: str = _extension.parse_plpgsql_json(sql)
    return tree
