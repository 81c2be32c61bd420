"""Which operator or function a call means, as PostgreSQL chooses among those of the name.

After parse_oper.c and parse_func.c, and the sections "Operators" and "Functions" of the chapter "Type Conversion".
An argument whose type is not known is None: then nothing is said to be missing, and a result is only given
where all that may be meant agree in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import msgspec

from schemalint.catalog import facts
from schemalint.catalog.coercion import (
    COMPATIBLE,
    POLYMORPHIC,
    SIMPLE,
    UNKNOWN,
    Bindings,
    NoUserTypes,
    UserTypes,
    array_of,
    base_type,
    bindings,
    cast_context,
    category_of,
    coercion,
    common_type,
    converts,
    element_of,
    is_composite,
    is_foreign,
    is_preferred,
)
from schemalint.catalog.facts import FunctionFact, OperatorFact, Type

__all__ = [
    "Resolved",
    "Type",
    "Unresolved",
    "UserTypes",
    "coercion",
    "common_type",
    "resolve_function",
    "resolve_operator",
]

NO_USER_TYPES = NoUserTypes()
RANGES = frozenset(each for each in POLYMORPHIC if each.endswith("range"))


class Resolved(msgspec.Struct, frozen=True):
    result: Type | None  # None: it cannot be told
    arguments: tuple[Type, ...] = ()  # what the arguments are converted to, in the order of the call
    strict: bool = True
    volatility: str = "i"
    returns_set: bool = False
    kind: str = "f"  # f(unction), p(rocedure), a(ggregate), w(indow)
    identity: int | None = None  # of a user's function
    function: FunctionFact | None = None  # None: an operator, a type's name used as a function, or one of several


class Unresolved(msgspec.Struct, frozen=True):
    """`reason`: missing, ambiguous, mismatch (arguments that do not settle a polymorphic type), unknown (nobody can tell)."""

    reason: str
    sqlstate: str = ""
    message: str = ""  # as PostgreSQL prints it, user-defined types by their ids


class Candidate(msgspec.Struct, frozen=True):
    """An operator or function with the types that it wants for the call's arguments, in the call's order."""

    types: tuple[Type, ...]
    of: FunctionFact | OperatorFact
    expanded: bool = False  # some arguments go into its VARIADIC one
    ambiguous: bool = False  # stands for several that fit the call equally well


# -- operators


def resolve_operator(
    name: str, left: Type | None, right: Type | None, user: UserTypes = NO_USER_TYPES, extra: Sequence[OperatorFact] = ()
) -> Resolved | Unresolved:
    """The operator that `left name right` means; a prefix operator where `left` is None.

    An operand whose type is not known is "?" (on the right None too). None on the left of what is no prefix operator is
    taken for one.
    """
    prefix = left is None and any(each.left is None for each in (*facts.operators_named(name), *extra))
    given = [right] if prefix else [left, right]
    operands = [None if each == UNKNOWN else each for each in given]
    candidates = [*_own_operators(name, prefix), *(_operator(each) for each in extra if (each.left is None) == prefix)]
    if None in operands:
        return _agreed(candidates, operands, user)
    types = [each for each in operands if each is not None]
    chosen = _exact_operator(candidates, types, user) or _best(candidates, types, user)
    if isinstance(chosen, Candidate):
        return _finished(chosen, types, user)
    if any(is_foreign(each, user) for each in types):
        return Unresolved("unknown")
    shown = " ".join([*(_display(each) for each in types[:-1]), name, _display(types[-1])])
    if chosen == "ambiguous":
        return Unresolved("ambiguous", "42725", f"operator is not unique: {shown}")
    return Unresolved("missing", "42883", f"operator does not exist: {shown}")


@cache
def _own_operators(name: str, prefix: bool) -> tuple[Candidate, ...]:
    return tuple(_operator(each) for each in facts.operators_named(name) if (each.left is None) == prefix)


def _operator(fact: OperatorFact) -> Candidate:
    return Candidate((fact.right,) if fact.left is None else (fact.left, fact.right), fact)


def _exact_operator(candidates: list[Candidate], types: list[Type], user: UserTypes) -> Candidate | None:
    """An untyped literal is first taken to be of the other operand's type, then of the type below that domain."""
    if len(types) == 1:
        return _exact(candidates, tuple(types))
    left, right = (b if a == "unknown" else a for a, b in (types, types[::-1]))
    found = _exact(candidates, (left, right))
    if found is None and "unknown" in types:
        base = base_type(left, user)
        found = _exact(candidates, (base, base))
    return found


