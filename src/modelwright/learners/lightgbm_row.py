"""Predictions of one row by LightGBM without what its Python interface does around each call."""

from __future__ import annotations

import ctypes
import weakref
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray

if TYPE_CHECKING:
    import lightgbm as lgb

__all__ = ["RowBooster"]

_FLOAT32, _NORMAL, _ALL = 0, 0, -1


class RowBooster:
    """A booster prepared for single rows (LightGBM's ``PredictForMatSingleRowFast``).

    The numbers are those of ``Booster.predict``, to the last bit: the trees are walked by the same code.
    May be called from several threads.

    Parameters
    ----------
    booster : lightgbm.Booster
        It is kept, and must not be trained on.
    library : ctypes library
        LightGBM's own.
    handle : ctypes pointer
        What LightGBM prepared.
    """

    def __init__(self, booster: lgb.Booster, library: Any, handle: ctypes.c_void_p) -> None:
        self._booster = booster
        self._outputs = booster.num_model_per_iteration()
        self._predict = library.LGBM_BoosterPredictForMatSingleRowFast
        self._handle = handle
        self._features = booster.num_feature()
        weakref.finalize(self, library.LGBM_FastConfigFree, handle)

    @classmethod
    def of(cls, booster: lgb.Booster) -> Self | None:
        """The booster, prepared; None where this LightGBM has no such entry, or has it elsewhere."""
        try:
            from lightgbm import basic

            library = vars(basic)["_LIB"]
            handle = ctypes.c_void_p()
            failed = library.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                ctypes.c_int(_NORMAL),
                ctypes.c_int(0),
                ctypes.c_int(_ALL),
                ctypes.c_int(_FLOAT32),
                ctypes.c_int32(booster.num_feature()),
                ctypes.c_char_p(b"num_threads=1"),
                ctypes.byref(handle),
            )
            return None if failed else cls(booster, library, handle)
        except (ImportError, AttributeError, KeyError, ctypes.ArgumentError):
            return None

    def predict(self, row: NDArray[np.float32]) -> FloatArray | None:
        """What ``Booster.predict`` says of a row.

        Parameters
        ----------
        row : float32 array, shape (features,)
            C-contiguous.

        Returns
        -------
        float64 array, shape (outputs,), or None
            None if LightGBM refuses: its own interface says why.
        """
        if row.shape != (self._features,) or row.dtype != np.float32 or not row.flags.c_contiguous:
            return None
        said = np.empty(self._outputs)
        length = ctypes.c_int64(0)
        failed = self._predict(
            self._handle,
            ctypes.c_void_p(row.ctypes.data),
            ctypes.byref(length),
            ctypes.c_void_p(said.ctypes.data),
        )
        return None if failed or length.value != self._outputs else said
