"""SET, RESET and set_config: what holds for the statements to come."""

from __future__ import annotations

from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node
from schemalint.catalog.type_names import strings
from schemalint.replay.context import Context
from schemalint.replay.output_names import literal_text

FOLLOWED = frozenset({"search_path", "role", "session_authorization", "check_function_bodies", "lock_timeout"})
LOCAL = "local_settings"  # what SET LOCAL has changed, with the values to come back at the transaction's end


def set_variable(catalog: Catalog, node: Node, context: Context) -> Catalog:
    kind, name = node.get("kind", "VAR_SET_VALUE"), node.get("name", "").lower()
    if kind == "VAR_RESET_ALL":
        for each in ("search_path", "check_function_bodies", "lock_timeout"):
            catalog = assign(catalog, each, default_of(catalog, each), local=False)
        return catalog
    if name not in FOLLOWED or kind in ("VAR_SET_CURRENT", "VAR_SET_MULTI"):
        return catalog
    name = "role" if name == "session_authorization" else name
    if kind in ("VAR_RESET", "VAR_SET_DEFAULT"):
        return assign(catalog, name, default_of(catalog, name), bool(node.get("is_local")))
    words = [text for each in node.get("args") or () if (text := _word(each)) is not None]
    return assign(catalog, name, _value(name, words), bool(node.get("is_local")))


def _word(node: Node) -> str | None:
    text = literal_text(node)
    if text is not None:
        return text
    constant = node.get("A_Const") or {}
    if "boolval" in constant:
        return "on" if constant["boolval"].get("boolval") else "off"
    return str(constant["ival"].get("ival", 0)) if "ival" in constant else None


def _value(name: str, words: list[str]) -> Any:
    if name == "search_path":
        return tuple(each for each in words if each)
    word = words[0] if words else ""
    if name == "check_function_bodies":
        return word.lower() not in ("off", "false", "no", "0")
    if name == "lock_timeout":
        return None if word.strip("0") in ("", "ms", "s", "min") else word
    return None if word in ("none", "default") else word


def default_of(catalog: Catalog, name: str) -> Any:
    if name == "search_path":
        runner, default = (catalog.get(("setting", f"{each}_search_path")) for each in ("runner", "default"))
        return runner if runner is not None else default or ("public",)
    if name == "lock_timeout":
        return catalog.get(("setting", "runner_lock_timeout"))
    return True if name == "check_function_bodies" else None


def assign(catalog: Catalog, name: str, value: Any, local: bool) -> Catalog:
    key = ("setting", name)
    before = catalog.get(key)
    if local:
        saved = catalog.get(("setting", LOCAL)) or ()
        if all(each != name for each, _ in saved):
            catalog = catalog.bind(("setting", LOCAL), (*saved, (name, before)))
    elif saved := catalog.get(("setting", LOCAL)):
        catalog = catalog.bind(("setting", LOCAL), tuple(each for each in saved if each[0] != name))
    if before == value:
        return catalog
    return catalog.bind(key, value) if value is not None else catalog.unbind(key)


def end_local(catalog: Catalog) -> Catalog:
    """What SET LOCAL has changed is as before when its transaction ends."""
    saved = catalog.get(("setting", LOCAL))
    if not saved:
        return catalog
    catalog = catalog.unbind(("setting", LOCAL))
    for name, value in saved:
        catalog = assign(catalog, name, value, local=False)
    return catalog


def config_calls(node: Node) -> list[tuple[str, str, bool]]:
    """Name, value and is_local of each set_config in a SELECT's list."""
    found: list[tuple[str, str, bool]] = []
    for target in node.get("targetList") or ():
        call = target["ResTarget"].get("val", {}).get("FuncCall")
        if call is None or strings(call.get("funcname"))[-1:] != ["set_config"] or len(call.get("args") or ()) < 3:
            continue
        name, value = (literal_text(each) for each in call["args"][:2])
        last = call["args"][2].get("A_Const") or {}
        if name is not None and value is not None:
            found.append((name.lower(), value, bool(last.get("boolval", {}).get("boolval"))))
    return found


def select(catalog: Catalog, node: Node, context: Context) -> Catalog:
    """A SELECT of a migration: only INTO and set_config change anything that the catalog holds."""
    if "intoClause" in node:
        from schemalint.replay.views import select_into

        return select_into(catalog, node, context)
    for name, value, local in config_calls(node):
        if name in FOLLOWED:
            words = [each.strip().strip('"') for each in value.split(",")] if name == "search_path" else [value]
            catalog = assign(catalog, name, _value(name, words), local)
    return catalog


def set_database_default(catalog: Catalog, node: Node, context: Context) -> Catalog:
    """ALTER DATABASE or ROLE … SET search_path: holds from the next session on."""
    setting = node.get("setstmt") or {}
    role = (node.get("role") or {}).get("rolename")
    if setting.get("name") != "search_path" or (role is not None and role != "postgres"):
        return catalog
    if setting.get("kind") in ("VAR_RESET", "VAR_SET_DEFAULT"):
        return catalog.unbind(("setting", "default_search_path"))
    words = [text for each in setting.get("args") or () if (text := _word(each)) is not None]
    return catalog.bind(("setting", "default_search_path"), _value("search_path", words))
