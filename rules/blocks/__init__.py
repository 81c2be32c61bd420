"""Writers of the sync wait while the migration, or another writer, holds a lock."""
