"""GitLab's Code Quality report: a list of issues, of which GitLab shows those that a merge request brings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from schemalint.finding import Finding, Report, Severity
from schemalint.report.json import spelled
from schemalint.report.proof import answer_of, script_of

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def render(report: Report) -> str:
    return spelled(json.dumps([_issue(each) for each in report.findings], indent=2, ensure_ascii=True)) + "\n"


def _issue(finding: Finding) -> Mapping[str, Any]:
    path, line, _ = finding.span.place
    end_line, _ = finding.span.source.position(finding.span.end)
    return {
        "description": _description(finding),
        "check_name": finding.rule,
        "fingerprint": finding.fingerprint,
        "severity": SEVERITIES[finding.severity],
        "location": {"path": path, "lines": {"begin": line, "end": end_line}},
    }


def _description(finding: Finding) -> str:
    parts = [finding.message]
    if finding.proof is not None:
        parts.append(f"Proof: {answer_of(finding.proof)}")
    if script := script_of(finding):
        parts.append(f"Run: {script}")
    return "\n".join(parts)
