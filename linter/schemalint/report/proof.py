"""What a server answered to a finding, in words, and the SQL that it answered so."""

from __future__ import annotations

from schemalint.finding import Finding, Proof

SHOWN = 1_500  # characters of SQL in formats that are read in a line or two; JSON and SARIF have all of it


def answer_of(proof: Proof) -> str:
    answer = " ".join(each for each in (proof.sqlstate, proof.message) if each)
    return f"{proof.verdict}: {answer}" if answer else proof.verdict


def script_of(finding: Finding, most: int = SHOWN) -> str | None:
    """The SQL to run; of more than there is room for, the last statements, which are the ones in question."""
    script = finding.proof.script.strip() if finding.proof is not None and finding.proof.script else ""
    if not script:
        return None
    return script if len(script) <= most else _end_of(script, most, finding.fingerprint)


def _end_of(script: str, most: int, fingerprint: str) -> str:
    from schemalint.parse.splitter import pieces

    statements = [f"{script[each.start : each.end]};" for each in pieces(script)] or [script]
    kept: list[str] = []
    for each in reversed(statements):
        if sum(map(len, kept)) + len(each) > most:
            break
        kept.insert(0, each)
    # No comment up to the end of the line: some readers show all of it in one.
    count = len(statements) - len(kept)
    left_out = (
        f"/* {count} {'statement' if count == 1 else 'statements'} left out; --write-script FILE --finding {fingerprint} */"
    )
    return "\n".join([left_out, *kept] if kept else [*statements[-1][:most].split("\n"), left_out])
