"""The formats for other programs: each read by what it is for, and hostile text in none of them obeyed."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from sarif_pydantic import Sarif

from tests.test_command_line import SEED, run

FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit", "markdown")
HOSTILE = (
    'CREATE TABLE "::error::x\x1b[31m<script>alert(1)</script>" (id int); -- ##vso[task.complete]\n'
    'CREATE TABLE "::error::x\x1b[31m<script>alert(1)</script>" (id int);\n'
    "::add-mask::x @octocat [link](https://example.org) ]]> & `code`;\n"
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/1_a.sql").write_text(HOSTILE)
    return tmp_path


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_bytes_each_time(format_: str) -> None:
    first, second = (run(SEED, "check", "--format", format_) for _ in range(2))
    assert first.returncode == 1
    assert first.stdout == second.stdout
    assert first.stdout


def test_sarif() -> None:
    log = Sarif.model_validate(json.loads(run(SEED, "check", "--format", "sarif").stdout))
    (only,) = log.runs
    assert only.tool.driver.name == "schemalint"
    named = [each.id for each in only.tool.driver.rules or []]
    results = only.results or []
    assert results
    for each in results:
        assert each.rule_id in named
        assert each.rule_index is not None
        assert named[each.rule_index] == each.rule_id
        (location,) = each.locations or []
        assert location.physical_location is not None
        assert location.physical_location.region is not None
        assert (location.physical_location.region.start_line or 0) >= 1
    found = json.loads(run(SEED, "check", "--format", "json").stdout)["findings"]
    prints = [(each.partial_fingerprints or {})["schemalint/v1"] for each in results]
    assert prints == [each["fingerprint"] for each in found]


def test_github() -> None:
    lines = run(SEED, "check", "--format", "github").stdout.splitlines()
    assert lines
    for each in lines:
        assert re.fullmatch(
            r"::(error|warning|notice) file=[^:,]+,line=\d+,endLine=\d+,title=[^:,]+(,col=\d+,endColumn=\d+)?::.+", each
        )


def test_gitlab() -> None:
    issues = json.loads(run(SEED, "check", "--format", "gitlab").stdout)
    assert {"description", "check_name", "fingerprint", "severity", "location"} == set(issues[0])
    assert {each["severity"] for each in issues} <= {"info", "minor", "major", "critical", "blocker"}
    assert len({each["fingerprint"] for each in issues}) == len(issues)


def test_junit(hostile: Path) -> None:
    for folder in (SEED, hostile):
        root = ElementTree.fromstring(run(folder, "check", "--format", "junit").stdout)
        assert root.tag == "testsuites"
        assert int(root.attrib["tests"]) == len(root.findall(".//testcase"))
        assert int(root.attrib["failures"]) == len(root.findall(".//failure")) > 0


def test_markdown_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    text = "".join(f"CREATE TABLE t{n} (id int);\nCREATE TABLE t{n} (id int);\n" for n in range(400))
    (tmp_path / "migrations/1_a.sql").write_text(text)
    comment = run(tmp_path, "check", "--format", "markdown").stdout
    assert len(comment) < 65536
    assert re.search(r"… and \d+ more", comment)


@pytest.mark.parametrize("format_", FORMATS)
def test_hostile_text_is_not_obeyed(hostile: Path, format_: str) -> None:
    done = run(hostile, "check", "--format", format_)
    assert done.returncode == 1
    for line in done.stdout.splitlines():
        assert "\x1b" not in line
        assert "##vso[" not in line
        own = format_ == "github" and re.match(r"::(error|warning|notice) file=", line)
        assert own or not line.lstrip().startswith("::")
    if format_ == "markdown":
        outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", done.stdout, flags=re.DOTALL)
        assert "<script>" not in outside
        assert "](https" not in outside


def test_several_at_once(tmp_path: Path) -> None:
    wanted = [f"--output={each}:{tmp_path / each}" for each in FORMATS]
    done = run(SEED, "check", *wanted)
    assert done.returncode == 1
    for each in FORMATS:
        alone = run(SEED, "check", "--format", each)
        assert (tmp_path / each).read_text(encoding="utf-8") == alone.stdout
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(FORMATS)


@pytest.mark.parametrize(
    ("output", "message"),
    [("sarif", "write FORMAT:FILE"), ("pdf:x", "formats are text, json"), ("json:/no/such/folder/x", "cannot be written")],
)
def test_outputs_that_cannot_be(output: str, message: str) -> None:
    done = run(SEED, "check", "--output", output)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
