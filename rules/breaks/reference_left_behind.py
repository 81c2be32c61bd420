from schemalint.catalog.model import ConstraintKind, Relation
from schemalint.rule import Certainty, Change, Place, Violation, Violations, step
from schemalint.rule.succession import Succession, successions


@step("23503", momentary=True, shown_by="a row of a third table")
def reference_left_behind(change: Change) -> Violations:
    """A foreign key of a third table goes on with the old table after the new one has taken its name.

    ## Why
    A constraint refers to a table, not to a name. After ALTER TABLE messages RENAME TO messages_old and messages_v2 RENAME TO
    messages, what referred to messages refers to messages_old, where no new row arrives any more: a row that refers to a new
    message is refused with 23503, although the message is there.

    ## Way out
    In the same migration, drop the constraint and add it anew (NOT VALID, then VALIDATE) to the table that bears the name now.

    ## Not reported
    Constraints that the same migration adds anew or drops, and those that are not enforced; a table that leaves its own name
    in the same migration, which is left behind on purpose; swaps of tables that take no part in a sync.
    """
    for each in successions(change):
        yield from _left_behind(change, each)


def _left_behind(change: Change, swap: Succession) -> Violations:
    end = change.end
    for oid in sorted(end.users(swap.old.oid)):
        table = end.relation(oid)
        if table is None or oid == swap.old.oid or (oid != swap.new.oid and not _stays(change, table)):
            continue
        for key in table.constraints:
            if key.kind is not ConstraintKind.FOREIGN_KEY or key.references != swap.old.oid or not key.enforced:
                continue
            left = end.relation(swap.old.oid)
            name, old = end.qualified_name(table), end.qualified_name(left) if left is not None else "?"
            now = end.qualified_name(swap.new)
            columns = ", ".join(c.name for number in key.columns if (c := table.column_numbered(number)) is not None)
            anew = f"ADD CONSTRAINT {key.name} FOREIGN KEY ({columns}) REFERENCES {now} NOT VALID"
            message = f'insert or update on table "{table.name}" violates foreign key constraint "{key.name}"'
            yield Violation(
                key=(oid, key.oid, "left behind"),
                message=f"rows of {name} that refer to a new row of {now} are refused: {key.name} still refers to {old}",
                at=(change.span,),
                certainty=Certainty.CERTAIN,
                sync=swap.part.names,
                related=(Place(key.span, "this refers to the table, not to its name"),) if key.span is not None else (),
                sqlstate="23503",
                answer=f"23503 {message}",
                help=f"ALTER TABLE {name} DROP CONSTRAINT {key.name}, {anew}; then VALIDATE CONSTRAINT",
                fix=f"ALTER TABLE {name} DROP CONSTRAINT {key.name}, {anew};",
            )


def _stays(change: Change, table: Relation) -> bool:
    """Whether a table is there under one name before and after."""
    before = change.start.relation(table.oid)
    return before is not None and before.name == table.name
