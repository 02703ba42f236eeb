"""Rows of the holdout that training holds too: their score says nothing about new rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Finding, View

__all__ = ["find_overlap"]

_WORRYING_SHARE = 0.01
_STANDARD_ERRORS = 3.0
"""How far beyond chance the agreeing rows must be in number."""

_Rows = tuple[View, NDArray[np.generic]]


def find_overlap(training: _Rows, holdout: _Rows) -> list[Finding]:
    """Judge whether rows of the holdout equal training rows more often than training rows equal each other.

    Rows are compared in all that a model sees of them and the target. Where that is little (a handful of
    columns of few values) rows agree by chance, and training rows among themselves say how often.

    Parameters
    ----------
    training, holdout : (View, array)
        The rows and their targets.

    Returns
    -------
    list of Finding
        At most one, check ``"holdout_overlap"``; evidence: ``rows``, ``share``, ``share_by_chance``.
    """
    known, counts = np.unique(_digests(*training), return_counts=True)
    rows = len(holdout[1])
    shared = int(np.isin(_digests(*holdout), known).sum())
    trained = int(counts.sum())
    chance = int(counts[counts > 1].sum()) / max(trained, 1)
    spread = max(chance, 1 / max(trained, 1))
    expected = rows * chance
    if shared - expected <= _STANDARD_ERRORS * np.sqrt(rows * spread * (1 - spread)):
        return []
    share = shared / rows
    worrying = share - chance > _WORRYING_SHARE
    among = f", which {chance:.1%} of the training rows do among themselves" if chance else ""
    return [
        Finding(
            "holdout_overlap",
            "warning" if worrying else "info",
            f"{shared} of {rows} rows of the holdout ({share:.0%}) equal a training row in every column that "
            f"is used and in the target{among}: the score on them flatters.",
            action="If they are copies, remove them, or keep copies together with a group column."
            if worrying
            else "",
            evidence={"rows": shared, "share": share, "share_by_chance": chance},
        )
    ]


def _digests(view: View, target: NDArray[np.generic]) -> NDArray[np.bytes_]:
    """A digest of each row, shape (rows,)."""
    import hashlib

    dense = np.concatenate(
        [
            view.numeric.view(np.int32),
            view.categorical,
            target.astype(np.float32).reshape(len(target), -1).view(np.int32),
        ],
        axis=1,
    )
    digests = []
    for row, cells in enumerate(dense):
        digest = hashlib.blake2b(cells.tobytes(), digest_size=16)
        if view.sparse is not None:
            terms = slice(view.sparse.indptr[row], view.sparse.indptr[row + 1])
            digest.update(view.sparse.indices[terms].tobytes())
            digest.update(view.sparse.data[terms].tobytes())
        digests.append(digest.hexdigest())
    return np.array(digests, dtype="S32")
