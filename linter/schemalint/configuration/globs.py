"""Globs over paths with "/": `*` and `?` stay inside a name, `**` stands for any number of folders."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(glob: str, path: str) -> bool:
    """Whether a path fits a glob. A glob that ends in "/" stands for all below it."""
    if glob.endswith("/"):
        glob += "**"
    names = path.split("/")
    reached = {0}  # how many of the path's names the glob's parts so far can stand for
    for part in glob.removeprefix("./").split("/"):
        if part == "**":
            reached = set(range(min(reached, default=len(names) + 1), len(names) + 1))
        else:
            reached = {each + 1 for each in reached if each < len(names) and fnmatchcase(names[each], part)}
    return len(names) in reached
