from difflib import get_close_matches

from schemalint.rule import Decisions, Severity, Violation, Violations, decision, finding_ids


@decision()
def unknown_rule(decisions: Decisions) -> Violations:
    """A suppression names a rule that does not exist.

    ## Why
    Nothing is suppressed: the name is mistyped, or is that of a rule that has been renamed since.

    ## Way out
    Name the rule as the finding does, `breaks/required-column`, or all of its group, `breaks/`.

    ## Not reported
    Names in the configuration, which is refused as a whole where one of them does not exist.
    """
    rules = finding_ids()
    known = sorted({*rules, *(f"{each.partition('/')[0]}/" for each in rules)})
    for each in decisions.suppressions:
        if each.rule in known:
            continue
        named = [rule for rule in rules if rule.partition("/")[2] == each.rule.rpartition("/")[2] != ""]
        close = named or [name for name in known if name == f"{each.rule}/"] or get_close_matches(each.rule[:80], known, n=1)
        yield Violation(
            key=(each.span.source.path, each.span.start),
            message=f"there is no rule {each.rule[:80]!r}",
            at=(each.span,),
            severity=Severity.ERROR,
            help=f"did you mean {close[0]}?" if close else "`schemalint rules` lists them",
        )
