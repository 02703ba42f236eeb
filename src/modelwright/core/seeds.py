"""Seeds: every random decision has a seed derived from the run's seed and the decision's name."""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["derive_seed", "generator"]


def derive_seed(seed: int, *parts: object) -> int:
    """A 31-bit seed for one decision, independent of the order in which decisions are made.

    Parameters
    ----------
    seed : int
        The seed of the run.
    *parts
        The decision's name, for example ``"trial", 3, "fold", 0``.

    Returns
    -------
    int
        In ``[0, 2**31 - 1)``: every library accepts it.

    Examples
    --------
    >>> derive_seed(0, "trial", 1) == derive_seed(0, "trial", 1)
    True
    >>> derive_seed(0, "trial", 1) == derive_seed(0, "trial", 2)
    False
    """
    text = "\x1f".join([str(seed), *map(str, parts)])
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") % (2**31 - 1)


def generator(seed: int, *parts: object) -> np.random.Generator:
    """A numpy generator for one named decision; see `derive_seed`."""
    return np.random.default_rng(derive_seed(seed, *parts))
