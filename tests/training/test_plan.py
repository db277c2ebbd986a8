import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from gyrus.config.durability import seconds_of
from gyrus.config.stages import Stage
from gyrus.errors import UsageError
from gyrus.models import build
from gyrus.runs import RunFolder
from gyrus.training import fit
from gyrus.training.journal import Journal
from gyrus.training.plan import Pace, Plan, plan_of, shortened

STAGE = Stage(name="full", free=("all",), epochs=10)
times = st.floats(0.001, 10.0)


@example(1.0, 1.0, 1.0, 3.0, 1, 2, 7.0)  # two views would leave no time for a step
@given(times, times, times, times, st.integers(1, 200), st.integers(0, 6), st.floats(1.0, 1e5))
def test_a_plan_fits_and_is_as_long_as_fits(view, once, step, validation, steps, views, left):
    pace = Pace(view, once, step, validation)
    try:
        found = plan_of(STAGE, views=views, steps=steps, pace=pace, left_s=left)
    except UsageError:
        assert 0.9 * left < (view if views else 0.0) + once + step + validation + 1e-6
        return
    epoch = (found.steps or steps) * step + validation
    needed = once + found.views * view + found.epochs * epoch
    assert needed <= 0.9 * left + 1e-6
    assert 1 <= found.epochs <= STAGE.epochs
    assert bool(found.views) == bool(views)
    if found.steps is None and found.epochs < STAGE.epochs:
        assert needed + epoch > 0.9 * left - 1e-6
    if found.steps is not None:
        assert found.epochs == 1
        assert found.steps < steps


def test_without_a_budget_a_stage_is_as_it_is_said():
    assert plan_of(STAGE, views=3, steps=5, pace=None, left_s=0.0) == Plan(10, None, 3)


def test_a_plan_is_shortened_and_never_lengthened():
    whole = Plan(10, None, 0)
    assert shortened(whole, done=2, epoch_s=10.0, left_s=1e6) == whole
    assert shortened(whole, done=2, epoch_s=10.0, left_s=35.0).epochs == 5
    assert shortened(whole, done=2, epoch_s=10.0, left_s=-5.0).epochs == 2


def test_a_training_ends_within_its_budget_and_tells_its_plan(bar_data, run, config, caplog, monkeypatch):
    monkeypatch.setattr(
        "gyrus.training.budget.measure_pace", lambda *args, **kwargs: Pace(0.0, 0.0, 10.0, 20.0)
    )
    with caplog.at_level("INFO", logger="gyrus"):
        fitted = fit(*bar_data, config(epochs=50, budget="3m", patience=None), run, progress=False)
    assert len(fitted.history) == 3  # 3 steps of 10 s and 20 s of validation: 3 epochs in 0.9 x 180 s
    assert "3 of 50 epochs" in caplog.text
    rates = [row["learning_rate"] for row in fitted.history]
    assert rates[-1] < 0.5 * max(rates)  # the fall of the rate is planned to the end that there is


def test_where_no_epoch_fits_some_steps_do(bar_data, run, config, monkeypatch):
    monkeypatch.setattr(
        "gyrus.training.budget.measure_pace", lambda *args, **kwargs: Pace(0.0, 0.0, 10.0, 20.0)
    )
    fitted = fit(*bar_data, config(budget="45s"), run, progress=False)
    assert len(fitted.history) == 1
    assert fitted.stages[0].planned == 1


@pytest.mark.parametrize("recipe", ["scratch", "two-stage"])
def test_the_pace_is_measured_without_changing_anything(bar_data, tmp_path, config, recipe):
    weights = None
    if recipe == "two-stage":
        weights = tmp_path / "start.pt"
        torch.save(build("improved_cnn", num_classes=3, image_size=32).state_dict(), weights)
    results = []
    for budget in (None, "1h"):
        run = RunFolder(tmp_path / str(budget)).create()
        options = config(recipe=recipe, weights=weights, epochs=2, head_epochs=2, budget=budget)
        results.append(fit(*bar_data, options, run, progress=False))
    rows = [[{**row, "seconds": 0} for row in result.history] for result in results]
    assert rows[0] == rows[1]


def test_a_slower_pace_than_planned_ends_the_training_earlier(bar_data, run, config, monkeypatch):
    monkeypatch.setattr(
        "gyrus.training.budget.measure_pace", lambda *args, **kwargs: Pace(0.0, 0.0, 1e-9, 1e-9)
    )
    later = iter([0.0])  # planned at once; the hour has passed when the first epoch has ended
    monkeypatch.setattr(Journal, "elapsed_s", property(lambda journal: next(later, 3600.0)))
    fitted = fit(*bar_data, config(epochs=5, budget="59m", patience=None), run, progress=False)
    assert len(fitted.history) == 1


@pytest.mark.parametrize(("text", "seconds"), [("10m", 600), ("90s", 90), ("1h30m", 5400), ("1.5h", 5400)])
def test_a_budget_is_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "ten minutes", "5x", "m", "0s", "-5m", "10m later"])
def test_a_budget_that_is_no_time_is_refused(config, text):
    with pytest.raises(UsageError, match="budget is"):
        config(budget=text)
