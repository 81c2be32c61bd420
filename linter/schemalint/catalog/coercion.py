"""Which types convert into which, and what polymorphic types stand for, as PostgreSQL decides it.

After parse_coerce.c and the chapter "Type Conversion". A type whose name is not known is "?"; nothing is held
against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from schemalint.catalog import facts
from schemalint.catalog.facts import Type

UNKNOWN = "?"  # a type that the model does not know; "unknown" is PostgreSQL's own, of untyped literals

ELEMENTS = frozenset({"anyelement", "anynonarray", "anyenum"})
SIMPLE = ELEMENTS | {"anyarray", "anyrange", "anymultirange"}
COMPATIBLE_ELEMENTS = frozenset({"anycompatible", "anycompatiblenonarray"})
COMPATIBLE = COMPATIBLE_ELEMENTS | {"anycompatiblearray", "anycompatiblerange", "anycompatiblemultirange"}
POLYMORPHIC = SIMPLE | COMPATIBLE

CATEGORIES = {"e": "E", "c": "C", "r": "R", "m": "R", "a": "A", "b": "U"}  # of user-defined types by kind
CONTEXTS = "iae"  # each allows what those before it allow


class UserTypes(Protocol):
    """What resolution has to know of a project's own types. An array of one is its negated id."""

    def kind(self, type: int) -> str:
        """'e' enum, 'd' domain, 'c' composite, 'r' range, 'a' array, 'b' any other."""

    def base(self, type: int) -> Type:
        """A domain's base type, which may be a domain too; any other type itself."""

    def element(self, type: int) -> Type | None:
        """The element type of an array."""

    def casts(self, source: Type, target: Type) -> str | None:
        """The context of a user-defined cast: 'i', 'a', 'e'; None where there is none."""


class NoUserTypes:
    """For what only deals with PostgreSQL's own types."""

    def kind(self, type: int) -> str:
        return "b"

    def base(self, type: int) -> Type:
        return type

    def element(self, type: int) -> Type | None:
        return -type if type < 0 else None

    def casts(self, source: Type, target: Type) -> str | None:
        return None


# -- what a type is


def base_type(type_: Type, user: UserTypes) -> Type:
    """The type below all domains."""
    while isinstance(type_, int) and user.kind(type_) == "d":
        below = user.base(type_)
        if below == type_:
            break
        type_ = below
    return type_


def kind_of(type_: Type, user: UserTypes) -> str:
    if isinstance(type_, int):
        return user.kind(type_)
    found = facts.type_named(type_)
    return "b" if found is None else found.kind


def category_of(type_: Type, user: UserTypes) -> str:
    """pg_type.typcategory; a domain has its base type's."""
    type_ = base_type(type_, user)
    if isinstance(type_, int):
        return CATEGORIES.get(user.kind(type_), "U")
    found = facts.type_named(type_)
    return "U" if found is None else found.category


def is_preferred(type_: Type) -> bool:
    found = facts.type_named(type_) if isinstance(type_, str) else None
    return found is not None and found.preferred


def element_of(type_: Type, user: UserTypes) -> Type | None:
    if isinstance(type_, int):
        return user.element(type_)
    found = facts.type_named(type_)
    return None if found is None else found.element


def array_of(type_: Type) -> Type | None:
    """The type of arrays of the type; there is none of arrays of arrays."""
    if isinstance(type_, int):
        return -type_ if type_ > 0 else None
    found = facts.type_named(type_)
    return None if found is None else found.array


def is_composite(type_: Type, user: UserTypes) -> bool:
    return kind_of(base_type(type_, user), user) == "c"


def is_foreign(type_: Type | None, user: UserTypes) -> bool:
    """Whether casts and operators may exist for the type that the model has not seen: an extension's, or not known."""
    if type_ is None:
        return True
    type_ = base_type(type_, user)
    if isinstance(type_, str):
        return facts.type_named(type_) is None
    element = user.element(type_)
    return is_foreign(element, user) if element is not None else user.kind(type_) == "b"


# -- conversions


