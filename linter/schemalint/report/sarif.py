"""SARIF 2.1.0 (OASIS), for code scanning: one run, with the rules that have something to say."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from inspect import cleandoc
from typing import Any
from urllib.parse import quote

from schemalint import __version__
from schemalint.finding import Finding, Fix, Report, Severity
from schemalint.report.json import proof_document, spelled
from schemalint.report.proof import answer_of, script_of
from schemalint.rule import SHOWN_BY_SERVER, Rule, load_rules
from schemalint.text import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Report) -> str:
    return spelled(json.dumps(document(report), indent=2, ensure_ascii=True)) + "\n"


def document(report: Report) -> Mapping[str, Any]:
    named = sorted({each.rule for each in report.findings})
    known = {each.id: each for each in load_rules()}
    driver = {
        "name": "schemalint",
        "version": __version__,
        "rules": [_rule(name, known.get(name)) for name in named],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, named.index(each.rule)) for each in report.findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, rule: Rule | None) -> Mapping[str, Any]:
    """What a rule's docstring says, with its headings as Markdown."""
    text = cleandoc(rule.documentation) if rule is not None else SHOWN_BY_SERVER.get(name, name)
    title = text.partition("\n")[0]
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.partition("/")[2].split("-")),
        "shortDescription": {"text": title},
        "help": {"text": text, "markdown": text},
    }


def _result(finding: Finding, index: int) -> Mapping[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [{"physicalLocation": _location(finding.span)}],
        "partialFingerprints": {"schemalint/v1": finding.fingerprint},
        "properties": {
            "certainty": finding.certainty.value,
            **({} if finding.proof is None else {"proof": proof_document(finding.proof)}),
        },
    }
    if finding.fix is not None:
        result["fixes"] = [_fix(finding, finding.fix)]
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, "physicalLocation": _location(each.span), "message": {"text": each.message}}
            for number, each in enumerate(finding.related, 1)
        ]
    return result


def _fix(finding: Finding, fix: Fix) -> Mapping[str, Any]:
    line, column = finding.span.source.position(fix.offset)
    region = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column}
    replacement = {"deletedRegion": region, "insertedContent": {"text": fix.text}}
    change = {"artifactLocation": _location(finding.span)["artifactLocation"], "replacements": [replacement]}
    return {"description": {"text": finding.help or "what ends it"}, "artifactChanges": [change]}


def _message(finding: Finding) -> str:
    parts = [finding.message]
    if finding.answer is not None:
        parts.append(f"PostgreSQL answers: {finding.answer}")
    if finding.witness is not None:
        parts.append(f"Shown by: {finding.witness}")
    if finding.help is not None:
        parts.append(f"Help: {finding.help}")
    if finding.proof is not None:
        parts.append(f"Proof: {answer_of(finding.proof)}")
    if script := script_of(finding):
        parts.append(f"Run: {script}")
    return "\n".join(parts)


def _location(span: Span) -> Mapping[str, Any]:
    path, line, column = span.place
    end_line, end_column = span.source.position(span.end)
    region = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return {"artifactLocation": {"uri": quote(os.fsencode(path))}, "region": region}
