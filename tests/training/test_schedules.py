import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau

from gyrus.config.optimising import OptimisationOptions
from gyrus.training.optimisers import make_optimizer
from gyrus.training.schedules import Schedule, rate_factor, warmup_cosine

KINDS = ("cosine", "one-cycle", "plateau", "constant")


def optimizer(name="adamw", rate=0.1):
    parameter = torch.nn.Parameter(torch.zeros(3))
    parameter.grad = torch.ones(3)
    groups = [{"params": [parameter], "lr": rate}]
    return make_optimizer(groups, OptimisationOptions(optimizer=name))


def walk(made, schedule, steps):
    """Return the rate and the momentum of each step."""
    rates = []
    for _ in range(steps):
        group = made.param_groups[0]
        rates.append((group["lr"], group["betas"][0] if "betas" in group else group["momentum"]))
        made.step()
        schedule.step()
    return rates


@pytest.mark.parametrize("name", ["adamw", "sgd"])
@pytest.mark.parametrize(("total", "rise"), [(20, 0.3), (37, 0.2), (100, 0.5), (10, 0.11)])
def test_one_cycle_is_torchs(name, total, rise):
    ours, theirs = optimizer(name), optimizer(name)
    options = OptimisationOptions(schedule="one-cycle", warmup_epochs=rise * 10)
    schedule = Schedule(ours, options, total=total, epochs=10)
    expected = OneCycleLR(theirs, max_lr=0.1, total_steps=total, pct_start=rise)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs complains about its own last step
        assert walk(ours, schedule, total) == [
            pytest.approx(pair, rel=1e-9) for pair in [*walk(theirs, expected, total - 1), last(expected)]
        ]


def last(schedule):
    group = schedule.optimizer.param_groups[0]
    return (group["lr"], group["betas"][0] if "betas" in group else group["momentum"])


def test_one_cycle_rises_three_tenths_unless_asked_otherwise():
    options = OptimisationOptions(schedule="one-cycle")
    assert options.warmup_steps(200, 10) == 60
    assert OptimisationOptions(schedule="one-cycle", warmup_epochs=1.0).warmup_steps(200, 10) == 20
    assert OptimisationOptions().warmup_steps(200, 10) == 20


def test_cosine_without_warm_up_is_torchs():
    ours, theirs = optimizer(), optimizer()
    schedule = Schedule(ours, OptimisationOptions(warmup_epochs=0.0), total=30, epochs=3)
    expected = [pytest.approx(pair) for pair in walk(theirs, CosineAnnealingLR(theirs, 30), 30)]
    assert walk(ours, schedule, 30) == expected


@given(st.integers(1, 500), st.floats(0, 600))
def test_the_cosine_rises_to_one_and_falls_towards_zero(total, warmup):
    values = [warmup_cosine(step, warmup, total) for step in range(total)]
    assert all(0.0 <= value <= 1.0 for value in values)
    peak = values.index(max(values))
    assert values[: peak + 1] == sorted(values[: peak + 1])
    assert values[peak:] == sorted(values[peak:], reverse=True)
    assert warmup_cosine(total, warmup, total) == pytest.approx(0.0, abs=1e-12)


@given(st.integers(1, 300), st.floats(0, 400), st.sampled_from(KINDS))
def test_every_schedule_stays_within_nought_and_one(total, warmup, kind):
    values = [rate_factor(step, total, warmup, kind) for step in range(total + 2)]
    assert all(0.0 <= value <= 1.0 for value in values)


def test_the_cosine_at_known_steps():
    assert warmup_cosine(0, 4, 24) == pytest.approx(1 / 5)
    assert warmup_cosine(4, 4, 24) == 1.0
    assert warmup_cosine(14, 4, 24) == pytest.approx(0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_set_end_the_rate_stays_at_its_peak(kind):
    assert rate_factor(10**6, math.inf, 4, kind) == 1.0


LOSSES = st.lists(st.one_of(st.floats(0.01, 5), st.just(math.nan)), min_size=1, max_size=40)


@given(LOSSES, st.integers(0, 4))
def test_the_plateau_is_torchs(losses, patience):
    ours, theirs = optimizer(), optimizer()
    options = OptimisationOptions(schedule="plateau", plateau_patience=patience, warmup_epochs=0.0)
    schedule = Schedule(ours, options, total=len(losses), epochs=len(losses))
    expected = ReduceLROnPlateau(theirs, patience=patience, eps=0.0)
    for loss in losses:
        ours.step()
        schedule.step()
        schedule.tell(loss)
        expected.step(loss)
        assert ours.param_groups[0]["lr"] == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-12)


def test_the_other_schedules_do_not_listen():
    made = optimizer()
    schedule = Schedule(made, OptimisationOptions(schedule="constant"), total=10, epochs=5)
    assert not any(schedule.tell(1.0) for _ in range(10))
    assert schedule.scale == 1.0


def test_groups_keep_their_ratio():
    first, second = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    groups = [{"params": [one], "lr": rate} for one, rate in ((first, 0.1), (second, 0.001))]
    made = make_optimizer(groups, OptimisationOptions())
    schedule = Schedule(made, OptimisationOptions(), total=8, epochs=4)
    for _ in range(7):
        made.step()
        schedule.step()
        rates = [group["lr"] for group in made.param_groups]
        assert rates[0] == pytest.approx(100 * rates[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["adamw", "adam", "sgd", "rmsprop"])
def test_a_resumed_training_goes_on_bit_for_bit(kind, name, tmp_path):
    options = OptimisationOptions(optimizer=name, schedule=kind, plateau_patience=0, warmup_epochs=1.0)

    def start():
        torch.manual_seed(0)
        parameter = torch.nn.Parameter(torch.randn(4, 3))
        made = make_optimizer([{"params": [parameter], "lr": 0.01}], options)
        return parameter, made, Schedule(made, options, total=12, epochs=4)

    def train(parameter, made, schedule, steps):
        for step in steps:
            parameter.grad = (parameter.detach() - step).sin()
            made.step()
            if step % 3 == 2:
                schedule.tell(1.0 + step)
            schedule.step()

    whole = start()
    train(*whole, range(12))
    half = start()
    train(*half, range(5))
    torch.save([half[0].data, half[1].state_dict(), half[2].state_dict()], tmp_path / "state")
    resumed = start()
    weights, of_optimizer, of_schedule = torch.load(tmp_path / "state", weights_only=True)
    resumed[0].data.copy_(weights)
    resumed[1].load_state_dict(of_optimizer)
    resumed[2].load_state_dict(of_schedule)
    train(*resumed, range(5, 12))
    assert torch.equal(resumed[0], whole[0])
    assert resumed[2].state_dict() == whole[2].state_dict()
