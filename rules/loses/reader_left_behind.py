from collections.abc import Iterator

from schemalint.catalog.model import Expression, Relation
from schemalint.catalog.publishing import publications_of
from schemalint.rule import Certainty, Change, Place, Severity, Violation, Violations, step
from schemalint.rule.succession import Succession, successions
from schemalint.text import Span

Reader = tuple[object, str, Span | None]  # identity, what it is, where it was made


@step(momentary=True, shown_by="a reader")
def reader_left_behind(change: Change) -> Violations:
    """A view, a policy or a publication goes on with the old table after the new one has taken its name.

    ## Why
    Views and policies are kept as they were understood when they were made: with the table, whatever it is called by now.
    After the swap by renaming they read messages_old, where no new row arrives, and no error says so. A publication, too,
    holds the table: who listens to the name hears nothing.

    ## Way out
    In the same migration, CREATE OR REPLACE VIEW, drop and create the policy, and ALTER PUBLICATION … ADD TABLE.

    ## Not reported
    What the same migration makes anew; functions whose bodies are text, which find the new table by its name; publications
    of all tables or of the whole schema, and that of a table which another publication still sends; a target that is rebuilt
    under its name, of which `loses/unpublished` tells.
    """
    for swap in successions(change):
        left = change.end.relation(swap.old.oid)
        now = change.end.qualified_name(swap.new)
        for key, what, made in _readers(change, swap):
            old = change.end.qualified_name(left) if left is not None else "the table that is gone"
            yield Violation(
                key=(swap.old.oid, swap.new.oid, "reader", key),
                message=f"{what} goes on with {old} and sees nothing of what is written to {now} from now on",
                at=(change.span,),
                certainty=Certainty.CERTAIN,
                severity=Severity.WARNING,
                sync=swap.part.names,
                related=(Place(made, "this means the table, not its name"),) if made is not None else (),
                help=f"make it anew over {now} in the same migration",
            )


def _readers(change: Change, swap: Succession) -> Iterator[Reader]:
    end, start = change.end, change.start
    for oid in sorted(end.users(swap.old.oid)):
        relation, before = end.relation(oid), start.relation(oid)
        if relation is None or before is None or oid == swap.old.oid or relation.name != before.name:
            continue
        if relation.query is not None and any(each.oid == swap.old.oid for each in relation.query.references):
            yield (oid, f"the view {end.qualified_name(relation)}", relation.span)
        yield from _policies(relation, swap.old.oid, end.qualified_name(relation))
    published = {each.name for each, own in publications_of(swap.old, start) if own is not None}
    ends = swap.new.oid in (swap.part.sync.source, swap.part.sync.target)  # else the sync goes on, into the new table
    if published and ends and not publications_of(swap.new, end):
        for name in sorted(published):
            yield (name, f"who listens to the publication {name}", None)


def _policies(relation: Relation, old: int, name: str) -> Iterator[Reader]:
    for policy in relation.policies:
        if any(_refers(each, old) for each in (policy.using, policy.check)):
            yield (policy.oid, f"the policy {policy.name} of {name}", policy.span)


def _refers(expression: Expression | None, oid: int) -> bool:
    return expression is not None and any(each.oid == oid for each in expression.references)
