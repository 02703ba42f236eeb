"""Every learner of the catalog keeps the public contract."""

import pytest

from modelwright.learners import LEARNERS
from modelwright.testing import LEARNER_CHECKS, run_learner_check


@pytest.mark.parametrize("check", list(LEARNER_CHECKS))
@pytest.mark.parametrize("name", LEARNERS.names())
def test_learner_keeps_contract(name, check, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_learner_check(check, LEARNERS.load(name)())
