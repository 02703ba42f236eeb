"""The steps that bring a record database to this package's tables. Alembic runs them."""
