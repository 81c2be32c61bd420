from schemalint.catalog.model import RelationKind
from schemalint.rule import Certainty, Change, Place, Violation, Violations, step

VIEWS = (RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW)


@step("42P01", momentary=True, shown_by="a reader")
def view_gone(change: Change) -> Violations:
    """A view of a sync's table goes along with what is dropped, and nobody said so.

    ## Why
    DROP TABLE … CASCADE, or DROP COLUMN … CASCADE, takes every view along that reads what is dropped, and the views of those
    views. The migration applies; whoever reads the view gets 42P01 from then on.

    ## Way out
    Without CASCADE, PostgreSQL lists what is in the way. Drop or replace each of them by name, and make the views anew over
    the table that stays.

    ## Not reported
    Views that the statement names; views that the same migration makes again under their name; views of tables that take no
    part in a sync.
    """
    if change.sqlstate is not None or change.before is change.after:
        return
    for oid, part in change.parts().items():
        if part.role not in ("source", "target") or change.before.relation(oid) is None:
            continue
        for user in sorted(change.before.users(oid)):
            view = change.before.relation(user)
            if view is None or view.kind not in VIEWS or change.after.relation(user) is not None:
                continue
            name = change.before.qualified_name(view)
            if change.mentions(view.name) or change.end.get(("relation", view.schema, view.name)) is not None:
                continue
            yield Violation(
                key=(user, "view gone"),
                message=f"{name} goes along: whoever reads it gets an error",
                at=(change.span,),
                certainty=Certainty.CERTAIN,
                sync=part.names,
                related=(Place(view.span, "the view"),) if view.span is not None else (),
                sqlstate="42P01",
                answer=f'42P01 relation "{view.name}" does not exist',
                help=f"without CASCADE; drop {name} by name, or make it anew over the table that stays",
            )