def coercion(source: Type, target: Type, user: UserTypes) -> str | None:
    """The least context in which the conversion is allowed: 'i'mplicit, 'a'ssignment, 'e'xplicit; None: it is not.

    Conversions of an extension's types that nobody told of count as implicit: the model cannot rule them out.
    """
    if target in POLYMORPHIC:
        return "i" if source == "unknown" or bindings([source], [target], user) is not None else None
    found = _coercion(source, target, user)
    if found is None and (is_foreign(source, user) or is_foreign(target, user)):
        return "i"
    return found


def _coercion(source: Type, target: Type, user: UserTypes) -> str | None:
    if source == target or source == "unknown" or target == "any":
        return "i"
    found = _pathway(source, target, user)
    if found != "i" and _is_row_to_record(source, target, user):
        return "i"
    return found


def converts(source: Type, target: Type, user: UserTypes) -> bool:
    """Whether the conversion is done implicitly; polymorphic targets take anything here (see `bindings`)."""
    return UNKNOWN in (source, target) or target in POLYMORPHIC or _coercion(source, target, user) == "i"


def _is_row_to_record(source: Type, target: Type, user: UserTypes) -> bool:
    if target == "record":
        return is_composite(source, user)
    if source == "record":
        return is_composite(target, user)
    if target == "_record":
        element = element_of(base_type(source, user), user)
        return element is not None and is_composite(element, user)
    return False


def _pathway(source: Type, target: Type, user: UserTypes) -> str | None:
    """find_coercion_pathway: casts, arrays by their elements, and text as the way in and out of everything."""
    source, target = base_type(source, user), base_type(target, user)
    if source == target:
        return "i"
    found = cast_context(source, target, user)
    if found is not None:
        return found
    if target not in ("int2vector", "oidvector"):
        elements = element_of(source, user), element_of(target, user)
        if elements[0] is not None and elements[1] is not None:
            found = _pathway(elements[0], elements[1], user)
    return found if found is not None else through_text(source, target, user)


def cast_context(source: Type, target: Type, user: UserTypes) -> str | None:
    if isinstance(source, str) and isinstance(target, str) and (found := facts.cast(source, target)) is not None:
        return found.context
    return user.casts(source, target)


def through_text(source: Type, target: Type, user: UserTypes) -> str | None:
    if category_of(target, user) == "S":
        return "a"
    return "e" if category_of(source, user) == "S" else None


def common_type(types: Sequence[Type], user: UserTypes) -> Type | None:
    """The type that CASE, COALESCE, VALUES, ARRAY[] and the like give to values of these types; None: an error.

    A UNION of three resolves two at a time, from the left.
    """
    found = select_common_type(types, user)
    if found is None or all(converts(each, found, user) for each in types):
        return found
    return None


def select_common_type(types: Sequence[Type], user: UserTypes) -> Type | None:
    if not types:
        return None
    if types[0] != "unknown" and all(each == types[0] for each in types):
        return types[0]
    chosen: Type = "unknown"
    for each in (base_type(each, user) for each in types):
        if each in ("unknown", chosen):
            continue
        if chosen == "unknown":
            chosen = each
        elif category_of(each, user) != category_of(chosen, user):
            return None
        elif not is_preferred(chosen) and converts(chosen, each, user) and not converts(each, chosen, user):
            chosen = each
    return "text" if chosen == "unknown" else chosen


# -- polymorphic types

Bindings = dict[str, Type | None]  # what each polymorphic type stands for; None: an array type that does not exist


def bindings(actual: Sequence[Type | None], declared: Sequence[Type], user: UserTypes) -> Bindings | None:
    """What the polymorphic types among the declared ones stand for in a call; None: the arguments do not fit them.

    Arguments of type "unknown", and those not known at all, say nothing.
    """
    told = [(a, d) for a, d in zip(actual, declared, strict=True) if a is not None and a not in ("unknown", UNKNOWN)]
    simple = _simple_bindings([(a, str(d)) for a, d in told if d in SIMPLE], user)
    if simple is None:
        return None
    if "anyenum" in declared and "anyelement" not in simple and None not in actual:
        return None
    compatible = _compatible_bindings([(a, str(d)) for a, d in told if d in COMPATIBLE], user)
    return None if compatible is None else simple | compatible


