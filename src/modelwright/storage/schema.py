"""The tables of the record database. `migrations` builds them; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = ["aliases", "folds", "metadata", "model_names", "models", "runs", "trials"]

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created", Text, nullable=False, index=True),
    Column("updated", Text, nullable=False),
    Column("finished", Text),
    Column("parameters", JSON, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("source", JSON, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("elapsed_seconds", Float, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
)

trials = Table(
    "trials",
    metadata,
    Column("run", Text, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("learner", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("config", JSON, nullable=False),
    Column("status", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("score", Float),
    Column("error", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("details", JSON, nullable=False),
)

folds = Table(
    "folds",
    metadata,
    Column("run", Text, primary_key=True),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("fold", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("score", Float),
    Column("seconds", Float),
    Column("artifact", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("updated", Text, nullable=False),
    Column("details", JSON, nullable=False),
    ForeignKeyConstraint(["run", "trial"], ["trials.run", "trials.number"], ondelete="CASCADE"),
)

model_names = Table(
    "model_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last_version", Integer, nullable=False),
)
"""The counter that hands out versions: one row per name, so that writers queue on it."""

models = Table(
    "models",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, ForeignKey("model_names.name"), nullable=False),
    Column("version", Integer, nullable=False),
    # No foreign key: a model outlives the record of the run that made it.
    Column("run", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("artifact", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("score", Float),
    Column("created", Text, nullable=False),
    Column("summary", JSON, nullable=False),
    UniqueConstraint("name", "version"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("version", Integer),
    Column("changed_at", Text, nullable=False),
    ForeignKeyConstraint(["name", "version"], ["models.name", "models.version"]),
)
"""Every change of every alias, in order; the last one of a name and alias is what holds."""
