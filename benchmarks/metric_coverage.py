"""Claim: intervals of losses, calibration, agreement, PR-AUC and differences cover from 20 patients on.

    python benchmarks/metric_coverage.py > benchmarks/results/DATE_metric_coverage/result.json

Simulates three-class models whose errors cluster in patients with 1 to 60 slices (log-normal, as in the
Cheng set): good and bad ones, some too sure of themselves, and pairs of them. The truth is that of 100,000
patients. Prints JSON: how often the nominal 95 % interval held it, and its median width. Shares, areas under
ROC curves and the plain percentile bootstrap are in interval_coverage.py.
"""

import json
import math
import os
import platform

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np

import gyrus
from gyrus.metrics.agreement import agreement_interval, kappa, linear_kappa, linear_matthews, matthews
from gyrus.metrics.calibration import calibration_error, equal_mass_bins
from gyrus.metrics.comparison import delong_paired, paired_bootstrap, paired_difference, share_of
from gyrus.metrics.confusion import group_confusions
from gyrus.metrics.intervals import linear_ratio, logit_t_interval
from gyrus.metrics.losses import brier_losses, chance_losses, log_losses, loss_interval
from gyrus.metrics.precision_recall import average_precision, linear_average_precision
from gyrus.metrics.roc import auc

REPEATS, SEED, PATIENTS, MANY = 1000, 12, (20, 40, 200), 100_000
MODELS = {  # strength of the signal, how much too sure
    "poor, calibrated badly": (1.0, 1.0),
    "fair": (2.0, 0.5),
    "good": (4.0, 1.0),
    "good, far too sure": (4.0, 3.0),
    "very good": (6.0, 1.0),
}


def main() -> None:
    """Simulate and print."""
    rng = np.random.default_rng(SEED)
    cases = [case(rng, name, patients) for name in MODELS for patients in PATIENTS]
    pairs = [pair_case(rng, gain, patients) for gain in (0.0, 0.5) for patients in PATIENTS]
    print(
        json.dumps(
            {
                "claim": "nominal 95 % intervals of the further figures, from 20 patients on",
                "repeats": REPEATS,
                "seed": SEED,
                "standard_error_of_a_coverage_of_0.95": round(math.sqrt(0.95 * 0.05 / REPEATS), 4),
                "figures": cases,
                "differences": pairs,
                "machine": {
                    "system": platform.platform(),
                    "python": platform.python_version(),
                    "numpy": np.__version__,
                    "gyrus": gyrus.__version__,
                },
            },
            indent=1,
        )
    )


def drawn(rng, n_patients, *models):
    """Return groups, truth and each model's probabilities; half of a patient's oddity is common to models."""
    sizes = np.clip(np.round(np.exp(rng.normal(2.4, 0.7, n_patients))), 1, 60).astype(int)
    groups = np.repeat(np.arange(n_patients), sizes)
    y_true = rng.integers(0, 3, n_patients)[groups]
    shape = (groups.size, 3)
    common = rng.normal(size=(n_patients, 3))[groups] + 0.7 * rng.normal(size=shape)
    answers = []
    for strength, sure in models:
        own = 1.1 * rng.normal(size=(n_patients, 3))[groups] + 0.7 * rng.normal(size=shape)
        logits = sure * (common + own + strength * np.eye(3)[y_true])
        prob = np.exp(logits - logits.max(axis=1, keepdims=True))
        answers.append(prob / prob.sum(axis=1, keepdims=True))
    return groups, y_true, answers


