"""What workers keep between fits saves time and changes nothing, and it keeps to its part of the memory."""

from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import FitTask, Task
from modelwright.learners import LEARNERS
from modelwright.learners.kept import Kept, digest_of, kept
from modelwright.testing import make_learning_table

OTHERS = {
    "lightgbm": [{"max_bin": 31}, {"num_leaves": 5, "categories": "codes"}, {"extra_trees": True}],
    "xgboost": [{"max_bin": 32}, {"max_depth": 3}, {"categories": "target"}],
    "linear": [{"C": 0.01}],
    "linear_svm": [],
}
ROUNDS: list[dict[str, object]] = [{"rounds": 8}, {"epochs": 2}, {"max_iter": 20}]


def predicted(name: str, task: FitTask, **config: object) -> bytes:
    """What a model says of every row, to the last bit."""
    learner = LEARNERS.load(name)()
    few = next((each for each in ROUNDS if set(each) <= set(learner.defaults)), {})
    return learner.fit(replace(task, config={**few, **config})).model.predict(task.view).array.tobytes()


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("kind", [Task.BINARY, Task.REGRESSION])
def test_a_model_is_the_same_whatever_was_kept(name: str, kind: Task) -> None:
    table = make_learning_table(kind, rows=300)
    task = replace(table.task(), cache_key="table", seed=5)
    cold = predicted(name, task)

    warm = replace(task, cache={})
    rows = np.concatenate([task.train_rows, task.valid_rows])
    weighted = replace(warm, weights=np.linspace(0.2, 3.0, task.view.rows))
    predicted(name, replace(warm, train_rows=rows[100:], valid_rows=rows[:100]))
    assert predicted(name, weighted) != cold
    for config in OTHERS[name]:
        predicted(name, warm, **config)
    assert predicted(name, warm) == cold
    assert predicted(name, warm) == cold
    assert predicted(name, replace(warm, threads=2)) == cold


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "linear"])
def test_fits_on_equal_rows_share_what_was_made_of_them(name: str) -> None:
    table = make_learning_table(Task.BINARY, rows=300)
    task = replace(table.task(), cache={}, cache_key="table")
    predicted(name, task)
    (known,) = task.cache.items()
    predicted(name, task)
    assert list(task.cache.items()) == [known]


def test_no_more_is_kept_than_a_part_of_the_memory() -> None:
    task = replace(make_learning_table(Task.BINARY).task(), cache={}, cache_key="table", memory_limit=600)
    for number in range(10):
        assert kept(task, ("thing", str(number)), lambda number=number: number, lambda _: 30) == number
        total = sum(item.bytes for item in task.cache.values() if isinstance(item, Kept))
        assert total == min(90, 30 * (number + 1))
    assert kept(task, ("large",), lambda: "large", lambda _: 101) == "large"
    assert [item.value for item in task.cache.values()] == [7, 8, 9]


def test_what_was_asked_for_lately_stays() -> None:
    task = replace(make_learning_table(Task.BINARY).task(), cache={}, cache_key="table", memory_limit=600)
    for number in (0, 1, 2, 0, 3):
        kept(task, ("thing", str(number)), lambda number=number: number, lambda _: 30)
    assert [item.value for item in task.cache.values()] == [2, 0, 3]


def test_nothing_is_kept_of_a_view_without_a_name() -> None:
    task = replace(make_learning_table(Task.BINARY).task(), cache={}, cache_key="")
    made: list[int] = []
    for _ in range(2):
        kept(task, ("thing",), lambda: made.append(1), lambda _: 1)
    assert len(made) == 2
    assert not task.cache


def test_digests_tell_contents_kinds_and_shapes_apart() -> None:
    arrays = [np.zeros(4), np.zeros(4, np.float32), np.zeros((2, 2)), np.ones(4), None]
    assert len({digest_of(array) for array in arrays}) == len(arrays)
    assert digest_of(arrays[0], None) != digest_of(None, arrays[0])
    assert digest_of(np.arange(6)[::2]) == digest_of(np.array([0, 2, 4]))
