"""A finding as a script for psql: in an empty database it makes the schema, applies the migration and runs the writes.

The statements come out of somebody's migrations. psql takes a backslash outside of quotes for a command of its own, and
what is a quote to it hangs on a setting that a migration may change; so a statement that holds one goes as a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

from schemalint.finding import Finding
from schemalint.report.safe import one_line

if TYPE_CHECKING:
    from schemalint.migrations.migration import History
    from schemalint.verify.prove import Proved


class ScriptError(Exception):
    """There is nothing to write; the message is a part of a line."""


def script_for(proved: Proved, history: History, fingerprint: str | None) -> str:
    """The script of the finding with this fingerprint, or of the gravest that is confirmed. Raises ScriptError."""
    finding = _chosen(proved, fingerprint)
    return "\n".join(_lines(finding, proved, history)) + "\n"


def _chosen(proved: Proved, fingerprint: str | None) -> Finding:
    findings = proved.report.findings
    if fingerprint is not None:
        found = [each for each in findings if each.fingerprint.startswith(fingerprint)]
        if len(found) != 1:
            raise ScriptError(f"{'several findings' if found else 'no finding'} with the fingerprint {fingerprint}")
        return found[0]
    confirmed = [each for each in findings if each.proof is not None and each.proof.verdict == "confirmed"]
    if not confirmed:
        raise ScriptError("no finding is confirmed; --finding FINGERPRINT names one")
    return min(confirmed, key=lambda each: each.severity.rank)


def _lines(finding: Finding, proved: Proved, history: History) -> Iterator[str]:
    from schemalint.parse.statements import Statement, read_migration

    path, line, column = finding.span.place
    proof = finding.proof
    yield f"-- {one_line(finding.rule)}: {one_line(finding.message)}"
    yield f"-- {one_line(path)}:{line}:{column}"
    if proof is not None:
        yield f"-- {proof.verdict}: {one_line(' '.join(each for each in (proof.sqlstate, proof.message) if each))}"
    yield "-- For an empty scratch database: createdb scratch && psql -X -f THIS scratch"
    yield "\\set ON_ERROR_STOP off"
    yield "\\set VERBOSITY verbose"
    if proved.environment is not None and proved.environment.prelude:
        yield "\n-- what the place has before the history"
        yield proved.environment.prelude
    if proved.environment is not None and proved.environment.supabase:
        yield 'SET search_path = "$user", public, extensions;'
    for migration in history.migrations:
        yield f"\n-- {one_line(migration.path)}"
        for part in read_migration(migration):
            if isinstance(part, Statement) and not (part.kind == "CopyStmt" and not part.node.get("filename")):
                yield safe(part.span.text)
        if finding.span.source is migration.source or any(e.source is finding.span.source for e in migration.included):
            break
    if proof is not None and proof.script and not finding.rule.startswith(("fails/", "verify/unreported-failure")):
        yield "\n-- the writes that show it; the last one is the one in question"
        yield "BEGIN;"
        yield from (safe(each) for each in _statements(proof.script))
        yield "SET CONSTRAINTS ALL IMMEDIATE;"
        if finding.sync is not None and finding.sync.target:
            yield f"SELECT * FROM {finding.sync.target};"
        yield "ROLLBACK;"


def _statements(script: str) -> Iterator[str]:
    from schemalint.parse.splitter import pieces

    yield from (script[each.start : each.end] for each in pieces(script))


def safe(statement: str) -> str:
    """A statement that psql sends as it is."""
    if "\\" not in statement:
        return f"{statement};"
    tag = next(tag for number in count() if (tag := f"$statement{number or ''}$") not in statement)
    return f"SELECT {tag}{statement}{tag} \\gexec"
