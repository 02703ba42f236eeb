"""From what engines add up to contributions of the columns of a view, on the scale of predictions."""

from __future__ import annotations

import numpy as np

from modelwright.core import Contributions, FloatArray, IntArray, View, ViewInfo
from modelwright.features import TreeEncoder
from modelwright.learners.design import Design
from modelwright.learners.matrix_columns import MatrixColumns
from modelwright.learners.targets import TargetCoder

__all__ = ["constant_contributions", "decoded", "design_owners", "matrix_owners", "tree_owners"]

_LARGEST = 700.0
"""Of a logarithm: the exponential of more is no number."""


def constant_contributions(prediction: FloatArray, view: View, *, classes: bool) -> Contributions:
    """Of a model that says the same of every row: nothing adds anything.

    Parameters
    ----------
    prediction : float64 array
        The value, or the probability of each class.
    view : View
    classes : bool
        Which of the two it is.

    Examples
    --------
    >>> view = View(np.zeros((2, 0), np.float32), np.zeros((2, 0), np.int32), ViewInfo((), ()))
    >>> constant_contributions(np.array([0.25, 0.75]), view, classes=True).raw.tolist()
    [[0.75], [0.75]]
    """
    base = np.asarray(prediction, np.float64).reshape(-1)
    if classes and len(base) == 2:
        base = base[1:]
    values = np.zeros((view.rows, len(view.info.features), len(base)))
    return Contributions(values, base, "probability" if classes else "identity")


def decoded(coder: TargetCoder, found: Contributions, *, logarithmic: bool = False) -> Contributions:
    """Contributions to predictions, as `TargetCoder.decode` makes them of what an engine says.

    Log odds stay log odds where all classes were there to learn.

    Parameters
    ----------
    coder : TargetCoder
        Of a target that is not constant.
    found : Contributions
        To sums of one output for values and two present classes, else one for each present class.
    logarithmic : bool, default False
        Whether sums are logarithms of values.

    Examples
    --------
    >>> coder = TargetCoder(outputs=0, center=100.0, scale=10.0)
    >>> decoded(coder, Contributions(np.array([[[0.5]]]), np.zeros(1))).values.tolist()
    [[[5.0]]]
    """
    if not coder.is_classification:
        if not logarithmic and not coder.logarithm:
            return Contributions(found.values * coder.scale, found.base * coder.scale + coder.center)

        def answer(sums: FloatArray) -> FloatArray:
            values = np.exp(np.minimum(sums[:, 0], _LARGEST)) if logarithmic else sums[:, 0]
            return coder.decode(values).array[:, None]

        return found.mapped(answer, "identity")
    if len(coder.present) == coder.outputs:
        return found
    shares = found.probabilities()
    values, base = shares.values, shares.base
    if values.shape[2] == 1:
        values = np.concatenate([-values, values], axis=2)
        base = np.concatenate([1.0 - base, base])
    wide = np.zeros((*values.shape[:2], coder.outputs))
    wide[:, :, list(coder.present)] = values
    whole = np.zeros(coder.outputs)
    whole[list(coder.present)] = base
    return Contributions(wide, whole, "probability")


def matrix_owners(columns: MatrixColumns) -> IntArray:
    """The column of the view that each column of a booster's matrix comes from."""
    categories = len(columns.levels.table.cardinalities)
    rest = np.arange(columns.width - columns.numeric)
    # statistics of the target stand category by category, output after output
    return np.concatenate([np.arange(columns.numeric), columns.numeric + rest % max(1, categories)])


def tree_owners(encoder: TreeEncoder) -> IntArray:
    """The column of the view that each column of a forest's matrix comes from.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo
    >>> info = ViewInfo((FeatureInfo("age", "age", "value"),), (FeatureInfo("plan", "plan", "codes", 3),))
    >>> view = View(np.array([[1], [np.nan]], np.float32), np.array([[1], [2]], np.int32), info)
    >>> tree_owners(TreeEncoder.fit(view)).tolist()
    [0, 0, 1, 1]
    """
    numbers = len(encoder.fill)
    owners = np.zeros(encoder.width, np.int64)
    owners[:numbers] = np.arange(numbers)
    owners[numbers : numbers + len(encoder.indicated)] = encoder.indicated
    for position, places in enumerate(encoder.places.columns()):
        owners[places[places >= 0]] = numbers + position
    return owners


def design_owners(design: Design, info: ViewInfo) -> IntArray:
    """The column of the view that each column of a linear model's matrix comes from.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo
    >>> info = ViewInfo((FeatureInfo("age", "age", "value"),), (FeatureInfo("plan", "plan", "codes", 3),))
    >>> view = View(np.array([[1], [3]], np.float32), np.array([[1], [2]], np.int32), info)
    >>> design_owners(Design.fit(view, np.arange(2)), info).tolist()
    [0, 1, 1]
    """
    encoder, scaler = design.encoder, design.encoder.scaler
    beside = scaler.kept[:0] if scaler.instead else scaler.kept[scaler.skewed]
    first = scaler.outputs
    owners = np.zeros(design.width, np.int64)
    owners[:first] = np.concatenate([scaler.kept, beside, scaler.indicated])
    for position, places in enumerate(encoder.targets.columns()):
        owners[places[places >= 0]] = scaler.width + position
    counts = len(encoder.frequencies.cardinalities)
    owners[first : first + counts] = scaler.width + np.arange(counts)
    texts = len(info.numeric) + len(info.categorical) + np.arange(len(info.sparse))
    widths = np.array([text.levels for text in info.sparse], np.int64)
    owners[encoder.width :] = np.repeat(texts, widths)[: design.terms]
    return owners
