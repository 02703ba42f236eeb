"""Modelwright: AutoML that takes a table all the way to a model that stays good.

>>> import modelwright as mw
>>> mw.train  # doctest: +ELLIPSIS
<function train at ...>
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelwright.automl import Model as Model
    from modelwright.automl import compare as compare
    from modelwright.automl import load as load
    from modelwright.automl import train as train
    from modelwright.automl.estimators import AutoMLClassifier as AutoMLClassifier
    from modelwright.automl.estimators import AutoMLRegressor as AutoMLRegressor
    from modelwright.core.errors import ModelwrightError as ModelwrightError
    from modelwright.export import export as export

__version__ = "0.1.0"

__all__ = [
    "AutoMLClassifier",
    "AutoMLRegressor",
    "Model",
    "ModelwrightError",
    "__version__",
    "compare",
    "export",
    "load",
    "train",
]

_PUBLIC = {
    "AutoMLClassifier": "modelwright.automl.estimators",
    "AutoMLRegressor": "modelwright.automl.estimators",
    "Model": "modelwright.automl",
    "ModelwrightError": "modelwright.core.errors",
    "compare": "modelwright.automl",
    "export": "modelwright.export",
    "load": "modelwright.automl",
    "train": "modelwright.automl",
}


def __getattr__(name: str) -> Any:
    # Lazy, so that `import modelwright` and `modelwright --help` cost no numerical library.
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
