"""The fuzzer's other half: a process that runs the commands on one input after another and says how they ended.

It reads one JSON object in a line (files by name, in Base64; the commands) and answers with one. A crash or a hang of the
interpreter is seen by whoever started it, as no answer.
"""

from __future__ import annotations

import base64
import faulthandler
import gc
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import traceback
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from schemalint.cli import run
from schemalint.report.safe import STEERING

EXIT_CODES = (0, 1, 2)
OUTPUTS = "reports"
LONGEST_COMMENT = 65_536
ORDER = re.compile(r"\s*::(?!: )")  # a line that GitHub Actions obeys; the text report's own ::: is none
DEFECTS = ("tool/rule-failed", "internal error")


def main() -> None:
    faulthandler.enable()
    os.environ["SCHEMALINT_STRICT"] = "1"
    answers, sys.stdout = sys.stdout, io.StringIO()
    for line in sys.stdin:
        asked = json.loads(line)
        files = {name: base64.b64decode(each) for name, each in asked["files"].items()}
        answers.write(json.dumps(_answer(files, asked["commands"])) + "\n")
        answers.flush()


def _answer(files: Mapping[str, bytes], commands: Sequence[Sequence[str]]) -> dict[str, str]:
    folder = Path(tempfile.mkdtemp(prefix="schemalint-fuzz-", dir=_memory()))
    try:
        (folder / "project/migrations").mkdir(parents=True)
        (folder / "project" / OUTPUTS).mkdir()
        for name, data in files.items():
            (folder / "project" / name).write_bytes(data)
        os.chdir(folder / "project")
        digest = hashlib.sha256()
        for each in commands:
            failure, output = _ran(each)
            if failure:
                return {"failure": f"{' '.join(each)}: {failure}", "key": failure.strip().splitlines()[-1][:60]} | _place(failure)
            digest.update(output)
        return {"digest": digest.hexdigest()}
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
        # A check turns the collector off, as it is the last thing that its process does. Here it is not.
        gc.enable()


def _place(failure: str) -> dict[str, str]:
    """Which defect it is: where it was raised, and what."""
    frames = [each.strip() for each in failure.splitlines() if each.strip().startswith('File "')]
    own = [each for each in frames if "schemalint" in each or "rules" in each]
    if not own:
        return {}
    kind = failure.strip().splitlines()[-1].partition(":")[0]
    # Where a recursion is cut off is chance; where it began says more.
    return {"key": f"{kind} {own[-1].partition('linter/')[2]}" if kind != "RecursionError" else f"{kind} {_cycle(own)}"}


def _cycle(frames: Sequence[str]) -> str:
    counted = sorted(set(frames), key=lambda each: (-frames.count(each), each))
    return counted[0].partition("linter/")[2]


def _memory() -> str | None:
    """Files in memory, where the system has such a place: they are many, and written to be read once."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _ran(arguments: Sequence[str]) -> tuple[str, bytes]:
    """What is wrong with the way a command ended, if anything, and what it printed."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    kept = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, err
    try:
        code = run(arguments)
    except Exception:
        return traceback.format_exc(), b""
    finally:
        sys.stdout, sys.stderr = kept
    printed, said = (_bytes(each) for each in (out, err))
    reports = {each.name: each.read_bytes() for each in sorted(Path(OUTPUTS).iterdir())}
    fault = "; ".join(_faults(code, arguments, printed.decode(), said.decode()))
    fault = fault or "; ".join(each for name, data in reports.items() for each in _faults_of(name, data.decode()))
    return fault, b"".join((printed, said, *reports.values()))


def _bytes(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


def _faults(code: int, arguments: Sequence[str], printed: str, said: str) -> Iterator[str]:
    if code not in EXIT_CODES:
        yield f"exit code {code}"
    if code == 2 and (printed or len(said.splitlines()) != 1 or not said.startswith("schemalint: error: ")):
        yield f"exit code 2 with {said!r} on standard error"
    if code == 2 and "--output" in " ".join(arguments) and ".schemalint.yml" not in said:
        yield f"migrations ended the run: {said}"
    if code != 2:
        yield from _faults_of("json" if "json" in arguments else "text", printed)


def _faults_of(format_: str, text: str) -> Iterator[str]:
    """What no report may be or hold."""
    for each in DEFECTS:
        if each in text:
            yield f"{each}: {text[text.index(each) :][:300]}"
    steering = {each for each in text if unicodedata.category(each) in STEERING and each not in "\n\u200c\u200d"}
    if steering:
        yield f"{format_} holds {steering}"
    for line in text.splitlines():
        if ORDER.match(line) and not (format_ == "github" and line.startswith(("::error ", "::warning ", "::notice "))):
            yield f"{format_} holds the order {line[:80]}"
    if "##vso[" in text:
        yield f"{format_} holds ##vso["
    if format_ in ("json", "sarif", "gitlab"):
        json.loads(text)
    if format_ == "junit":
        ElementTree.fromstring(text)
    if format_ == "markdown" and len(text) >= LONGEST_COMMENT:
        yield f"a comment of {len(text)} characters"


if __name__ == "__main__":
    main()
