"""A report as one JSON object, for other programs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from schemalint import __version__
from schemalint.finding import Finding, Place, Proof, Report, Severity, Sync, Unmodelled
from schemalint.text import Span

# JSON lets a character be spelled as its code, and these are read by terminals and build services on the way.
RISKY = re.compile(r"##(?=\w*\[)|\x7f")
SPELLED = {"##": "#\\u0023", "\x7f": "\\u007f"}


def render(report: Report) -> str:
    # Escapes for all that is not ASCII: no terminal obeys it, and no console's encoding can fail on it.
    return spelled(json.dumps(document(report), indent=2, ensure_ascii=True)) + "\n"


def spelled(text: str) -> str:
    """JSON in which nothing is left that is read as an order on the way."""
    return RISKY.sub(lambda match: SPELLED[match.group()], text)


def document(report: Report) -> Mapping[str, Any]:
    """The object; its keys are a contract, and each is there even where it has no value."""
    return {
        "tool": {"name": "schemalint", "version": __version__},
        "findings": [_finding(each) for each in report.findings],
        "unmodelled": [_unmodelled(each) for each in report.unmodelled],
        "summary": {
            "migrations": report.migrations,
            "checked": report.checked,
            "errors": _count(report, Severity.ERROR),
            "warnings": _count(report, Severity.WARNING),
            "infos": _count(report, Severity.INFO),
            "suppressed": report.suppressed,
        },
    }


def _finding(finding: Finding) -> Mapping[str, Any]:
    end_line, end_column = finding.span.source.position(finding.span.end)
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "certainty": finding.certainty.value,
        "message": finding.message,
        **_start(finding.span),
        "end_line": end_line,
        "end_column": end_column,
        "sync": None if finding.sync is None else _sync(finding.sync),
        "related": [_place(each) for each in finding.related],
        "sqlstate": finding.sqlstate,
        "witness": finding.witness,
        "help": finding.help,
        "fingerprint": finding.fingerprint,
        **({} if finding.proof is None else {"proof": proof_document(finding.proof)}),
    }


def proof_document(proof: Proof) -> Mapping[str, Any]:
    return {"verdict": proof.verdict, "sqlstate": proof.sqlstate, "message": proof.message, "script": proof.script}


def _start(span: Span) -> Mapping[str, Any]:
    path, line, column = span.place
    return {"path": path, "line": line, "column": column}


def _sync(sync: Sync) -> Mapping[str, Any]:
    return {"source": sync.source, "target": sync.target, "trigger": sync.trigger, "function": sync.function}


def _place(place: Place) -> Mapping[str, Any]:
    return {**_start(place.span), "message": place.message}


def _unmodelled(unmodelled: Unmodelled) -> Mapping[str, Any]:
    path, line, _ = unmodelled.span.place
    return {"path": path, "line": line, "reason": unmodelled.reason}


def _count(report: Report, severity: Severity) -> int:
    return sum(each.severity is severity for each in report.findings)