# -- functions


def resolve_function(
    candidates: Sequence[FunctionFact],
    name: str,
    arguments: Sequence[Type | None],
    argument_names: Sequence[str | None] = (),
    variadic_call: bool = False,
    user: UserTypes = NO_USER_TYPES,
) -> Resolved | Unresolved:
    """The function that a call means, among the candidates of its name: PostgreSQL's own and the user's."""
    given = [None if each == UNKNOWN else each for each in arguments]
    names = list(argument_names) if any(argument_names) else []
    expanded = (_expanded(each, len(given), names, variadic_call, user) for each in candidates)
    fitting = _without_shadowed(each for each in expanded if each is not None)
    if None in given and fitting:
        return _agreed(fitting, given, user)
    types = ["unknown" if each is None else each for each in given]
    chosen: Candidate | Resolved | str | None = _exact(fitting, tuple(types))
    if chosen is None and len(types) == 1 and not names:
        chosen = _type_as_function(name, types[0], user)
    if chosen is None:
        chosen = _best(fitting, types, user)
    if isinstance(chosen, Candidate) and not chosen.ambiguous:
        return _finished(chosen, types, user)
    if isinstance(chosen, Resolved):
        return chosen
    if fitting and any(is_foreign(each, user) for each in types):
        return Unresolved("unknown")
    if len(types) == 1 and (is_composite(types[0], user) or _has_own_cast(name, types[0], user)):
        return Unresolved("unknown")  # f(row) also means row.f, and type(x) a user's cast
    shown = f"{name}({', '.join(_signature(types, names))})"
    if chosen == "missing":
        return Unresolved("missing", "42883", f"function {shown} does not exist")
    return Unresolved("ambiguous", "42725", f"function {shown} is not unique")


def _signature(types: list[Type], names: list[str | None]) -> list[str]:
    padded = [*names, *[None] * (len(types) - len(names))]
    return [f"{name} => {_display(each)}" if name else _display(each) for each, name in zip(types, padded, strict=True)]


def _expanded(fact: FunctionFact, count: int, names: list[str | None], variadic_call: bool, user: UserTypes) -> Candidate | None:
    """The function as a candidate for a call with so many arguments, or None where it takes another number."""
    wanted = len(fact.arguments)
    if names:
        return None if fact.variadic and not variadic_call else _by_name(fact, names)
    if fact.variadic and not variadic_call and count >= wanted:
        element = _variadic_element(fact.arguments[-1], user)
        return Candidate((*fact.arguments[:-1], *[element] * (count - wanted + 1)), fact, expanded=True)
    if count <= wanted <= count + fact.defaults:
        return Candidate(fact.arguments[:count], fact)
    return None


def _by_name(fact: FunctionFact, names: list[str | None]) -> Candidate | None:
    """A call in named or mixed notation: each name once, none of a place already taken, the others with defaults."""
    if len(names) > len(fact.arguments) or not fact.argument_names:
        return None
    places: list[int] = []
    for place, name in enumerate(names):
        if name is not None and name not in fact.argument_names:
            return None
        places.append(place if name is None else fact.argument_names.index(name))
    required = set(range(len(fact.arguments) - fact.defaults))
    if len(set(places)) < len(places) or not required <= set(places):
        return None
    return Candidate(tuple(fact.arguments[each] for each in places), fact)


def _variadic_element(array: Type, user: UserTypes) -> Type:
    special = {"any": "any", "anyarray": "anyelement", "anycompatiblearray": "anycompatible"}
    if isinstance(array, str) and array in special:
        return special[array]
    element = element_of(array, user)
    return UNKNOWN if element is None else element


