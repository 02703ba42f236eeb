"""Places on the earth to numbers that trees and distances can work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo
from modelwright.features.state import damaged, read_mapping, read_number, read_record, read_texts
from modelwright.features.transformer import Transformer, pick_lists

__all__ = ["CoordinatesTransformer"]

PARTS = ("latitude", "longitude", "northeast", "northwest", "distance")

_DEGREE = 111.195
"""Kilometres of one degree of latitude (mean radius of the earth: 6371.0 km)."""

_TYPES: tuple[type[pl.DataType], ...] = (pl.Float64, pl.Float32, pl.Int64, pl.Int32)


@dataclass(frozen=True)
class Centre:
    """The middle of the training places of one column, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class CoordinatesTransformer(Transformer):
    """Latitude and longitude in degrees, two axes turned by 45 degrees, and the distance to the centre.

    A tree splits along the axes that it is given: a coast that runs from south-west to north-east takes it
    many splits of latitude and longitude, but one of ``northwest``. The turned axes and the distance
    are kilometres from the median of the training places, on a plane that touches the earth there:
    good for a town or a country, rough for a continent. Longitudes are measured the short way round.
    Places that are no places (latitude beyond ±90, longitude beyond ±360) are missing, as are those
    with a missing part.

    Examples
    --------
    >>> frame = pl.DataFrame({"home": [[52.5, 13.4], [48.1, 11.6], [50.1, None]]})
    >>> transformer = CoordinatesTransformer.fit(frame, ["home"])
    >>> out = np.empty((3, 5), np.float32)
    >>> transformer.transform(frame, out)
    >>> out[:2, :2].round(1).tolist(), bool(np.isnan(out[2]).all())
    ([[52.5, 13.399999618530273], [48.099998474121094, 11.600000381469727]], True)
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    columns: tuple[str, ...]
    centres: Mapping[str, Centre]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Find the median place of each column."""
        centres: dict[str, Centre] = {}
        for name, series in zip(columns, pick_lists(frame, columns, _TYPES, "coordinates"), strict=True):
            latitude, longitude = _degrees(series)
            known = ~np.isnan(latitude)
            found = known.any()
            centres[name] = Centre(
                float(np.median(latitude[known])) if found else 0.0,
                float(np.median(longitude[known])) if found else 0.0,
            )
        return cls(tuple(columns), centres)

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """The parts of each column."""
        return tuple(FeatureInfo(f"{name}.{part}", name, part) for name in self.columns for part in PARTS)

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, features), float32."""
        columns = pick_lists(frame, self.columns, _TYPES, "coordinates")
        for position, (name, series) in enumerate(zip(self.columns, columns, strict=True)):
            centre = self.centres[name]
            latitude, longitude = _degrees(series)
            north = (latitude - centre.latitude) * _DEGREE
            around = (longitude - centre.longitude + 180.0) % 360.0 - 180.0
            east = around * (_DEGREE * np.cos(np.radians(centre.latitude)))
            turned = (north + east) / np.sqrt(2.0), (north - east) / np.sqrt(2.0)
            parts = (latitude, longitude, *turned, np.sqrt(north**2 + east**2))
            out[:, position * len(PARTS) : (position + 1) * len(PARTS)] = np.stack(parts, axis=1)

    def to_dict(self) -> dict[str, Any]:
        """The centre of each column."""
        centres = {name: vars(centre) for name, centre in self.centres.items()}
        return {"columns": list(self.columns), "centres": centres}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        columns = read_texts(record, "columns")
        saved = read_mapping(record, "centres")
        if set(saved) != set(columns):
            raise damaged("'centres'", "about exactly the columns", sorted(saved))
        centres: dict[str, Centre] = {}
        for name in columns:
            entry = read_record(saved[name], f"'centres'[{name!r}]")
            centre = Centre(read_number(entry, "latitude"), read_number(entry, "longitude"))
            if abs(centre.latitude) > 90 or abs(centre.longitude) > 360:
                raise damaged(f"'centres'[{name!r}]", "a place on the earth", vars(centre))
            centres[name] = centre
        return cls(columns, centres)


def _degrees(series: pl.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude, both NaN where the place is not known."""
    lists = series.cast(pl.List(pl.Float64))
    latitude, longitude = (
        lists.list.get(part, null_on_oob=True).fill_null(np.nan).to_numpy().astype(np.float64)
        for part in (0, 1)
    )
    with np.errstate(invalid="ignore"):
        sound = (np.abs(latitude) <= 90.0) & (np.abs(longitude) <= 360.0)
    return np.where(sound, latitude, np.nan), np.where(sound, longitude, np.nan)
