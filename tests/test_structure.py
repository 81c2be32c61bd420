"""The one-way order of the layers, what rules may know, and the list of packages."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "linter" / "schemalint"
RULES = ROOT / "rules"

# A module imports from its own layer and from lower ones.
LAYERS = {
    "text": 0,
    "stack": 0,
    "catalog": 1,
    "flow": 2,
    "rule": 3,
    "finding": 3,
    "decision": 3,
    "parse": 4,
    "migrations": 4,
    "interpret": 5,
    "replay": 6,
    "trace": 6,
    "declared": 7,
    "course": 7,
    "judge": 7,
    "decisions": 7,
    "check": 7,
    "syncs": 7,
    "detected": 7,
    "configuration": 7,
    "report": 8,
    "verify": 9,
    "commands": 10,
    "cli": 10,
    "__main__": 10,
}
RULES_MAY_IMPORT = ("schemalint.rule", "schemalint.flow", "schemalint.catalog", "schemalint.text", "schemalint.finding")
# Heavy or dangerous, and so behind one door each.
ONLY_IN = {
    "pglast": {"parse"},
    "sqlglot": {"interpret"},
    "yaml": {"configuration"},
    "click": {"cli", "commands"},
    "psycopg": {"verify"},
    "subprocess": {"commands", "verify"},
}
BANNED = {"rules", "linter", "socket", "pickle"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """The line and full name of each module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative import"
            assert node.module is not None
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{each.name}") for each in node.names)


def part_of(module: str) -> str | None:
    """What stands in the table of layers for a module of the package; the package itself has no layer."""
    names = module.split(".")
    return names[1] if names[0] == "schemalint" and len(names) > 1 and names[1] in {*LAYERS, "rules"} else None


def own_part(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", MODULES, ids=named)
def test_a_module_has_a_layer_and_imports_only_from_it_and_below(file: Path) -> None:
    own = own_part(file)
    if own == "__init__":
        assert not list(imports(file))
        return
    assert own in LAYERS, "a new part of the package needs a layer here"
    for line, module in imports(file):
        part = part_of(module)
        if part == "rules":
            # The one place that lists them; nobody imports a rule by name.
            assert (own, module) == ("rule", "schemalint.rules"), f"line {line} imports {module}"
        elif part is not None:
            assert LAYERS[part] <= LAYERS[own], f"line {line} imports {module}, which is above"


@pytest.mark.parametrize("file", MODULES, ids=named)
def test_what_comes_from_outside_comes_through_one_door(file: Path) -> None:
    for line, module in imports(file):
        top = module.partition(".")[0]
        assert top not in BANNED, f"line {line} imports {module}"
        assert own_part(file) in ONLY_IN.get(top, {own_part(file)}), f"line {line} imports {module}"


@pytest.mark.parametrize("file", sorted(RULES.glob("*/*.py")), ids=named)
def test_a_rule_imports_only_what_rules_may_know(file: Path) -> None:
    for line, module in imports(file):
        inside = module == "schemalint" or module.startswith("schemalint.")
        allowed = any(module == each or module.startswith(f"{each}.") for each in RULES_MAY_IMPORT)
        assert allowed or not inside, f"line {line} imports {module}"


def test_the_packages_listed_are_the_folders() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        listed = tomllib.load(file)["tool"]["setuptools"]["packages"]
    folders = ["schemalint.fixtures", "schemalint.pages"]
    for root, name in ((PACKAGE, "schemalint"), (RULES, "schemalint.rules")):
        folders += [".".join((name, *each.parent.relative_to(root).parts)) for each in root.rglob("__init__.py")]
        bare = [each.parent for each in root.rglob("*.py") if not (each.parent / "__init__.py").exists()]
        assert not bare, "a folder without __init__.py is missing in the wheel"
    assert sorted(listed) == sorted(folders)