def _without_shadowed(candidates: Iterable[Candidate]) -> list[Candidate]:
    """One candidate for each list of types: of the schema that is searched first, the one that is not VARIADIC."""
    kept: dict[tuple[Type, ...], Candidate] = {}
    for each in candidates:
        earlier = kept.get(each.types)
        if earlier is None or _place(each) < _place(earlier):
            kept[each.types] = each
        elif _place(each) == _place(earlier) and _fact(each).arguments != _fact(earlier).arguments:
            kept[each.types] = msgspec.structs.replace(earlier, ambiguous=True)
    return list(kept.values())


def _place(candidate: Candidate) -> tuple[int, bool, bool]:
    fact = _fact(candidate)
    return fact.place, fact.identity is not None, candidate.expanded


def _fact(candidate: Candidate) -> FunctionFact:
    assert isinstance(candidate.of, FunctionFact)
    return candidate.of


def _type_as_function(name: str, source: Type, user: UserTypes) -> Resolved | None:
    """text(x): a call with one argument and a type's name is a conversion, where that takes no function."""
    found = facts.type_named(name)
    if found is None or found.kind == "c" or name in POLYMORPHIC:
        return None
    base = base_type(source, user)
    if source != "unknown" and base != name:
        cast = facts.cast(base, name) if isinstance(base, str) else None
        if cast is not None and cast.method == "f":
            return None
        if cast is None and (cast_context(base, name, user) is not None or "S" not in _categories(base, name, user)):
            return None
        if cast is None and (base == "record" or is_composite(source, user)) and found.category == "S":
            return None
    return Resolved(name, (name,), volatility="s")


def _has_own_cast(name: str, source: Type, user: UserTypes) -> bool:
    return facts.type_named(name) is not None and user.casts(base_type(source, user), name) is not None


def _categories(source: Type, target: Type, user: UserTypes) -> tuple[str, str]:
    return category_of(source, user), category_of(target, user)


# -- the choice among candidates, which operators and functions have in common


def _exact(candidates: Iterable[Candidate], types: tuple[Type, ...]) -> Candidate | None:
    return next((each for each in candidates if each.types == types), None)


def _best(candidates: list[Candidate], types: list[Type], user: UserTypes) -> Candidate | str:
    """The candidate that is left of those that can take the types, or "missing" or "ambiguous"."""
    viable = [each for each in candidates if _accepts(each, types, user)]
    if not viable:
        return "missing"
    if len(viable) == 1:
        return viable[0]
    return _select(viable, types, user) or "ambiguous"


def _accepts(candidate: Candidate, types: Sequence[Type | None], user: UserTypes) -> bool:
    if not all(a is None or converts(a, wanted, user) for a, wanted in zip(types, candidate.types, strict=True)):
        return False
    return POLYMORPHIC.isdisjoint(candidate.types) or bindings(types, candidate.types, user) is not None


def _select(candidates: list[Candidate], types: list[Type], user: UserTypes) -> Candidate | None:
    """func_select_candidate: most exact matches, then preferred types, then a guess at what the untyped literals are."""
    bases = [base_type(each, user) for each in types]
    candidates = _most(candidates, [_matches(each, bases) for each in candidates])
    if len(candidates) > 1:
        candidates = _most(candidates, [_matches_or_preferred(each, bases, user) for each in candidates])
    if len(candidates) == 1:
        return candidates[0]
    if "unknown" not in bases:
        return None
    candidates = _by_category(candidates, bases, user)
    if len(candidates) == 1:
        return candidates[0]
    known = {each for each in bases if each != "unknown"}
    if len(known) != 1:
        return None
    same = [known.copy().pop()] * len(bases)
    accepting = [each for each in candidates if _accepts(each, same, user)]
    return accepting[0] if len(accepting) == 1 else None


def _most(candidates: list[Candidate], scores: list[int]) -> list[Candidate]:
    best = max(scores)
    return [each for each, score in zip(candidates, scores, strict=True) if score == best]


def _matches(candidate: Candidate, bases: list[Type]) -> int:
    return sum(base == wanted != "unknown" for base, wanted in zip(bases, candidate.types, strict=True))


def _matches_or_preferred(candidate: Candidate, bases: list[Type], user: UserTypes) -> int:
    return sum(
        base != "unknown" and (base == wanted or (is_preferred(wanted) and category_of(wanted, user) == category_of(base, user)))
        for base, wanted in zip(bases, candidate.types, strict=True)
    )


