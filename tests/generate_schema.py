"""Writes `schemas/schemalint.schema.json` anew: `python -m tests.generate_schema`."""

from __future__ import annotations

from pathlib import Path

from schemalint.configuration.schema import json_schema

FILE = Path(__file__).parents[1] / "schemas" / "schemalint.schema.json"

if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json_schema(), encoding="utf-8")
