"""What a platform has done to a database before the first migration, as far as it decides what the history means."""

from __future__ import annotations

from pathlib import PurePosixPath

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Publication
from schemalint.replay.privileges import DEFAULTS

# Supabase's own start-up script: ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON … TO these.
SUPABASE_ROLES = ("postgres", "anon", "authenticated", "service_role")


def prepared(catalog: Catalog, root: str) -> Catalog:
    """The database as the platform of a migrations folder hands it over."""
    if "supabase" not in PurePosixPath(root).parts:
        return catalog
    granted = {"is_grant": True}
    entries = tuple(("public", None, kind, granted, SUPABASE_ROLES) for kind in ("tables", "sequences", "functions"))
    catalog, oid = catalog.bind(DEFAULTS, entries).new_oid()
    return catalog.put(Publication(oid, "supabase_realtime"))
