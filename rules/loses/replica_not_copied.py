from schemalint.rule import Certainty, Change, Severity, Violation, Violations, step


@step(momentary=True, shown_by="a session of replication")
def replica_not_copied(change: Change) -> Violations:
    """The sync's trigger used to fire for replicated rows too, and now fires for ordinary sessions only.

    ## Why
    ENABLE ALWAYS lets a trigger fire in sessions whose session_replication_role is replica: what logical replication applies,
    and imports that switch triggers off. CREATE OR REPLACE TRIGGER makes it an ordinary one again and says nothing, as a
    trigger that is dropped and created anew is.

    ## Way out
    ALTER TABLE … ENABLE ALWAYS TRIGGER … after it, in the same migration.

    ## Not reported
    Triggers that were ordinary before; migrations that end with the trigger as it was; triggers that carry nothing to another
    table.
    """
    if change.before is change.after:
        return
    for oid, part in change.parts().items():
        before, after, end = (catalog.relation(oid) for catalog in (change.before, change.after, change.end))
        if part.role != "source" or before is None or after is None or end is None or before.triggers is after.triggers:
            continue
        always = {each.name for each in before.triggers if each.enabled == "A"}
        ordinary = {each.name for each in after.triggers if each.enabled == "O"}
        for trigger in end.triggers:
            if trigger.name in always & ordinary and trigger.enabled == "O":
                yield Violation(
                    key=(oid, trigger.name, "always"),
                    message=f"{trigger.name} no longer fires for rows that replication writes to "
                    f"{change.end.qualified_name(end)}: it was ENABLE ALWAYS",
                    at=(change.span,),
                    certainty=Certainty.CERTAIN,
                    severity=Severity.WARNING,
                    sync=part.names,
                    help=f"ALTER TABLE {change.end.qualified_name(end)} ENABLE ALWAYS TRIGGER {trigger.name};",
                    fix=f"ALTER TABLE {change.end.qualified_name(end)} ENABLE ALWAYS TRIGGER {trigger.name};",
                )
