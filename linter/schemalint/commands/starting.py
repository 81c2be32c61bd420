"""The files that a project begins with: the configuration, a hook for pre-commit, a workflow for GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from re import ASCII
from re import compile as pattern
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from schemalint import __version__
from schemalint.report.safe import one_line, without_commands

if TYPE_CHECKING:
    from schemalint.detected import Detected
    from schemalint.migrations.migration import History

HOOK_FILE = ".pre-commit-config.yaml"
WORKFLOW_FILE = ".github/workflows/schemalint.yml"
PLAIN = pattern(r"[A-Za-z][A-Za-z0-9_./-]*")
RESERVED = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
ON_GITHUB = pattern(r"https://github\.com/(?P<repository>[\w-]+/[\w.-]+?)(?:\.git)?/?", ASCII)
EVENTS = {"insert": "new rows", "update": "edits", "delete": "deletes"}


def quoted(word: str) -> str:
    """A string as YAML reads it in one line, whatever is in it."""
    if PLAIN.fullmatch(word) and word.lower() not in RESERVED:
        return word
    return without_commands('"' + "".join(map(_spelled, word)) + '"')


def _spelled(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def configuration_text(history: History, mirrors: Sequence[Detected]) -> str:
    """The configuration, with what was found in the history."""
    return "\n".join(_configuration_lines(history, mirrors)) + "\n"


def _configuration_lines(history: History, mirrors: Sequence[Detected]) -> Iterator[str]:
    count = len(history.migrations)
    found = f"{count} {'migration' if count == 1 else 'migrations'} in {one_line(history.root)} ({history.layout})"
    yield f"# What `schemalint init` found: {found}, {len(mirrors)} {'sync' if len(mirrors) == 1 else 'syncs'}."
    yield ""
    yield "# The folder of the migrations, relative to this file."
    yield f"migrations: {quoted(history.root)}"
    yield ""
    yield "# The least severity that makes the exit code 1: error, warning, info or never."
    yield "fail_on: error"
    yield ""
    yield "# The server's version."
    yield "# postgres: 18"
    yield ""
    yield "# Severities of rules (`schemalint rules` lists them) and of groups: error, warning, info or off."
    yield "# severity:"
    yield "#   loses/: warning"
    yield ""
    yield "# Findings that were there before: `schemalint baseline` writes the file."
    yield "# baseline: .schemalint-baseline.json"
    yield ""
    yield "# Syncs are found without being declared. What is agreed on about one can be said here:"
    yield "# left_out: [column, …], one_way: true, insert_only: true, retired: true"
    yield from _mirror_lines(mirrors)


def _mirror_lines(mirrors: Sequence[Detected]) -> Iterator[str]:
    yield "# mirrors:"
    for each in mirrors:
        carried = ", ".join(word for event, word in EVENTS.items() if event in each.events)
        yield f"#   - source: {quoted(each.source)}"
        yield f"#     target: {quoted(each.target)}  # carries {carried}"
    if not mirrors:
        yield "#   - source: public.new_table"
        yield "#     target: public.old_table"


def hook_text(origin: tuple[str, str] | None) -> str:
    """The hook's entry for pre-commit."""
    if origin is not None:
        repository, commit = map(json.dumps, origin)
        return f"repos:\n  - repo: {repository}\n    rev: {commit}\n    hooks:\n      - id: schemalint\n"
    return (
        "repos:\n"
        "  - repo: local\n"
        "    hooks:\n"
        "      - id: schemalint\n"
        "        name: schemalint\n"
        "        entry: schemalint check  # as it is installed where the hook runs\n"
        "        language: system\n"
        "        files: \\.sql$\n"
        "        require_serial: true\n"
    )


def requirement(origin: tuple[str, str] | None) -> str:
    """What pip installs."""
    return f"schemalint=={__version__}" if origin is None else f"schemalint @ git+{origin[0]}@{origin[1]}"


def workflow_text(origin: tuple[str, str] | None) -> str:
    """A workflow that checks what each pull request changes."""
    return (
        "name: schemalint\n"
        "on:\n"
        "  pull_request:\n"
        "permissions:\n"
        "  contents: read\n"
        "jobs:\n"
        "  schemalint:\n"
        "    runs-on: ubuntu-latest\n"
        "    steps:\n"
        "      - uses: actions/checkout@v4\n"
        "        with:\n"
        "          fetch-depth: 0  # to see where the branch left the one that it goes to\n"
        "      - uses: actions/setup-python@v5\n"
        "        with:\n"
        '          python-version: "3.13"\n'
    ) + _check_steps(origin)


def _check_steps(origin: tuple[str, str] | None) -> str:
    """The action that comes with schemalint, or where it cannot be had, what it does without it."""
    action = action_of(origin)
    if action is not None:
        return f"      - uses: {action}\n"
    return (
        '      - run: pip install "$REQUIREMENT"\n'
        "        env:\n"
        f"          REQUIREMENT: {json.dumps(requirement(origin))}\n"
        '      - run: schemalint check --since "origin/$GITHUB_BASE_REF" --format github\n'
    )


def action_of(origin: tuple[str, str] | None) -> str | None:
    """How a workflow names the action of a repository on GitHub."""
    found = ON_GITHUB.fullmatch(origin[0]) if origin is not None else None
    return f"{found['repository']}@{origin[1]}" if origin is not None and found is not None else None


def origin_of(direct_url: str | None) -> tuple[str, str] | None:
    """The repository and commit that this schemalint was installed from, by pip's record (PEP 610) of it.

    None where it was installed otherwise, or where nobody else could fetch it from there.
    """
    try:
        record = json.loads(direct_url or "null")
        address, commit = record["url"], record["vcs_info"]["commit_id"]
        parts = urlsplit(address)
    except (ValueError, TypeError, KeyError):
        return None
    if parts.scheme != "https" or parts.username or parts.password or not str(commit).isalnum():
        return None
    return address, commit
