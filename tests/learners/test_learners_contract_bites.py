"""The contract suite notices learners that break it."""

import pickle
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modelwright.core import Contributions, Deadline, ModelwrightError, Predictions, TrialError, View
from modelwright.learners import Candidate, FitResult, Int
from modelwright.learners.constant import Constant, FittedConstant
from modelwright.learners.extra_trees import ExtraTrees
from modelwright.testing import ContractViolation, check_learner, run_learner_check


class Forgetful(FittedConstant):
    @classmethod
    def load(cls, directory):
        model = super().load(directory)
        return cls(model.values * 1.000001, model.is_classification)


class Pickling(FittedConstant):
    def save(self, directory: Path) -> None:
        super().save(directory)
        (directory / "model.bin").write_bytes(pickle.dumps(self.values.tolist()))


class Unnormalised(FittedConstant):
    def predict(self, view: View) -> Predictions:
        return Predictions(super().predict(view).array * 2)


class TellsOthersReasons(FittedConstant):
    def contributions(self, view: View) -> Contributions:
        found = super().contributions(view)
        return replace(found, base=found.base + 0.01)


class ContributesSomethingElse(Constant):
    def fit(self, task):
        model = super().fit(task).model
        return FitResult(TellsOthersReasons(model.values, model.is_classification))


class BreaksRoundTrip(Constant):
    fitted = Forgetful


class Pickles(Constant):
    def fit(self, task):
        model = super().fit(task).model
        return FitResult(Pickling(model.values, model.is_classification))


class DoesNotNormalise(Constant):
    def fit(self, task):
        model = super().fit(task).model
        return FitResult(Unnormalised(model.values, model.is_classification))


class IgnoresSettings(Constant):
    def settings(self, config):
        return dict(config)


class IgnoresWeights(ExtraTrees):
    def fit(self, task):
        return super().fit(replace(task, weights=None))


class IgnoresDeadline(Constant):
    def fit(self, task):
        return super().fit(replace(task, deadline=Deadline(None)))


class DependsOnThreads(ExtraTrees):
    def fit(self, task):
        return super().fit(replace(task, seed=task.seed + task.threads))


class WritesFiles(Constant):
    def fit(self, task):
        Path("log.txt").write_text("busy")
        return super().fit(task)


class DrawsGlobally(Constant):
    def fit(self, task):
        np.random.rand()
        return super().fit(task)


class ChangesTheView(Constant):
    def fit(self, task):
        task.view.numeric[np.isnan(task.view.numeric)] = 0
        return super().fit(task)


class LearnsNothing(Constant):
    name = "other"


class DrawsFromPython(Constant):
    def fit(self, task):
        random.random()
        return super().fit(task)


class SaysNo(Constant):
    def supports(self, problem, shape):
        return None if shape.columns else "no"


class RefusesTerms(Constant):
    def fit(self, task):
        if task.view.sparse is not None:
            raise TrialError("There are terms.")
        return super().fit(task)


class LosesTerms(FittedConstant):
    def predict(self, view: View) -> Predictions:
        said = super().predict(view)
        return said if view.sparse is None or view.rows > 1 else said.take(slice(0, 0))


class CountsTermsOfOthers(Constant):
    def fit(self, task):
        model = super().fit(task).model
        return FitResult(LosesTerms(model.values, model.is_classification))


class Repeats(Constant):
    def portfolio(self, problem, shape):
        return (Candidate("a", {}), Candidate("a", {}))


class SearchesUnknown(Constant):
    def space(self, problem, shape):
        return {"depth": Int(1, 3)}


@pytest.mark.parametrize(
    ("learner", "check", "words"),
    [
        (BreaksRoundTrip, "round_trip", "predicts something else"),
        (Pickles, "saves_data_only", "holds a pickle"),
        (DoesNotNormalise, "learns", "do not sum to one"),
        (IgnoresSettings, "refuses_unknown_settings", "is ignored"),
        (IgnoresWeights, "weights", "no weight"),
        (IgnoresDeadline, "deadline", "after the deadline"),
        (DependsOnThreads, "is_deterministic", "on one thread and on two"),
        (WritesFiles, "leaves_task_alone", "writes files"),
        (DrawsGlobally, "leaves_task_alone", "random state"),
        (DrawsFromPython, "leaves_task_alone", "random state"),
        (SaysNo, "says_why_not", "no sentence"),
        (RefusesTerms, "sparse_block", "There are terms"),
        (CountsTermsOfOthers, "sparse_block", "rows influence others|broadcast"),
        (ChangesTheView, "leaves_task_alone", "changes its input"),
        (ChangesTheView, "read_only_memory_map", "read-only"),
        (LearnsNothing, "learns", "near a constant's"),
        (ContributesSomethingElse, "predicts_rows_alone", "do not make up its predictions"),
        (Repeats, "declares_itself", "repeats a label"),
        (SearchesUnknown, "declares_itself", "does not know"),
    ],
)
def test_broken_learner_is_noticed(learner, check, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.random.random_sample()  # the next draw moves the generator's position alone
    with pytest.raises((ContractViolation, ValueError, ModelwrightError), match=words):
        run_learner_check(check, learner())


def test_verdict_names_learner_and_check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContractViolation, match=r"'constant' fails the check 'declares_itself'"):
        check_learner(Repeats())
