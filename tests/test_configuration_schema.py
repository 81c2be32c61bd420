"""The JSON schema of the configuration and its page: fresh, complete, and of one mind with the reader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from schemalint.configuration.errors import EntryError
from schemalint.configuration.files import parse
from schemalint.configuration.schema import json_schema
from tests.generate_schema import FILE

PAGE = (FILE.parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
SCHEMA = json.loads(json_schema())
VALIDATOR = Draft202012Validator(SCHEMA)


def keys(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Every key that the schema knows, as `runner.transaction`."""
    if "$ref" in schema:
        yield from keys(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], prefix)
    for each in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from keys(each, prefix)
    for name, value in schema.get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from keys(value, f"{prefix}{name}.")


def test_it_is_fresh() -> None:
    assert FILE.read_text(encoding="utf-8") == json_schema(), "python -m tests.generate_schema"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("key", list(keys(SCHEMA)))
def test_a_key_is_documented(key: str) -> None:
    if key not in ("runner", "roles"):  # their keys are
        assert f"| `{key}` |" in PAGE


def test_the_page_has_no_other_keys() -> None:
    assert set(re.findall(r"^\| `([\w.]+)` \|", PAGE, re.MULTILINE)) <= set(keys(SCHEMA))


def test_the_example_has_all_keys_and_is_read(tmp_path: Path) -> None:
    example = next(each for each in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if each.startswith("migrations"))
    assert not list(VALIDATOR.iter_errors(json_values(example)))
    configuration = parse(example, tmp_path)
    assert all(f"{key.rpartition('.')[2]}:" in example for key in keys(SCHEMA))
    assert len(configuration.lines) > len(list(keys(SCHEMA)))


def json_values(text: str) -> dict[str, Any]:
    """The text's values as an editor has them: dates are strings."""
    result: dict[str, Any] = json.loads(json.dumps(yaml.safe_load(text), default=str))
    return result


@pytest.mark.parametrize(
    "text",
    [
        "fail_on: warn",
        "nothing: 1",
        "postgres: 9",
        "postgres: '16'",
        "ignore: [{rule: breaks/}]",
        "ignore: [{rule: breaks/, because: ''}]",
        "mirrors: [{source: a}]",
        "mirrors: [{source: a, target: b, odd: 1}]",
        "mirrors: [{source: a.b.c, target: b}]",
        "runner: {lock_timeout: soon}",
        "runner: {transaction: 1}",
        "severity: {breaks/: loud}",
        "migrations: null",
        "select: breaks",
    ],
)
def test_both_refuse(tmp_path: Path, text: str) -> None:
    assert list(VALIDATOR.iter_errors(json_values(text)))
    with pytest.raises(EntryError):
        parse(text, tmp_path)
