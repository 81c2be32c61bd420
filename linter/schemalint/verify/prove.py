"""Findings put to a server: the history is replayed on it, and around each migration in question rows are written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from schemalint.check import Examined, ordered
from schemalint.course import Course
from schemalint.decisions.baseline import left_by
from schemalint.decisions.deciding import left_of
from schemalint.finding import Certainty, Finding, Proof, Report, Severity, Sync
from schemalint.migrations.migration import History
from schemalint.parse.statements import Statement
from schemalint.replay.replay import Replayed, names_in
from schemalint.rule import load_rules
from schemalint.text import Span
from schemalint.trace.unit import Unit
from schemalint.verify import verdicts
from schemalint.verify.environment import Environment, prepare
from schemalint.verify.flows import Line, asked_of, lines_of
from schemalint.verify.probe import Copies, Probed, probe
from schemalint.verify.replaying import Applied, Refused, apply
from schemalint.verify.rows import Stock, insert_of
from schemalint.verify.server import Server, TimeLimitError
from schemalint.verify.shape import Shapes

if TYPE_CHECKING:
    from schemalint.configuration import Configuration

NOTES_SHOWN = 10


class Question(msgspec.Struct, frozen=True):
    """A migration in question: its place, its findings, and the sources that it may have touched, as before and after it."""

    migration: int
    findings: tuple[Finding, ...]
    unsaid: tuple[Finding, ...]  # what is not told of it, because somebody has decided so
    sources: tuple[tuple[Unit | None, Unit], ...]


class Answer(msgspec.Struct, frozen=True):
    question: Question
    applied: Applied
    seeded: Applied | None
    around: tuple[verdicts.Around, ...]
    clean: bool  # whether all that comes before was applied as it stands


class Proved(msgspec.Struct, frozen=True):
    """The report with its proofs, and what a script needs to show one again."""

    report: Report
    environment: Environment | None


def prove(
    server: Server,
    history: History,
    examined: Examined,
    asked: frozenset[str] | None,
    configuration: Configuration,
    seconds: float,
) -> Proved:
    """The report of a check, with a proof for each finding and what the server showed besides. Raises ServerError."""
    statements = [s.statement for each in examined.replayed for s in each.steps if isinstance(s.statement, Statement)]
    environment = None
    answers: list[Answer] = []
    notes = list(examined.report.notes)
    try:
        with server.time_limit(seconds):
            environment = prepare(server, history, statements, configuration.search_path)
            notes += environment.notes
            asker = Asker(server, environment, examined)
            for each in asker.answers(questions(examined, asked)):
                answers.append(each)
            notes += asker.notes()
    except TimeLimitError:
        notes.append(f"the time limit of {seconds:g} seconds was reached; what was not asked until then is not proved")
    findings = [msgspec.structs.replace(each, proof=_proof(each, answers)) for each in examined.report.findings]
    shown = [each for each in map(_weighed(configuration), unreported(answers, examined, asked is None, history.root)) if each]
    left = left_by(examined.baseline, left_of(shown, examined.decisions, configuration)).findings
    report = msgspec.structs.replace(
        examined.report,
        findings=tuple(ordered([*findings, *left])),
        suppressed=examined.report.suppressed + len(shown) - len(left),
        notes=tuple(notes),
    )
    return Proved(report, environment)


def _weighed(configuration: Configuration) -> Callable[[Finding], Finding | None]:
    """What is configured about the findings of the server: `select` chooses among rules, and these are of none."""
    heard = msgspec.structs.replace(configuration, select=())

    def weighed(finding: Finding) -> Finding | None:
        chosen = heard.severity_of(finding.rule)
        if not heard.asks(finding.rule):
            return None
        return finding if chosen is None else msgspec.structs.replace(finding, severity=Severity(chosen))

    return weighed


# -- what to ask


def questions(examined: Examined, asked: frozenset[str] | None) -> list[Question]:
    """The migrations that findings are blamed on, and those that were asked about or have touched a sync."""
    course = examined.course
    by_path, unsaid_by_path = _by_path(examined.report.findings), _by_path(examined.unsaid)
    found = []
    for number, replayed in enumerate(examined.replayed):
        path = replayed.migration.path
        findings = tuple(by_path.get(path, ()))
        if not findings and asked is not None and path not in asked:
            continue
        sources = tuple(_sources(course, number, findings))
        unsaid = tuple(unsaid_by_path.get(path, ()))
        if findings or sources or any(each.rule.startswith("fails/") for each in unsaid):
            found.append(Question(number, findings, unsaid, sources))
    return found


def _by_path(findings: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for each in findings:
        found.setdefault(each.span.source.path, []).append(each)
    return found


def _sources(course: Course, migration: int, findings: Iterable[Finding]) -> Iterator[tuple[Unit | None, Unit]]:
    indices = [index for index, each in enumerate(course.boundaries) if each.migration == migration]
    if not indices:
        return
    first, last = indices[0], indices[-1]
    named = {each.sync.source for each in findings if each.sync is not None}
    for oid in course.sources():
        changed = any(oid in course.changed_at(index) for index in indices)
        unit = course.at(oid, last)
        if unit is None:
            continue
        name = unit.catalog.qualified_name(unit.source)
        if name in named or (changed and (unit.syncs or unit.before or any(f.gaps for f in unit.firings))):
            yield (_earlier(course, oid, name, first - 1) if first else None), unit


def _earlier(course: Course, oid: int, name: str, index: int) -> Unit | None:
    """The unit of a table before a migration, or of the one that bore its name."""
    unit = course.at(oid, index)
    if unit is not None:
        return unit
    others = (course.at(each, index) for each in course.sources() if each != oid)
    return next((each for each in others if each is not None and each.catalog.qualified_name(each.source) == name), None)


# -- asking


class Asker:
    """One history on one server: it goes forward only, and is copied where something is to be tried."""

    def __init__(self, server: Server, environment: Environment, examined: Examined) -> None:
        self._server = server
        self._environment = environment
        self._replayed = examined.replayed
        self._refused: list[Refused] = []
        self._skipped: list[str] = []

    def answers(self, questions: Sequence[Question]) -> Iterator[Answer]:
        working = self._server.clone(self._environment.database)
        place = 0
        for each in questions:
            place = self._forward(working, place, each.migration)
            yield self._answer(working, each)
            place = each.migration + 1

    def _forward(self, database: str, start: int, end: int) -> int:
        """Applies the migrations that nobody asks about."""
        if start < end:
            with self._server.session(database) as connection:
                for replayed in self._replayed[start:end]:
                    self._note(apply(connection, replayed, self._environment))
        return end

    def _note(self, applied: Applied) -> None:
        self._refused += applied.refused
        self._skipped += [f"{_where(each.span)}: {each.reason}; not run" for each in applied.skipped]

    def _answer(self, working: str, question: Question) -> Answer:
        clean = not self._refused
        before = self._server.clone(working)
        replayed = self._replayed[question.migration]
        applied = self._apply(working, replayed)
        self._skipped += [f"{_where(each.span)}: {each.reason}; not run" for each in applied.skipped]
        if not question.findings:
            told = [each for each in question.unsaid if each.rule.startswith("fails/")]
            self._refused += [] if told else applied.refused
        fails = [each for each in question.findings if each.rule.startswith("fails/")]
        hit = {each.span.start for each in applied.refused}
        seeded = self._seeded(before, replayed) if any(each.span.start not in hit for each in fails) else None
        after = self._server.clone(working)
        around = tuple(self._around(before, after, question))
        self._server.drop(before)
        self._server.drop(after)
        return Answer(question, applied, seeded, around, clean)

    def _apply(self, database: str, replayed: Replayed) -> Applied:
        with self._server.session(database) as connection:
            return apply(connection, replayed, self._environment)

    def _seeded(self, before: str, replayed: Replayed) -> Applied:
        """The migration on a copy in which the tables that it names have rows."""
        database = self._server.clone(before)
        names = {name for s in replayed.steps if isinstance(s.statement, Statement) for name in names_in(s.statement.node)}
        with self._server.session(database) as reading, self._server.session(database) as writing:
            shapes = Shapes(reading)
            writing.execute("BEGIN")
            stock = Stock(writing, shapes)
            for schema, table in sorted((s, t) for s, t in _tables(replayed) if t in names):
                shape = shapes.named(schema, table)
                for number in (0, 1) if shape is not None else ():
                    assert shape is not None
                    found = stock.find(shape, number)
                    if found.row is not None:
                        stock.attempt(insert_of(shape, found.row), keep=True)
            writing.execute("COMMIT")
        applied = self._apply(database, replayed)
        self._server.drop(database)
        return applied

    def _around(self, before: str, after: str, question: Question) -> Iterator[verdicts.Around]:
        for old, new in question.sources:
            name = new.catalog.qualified_name(new.source)
            witnesses = [f.witness for f in question.findings if f.witness and f.sync is not None and f.sync.source == name]
            asked = asked_of(new, old, witnesses)
            asked_before = asked_of(old, None, witnesses)
            first = probe(self._server, before, asked_before) if asked_before is not None else Probed()
            old_lines, new_lines = lines_of(old, new)
            if asked is not None:
                asked = msgspec.structs.replace(asked, copies=_renamed(first.copies, old_lines, new_lines))
            yield verdicts.Around(
                name,
                first,
                probe(self._server, after, asked) if asked is not None else Probed(),
                old_lines,
                new_lines,
            )

    def notes(self) -> Iterator[str]:
        """What did not go on this server as the history has it."""
        said = [f"{_where(each.span)}: not applied here ({each.sqlstate} {each.message})" for each in self._refused]
        for kind in (said, self._skipped):
            yield from kind[:NOTES_SHOWN]
            if len(kind) > NOTES_SHOWN:
                yield f"and {len(kind) - NOTES_SHOWN} statements more"


def _renamed(copies: Copies, old_lines: Sequence[Line], new_lines: Sequence[Line]) -> Copies:
    """The copies under the names that their tables have now, without the source's own row."""
    names = {old.target: new.target for old in old_lines for new in new_lines if verdicts.follows(old, new)}
    return tuple((names[name], text) for name, text in copies if name in names)


