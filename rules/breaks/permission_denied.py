from schemalint.rule import State, Violations, invariant


@invariant("42501", "42P01", shown_by="another role")
def permission_denied(state: State) -> Violations:
    """The role as which the trigger runs may not do what the function does.

    ## Why
    A trigger function runs as whoever writes to the source, or as its owner where it is SECURITY DEFINER. That role needs
    the privileges for every statement in it: USAGE on the schemas, INSERT, UPDATE and SELECT on the target (an upsert needs
    all three), SELECT on what is looked up, EXECUTE on helper functions; and where the target has row security, policies
    that let the new row pass. Without them the write to the source raises.

    ## Way out
    Grant what is missing, or let the function run as an owner that has it: SECURITY DEFINER with SET search_path.

    ## Not reported
    Owners of the target, superusers and roles that are past row security; roles that the history does not let write to the
    source; the grants that Supabase makes on every table. Where a privilege was never granted in the history, the finding
    is a warning: it may have been granted by other means.
    """
    for failing in state.failing("access"):
        failure = failing.failure
        what, _, role = failure.reason.partition(" as ")
        name = state.relation_name(failure.relation) if failure.relation is not None else "the function"
        yield state.violation(
            failing,
            f"the trigger runs as {role}, which row security on {name} refuses"
            if what == "row security"
            else f"the trigger runs as {role}, which has no {what.upper()} privilege for {name}",
            place=f"done as {role}",
            help=f"make {state.signature(failing.firing.function)} SECURITY DEFINER with SET search_path, or grant {role} "
            "what it needs",
        )
