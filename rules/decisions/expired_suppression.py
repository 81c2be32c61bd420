from schemalint.rule import Decisions, Severity, Violation, Violations, decision


@decision()
def expired_suppression(decisions: Decisions) -> Violations:
    """The day until which a suppression was to hold has passed.

    ## Why
    Somebody wanted the decision to be looked at again by then. The findings that it was for are reported again.

    ## Way out
    Mend what it was for, and remove it; or decide anew, with another day.

    ## Not reported
    A suppression on its last day, on which it still holds, or without one: that is for good, and said so.
    """
    for each in decisions.suppressions:
        if decisions.expired(each):
            yield Violation(
                key=(each.span.source.path, each.span.start),
                message=f"the suppression of {each.rule} held until {each.until} ({each.reason})",
                at=(each.span,),
                severity=Severity.WARNING,
                help="mend what it was for and remove it, or decide anew",
            )