def _tables(replayed: Replayed) -> Iterator[tuple[str, str]]:
    """The tables that are there before a migration and change in it."""
    from schemalint.catalog.model import Relation

    for key in replayed.after.changes_since(replayed.before) or ():
        found = replayed.before.get(key) if isinstance(key, int) else None
        if isinstance(found, Relation):
            yield replayed.before.schema_name(found.schema), found.name
    for step in replayed.steps:
        if isinstance(step.statement, Statement):
            for name in names_in(step.statement.node):
                relation = replayed.before.find_relation(None, name)
                if relation is not None:
                    yield replayed.before.schema_name(relation.schema), relation.name


def _where(span: Span) -> str:
    path, line, _ = span.place
    return f"{path}:{line}"


# -- what the answers say


def _proof(finding: Finding, answers: Sequence[Answer]) -> Proof:
    answer = next((each for each in answers if finding in each.question.findings), None)
    if answer is None:
        return Proof("not reached", None, "it was not asked about")
    if finding.rule.startswith("fails/"):
        return verdicts.proof_of_failure(finding, answer.applied, answer.seeded)
    source = finding.sync.source if finding.sync is not None else None
    around = next((each for each in answer.around if each.source == source), None)
    if finding.rule.startswith("breaks/"):
        proof = verdicts.proof_of_break(finding, around)
    elif finding.rule.startswith("loses/"):
        proof = verdicts.proof_of_loss(finding, around)
    else:
        return Proof("not reached", None, "findings of this kind are not put to the server")
    shown_by = next((each.shown_by for each in load_rules() if each.id == finding.rule), "")
    if shown_by and proof.verdict != "confirmed":
        return Proof("not reached", None, f"it is shown by {shown_by}, which is not made here")
    return proof if proof.verdict == "confirmed" or not answer.applied.refused else _after_refusal(proof, answer.applied)


