"""The contract of a transformer: what it is given, what it writes, when each method is called."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, SchemaMismatch, SparseBlock, nearest
from modelwright.features.options import FeatureOptions

__all__ = ["Transformer", "pick", "pick_lists"]


class Transformer(ABC):
    """Turns every column of one kind into columns of a view.

    Lifecycle: `fit` is called once, with the training frame and the names of all columns of the kind;
    what it returns is never changed again. `transform` is called any number of times, from any thread,
    with frames that hold at least those columns, in any order. `to_dict` and `from_dict` carry the state
    through JSON; `from_dict` must not trust what it reads. A transformer never sees the target.

    One object handles all columns of its kind, not one column each: 10,000 numeric columns are then one
    block operation.

    Attributes
    ----------
    block : {"numeric", "categorical"}
        The block of the view that it fills; text transformers return a sparse block besides.
    kind : str
        The kind of column that it treats; empty where its name in the catalog is the kind.
    columns : tuple of str
        Source columns, in the order of the schema.
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    kind: ClassVar[str] = ""
    columns: tuple[str, ...]

    @classmethod
    @abstractmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Learn what the columns look like; only ``frame`` is looked at."""

    @classmethod
    def fit_with(cls, frame: pl.DataFrame, columns: Sequence[str], options: FeatureOptions) -> Self:
        """`fit`, for transformers that an option concerns; what writes no columns is left out."""
        return cls.fit(frame, columns)

    @property
    @abstractmethod
    def features(self) -> tuple[FeatureInfo, ...]:
        """The view columns it writes, in order.

        A transformer whose name in the catalog is its kind has at least one per source column; others
        have as many as seem useful.
        """

    @property
    def sparse_features(self) -> tuple[FeatureInfo, ...]:
        """The runs of columns of the sparse block that `transform` returns; none for most."""
        return ()

    @abstractmethod
    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> SparseBlock | None:
        """Fill ``out``, shape (rows, features), float32 or int32 by `block`.

        Numbers are finite or NaN; codes are within ``[0, levels)``. Each row depends on that row alone.

        Returns
        -------
        SparseBlock or None
            The block that `sparse_features` describe; None if there are none.
        """

    def transform_row(self, row: Mapping[str, Any], out: NDArray[Any]) -> bool | SparseBlock:
        """Fill ``out``, shape (features,), from one row of plain values, if that is quicker than a frame.

        Parameters
        ----------
        row : mapping of str to object
            Column to float, int, str, bool, naive datetime or list, by its kind; None where missing.
        out : array, shape (features,)

        Returns
        -------
        bool or SparseBlock
            False if the row has to be transformed as a frame; else ``out`` holds what `transform` would
            write, to the last bit. The block that `sparse_features` describe; True if there are none.
        """
        return False

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The whole state as JSON values."""

    @classmethod
    @abstractmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""


def pick(
    frame: pl.DataFrame, columns: Sequence[str], accepted: tuple[type[pl.DataType], ...], kind: str
) -> list[pl.Series]:
    """Columns by their literal names, each of an accepted type or all missing.

    Polars reads a name like ``^a.*$`` as a pattern, even in methods of a series that bears it: columns
    are taken by position, and what is returned bears a harmless name.

    Raises
    ------
    SchemaMismatch
        If a column is absent or of another type.

    Examples
    --------
    >>> pick(pl.DataFrame({"^a$": [1]}), ["^a$"], (pl.Int64,), "numeric")[0].to_list()
    [1]
    """
    return list(_picked(frame, columns, kind, lambda dtype: isinstance(dtype, accepted)))


def pick_lists(
    frame: pl.DataFrame, columns: Sequence[str], items: tuple[type[pl.DataType], ...], kind: str
) -> list[pl.Series]:
    """As `pick`, of columns whose cells are lists of items of an accepted type.

    Examples
    --------
    >>> pick_lists(pl.DataFrame({"tags": [["a"]]}), ["tags"], (pl.String,), "list")[0].to_list()
    [['a']]
    """

    def accepts(dtype: pl.DataType) -> bool:
        inner = dtype.inner if isinstance(dtype, pl.List | pl.Array) else None
        return inner is not None and (inner == pl.Null or isinstance(inner, items))

    return list(_picked(frame, columns, kind, accepts))


def _picked(
    frame: pl.DataFrame, columns: Sequence[str], kind: str, accepts: Callable[[pl.DataType], bool]
) -> Iterator[pl.Series]:
    position = {name: index for index, name in enumerate(frame.columns)}
    for name in columns:
        if name not in position:
            raise SchemaMismatch(
                f"The {kind} column {name!r} is missing.{nearest(name, position)} "
                f"Give every column the model was trained with."
            )
        column = frame.to_series(position[name])
        if column.dtype != pl.Null and not accepts(column.dtype):
            raise SchemaMismatch(
                f"The column {name!r} was {kind} in training but is {column.dtype} here. "
                f"Read the data with the schema of the training data."
            )
        yield column.alias("values")
