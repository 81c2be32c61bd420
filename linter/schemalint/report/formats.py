"""The formats of a report, by name; each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from schemalint.finding import Report


def render(report: Report, format_: str, color: bool = False) -> str:
    """The report in the format of that name, a module of this package; only text can have colors."""
    renderer: Callable[..., str] = import_module(f"schemalint.report.{format_}").render
    return renderer(report, color) if format_ == "text" else renderer(report)
