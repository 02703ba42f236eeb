"""What a table is made of: a name, a role, a kind and a reason for each column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from modelwright.core.errors import UnknownName, nearest
from modelwright.core.hashing import to_jsonable

__all__ = ["Column", "Kind", "Role", "Schema"]


class Kind(StrEnum):
    """What the values of a column are."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"
    LIST = "list"
    COORDINATES = "coordinates"


class Role(StrEnum):
    """What a column is used for."""

    FEATURE = "feature"
    TARGET = "target"
    ID = "id"
    CONSTANT = "constant"
    TIME = "time"
    GROUP = "group"
    WEIGHT = "weight"
    SENSITIVE = "sensitive"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Column:
    """One column of a table, as training saw it.

    Attributes
    ----------
    name : str
        As in the source, untouched.
    kind : Kind
        What its values are.
    role : Role
        What it is used for. A time column is a feature too (its parts are known at prediction time);
        groups, weights, ids, constants and ignored columns are not.
    reason : str
        Why it was treated so, in words a user reads.
    nullable : bool
        Whether training saw missing values; such a column may be absent at predict time.
    parsing : mapping
        How text was turned into values (date format, decimal comma, spellings of true and false,
        tokens read as missing). JSON-able; the same parsing serves at predict time.
    statistics : mapping
        Rows, missing, distinct values, minimum, maximum, mean, examples ... JSON-able.
    """

    name: str
    kind: Kind
    role: Role = Role.FEATURE
    reason: str = ""
    nullable: bool = False
    parsing: Mapping[str, Any] = field(default_factory=dict)
    statistics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_feature(self) -> bool:
        """Whether learners see this column."""
        return self.role in (Role.FEATURE, Role.TIME, Role.SENSITIVE)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record of the column."""
        return {
            "name": self.name,
            "kind": str(self.kind),
            "role": str(self.role),
            "reason": self.reason,
            "nullable": self.nullable,
            "parsing": to_jsonable(dict(self.parsing)),
            "statistics": to_jsonable(dict(self.statistics)),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Column:
        """Inverse of `to_dict`.

        Raises
        ------
        LookupError, TypeError, ValueError
            If the record is anything else.
        """
        known = dict(record)
        for name, expected in _TYPES.items():
            if name in known and not isinstance(known[name], expected):
                raise TypeError(f"the {name} of a column is {expected.__name__}, not {known[name]!r:.80}")
        return cls(**{**known, "kind": Kind(known["kind"]), "role": Role(known["role"])})


_TYPES = {"name": str, "reason": str, "nullable": bool, "parsing": Mapping, "statistics": Mapping}


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in the order of the source.

    Examples
    --------
    >>> schema = Schema((Column("age", Kind.NUMERIC), Column("id", Kind.NUMERIC, Role.ID)))
    >>> [column.name for column in schema.features]
    ['age']
    >>> schema["aeg"]
    Traceback (most recent call last):
        ...
    modelwright.core.errors.UnknownName: There is no column 'aeg'. Did you mean 'age'?
    """

    columns: tuple[Column, ...]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise UnknownName(f"There is no column {name!r}.{nearest(name, self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Every column name, in the order of the source."""
        return tuple(column.name for column in self.columns)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that learners see, in the order of the source."""
        return tuple(column for column in self.columns if column.is_feature)

    def with_column(self, column: Column) -> Schema:
        """The schema with one column replaced (found by its name)."""
        return Schema(tuple(column if old.name == column.name else old for old in self.columns))

    def with_role(self, name: str, role: Role, reason: str) -> Schema:
        """The schema with one column given another role, and the reason for it."""
        return self.with_column(replace(self[name], role=role, reason=reason))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {"columns": [column.to_dict() for column in self.columns]}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Schema:
        """Inverse of `to_dict`.

        Raises
        ------
        LookupError, TypeError, ValueError
            If the record is anything else.

        Examples
        --------
        >>> schema = Schema((Column("age", Kind.NUMERIC),))
        >>> Schema.from_dict(schema.to_dict()) == schema
        True
        """
        schema = cls(tuple(Column.from_dict(column) for column in record["columns"]))
        if len(set(schema.names)) < len(schema):
            raise ValueError("two columns of a schema have the same name")
        return schema
