"""The JSON schema of `.schemalint.yml`, for editors: made from the types that the file is read by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from schemalint.configuration.settings import Settings


def json_schema() -> str:
    """The schema's text."""
    schema = _written(msgspec.json.schema(Settings, schema_hook=_path))
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "schemalint", **schema}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _written(schema: Any) -> Any:
    """The schema without null: in a file, a key that says nothing is not there."""
    if isinstance(schema, list):
        return [_written(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _written(value) for key, value in schema.items() if not (key == "default" and _is_empty(value))}
    choices = kept.get("anyOf", [])
    if {"type": "null"} in choices:
        (only,) = [each for each in choices if each != {"type": "null"}]
        kept = {**only, **{key: value for key, value in kept.items() if key != "anyOf"}}
    return kept


def _is_empty(default: Any) -> bool:
    """Whether a default says nothing, or says again what stands at the keys below."""
    return default is None or isinstance(default, dict)


def _path(type_: type[Any]) -> dict[str, Any]:
    if type_ is Path:
        return {"type": "string", "minLength": 1}
    raise NotImplementedError(type_)
