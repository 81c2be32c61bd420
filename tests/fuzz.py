"""Drives the commands with broken histories, and says which of them end otherwise than they should.

    nice python -m tests.fuzz --seconds 3600 [--seed S] [--limit SECONDS] [--again SEED]

A failure is an exception that is not answered in one line, a crash or a hang of the interpreter, a report that is not
well-formed or that steers who reads it, and output that differs between two processes. Each distinct one is printed
once, with its input shrunk; `--again` runs the input of one seed.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from types import TracebackType
from typing import NamedTuple

from tests.fuzz_inputs import Files, made

FORMATS = ("json", "sarif", "github", "gitlab", "junit", "markdown")
CHECK = ("check", *(f"--output={each}:reports/{each}" for each in FORMATS))
LAST = "migrations/{last}"
OTHERS = (
    ("check", "--format", "json", LAST), ("map",), ("map", "--format", "json"), ("schema",), ("schema", "--format", "json"),
    ("suppressions",), ("check", "--format", "markdown", "--ignore", "fails"), ("init", "--print"),
)  # fmt: skip
SECOND_OPINION = 4  # every so many inputs, another process with another hash seed must print the same
LIMIT = 10.0  # seconds for an input
SHRINKING = 60.0  # seconds for one failure


class Failure(NamedTuple):
    key: str  # the same for the same defect
    text: str


class Worker:
    """A process that runs inputs, started again after each that ended it."""

    def __init__(self, hash_seed: int, limit: float) -> None:
        self._hash_seed = str(hash_seed)
        self._limit = limit
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def run(self, files: Files, commands: Sequence[Sequence[str]]) -> Failure | str:
        """What went wrong, or a digest of all that was printed."""
        process = self._started()
        encoded = {name: base64.b64encode(each).decode() for name, each in files.items()}
        answer = self._answer(process, json.dumps({"files": encoded, "commands": commands}).encode() + b"\n")
        if answer is None:
            process.kill()
            self._end()
            return Failure("hang", f"no answer in {self._limit:.0f} seconds")
        if not answer:
            code = process.wait()
            self._end()
            return Failure(f"crash {code}", f"the interpreter ended with {code}")
        found = json.loads(answer)
        return Failure(found["key"], found["failure"]) if "failure" in found else str(found["digest"])

    def _answer(self, process: subprocess.Popen[bytes], question: bytes) -> bytes | None:
        """The line that comes back; empty where the process is gone, None where it takes too long."""
        assert process.stdin is not None and process.stdout is not None
        end = monotonic() + self._limit
        try:
            process.stdin.write(question)
            process.stdin.flush()
        except BrokenPipeError:
            return b""
        answer = b""
        while not answer.endswith(b"\n"):
            if not select.select([process.stdout], [], [], max(0.0, end - monotonic()))[0]:
                return None
            read = os.read(process.stdout.fileno(), 1 << 16)
            if not read:
                return b""
            answer += read
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONHASHSEED": self._hash_seed},
            )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._process.stdin.close()
            self._process = None


def commands_for(files: Files, number: int) -> list[list[str]]:
    """A check with all reports, and one of the other commands in turn."""
    last = max(name.rpartition("/")[2] for name in files if name.endswith(".sql"))
    return [[each.format(last=last) for each in command] for command in (CHECK, OTHERS[number % len(OTHERS)])]


def tried(files: Files, number: int, workers: Sequence[Worker], both: bool) -> Failure | None:
    commands = commands_for(files, number)
    answers = [each.run(files, commands) for each in workers[: 1 + both]]
    failed = next((each for each in answers if isinstance(each, Failure)), None)
    if failed is None and len(set(answers)) > 1:
        return Failure("not the same twice", "two processes print differently")
    return failed


# -- shrinking


def shrunk(files: Files, still: Callable[[Files], bool], seconds: float = SHRINKING) -> Files:
    """The input without what the failure does not need: files first, then halves, quarters … of each text."""
    end = monotonic() + seconds
    changed = True
    while changed and monotonic() < end:
        changed = False
        for smaller in _smaller(files):
            if monotonic() > end:
                break
            if still(smaller):
                files, changed = smaller, True
                break
    return files


def _smaller(files: Files) -> Iterator[Files]:
    for name in sorted(files):
        rest = {each: data for each, data in files.items() if each != name}
        if any(each.endswith(".sql") for each in rest):
            yield rest
    for name, data in sorted(files.items()):
        size = len(data)
        while size:
            for at in range(0, len(data), size):
                yield {**files, name: data[:at] + data[at + size :]}
            size //= 2


def printed(files: Files) -> str:
    return "\n".join(f"--- {name}\n{data.decode('utf-8', 'backslashreplace')}" for name, data in sorted(files.items()))


# -- the run


def fuzz(seconds: float, seed: str, limit: float = LIMIT, say: Callable[[str], None] = print) -> tuple[int, list[str]]:
    """Runs inputs for so long; how many, and the keys of the distinct failures among them."""
    end = monotonic() + seconds
    failures: list[str] = []
    number = 0
    with Worker(1, limit) as one, Worker(2, limit) as other:
        while monotonic() < end:
            _try(number, f"{seed}:{number}", (one, other), failures, say)
            number += 1
    return number, failures


def _try(number: int, seed: str, workers: Sequence[Worker], failures: list[str], say: Callable[[str], None]) -> None:
    files = made(seed)
    both = number % SECOND_OPINION == 0
    failure = tried(files, number, workers, both)
    if failure is None or failure.key in failures:
        return
    failures.append(failure.key)
    key = failure.key

    def still(smaller: Files) -> bool:
        again = tried(smaller, number, workers, both)
        return again is not None and again.key == key

    say(f"=== {seed}: {failure.key}\n{failure.text}\n{printed(shrunk(files, still))}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Drive the commands with broken histories.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for one input")
    parser.add_argument("--again", metavar="SEED", help="run only the input of this seed, as it is printed with a failure")
    options = parser.parse_args()

    def say(text: str) -> None:
        print(text, flush=True)

    if options.again is not None:
        number = int(options.again.rpartition(":")[2])
        with Worker(1, options.limit) as one, Worker(2, options.limit) as other:
            found: list[str] = []
            _try(number, options.again, (one, other), found, say)
        return 1 if found else 0
    count, failures = fuzz(options.seconds, options.seed, options.limit, say)
    say(f"{count} inputs, {len(failures)} distinct failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
