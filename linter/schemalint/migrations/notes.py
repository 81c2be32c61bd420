"""What is said of a history before anything of it is read: versions that stand twice or are missing, files left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from schemalint.migrations.migration import Migration
from schemalint.migrations.names import base_of, is_down, named
from schemalint.migrations.places import NOTES_OF_A_KIND, some

LONGEST_NUMBER = 6  # digits of a version that counts migrations, and is no date
WHOLE = 0.8  # the share of numbers that is there where somebody counts on


def on_versions(migrations: Iterable[Migration]) -> list[str]:
    versions: dict[str, list[str]] = defaultdict(list)
    for each in migrations:
        if each.version:
            versions[each.version].append(each.path)
    twice = [_twice(version, paths) for version, paths in versions.items() if len(paths) > 1]
    return [*some(twice), *some(_gaps(versions))]


def _twice(version: str, paths: Sequence[str]) -> str:
    return f"version {version} stands {len(paths)} times, read in this order: {', '.join(paths[:NOTES_OF_A_KIND])}"


def _gaps(versions: dict[str, list[str]]) -> list[str]:
    """Numbers that are missing where migrations are counted one by one."""
    if not all(each.isdecimal() and len(each) <= LONGEST_NUMBER for each in versions):
        return []
    numbers = sorted({int(each): paths[-1] for each, paths in versions.items()}.items())
    if not numbers or len(numbers) < WHOLE * (numbers[-1][0] - numbers[0][0] + 1):
        return []
    return [
        f"version {'' if after - before == 2 else 'numbers '}{_between(before, after)} missing between {path} and {next_path}"
        for (before, path), (after, next_path) in pairwise(numbers)
        if after - before > 1
    ]  # fmt: skip


def _between(before: int, after: int) -> str:
    return f"{before + 1} is" if after - before == 2 else f"{before + 1} to {after - 1} are"


def on_files(files: Sequence[str], members: Iterable[str], start: str) -> list[str]:
    """What is said of the SQL files of the folder that are not read."""
    read = set(members)
    versions = {named(each).version for each in read} if len(files) > len(read) else set()
    lone = [each for each in files if is_down(each) and _version_of_down(each) not in versions]
    notes = [f"{start}{each} is named like the way back of a migration and was not read" for each in sorted(lone)]
    others = sum(each not in read and not is_down(each) for each in files)
    if others and read:
        notes.append(f"{others} SQL {'file' if others == 1 else 'files'} elsewhere below {start or './'} not read")
    return some(notes)


def _version_of_down(path: str) -> str:
    folder, file = path.rpartition("/")[0], base_of(path)
    return named(folder.rpartition("/")[2] if file.lower() == "down.sql" else file.lstrip("U")).version
