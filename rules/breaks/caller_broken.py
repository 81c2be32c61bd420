from schemalint.rule import Certainty, Change, Place, Violation, Violations, step


@step("42703", "42P01", "42883", "42804", "42P13", momentary=True, shown_by="a call of the function")
def caller_broken(change: Change) -> Violations:
    """A function that applications call reads a sync's table, and no longer can.

    ## Why
    Bodies are text: PostgreSQL lets the migration through and looks at them when they are called. A column that is gone raises
    42703; RETURN QUERY SELECT * gives one column more than RETURNS TABLE promises and raises 42804; a function in SQL that
    RETURNS SETOF the table has to list its new column too, and raises 42P13.

    ## Way out
    CREATE OR REPLACE FUNCTION in the same migration.

    ## Not reported
    Functions that the same migration makes anew; functions that failed before; those that read no table of a sync; errors that
    the body catches. Functions of triggers are the business of the other rules of this group.
    """
    if change.sqlstate is not None or change.before is change.after:
        return
    for function, failure in change.broken_calls():
        name = change.before.qualified_name(function)
        certain = failure.certainty == "certain"
        part = next(iter(change.parts().values()))
        yield Violation(
            key=("call", function.oid, *failure.subject),
            message=f"{'every call' if certain else 'some call'} of {name}() fails: {failure.message}",
            at=(change.span,),
            certainty=Certainty.CERTAIN if certain else Certainty.CONDITIONAL,
            sync=part.names,
            related=(Place(failure.span, "here"),) if failure.span is not None else (),
            sqlstate=failure.sqlstate,
            answer=f"{failure.sqlstate} {failure.message}",
            help=f"CREATE OR REPLACE FUNCTION {name} in this migration",
        )
