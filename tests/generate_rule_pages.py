"""Writes `docs/rules/` anew: `python -m tests.generate_rule_pages`. It asks the embedded PostgreSQL, for some seconds."""

from __future__ import annotations

from pathlib import Path

from schemalint.rule import Rule, load_rules
from tests.postgres import running_server
from tests.rule_pages import index_of, page_of

FOLDER = Path(__file__).parents[1] / "docs" / "rules"
INDEX = FOLDER / "README.md"


def file_of(rule: Rule) -> Path:
    return FOLDER / f"{rule.id}.md"


def write_all() -> None:
    rules = load_rules()
    for stale in FOLDER.glob("*/*.md"):
        stale.unlink()
    with running_server() as server:
        for each in rules:
            file_of(each).parent.mkdir(parents=True, exist_ok=True)
            file_of(each).write_text(page_of(server, each), encoding="utf-8", newline="\n")
    INDEX.write_text(index_of(rules), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_all()
