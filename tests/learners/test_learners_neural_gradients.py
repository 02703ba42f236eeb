"""Gradients written by hand are those that torch finds by itself, and steps of training are its steps."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch_reference as reference
from test_learners_neural import fit, many_levels

from modelwright.core import Task
from modelwright.learners.fold import Fold
from modelwright.learners.mlp import MLP
from modelwright.learners.neural_columns import NeuralColumns
from modelwright.learners.neural_learner import link_of
from modelwright.learners.neural_network import Network, initial_arrays
from modelwright.learners.neural_numpy import Run, loss_gradient
from modelwright.learners.neural_recipe import Examples
from modelwright.learners.objectives import OBJECTIVES, choose_objective, prior_sums
from modelwright.learners.tabm import TabM

if find_spec("torch") is None:
    pytest.skip("torch is not installed", allow_module_level=True)

FORMS = [
    (MLP, {"activation": "selu"}),
    (MLP, {"activation": "mish", "periodic": False}),
    (MLP, {"activation": "relu", "parametric": False}),
    (TabM, {"members": 3}),
]


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
@pytest.mark.parametrize(("learner", "config"), FORMS)
def test_plain_numpy_says_what_torch_says(learner, config, task):
    given = many_levels(task)
    model = fit(learner(), given, **config)
    rows = model.columns.encode(given.view)
    assert rows.codes.shape[1] == 1
    told, expected = model.network.sums(rows), reference.torch_sums(model.network, rows)
    assert np.allclose(told, expected, rtol=1e-5, atol=1e-5)
    assert np.ptp(told[:, 0]) > 1e-3


def beginning(learner, config, task, objective="metric"):
    """A network as training begins, a little shaken, with weighted rows."""
    given = many_levels(task)
    if objective != "metric":
        given = replace(given, target=np.exp(np.asarray(given.target)))
    settings = learner.settings({**config, "dropout": 0.0, "width": 24})
    fold = Fold.of(given)
    columns = NeuralColumns.fit(given.view, fold.train_rows)
    chosen, fold = choose_objective(given, fold, objective)
    link = link_of(chosen)
    outputs = len(fold.coder.present) if link == "softmax" else 1
    form = learner.form(settings, link, outputs, columns.numbers)
    rows, random = columns.encode(given.view, fold.train_rows), np.random.default_rng(0)
    arrays = initial_arrays(form, columns, rows, random, prior=prior_sums(chosen, fold), sigma=0.1)
    arrays = {k: (a + random.normal(0, 0.05, a.shape)).astype(np.float32) for k, a in arrays.items()}
    examples = Examples(rows, fold.train_target, random.uniform(0.5, 2, len(rows.numbers)))
    valid = Examples(columns.encode(given.view, fold.valid_rows), fold.valid_target, None)
    recipe = replace(learner.recipe(settings, given.problem, 150), smoothing=0.1)
    return form, arrays, (examples, valid, chosen, recipe)


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
@pytest.mark.parametrize(("learner", "config"), FORMS)
def test_training_in_numpy_takes_the_steps_that_torch_takes(learner, config, task):
    form, arrays, rest = beginning(learner(), config, task)
    with reference.torch_state(0, 1):
        import torch

        theirs = reference.Run(Network(form, {k: a.copy() for k, a in arrays.items()}), *rest)
        ours = Run(Network(form, {k: a.copy() for k, a in arrays.items()}), *rest, 0)
        assert ours.look() == pytest.approx(theirs.look(), rel=1e-5)
        random = np.random.default_rng(1)
        for _ in range(4):
            rows = random.permutation(150)[:64]
            assert theirs.learn(torch.from_numpy(rows), 0.02)
            assert ours.learn(rows, 0.02)
        said, expected = ours.arrays(ours.copy()), theirs.arrays(theirs.copy())
    for name, array in expected.items():
        assert np.abs(array - arrays[name]).max() > 1e-5, name  # it has moved
        assert np.allclose(said[name], array, rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_gradients_of_losses_are_those_of_torch(objective):
    import torch

    _, _, (_, _, chosen, _) = beginning(MLP(), {}, Task.REGRESSION, objective)
    random = np.random.default_rng(0)
    sums = random.normal(size=(2, 50, 1)).astype(np.float32)
    target, scale = random.uniform(0.1, 4, 50), random.uniform(0.5, 2, 50).astype(np.float32)
    given = torch.from_numpy(sums).requires_grad_()
    losses = reference._losses(chosen, given, torch.from_numpy(target.astype(np.float32)), 0.0)
    (losses * torch.from_numpy(scale)).mean().backward()
    found = loss_gradient(chosen, sums, target, 0.0, scale)
    assert np.allclose(found, given.grad.numpy(), rtol=1e-4, atol=1e-7)


def test_a_loss_that_is_no_number_changes_nothing():
    form, arrays, rest = beginning(MLP(), {}, Task.REGRESSION)
    run = Run(Network(form, {**arrays, "head": np.full_like(arrays["head"], np.inf)}), *rest, 0)
    before = run.copy()
    assert not run.learn(np.arange(20), 0.1)
    assert np.array_equal(run.copy(), before)
    assert run.look() == np.inf


def test_neurons_that_are_left_out_are_others_in_each_step():
    form, arrays, (examples, valid, objective, recipe) = beginning(MLP(), {}, Task.BINARY)
    recipe = replace(recipe, dropout=0.5)
    runs = [Run(Network(form, arrays), examples, valid, objective, recipe, seed) for seed in (0, 0, 1)]
    for run in runs:
        run.learn(np.arange(100), 0.01)
    vectors = [run.copy() for run in runs]
    assert np.array_equal(vectors[0], vectors[1])
    assert not np.array_equal(vectors[0], vectors[2])
