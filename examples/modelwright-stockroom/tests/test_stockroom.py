"""The parts of the package keep Modelwright's contracts, found by their names as users find them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwright.core import DataError, OptionError, Predictions, Task
from modelwright.data import SOURCES, read_table
from modelwright.learners import LEARNERS
from modelwright.metrics import get_metric
from modelwright.testing import (
    LEARNER_CHECKS,
    METRIC_CHECKS,
    SOURCE_CHECKS,
    run_learner_check,
    run_metric_check,
    run_source_check,
)

EXPORT = """\
item      shelf  sold
--------- ----- -----
bolt M6       4   120
washer        2    88
long name here   11
nut               7
"""


@pytest.mark.parametrize("check", list(LEARNER_CHECKS))
def test_the_learner_keeps_the_contract(check: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_learner_check(check, LEARNERS.load("random_features")())


@pytest.mark.parametrize("name", ["shortage_cost", "shortage_cost:9"])
@pytest.mark.parametrize("check", list(METRIC_CHECKS))
def test_the_metric_keeps_the_contract(check: str, name: str) -> None:
    run_metric_check(check, name, Task.REGRESSION)


@pytest.mark.parametrize("check", list(SOURCE_CHECKS))
def test_the_source_keeps_the_contract(check: str, tmp_path: Path) -> None:
    (tmp_path / "stock.fwf").write_text(EXPORT)
    run_source_check(check, SOURCES.load("fixed_width")(), tmp_path / "stock.fwf")


def test_a_missing_unit_costs_more_than_one_left_over() -> None:
    ten = np.array([10.0])
    cost = get_metric("shortage_cost:9", Task.REGRESSION)
    assert cost.score(ten, Predictions(np.array([9.0]))) == 9.0
    assert cost.score(ten, Predictions(np.array([12.0]))) == 2.0
    with pytest.raises(OptionError, match="more than nothing"):
        get_metric("shortage_cost:-1", Task.REGRESSION)


def test_an_export_is_read_by_modelwright(tmp_path: Path) -> None:
    (tmp_path / "stock.fwf").write_text(EXPORT)
    table = read_table(tmp_path / "stock.fwf")
    assert table.source.kind == "fixed_width"
    assert table.frame["item"].to_list() == ["bolt M6", "washer", "long name", "nut"]
    assert table.frame["sold"].to_list() == [120.0, 88.0, 11.0, 7.0]
    (tmp_path / "stock.fwf").write_text("item,shelf\nbolt,4\n")
    with pytest.raises(DataError, match="dashes"):
        read_table(tmp_path / "stock.fwf")
