import csv

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from gyrus.config.optimising import OptimisationOptions
from gyrus.errors import UsageError
from gyrus.training.optimisers import make_optimizer
from gyrus.training.rate_finder import find_rate, smooth, suggest


def bowl(name="sgd", curvature=10.0):
    """Return a step on a quadratic, which diverges from a rate of 2 / curvature on."""
    weight = torch.nn.Parameter(torch.full((4,), 3.0))
    options = OptimisationOptions(optimizer=name, momentum=0.0, nesterov=False)
    optimizer = make_optimizer([{"params": [weight], "lr": 0.5}], options)

    def step(number):
        optimizer.zero_grad()
        loss = 0.5 * curvature * weight.square().sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, optimizer


@pytest.mark.parametrize("curvature", [0.1, 10.0, 1000.0])
def test_on_a_quadratic_the_suggestion_is_stable_and_not_tiny(curvature):
    curve = find_rate(*bowl(curvature=curvature))
    assert 0.01 / curvature < curve.suggestion < 2 / curvature
    assert curve.suggestion in [pytest.approx(rate, rel=0.06) for rate in curve.rates]
    assert len(curve.rates) == len(curve.losses) == len(curve.smoothed)


def test_it_stops_where_the_loss_explodes():
    curve = find_rate(*bowl(curvature=1000.0))
    assert len(curve.rates) < 120
    assert np.isfinite(curve.losses).all()


def test_groups_keep_their_ratio():
    one, two = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    groups = [{"params": [p], "lr": rate} for p, rate in ((one, 1e-3), (two, 1e-4))]
    optimizer = make_optimizer(groups, OptimisationOptions())
    seen = []

    def step(number):
        seen.append([group["lr"] for group in optimizer.param_groups])
        return 1.0 - number / 200

    curve = find_rate(step, optimizer, steps=40)
    assert [first for first, _ in seen] == pytest.approx(curve.rates)
    assert all(first == pytest.approx(10 * second) for first, second in seen)
    assert (curve.rates[0], curve.rates[-1]) == pytest.approx((1e-6, 10.0))


def test_the_average_is_that_of_scipy_and_does_not_lag():
    losses = np.random.default_rng(0).uniform(1, 2, 60)
    inside = slice(20, 40)  # at the ends SciPy mirrors
    assert smooth(losses)[inside] == pytest.approx(
        gaussian_filter1d(losses, 4.0, truncate=8)[inside], rel=1e-6
    )
    line = np.linspace(2, 1, 60)
    assert smooth(line)[inside] == pytest.approx(line[inside])
    assert smooth(np.full(5, 3.0)) == pytest.approx(3.0)


def test_an_explosion_does_not_reach_far_back():
    losses = np.concatenate([np.linspace(2, 1, 40), [10.0, 1e3, 1e6, 1e9]])
    assert smooth(losses)[:25] == pytest.approx(smooth(losses[:40])[:25], rel=0.01)


def test_the_steepest_place_is_suggested():
    rates = 10.0 ** np.linspace(-6, 1, 100)
    losses = 1.0 / (1.0 + np.exp(4 * (np.log10(rates) + 3)))  # falls most steeply at 1e-3
    losses[-10:] = 3.0
    assert suggest(rates, losses) == pytest.approx(1e-3, rel=0.1)


@pytest.mark.parametrize("losses", [np.linspace(1, 2, 60), np.ones(60), np.ones(4)])
def test_a_loss_that_never_falls_is_said(losses):
    with pytest.raises(UsageError, match="no learning rate was found"):
        suggest(10.0 ** np.linspace(-6, 1, len(losses)), losses)


def test_a_loss_that_is_no_number_ends_the_test():
    with pytest.raises(UsageError, match="no learning rate was found"):
        find_rate(lambda number: float("nan"), bowl()[1])


def test_the_curve_is_written(tmp_path):
    curve = find_rate(*bowl())
    curve.write(tmp_path / "learning-rate.csv")
    with (tmp_path / "learning-rate.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(curve.rates)
    assert float(rows[3]["loss"]) == pytest.approx(curve.losses[3], rel=1e-5)
