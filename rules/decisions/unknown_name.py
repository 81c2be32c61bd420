from collections.abc import Iterator
from difflib import get_close_matches

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation
from schemalint.rule import Decisions, Severity, Violation, Violations, decision
from schemalint.text import Span


@decision()
def unknown_name(decisions: Decisions) -> Violations:
    """What is declared about a sync names a table or a column that does not exist.

    ## Why
    The declaration is for nothing: the name is mistyped, or the object has been renamed or dropped since. What it was to
    silence is reported, or will be.

    ## Way out
    Write the name as it is in the newest state of the schema (`schema.table`), or remove the entry.

    ## Not reported
    Tables that something unmodelled may have made, which can exist all the same. Names are judged where the whole history
    is, not with single files, whose state is not the newest.
    """
    catalog = decisions.catalog
    if catalog is None:
        return
    for mirror in decisions.mirrors:
        found = []
        for declared in (mirror.source, mirror.target):
            relation = catalog.find_relation(*declared.name)
            if relation is not None:
                found.append(relation)
            elif not catalog.get(("unmodelled", declared.name[1])):
                name = ".".join(declared.name)
                tables = (f"{catalog.schema_name(each.schema)}.{each.name}" for each in _tables(catalog))
                yield _violation(name, f"there is no table {name}", declared.span, get_close_matches(name[:120], tables, n=1))
        columns = [each.name for relation in found for each in relation.columns]
        for column in mirror.left_out if len(found) == 2 else ():
            name = column.name[1]
            if name not in columns:
                sides = " nor ".join(catalog.qualified_name(each) for each in found)
                message = f"neither {sides} has a column {name}"
                yield _violation(name, message, column.span, get_close_matches(name[:120], columns, n=1))


def _tables(catalog: Catalog) -> Iterator[Relation]:
    return catalog.objects(Relation)


def _violation(name: str, message: str, span: Span, close: list[str]) -> Violation:
    return Violation(
        key=(span.source.path, span.start, name),
        message=message,
        at=(span,),
        severity=Severity.ERROR,
        help=f"did you mean {close[0]}?" if close else "write it as it is in the newest state, or remove the entry",
    )
