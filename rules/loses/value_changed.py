from schemalint.flow.value import Call, Field
from schemalint.rule import Certainty, Place, Severity, State, Violation, Violations, invariant

# Assignment casts that do not keep every value as it is.
LOSSY = {
    "float8": ("float4", "money", "int2", "int4", "int8", "numeric"),
    "float4": ("int2", "int4", "int8"),
    "int8": ("float8", "float4"),
    "int4": ("float4",),
    "numeric": ("float8", "float4", "money", "int2", "int4", "int8"),
    "timestamptz": ("timestamp", "date", "time", "timetz"),
    "timestamp": ("date", "time"),
    "timetz": ("time",),
    "interval": ("time",),
    "json": ("jsonb",),
    "inet": ("cidr",),
    "text": ("name", "bpchar"),
    "varchar": ("name", "bpchar"),
    "bpchar": ("text", "varchar", "name"),
}


@invariant()
def value_changed(state: State) -> Violations:
    """The target's column cannot hold the value that is copied as it is.

    ## Why
    PostgreSQL converts the value without a word: it rounds to the scale of a numeric, cuts the time off a timestamp, drops
    digits of a float, blanks of a char(n), or all beyond the length of an explicit cast. Writes succeed, and the two tables
    hold different values.

    ## Way out
    Give the target's column the source's type, or convert in the function in a way that keeps what readers need.

    ## Not reported
    Widening, anything to text, varchar without a length, which keep the value; a type that refuses what does not fit, which
    is an error of its own; columns that are computed rather than copied, and effects, which need not be equal to anything.
    """
    for sync in state.kept:
        for carried, _, write in state.writes(sync):
            for each in write.assignments:
                found = _changed(each.value.term, state) if each.given else None
                if found is None:
                    continue
                source, how = found
                column = state.column_name(sync.target, each.column)
                yield Violation(
                    key=(sync.source, sync.identity, each.column, source.column, "value"),
                    message=f"{state.relation_name(sync.target)}.{column} does not keep the value of "
                    f"{state.relation_name(sync.source)}.{state.column_name(source.relation, source.column)}: {how}",
                    at=(
                        state.column_span(sync.target, each.column),
                        state.column_span(source.relation, source.column),
                        each.span,
                    ),
                    certainty=Certainty.CONDITIONAL,
                    severity=Severity.WARNING,
                    sync=state.names(carried.firings[0], sync.target),
                    related=(Place(each.span, "copied here"),) if each.span is not None else (),
                    help=f"give {column} the type of the source's column",
                )


def _changed(term: object, state: State) -> tuple[Field, str] | None:
    """The source column and what happens to its value, for a copy through casts of which one loses something."""
    casts: list[Call] = []
    while isinstance(term, Call) and term.name in ("::", ":=") and term.arguments:
        casts.append(term)
        term = term.arguments[0]
    column = state.column(term.relation, term.column) if isinstance(term, Field) else None
    if not isinstance(term, Field) or column is None:
        return None
    source = state.catalog.domain_base(column.type)
    name, modifiers = str(source.id), list(source.modifiers)
    for each in reversed(casts):
        target, _, rest = each.detail.partition("[")
        wanted = [int(part) for part in rest.rstrip("]").split(",") if part.strip().lstrip("-").isdigit()]
        how = _loss(name, modifiers, target, wanted, each.name == "::")
        if how is not None:
            return term, how
        name, modifiers = target, wanted
    return None


def _loss(source: str, have: list[int], target: str, want: list[int], explicit: bool) -> str | None:
    if target in LOSSY.get(source, ()):
        return f"{source} becomes {target}"
    if target == "numeric" and want and source in ("numeric", "float4", "float8"):
        scale, old = (want[1] if len(want) > 1 else 0), (have[1] if len(have) > 1 else 0 if have else None)
        return f"it is rounded to {scale} digits" if old is None or old > scale else None
    if explicit and target in ("varchar", "bpchar") and want and source in ("text", "varchar", "bpchar"):
        return f"it is cut to {want[0]} characters" if not have or have[0] > want[0] else None
    if target in ("timestamp", "timestamptz", "time", "timetz", "interval") and want and source == target:
        return f"its fractions of a second are rounded to {want[0]} digits" if not have or have[0] > want[0] else None
    return None
