"""What git knows of the migrations: which of them a branch changes, and what the index holds.

The one place where another program is run: git itself, without a shell, and with everything off that a repository's own
configuration could make it start.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from schemalint.commands.output import CommandError

QUIET = (
    "-c", "core.fsmonitor=false", "-c", "core.quotepath=false", "-c", "core.hooksPath=/dev/null", "-c", "diff.external=",
    "-c", "core.pager=cat", "--no-optional-locks", "--literal-pathspecs",
)  # fmt: skip
SECONDS = 120


def git(arguments: Sequence[str], directory: Path, stdin: bytes | None = None) -> bytes:
    """What a git command prints. Raises CommandError with the last line that git complains with."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *QUIET, *arguments],
            cwd=directory,
            env=environment,
            input=stdin,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandError("git is not installed, and --since and --staged ask it what has changed") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"git {arguments[0]} did not work ({error})") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise CommandError(f"git {arguments[0]}: {lines[-1].removeprefix('fatal: ')}")
    return done.stdout


def top_of(directory: Path) -> Path:
    """The working tree's top folder. Raises CommandError."""
    try:
        return Path(os.fsdecode(git(["rev-parse", "--show-toplevel"], directory).rstrip(b"\n")))
    except CommandError as error:
        if "not a git repository" in str(error):
            raise CommandError("this is no git repository, so there is nothing to compare with") from error
        raise


class Changed(NamedTuple):
    """Files that a branch, or a commit to be, changes."""

    there: list[Path]
    new: list[Path]  # those of them that were not there before
    gone: list[Path]


def changed_since(revision: str, directory: Path) -> Changed:
    """The files that differ from where this branch left a revision. Raises CommandError.

    What is not committed yet counts, and so do files that git does not know.
    """
    top = top_of(directory)
    if revision.startswith("-"):
        raise CommandError(f"--since {revision}: is no revision")
    try:
        commit = git(["rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"], top).decode().strip()
    except CommandError as error:
        raise CommandError(f"--since {revision}: git knows no such revision{_if_shallow(top)}") from error
    try:
        base = git(["merge-base", commit, "HEAD"], top).decode().split()[0]
    except (CommandError, IndexError) as error:
        raise CommandError(f"--since {revision}: has no commit in common with this branch{_if_shallow(top)}") from error
    listed = git(["diff", "--name-status", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", base, "--"], top)
    unknown = [top / os.fsdecode(each) for each in _words(git(["ls-files", "--others", "--exclude-standard", "-z"], top))]
    changed = _changed(listed, top)
    return Changed([*changed.there, *unknown], [*changed.new, *unknown], changed.gone)


def _words(listed: bytes) -> list[bytes]:
    return [each for each in listed.split(b"\0") if each]


def _changed(listed: bytes, top: Path) -> Changed:
    """What `git diff --name-status -z` lists."""
    words = listed.split(b"\0")
    pairs = [(status, top / os.fsdecode(name)) for status, name in zip(words[::2], words[1::2], strict=False)]
    return Changed(
        [name for status, name in pairs if status != b"D"],
        [name for status, name in pairs if status == b"A"],
        [name for status, name in pairs if status == b"D"],
    )


def staged(directory: Path) -> tuple[Path, Changed, dict[str, bytes]]:
    """The top folder, the files that a commit would change, and every SQL file as the index holds it. Raises CommandError."""
    top = top_of(directory)
    against = ["HEAD"] if _has_commits(top) else [git(["hash-object", "-t", "tree", "--stdin"], top, b"").decode().strip()]
    arguments = ["diff", "--cached", "--name-status", "-z", "--no-renames", "--no-ext-diff", "--diff-filter=d", *against, "--"]
    changed = _changed(git(arguments, top), top)
    entries = [each.split(b"\t", 1) for each in _words(git(["ls-files", "--stage", "-z"], top))]
    wanted = [(os.fsdecode(name), fields.split()) for fields, name in entries if is_read(name)]
    plain = [(name, fields[1]) for name, fields in wanted if fields[0] in (b"100644", b"100755") and fields[2] == b"0"]
    texts = _blobs([each for _, each in plain], top)
    return top, changed, {name: text for (name, _), text in zip(plain, texts, strict=True)}


def is_read(name: bytes) -> bool:
    """Whether a file can be a migration, or tells how a tool orders them."""
    base = name.rpartition(b"/")[2].lower()
    return base.endswith((b".sql", b".toml", b".plan", b".json", b".sum", b".conf"))


def _blobs(objects: Sequence[bytes], top: Path) -> list[bytes]:
    """The contents of objects, in their order, by one process."""
    answer = git(["cat-file", "--batch"], top, b"".join(each + b"\n" for each in objects)) if objects else b""
    texts: list[bytes] = []
    position = 0
    for _ in objects:
        end = answer.index(b"\n", position)
        size = int(answer[position:end].split()[2])
        texts.append(answer[end + 1 : end + 1 + size])
        position = end + 1 + size + 1
    return texts


def _has_commits(top: Path) -> bool:
    try:
        git(["rev-parse", "--verify", "--quiet", "HEAD"], top)
    except CommandError:
        return False
    return True


def _if_shallow(top: Path) -> str:
    shallow = git(["rev-parse", "--is-shallow-repository"], top).strip() == b"true"
    return ": the clone is shallow, fetch the whole history (fetch-depth: 0)" if shallow else ""