def _after_refusal(proof: Proof, applied: Applied) -> Proof:
    first = applied.refused[0]
    message = f"the migration itself is refused at {_where(first.span)}: {first.message}"
    return Proof("not reached", first.sqlstate, message)


def unreported(answers: Sequence[Answer], examined: Examined, newest: bool, root: str) -> Iterator[Finding]:
    """What the server showed and no finding says, as findings of their own."""
    last: Mapping[str, Answer] = {around.source: each for each in answers for around in each.around}
    for answer in answers:
        replayed = examined.replayed[answer.question.migration]
        if answer.clean and not any(f.rule.startswith("fails/") for f in answer.question.findings):
            yield from _unreported_failures(answer, root)
        for (_, unit), around in zip(answer.question.sources, answer.around, strict=True):
            findings = examined.report.findings if newest else answer.question.findings
            silent = examined.unsaid if newest else answer.question.unsaid
            for each in verdicts.unsaid(around, findings, silent):
                if not newest or _lives(each, last[around.source], silent):
                    yield _finding(each, replayed, unit, root)


def _lives(unsaid: verdicts.Unsaid, last: Answer, silent: Sequence[Finding]) -> bool:
    """Whether the last state that was asked about the source still shows it."""
    if unsaid.kind == "loss":
        around = (each for each in last.around if each.source == unsaid.source)
        return any(True for each in around for _ in verdicts.losses_untold(each, silent))
    return any(
        each.failed and (each.sqlstate, each.message) == (unsaid.outcome.sqlstate, unsaid.outcome.message)
        for around in last.around
        if around.source == unsaid.source
        for each in around.after.outcomes
    )


