"""What the server's answers say to a finding, and what they say that no finding did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from re import compile as pattern
from re import escape, search

import msgspec

from schemalint.finding import Finding, Proof
from schemalint.rule import load_rules
from schemalint.verify.flows import Line, Lost, left_behind, newly_lost
from schemalint.verify.probe import Outcome, Probed
from schemalint.verify.replaying import Applied, Refused

EVENTS = ("insert", "update", "delete")
OF_ONE_OBJECT = "23"  # what violates a constraint names it: another constraint's violation proves nothing
IN_OWN_WORDS = ("breaks/parent-delete-blocked",)  # the rules whose answer tells the way to the error, not its text
NAMED = pattern(r"\"([^\"]+)\"")
QUOTED = pattern(r"(?<=: )\".*\"$")  # a value at the end of a message
OF_THE_RUN = ("53", "55", "57", "58", "XX", "08", "25")  # limits, locks and ends of sessions are not the migration's doing


class Around(msgspec.Struct, frozen=True):
    """One source, before and after one migration."""

    source: str  # qualified, as findings print it
    before: Probed
    after: Probed
    old_lines: tuple[Line, ...]
    new_lines: tuple[Line, ...]


class Unsaid(msgspec.Struct, frozen=True):
    """Something that the server shows and `check` did not say."""

    kind: str  # "break" or "loss"
    source: str
    outcome: Outcome
    message: str
    always: bool = False  # no write of the event went otherwise


def proof_of_failure(finding: Finding, applied: Applied, seeded: Applied | None) -> Proof:
    """Of a finding that a migration cannot be applied."""
    stated = stated_by(finding)
    for attempt, where in ((applied, ""), (seeded, " on tables that have rows")):
        for each in attempt.refused if attempt is not None else ():
            if _is_at(each, finding):
                if not stated or each.sqlstate in stated:
                    return Proof("confirmed", each.sqlstate, each.message + where, each.span.text)
                return Proof("not reached", each.sqlstate, f"another error stands before it: {each.message}", each.span.text)
    skipped = next((s for s in applied.skipped if s.span.start <= finding.span.start < s.span.end), None)
    if skipped is not None:
        return Proof("not reached", None, skipped.reason)
    if finding.certainty == "certain":
        return Proof("refuted", None, "the statement was applied", finding.span.text)
    return Proof("not reached", None, "the statement was applied to the rows that were tried")


def _is_at(refused: Refused, finding: Finding) -> bool:
    return refused.span.start <= finding.span.start < refused.span.end or refused.span == finding.span


def foretells_failure(finding: Finding, refused: Refused) -> bool:
    """Whether a finding says that the migration cannot be applied for this error."""
    stated = stated_by(finding)
    here = finding.span.source is refused.span.source and _is_at(refused, finding)
    return here and finding.rule.startswith("fails/") and (not stated or refused.sqlstate in stated)


def proof_of_break(finding: Finding, around: Around | None) -> Proof:
    """Of a finding that writes raise an error."""
    if around is None or not around.after.outcomes:
        return Proof("not reached", None, around.after.reason if around else "its source is not there")
    event = event_of(finding)
    failing = [each for each in around.after.outcomes if each.failed and not each.by_source]
    best = max(failing, key=lambda each: _fit(finding, each, event), default=None)
    if best is not None and _fit(finding, best, event) >= 2:
        return Proof("confirmed", best.sqlstate, best.message, script_of(best))
    return _unconfirmed(finding, around.after, event, failing, "no write raised it")


def _fit(finding: Finding, outcome: Outcome, event: str | None) -> int:
    """How well an answer is the one that the finding foretells; from 2 on, it is it."""
    stated = stated_by(finding)
    if stated and outcome.sqlstate not in stated:
        return 0
    same = bool(finding.answer) and _says(finding.answer or "", outcome.message)
    same = same or (finding.rule in IN_OWN_WORDS and outcome.write.label == f"witness {finding.witness}")
    if finding.answer and (outcome.sqlstate or "").startswith(OF_ONE_OBJECT) and not same:
        return 1
    ours = outcome.write.event == event or event is None
    return 2 + 4 * same + 2 * ours + outcome.write.ordinary


def _says(answer: str, message: str) -> bool:
    """Whether an answer foretells a message: word for word, or by what it names."""
    names = set(NAMED.findall(answer))
    return message in answer or (bool(names) and names <= set(NAMED.findall(message)))


def proof_of_loss(finding: Finding, around: Around | None) -> Proof:
    """Of a finding that writes succeed, and a copy is not what it was or should be."""
    if around is None or not around.after.outcomes:
        return Proof("not reached", None, around.after.reason if around else "its source is not there")
    event = event_of(finding)
    lost = ((outcome, each.message) for outcome, each in losses(around, event))
    for outcome, message in chain(lost, _standing(around, event, finding)):
        return Proof("confirmed", None, f"{message} ({outcome.write.label})", script_of(outcome))
    failing = [each for each in around.after.outcomes if each.failed and not each.by_source]
    return _unconfirmed(finding, around.after, event, failing, "every copy was as before")


def _unconfirmed(finding: Finding, after: Probed, event: str | None, failing: Sequence[Outcome], said: str) -> Proof:
    went = [each for each in after.outcomes if not each.failed and each.write.event == (event or each.write.event)]
    usual = [each for each in went if each.write.ordinary]
    if usual and finding.certainty == "certain":
        return Proof("refuted", None, said, script_of(usual[0]))
    witness = next((each for each in went if each.write.label == f"witness {finding.witness}"), None)
    # Whether a row is missing or there twice hangs on other rows than the witness; all else the witness decides.
    decided = finding.sqlstate is not None and finding.sqlstate not in ("23503", "23505")
    if witness is not None and finding.certainty == "conditional" and decided:
        return Proof("refuted", None, f"{said}, nor did the row that shows it", script_of(witness))
    if failing and not usual:
        other = failing[0]
        return Proof("not reached", other.sqlstate, f"another error stands before it: {other.message}", script_of(other))
    return Proof("not reached", None, f"{said} among {len(after.outcomes)} tried")


def losses(around: Around, event: str | None = None) -> Iterator[tuple[Outcome, Lost]]:
    """The writes that left more in a target before the migration than after it."""
    for new in around.new_lines:
        old = next((each for each in around.old_lines if follows(each, new)), None)
        if old is None or (event is not None and new.event != event):
            continue
        for after in around.after.outcomes:
            if after.write.event == new.event and (before := around.before.named(after.write)) is not None:
                yield from ((after, each) for each in newly_lost(before, after, old, new))


def follows(old: Line, new: Line) -> bool:
    """Whether two lines are of one flow, whatever its target is called now, or made anew under its name."""
    return old.event == new.event and (old.oid == new.oid or old.target == new.target)


def _standing(around: Around, event: str | None, finding: Finding) -> Iterator[tuple[Outcome, str]]:
    """What the state after the migration leaves behind, for findings of what has never been carried."""
    inserts = [each for each in around.new_lines if each.event == "insert"] or list(around.new_lines)
    for line in inserts:
        if finding.sync is not None and finding.sync.target not in (None, ".".join(line.target)):
            continue
        for outcome in around.after.outcomes:
            if event is None or outcome.write.event == event:
                message = left_behind(outcome, line)
                if message is not None:
                    yield outcome, message


def unsaid(around: Around, findings: Sequence[Finding], silent: Sequence[Finding] = ()) -> Iterator[Unsaid]:
    """Breaks and losses of a source that none of the findings about it foretells; each error once.

    What is said of a source makes its reader look at it. A finding that is silent, because somebody has decided so, answers
    for no more than what it foretells itself.
    """
    about = _about(around, findings)
    silent = _about(around, silent)
    seen: set[tuple[str | None, str]] = set()
    said = {state for each in about if each.rule.startswith("breaks/") for state in stated_by(each) or ("",)}
    for after in around.after.outcomes:
        known = (after.sqlstate, QUOTED.sub("", after.message))
        if not after.failed or after.by_source or said & {after.sqlstate, ""} or known in seen:
            continue
        if _new(around, after) and not any(_foretells_break(each, after) for each in silent):
            seen.add(known)
            yield Unsaid("break", around.source, after, after.message, always(around, after))
    if not any(each.rule.startswith(("breaks/", "loses/")) for each in about):
        yield from (
            Unsaid("loss", around.source, outcome, lost.message, outcome.write.ordinary)
            for outcome, lost in islice(losses_untold(around, silent), 1)
        )


def _about(around: Around, findings: Sequence[Finding]) -> list[Finding]:
    return [each for each in findings if each.sync is not None and each.sync.source == around.source]


def _foretells_break(finding: Finding, outcome: Outcome) -> bool:
    if not finding.rule.startswith("breaks/"):
        return False
    if finding.rule in IN_OWN_WORDS:
        return outcome.sqlstate in stated_by(finding)
    return _fit(finding, outcome, event_of(finding)) >= 2


def losses_untold(around: Around, silent: Sequence[Finding]) -> Iterator[tuple[Outcome, Lost]]:
    """The losses that none of the findings which stay silent foretells."""
    about = _about(around, silent)
    return ((outcome, each) for outcome, each in losses(around) if not any(_foretells_loss(f, outcome, each) for f in about))


def _foretells_loss(finding: Finding, outcome: Outcome, lost: Lost) -> bool:
    """Whether a loss is the one that a finding tells of: in its target, by its event, of a column that it names, if any."""
    target = ".".join(lost.line.target)
    said = finding.message.replace('"', "")
    if not finding.rule.startswith("loses/") or event_of(finding) not in (None, outcome.write.event):
        return False
    if finding.sync is not None and (finding.sync.target or target).replace('"', "") != target:
        return False
    named = {there for _, there, _ in lost.line.columns if search(rf"(?<!\w){escape(f'{target}.{there}')}(?!\w)", said)}
    keys = {there for there, _ in lost.line.key}
    return not named or bool(named & ({lost.column[0]} if lost.column is not None else keys))


def _new(around: Around, after: Outcome) -> bool:
    """Whether an error is one that the write did not meet before the migration."""
    before = around.before.named(after.write)
    if (after.sqlstate or "")[:2] in OF_THE_RUN:
        return False
    return before is None or not before.failed or before.by_source or before.sqlstate != after.sqlstate


def always(around: Around, outcome: Outcome) -> bool:
    """Whether no write of the same event went through."""
    return not any(not each.failed and each.write.event == outcome.write.event for each in around.after.outcomes)


def stated_by(finding: Finding) -> tuple[str, ...]:
    """The SQLSTATEs that would prove a finding; none where any does."""
    rule = next((each.sqlstates for each in load_rules() if each.id == finding.rule), ())
    return tuple(dict.fromkeys((*((finding.sqlstate,) if finding.sqlstate is not None else ()), *rule)))


def event_of(finding: Finding) -> str | None:
    """The event that a finding's witness is of."""
    word = (finding.witness or "").split(" ", 1)[0].lower()
    return word if word in EVENTS else None


def script_of(outcome: Outcome) -> str:
    return "".join(f"{each};\n" for each in outcome.script)
