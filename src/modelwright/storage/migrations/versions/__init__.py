"""One file per step; `modelwright.storage.migrate.REVISIONS` lists them in order."""
