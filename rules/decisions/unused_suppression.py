from schemalint.rule import Decisions, Severity, Violation, Violations, decision


@decision()
def unused_suppression(decisions: Decisions) -> Violations:
    """A suppression is for a finding that is not there.

    ## Why
    What it was for is mended, or it stands at another statement than the finding. Left behind, it hides the next finding of
    its kind, which nobody has decided about.

    ## Way out
    Remove it.

    ## Not reported
    A suppression whose rule is turned off or not selected, of which this run cannot tell; one that has expired, which is
    said as such; one that is used in either way of checking: of the newest state, or of its migration alone.
    """
    for each in decisions.suppressions:
        if each.used is False and not decisions.expired(each):
            yield Violation(
                key=(each.span.source.path, each.span.start),
                message=f"there is no finding of {each.rule} here to suppress",
                at=(each.span,),
                severity=Severity.WARNING,
                help="remove it",
            )
