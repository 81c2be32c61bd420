"""Times `schemalint check` beside squawk and a bare interpreter, on the same migrations, in turns.

    python -m benchmarks.run [--sizes 50,500,5000] [--runs 5] [--seed N]

benchmarks/README.md says how to read what it prints.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.history import SEED, write

BARE = "python -c pass"
VERSION = "schemalint --version"
CHECK = "schemalint check"
SQUAWK = "squawk"
BUDGETS = ((500, 8.0), (5000, 4.0))  # migrations, and how many times squawk's time they may take


class Run(NamedTuple):
    seconds: float
    megabytes: float  # the peak of its resident memory
    status: int
    complaint: str  # the last line on standard error
    crashed: bool


class Program(NamedTuple):
    name: str
    command: tuple[str, ...]
    statuses: tuple[int, ...]  # that say it did its work


def installed(name: str) -> str | None:
    """The command of that name that belongs to this interpreter, else one on the path."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


def programs(folder: Path) -> list[Program]:
    """What is timed on a folder of migrations; squawk only where it is installed."""
    found = [Program(BARE, (sys.executable, "-c", "pass"), (0,))]
    squawk = installed("squawk")
    if squawk:
        found.append(Program(SQUAWK, (squawk, f"{folder}/*.sql"), (0, 1)))
    found.append(Program(CHECK, (needed("schemalint"), "check", str(folder)), (0, 1)))
    return found


def needed(name: str) -> str:
    command = installed(name)
    if command is None:
        raise SystemExit(f"{name} is not installed for {sys.executable}: pip install .")
    return command


def run(command: Sequence[str], directory: Path) -> Run:
    """One run of the whole process, with nothing kept from an earlier one."""
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryFile() as errors:
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed tool has its bytecode
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
    kilobytes = usage.ru_maxrss / 1024 if platform.system() == "Darwin" else usage.ru_maxrss
    return Run(seconds, kilobytes / 1024, process.returncode, said.rpartition("\n")[2], "Traceback" in said)


class Measured(NamedTuple):
    seconds: float  # the median
    megabytes: float


def measure(found: Sequence[Program], directory: Path, runs: int) -> dict[str, Measured]:
    """Each program that often, in turns, so that what disturbs the machine disturbs all of them."""
    results: dict[str, list[Run]] = defaultdict(list)
    for turn in range(runs + 1):
        for program in found:
            result = run(program.command, directory)
            if result.crashed or result.status not in program.statuses:
                raise SystemExit(f"{program.name} ended with {result.status}: {result.complaint}")
            if turn:  # the first turn fills the file system's cache
                results[program.name].append(result)
    return {name: Measured(median(r.seconds for r in each), max(r.megabytes for r in each)) for name, each in results.items()}


def rows(measured: dict[str, Measured]) -> Iterator[str]:
    squawk = measured.get(SQUAWK)
    for name, each in measured.items():
        ratio = f"   {each.seconds / squawk.seconds:5.1f} × squawk" if squawk and name not in (BARE, SQUAWK) else ""
        yield f"  {name:22}{each.seconds:8.3f} s{each.megabytes:8.0f} MB{ratio}"


def growth(sizes: dict[int, dict[str, Measured]]) -> Iterator[str]:
    """How many times longer each program takes for how many times more migrations."""
    for (few, before), (many, after) in pairwise(sizes.items()):
        said = ", ".join(f"{name} × {after[name].seconds / before[name].seconds:.1f}" for name in after if name != BARE)
        yield f"from {few} to {many} migrations (× {many / few:.0f}): {said}"


def budgets(sizes: dict[int, dict[str, Measured]]) -> Iterator[str]:
    for size, times in BUDGETS:
        measured = sizes.get(size, {})
        if SQUAWK in measured:
            ratio = measured[CHECK].seconds / measured[SQUAWK].seconds
            kept = "kept" if ratio <= times else "MISSED"
            yield f"{kept}: {size} migrations in {times:.0f} × squawk's time at most ({ratio:.1f})"


def start_up(directory: Path, runs: int) -> str:
    found = [Program(BARE, (sys.executable, "-c", "pass"), (0,)), Program(VERSION, (needed("schemalint"), "--version"), (0,))]
    measured = measure(found, directory, max(runs, 11))
    more = (measured[VERSION].seconds - measured[BARE].seconds) * 1000
    said = f"{VERSION}: {measured[VERSION].seconds:.3f} s, {more:.0f} ms more than a bare interpreter"
    return f"{said}\n{'kept' if more <= 60 else 'MISSED'}: within 60 ms of it"


def describe() -> str:
    squawk = installed("squawk")
    version = subprocess.run([squawk, "--version"], capture_output=True, text=True, check=True).stdout.strip() if squawk else None
    note = version or "squawk is not installed, so nothing is compared with it: pip install squawk-cli"
    return f"Python {platform.python_version()} on {platform.machine()} with {os.cpu_count()} processors; {note}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="50,500,5000", help="numbers of migrations, with commas between them")
    parser.add_argument("--runs", type=int, default=5, help="of each program on each size; the median counts")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    print(describe(), flush=True)
    sizes: dict[int, dict[str, Measured]] = {}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for size in sorted(map(int, arguments.sizes.split(","))):
            folder = directory / f"{size}" / "migrations"
            written = write(folder, size, arguments.seed)
            print(f"\n{size} migrations, {written / 1000:.0f} kB, median of {arguments.runs} runs", flush=True)
            sizes[size] = measure(programs(folder), folder.parent, arguments.runs)
            print("\n".join(rows(sizes[size])), flush=True)
        print("", *growth(sizes), "", start_up(directory, arguments.runs), *budgets(sizes), sep="\n")


if __name__ == "__main__":
    main()