# Missing privileges, features and files are the scratch server's, not the migration's.
OF_THE_PLACE = ("42501", "0A000", "58P01", "42704", "F0000", "22023", "3F000", "0LP01", "42710")


def _unreported_failures(answer: Answer, root: str) -> Iterator[Finding]:
    for each in answer.applied.refused[:1]:
        if any(verdicts.foretells_failure(finding, each) for finding in answer.question.unsaid):
            continue
        if each.sqlstate not in OF_THE_PLACE and each.sqlstate[:2] not in verdicts.OF_THE_RUN:
            message = f"the migration cannot be applied: {each.message}"
            yield _new(
                "verify/unreported-failure", root, each.span, message, None, each.sqlstate,
                Proof("confirmed", each.sqlstate, each.message, each.span.text),
            )  # fmt: skip


def _finding(unsaid: verdicts.Unsaid, replayed: Replayed, unit: Unit, root: str) -> Finding:
    outcome = unsaid.outcome
    write = f"{outcome.write.event} of {outcome.write.label}".removeprefix("insert of ")
    if unsaid.kind == "break":
        message = f"{_writes(outcome.write.event)} {unsaid.source} fails where it did not before: {unsaid.message} ({write})"
    else:
        message = f"{_writes(outcome.write.event)} {unsaid.source} no longer arrives as before: {unsaid.message} ({write})"
    sync = Sync(unsaid.source, None, None, None)
    return _new(
        f"verify/unreported-{unsaid.kind}", root, _span(replayed, unit), message, sync, outcome.sqlstate,
        Proof("confirmed", outcome.sqlstate, unsaid.message, verdicts.script_of(outcome)),
        Severity.ERROR if unsaid.always else Severity.WARNING, outcome.write.sql,
    )  # fmt: skip


def _writes(event: str) -> str:
    return {"insert": "INSERT into", "update": "UPDATE of", "delete": "DELETE from"}.get(event, event)


def _new(
    rule: str, root: str, span: Span, message: str, sync: Sync | None, sqlstate: str | None, proof: Proof,
    severity: Severity = Severity.ERROR, witness: str | None = None,
) -> Finding:  # fmt: skip
    certainty = Certainty.CERTAIN if severity is Severity.ERROR else Certainty.CONDITIONAL
    path = span.source.path.removeprefix(f"{root}/")
    digest = hashlib.sha256("\n".join((rule, path, message)).encode("utf-8", "replace")).hexdigest()[:16]
    answer = f"{sqlstate} {proof.message}" if sqlstate else None
    return Finding(
        rule,
        severity,
        certainty,
        message,
        span,
        digest,
        sync=sync,
        sqlstate=sqlstate,
        answer=answer,
        witness=witness,
        proof=proof,
    )


def _span(replayed: Replayed, unit: Unit) -> Span:
    """The last statement of the migration that changed something which the source's triggers hang on."""
    for step in reversed(replayed.steps):
        changes = step.after.changes_since(step.before)
        if changes is None or changes & unit.seen:
            return step.statement.span
    return replayed.steps[-1].statement.span if replayed.steps else Span(replayed.migration.source, 0, 0)