def _simple_bindings(pairs: list[tuple[Type, str]], user: UserTypes) -> Bindings | None:
    elements = _one(a for a, d in pairs if d in ELEMENTS)
    arrays = _one(base_type(a, user) for a, d in pairs if d == "anyarray")
    ranges = _one(base_type(a, user) for a, d in pairs if d == "anyrange")
    multiranges = _one(base_type(a, user) for a, d in pairs if d == "anymultirange")
    if elements is None or arrays is None or ranges is None or multiranges is None:
        return None
    ranges = _with(ranges, [_subtype(each, "m", user) for each in multiranges])
    if ranges is None:
        return None
    inner = [*(element_of(each, user) for each in arrays), *(_subtype(each, "r", user) for each in ranges)]
    elements = _with(elements, inner)
    if elements is None:
        return None
    found: Bindings = {}
    for element in elements:
        declared = {d for _, d in pairs}
        if "anynonarray" in declared and element_of(base_type(element, user), user) is not None:
            return None
        if "anyenum" in declared and kind_of(element, user) != "e":
            return None
        found |= dict.fromkeys(ELEMENTS, element)
        found["anyarray"] = arrays[0] if arrays else array_of(element)
    for each in ranges:
        found["anyrange"] = each
        found["anymultirange"] = multiranges[0] if multiranges else _multirange(each)
    return found


def _compatible_bindings(pairs: list[tuple[Type, str]], user: UserTypes) -> Bindings | None:
    """The anycompatible family: the arguments need a common type only, but ranges have to be of just that."""
    elements = [
        a if d in COMPATIBLE_ELEMENTS else element_of(base_type(a, user), user)
        for a, d in pairs
        if d in COMPATIBLE_ELEMENTS or d == "anycompatiblearray"
    ]
    ranges = _one(base_type(a, user) for a, d in pairs if d == "anycompatiblerange")
    multiranges = _one(base_type(a, user) for a, d in pairs if d == "anycompatiblemultirange")
    if ranges is None or multiranges is None:
        return None
    ranges = _with(ranges, [_subtype(each, "m", user) for each in multiranges])
    if ranges is None:
        return None
    subtypes = [_subtype(each, "r", user) for each in ranges]
    known = [each for each in [*elements, *subtypes] if each is not None]
    if len(known) < len(elements) + len(subtypes):
        return None
    if not known:
        return {}
    common = common_type(known, user)
    if common is None or any(each not in (common, UNKNOWN) for each in subtypes):
        return None
    if any(d == "anycompatiblenonarray" for _, d in pairs) and element_of(base_type(common, user), user) is not None:
        return None
    found: Bindings = dict.fromkeys(COMPATIBLE_ELEMENTS, common)
    found["anycompatiblearray"] = array_of(common)
    for each in ranges:
        found["anycompatiblerange"] = each
        found["anycompatiblemultirange"] = multiranges[0] if multiranges else _multirange(each)
    return found


def _one(types: Iterable[Type]) -> list[Type] | None:
    """The one type that all are, in a list; an empty one for none, None for several."""
    found = list(dict.fromkeys(types))
    return found if len(found) < 2 else None


def _with(known: list[Type], more: Iterable[Type | None]) -> list[Type] | None:
    """`_one` of types that follow from others; None among them means that they do not follow."""
    following = list(more)
    if None in following:
        return None
    return _one([*known, *(each for each in following if each is not None and each != UNKNOWN)])


def _subtype(type_: Type, kind: str, user: UserTypes) -> Type | None:
    """A range's element type, or a multirange's range."""
    if isinstance(type_, int):
        return UNKNOWN if user.kind(type_) in ("r", "m", "b") else None
    found = facts.type_named(type_)
    return found.subtype if found is not None and found.kind == kind else None


def _multirange(range_: Type) -> Type | None:
    found = facts.type_named(range_) if isinstance(range_, str) else None
    return UNKNOWN if found is None else found.multirange
