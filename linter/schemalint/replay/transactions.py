"""BEGIN, COMMIT, ROLLBACK and savepoints."""

from __future__ import annotations

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import UserType
from schemalint.parse.statements import Statement
from schemalint.replay.settings import end_local
from schemalint.replay.step import Refusal, Step

FRESH = ("setting", "fresh_types")  # enums that have labels of the transaction at hand
MADE = ("setting", "made_types")  # enums that the transaction at hand has made: all their labels may be used


class Session(msgspec.Struct, frozen=True):
    """Where the replay stands in its transactions."""

    catalog: Catalog
    open: Catalog | None = None  # the catalog at BEGIN, inside a transaction: the runner's around the file, or the file's own
    savepoints: tuple[tuple[str, Catalog], ...] = ()


def step(session: Session, statement: Statement) -> tuple[Step, Session]:
    before = session.catalog
    kind = statement.node.get("kind", "TRANS_STMT_BEGIN")
    refusal = None
    commits = False
    if kind in ("TRANS_STMT_BEGIN", "TRANS_STMT_START"):
        if session.open is None:
            session = msgspec.structs.replace(session, open=before)
    elif kind in ("TRANS_STMT_COMMIT", "TRANS_STMT_PREPARE"):
        commits = True
        after = ended(before)
        session = Session(after, after if statement.node.get("chain") else None)
    elif kind == "TRANS_STMT_ROLLBACK":
        start = session.open
        if start is not None:
            session = Session(ended(start), start if statement.node.get("chain") else None)
    else:
        session, refusal = _savepoint(session, statement, kind)
    return Step(statement, before, session.catalog, refusal, (), commits), session


def _savepoint(session: Session, statement: Statement, kind: str) -> tuple[Session, Refusal | None]:
    name = statement.node.get("savepoint_name", "")
    if kind == "TRANS_STMT_SAVEPOINT":
        return msgspec.structs.replace(session, savepoints=(*session.savepoints, (name, session.catalog))), None
    places = [place for place, (each, _) in enumerate(session.savepoints) if each == name]
    if kind not in ("TRANS_STMT_ROLLBACK_TO", "TRANS_STMT_RELEASE"):
        return session, None
    if not places:
        return session, Refusal("3B001", f'savepoint "{name}" does not exist', statement.span)
    if kind == "TRANS_STMT_RELEASE":
        return msgspec.structs.replace(session, savepoints=session.savepoints[: places[-1]]), None
    back = session.savepoints[places[-1]][1]
    return msgspec.structs.replace(session, catalog=back, savepoints=session.savepoints[: places[-1] + 1]), None


def ended(catalog: Catalog) -> Catalog:
    """The catalog once its transaction is over."""
    catalog = end_local(catalog).unbind(MADE)
    fresh = catalog.get(FRESH)
    if not fresh:
        return catalog
    catalog = catalog.unbind(FRESH)
    for oid in fresh:
        type_ = catalog.get(oid)
        if isinstance(type_, UserType) and type_.fresh_labels:
            catalog = catalog.put(msgspec.structs.replace(type_, fresh_labels=()))
    return catalog