def _by_category(candidates: list[Candidate], bases: list[Type], user: UserTypes) -> list[Candidate]:
    """Those that take an untyped literal as a string, or else as the category that all agree on; all where that fails."""
    kept = candidates
    for place, base in enumerate(bases):
        if base != "unknown":
            continue
        offered = [each.types[place] for each in candidates]
        categories = {category_of(each, user) for each in offered}
        if "S" not in categories and len(categories) > 1:
            return candidates
        category = "S" if "S" in categories else categories.pop()
        preferred = any(is_preferred(each) and category_of(each, user) == category for each in offered)
        kept = [
            each
            for each in kept
            if category_of(each.types[place], user) == category and (not preferred or is_preferred(each.types[place]))
        ]
    return kept or candidates


# -- the result


def _finished(chosen: Candidate, types: Sequence[Type], user: UserTypes) -> Resolved | Unresolved:
    """The result of a call whose function is settled, with what its polymorphic types stand for."""
    declared = chosen.types
    bound = bindings(types, declared, user)
    if bound is None:
        return Unresolved("unknown")
    open_ones = [each for each in declared if each in RANGES and each not in bound]
    if open_ones or (not SIMPLE.isdisjoint(declared) and "anyelement" not in bound and SIMPLE.isdisjoint(bound)):
        which = f" {open_ones[0]}" if open_ones else ""
        return Unresolved("mismatch", "42804", f"could not determine polymorphic type{which} because input has type unknown")
    if "anycompatible" not in bound and not COMPATIBLE.isdisjoint(declared):
        bound |= {"anycompatible": "text", "anycompatiblenonarray": "text", "anycompatiblearray": "_text"}
    return _resolved(chosen, bound)


def _resolved(chosen: Candidate, bound: Bindings) -> Resolved | Unresolved:
    fact = chosen.of
    arguments = tuple(_bound_type(each, bound) for each in chosen.types)
    result = fact.result if POLYMORPHIC.isdisjoint(chosen.types) else _bound_type(fact.result, bound)
    for element in _arrays_made(chosen, arguments, bound):
        if element != UNKNOWN and array_of(element) is None:
            return Unresolved("mismatch", "42704", f"could not find array type for data type {_display(element)}")
    shown = None if result == UNKNOWN else result
    if isinstance(fact, OperatorFact):
        return Resolved(shown, arguments, fact.strict, fact.volatility)
    return Resolved(shown, arguments, fact.strict, fact.volatility, fact.returns_set, fact.kind, fact.identity, fact)


def _arrays_made(chosen: Candidate, arguments: tuple[Type, ...], bound: Bindings) -> list[Type]:
    """The types of which the call has to make arrays; there are no arrays of arrays."""
    wanted = (*chosen.types, chosen.of.result)
    pairs = (("anyarray", "anyelement"), ("anycompatiblearray", "anycompatible"))
    made = [bound.get(element) for array, element in pairs if array in wanted and bound.get(array, UNKNOWN) is None]
    if chosen.expanded and chosen.types[-1] != "any":
        made.append(arguments[-1])
    return [each for each in made if each is not None]


def _bound_type(declared: Type, bound: Bindings) -> Type:
    if declared not in POLYMORPHIC:
        return declared
    found = bound.get(str(declared))
    return UNKNOWN if found is None else found


def _agreed(candidates: list[Candidate], types: Sequence[Type | None], user: UserTypes) -> Resolved | Unresolved:
    """What all candidates that may be meant have in common, if they give the same type."""
    results: list[Resolved] = []
    for each in candidates:
        if not _accepts(each, types, user):
            continue
        resolved = _resolved(each, bindings(types, each.types, user) or {})
        if isinstance(resolved, Resolved):
            results.append(resolved)
    if not results or any(each.result != results[0].result for each in results):
        return Unresolved("unknown")
    if len(results) == 1:
        return results[0]
    if results[0].result is None:
        return Unresolved("unknown")
    return Resolved(
        results[0].result,
        strict=all(each.strict for each in results),
        volatility=max((each.volatility for each in results), key="isv".index),
        returns_set=any(each.returns_set for each in results),
        kind=results[0].kind,
    )


def _display(type_: Type) -> str:
    return str(type_) if isinstance(type_, int) else facts.display_name(type_)
