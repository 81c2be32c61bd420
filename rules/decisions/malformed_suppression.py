from schemalint.rule import Decisions, Severity, Violation, Violations, decision


@decision()
def malformed_suppression(decisions: Decisions) -> Violations:
    """A comment that means to suppress a finding cannot be read, or stands where it is for nothing.

    ## Why
    Nothing is suppressed, although whoever reads the migration takes it to be. Without its reason, nobody can tell later
    whether the decision still holds.

    ## Way out
    Write `-- schemalint: ignore breaks/required-column because REASON`, if need be with `until 2026-12-31` at the end, in
    the line above the statement or behind it; or above all statements, with a blank line below, for the whole file.

    ## Not reported
    Text in strings and function bodies, which is no comment of the migration; comments that only speak of schemalint, and
    mean to suppress nothing.
    """
    for each in decisions.malformed:
        yield Violation(
            key=(each.span.source.path, each.span.start),
            message=f"this suppresses nothing: {each.message}",
            at=(each.span,),
            severity=Severity.ERROR,
        )