def figures_of(groups, y_true, y_prob, n_patients, *, with_intervals):
    """Return every figure's interval; or, for the truth, only its value."""
    y_pred = y_prob.argmax(axis=1)
    sure, right = y_prob.max(axis=1), y_pred == y_true
    by_group = group_confusions(y_true, y_pred, groups, 3)
    losses = {"log_loss": log_losses(y_true, y_prob), "brier": brier_losses(y_true, y_prob)}
    if not with_intervals:
        number = equal_mass_bins(sure, 15)
        gaps = np.bincount(number, weights=right - sure) / sure.size
        return {
            **{name: values.mean() for name, values in losses.items()},
            "ece": np.abs(gaps).sum(),
            "kappa": float(kappa(by_group.sum(axis=0))),
            "mcc": float(matthews(by_group.sum(axis=0))),
            "average_precision": average_precision(y_true == 0, y_prob[:, 0]),
        }
    images = np.bincount(groups, minlength=n_patients)
    return {
        **{
            name: loss_interval(np.bincount(groups, weights=values, minlength=n_patients), images, chance)
            for (name, values), chance in zip(losses.items(), chance_losses(3), strict=True)
        },
        "ece": calibration_error(sure, right, groups).interval,
        "kappa": agreement_interval(linear_kappa(by_group)),
        "mcc": agreement_interval(linear_matthews(by_group)),
        "average_precision": logit_t_interval(
            linear_average_precision(y_true == 0, y_prob[:, 0], groups, n_patients)
        ),
    }


def case(rng, name, n_patients):
    """Return coverage and width of every figure of one model."""
    model = MODELS[name]
    groups, y_true, answers = drawn(rng, MANY, model)
    truth = figures_of(groups, y_true, answers[0], MANY, with_intervals=False)
    found = {figure: [] for figure in truth}
    for _ in range(REPEATS):
        groups, y_true, answers = drawn(rng, n_patients, model)
        intervals = figures_of(groups, y_true, answers[0], n_patients, with_intervals=True)
        for figure, interval in intervals.items():
            found[figure].append((interval.low, interval.high))
    summaries = {figure: summary(bounds, truth[figure]) for figure, bounds in found.items()}
    return {"model": name, "patients": n_patients, **summaries}


def pair_case(rng, gain, n_patients):
    """Return coverage and width of the differences of two models."""
    models = ((2.5, 1.0), (2.5 + gain, 1.0))

    def sides(groups, y_true, answers, n):
        hits = [np.bincount(groups, weights=prob.argmax(axis=1) == y_true, minlength=n) for prob in answers]
        return hits, np.bincount(groups, minlength=n)

    groups, y_true, answers = drawn(rng, MANY, *models)
    hits, images = sides(groups, y_true, answers, MANY)
    true_share = (hits[1].sum() - hits[0].sum()) / images.sum()
    areas = [auc(y_true == 0, prob[:, 0]) for prob in answers]
    found = {"accuracy": [], "accuracy, bootstrap": [], "roc_auc, DeLong by patient": []}
    for repeat in range(REPEATS):
        groups, y_true, answers = drawn(rng, n_patients, *models)
        hits, images = sides(groups, y_true, answers, n_patients)
        parts = [linear_ratio(hit, images) for hit in hits]
        shares = [share_of(hit, images) for hit in hits]
        for name, result in {
            "accuracy": paired_difference(*parts, n_images=images.sum()),
            "accuracy, bootstrap": paired_bootstrap(*shares, groups, n_samples=500, seed=repeat),
            "roc_auc, DeLong by patient": delong_paired(
                y_true == 0, answers[0][:, 0], answers[1][:, 0], groups
            ),
        }.items():
            found[name].append((result.low, result.high))
    truths = dict(zip(found, (true_share, true_share, areas[1] - areas[0]), strict=True))
    summaries = {name: summary(bounds, truths[name]) for name, bounds in found.items()}
    return {"patients": n_patients, **summaries}


def summary(intervals, truth):
    """Return how often the intervals held the truth, how wide they were, and how many were defined."""
    bounds = np.array(intervals)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    held = (bounds[:, 0] <= truth) & (truth <= bounds[:, 1])
    return {
        "truth": round(float(truth), 4),
        "coverage": round(float(held.mean()), 4),
        "median_width": round(float(np.median(bounds[:, 1] - bounds[:, 0])), 4),
        "defined": len(bounds),
    }


if __name__ == "__main__":
    main()
