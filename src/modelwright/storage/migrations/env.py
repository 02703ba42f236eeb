"""What Alembic runs to apply the steps on the connection that `modelwright.storage.migrate` opened."""

from __future__ import annotations

from alembic import context

__all__ = ["apply"]


def apply() -> None:
    """Run the steps inside the caller's transaction: all of them hold, or none."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        version_table=attributes["version_table"],
        transactional_ddl=True,
    )
    context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic loads this file; a plain import does nothing
    apply()
