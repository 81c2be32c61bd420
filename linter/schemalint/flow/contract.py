"""Contracts: what the team declares about a sync."""

from __future__ import annotations

import msgspec

from schemalint.catalog.catalog import Catalog


class Contract(msgspec.Struct, frozen=True):
    left_out: frozenset[str] = frozenset()  # columns, of either side, that are not copied on purpose
    one_way: bool = False
    insert_only: bool = False
    retired: bool = False

    def covers(self, event: str) -> bool:
        """Whether the sync still owes the target what an event does to the source."""
        return not self.retired and (event == "insert" or not self.insert_only)


NONE = Contract()


def declare(catalog: Catalog, source: str, target: str, contract: Contract) -> Catalog:
    """The catalog with the contract of a sync, by the qualified names of its tables."""
    return catalog.bind(("contract", source, target), contract)


def contract_of(catalog: Catalog, source: str, target: str) -> Contract:
    """What is declared about the sync from one table to another."""
    found: Contract | None = catalog.get(("contract", source, target))
    return found if found is not None else NONE
