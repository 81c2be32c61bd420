"""What makes a function a rule, and the list of all of them.

A rule is a decorated generator function in a file of its own, `rules/<group>/<name>.py`. Its id is group/name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache

import msgspec

from schemalint.decision import Decisions
from schemalint.rule.state import State
from schemalint.rule.violation import Violations


class Rule(msgspec.Struct, frozen=True):
    """A rule as the engine knows it."""

    id: str
    check: Callable[..., Violations]
    sqlstates: tuple[str, ...] = ()
    kind: str = "invariant"
    momentary: bool = False  # of the migration while it runs: not asked of those that have run long ago
    shown_by: str = ""  # what shows a violation, where an ordinary write of the source does not: "another role" …

    @property
    def group(self) -> str:
        return self.id.partition("/")[0]

    @property
    def documentation(self) -> str:
        return (self.check.__doc__ or "").strip()

    @property
    def summary(self) -> str:
        """The documentation's first line, a sentence."""
        return self.documentation.partition("\n")[0]


def invariant(*sqlstates: str, shown_by: str = "") -> Callable[[Callable[[State], Violations]], Callable[[State], Violations]]:
    """Marks a rule over one state: each violation that is new after a migration is blamed on it."""

    def mark(function: Callable[[State], Violations]) -> Callable[[State], Violations]:
        function.rule_kind = "invariant"  # type: ignore[attr-defined]
        function.sqlstates = sqlstates  # type: ignore[attr-defined]
        function.shown_by = shown_by  # type: ignore[attr-defined]
        return function

    return mark


def step(
    *sqlstates: str, momentary: bool = False, shown_by: str = ""
) -> Callable[[Callable[..., Violations]], Callable[..., Violations]]:
    """Marks a rule over one change: a statement, with the catalogs before and after it."""

    def mark(function: Callable[..., Violations]) -> Callable[..., Violations]:
        function.rule_kind = "step"  # type: ignore[attr-defined]
        function.sqlstates = sqlstates  # type: ignore[attr-defined]
        function.momentary = momentary  # type: ignore[attr-defined]
        function.shown_by = shown_by  # type: ignore[attr-defined]
        return function

    return mark


def decision() -> Callable[[Callable[[Decisions], Violations]], Callable[[Decisions], Violations]]:
    """Marks a rule over what has been decided about findings."""

    def mark(function: Callable[[Decisions], Violations]) -> Callable[[Decisions], Violations]:
        function.rule_kind = "decision"  # type: ignore[attr-defined]
        function.sqlstates = ()  # type: ignore[attr-defined]
        return function

    return mark


# What `verify` tells of what its server did and no rule foretold. They have no code here, and can be decided about like others.
SHOWN_BY_SERVER = {
    "verify/unreported-break": "A write fails where it did not before the migration, and no finding says so.",
    "verify/unreported-failure": "The migration cannot be applied, and no finding says so.",
    "verify/unreported-loss": "A write no longer leaves in the target what it did before, and no finding says so.",
}


@cache
def load_rules() -> tuple[Rule, ...]:
    """All rules, in the order of their ids."""
    found = []
    for module_info in _modules():
        module = importlib.import_module(module_info.name)
        for value in vars(module).values():
            if getattr(value, "rule_kind", None) is not None and value.__module__ == module.__name__:
                _, _, group, name = module_info.name.split(".")
                id_ = f"{group}/{name.replace('_', '-')}"
                momentary = getattr(value, "momentary", False)
                found.append(Rule(id_, value, value.sqlstates, value.rule_kind, momentary, getattr(value, "shown_by", "")))
    return tuple(sorted(found, key=lambda each: each.id))


def _modules() -> list[pkgutil.ModuleInfo]:
    package = importlib.import_module("schemalint.rules")
    return [each for each in pkgutil.walk_packages(package.__path__, "schemalint.rules.") if not each.ispkg]


def rule_ids() -> tuple[str, ...]:
    """The ids of all rules, from the names of their files alone."""
    names = (each.name.split(".") for each in _modules())
    return tuple(sorted(f"{parts[-2]}/{parts[-1].replace('_', '-')}" for parts in names))


def finding_ids() -> tuple[str, ...]:
    """The ids that findings can have, and that people can decide about."""
    return tuple(sorted((*rule_ids(), *SHOWN_BY_SERVER)))
