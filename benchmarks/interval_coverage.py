"""Claim: the interval of `gyrus.metrics.intervals` covers at nominal 95 % from 10 to 200 patients.

    python benchmarks/interval_coverage.py > benchmarks/results/DATE_interval_coverage/result.json

Simulates patients who differ in how hard they are (beta distributed chance of a right answer for shares,
a normal shift of all scores of a patient for areas) and in their number of slices (five each, or 1 to 60
log-normally as in the Cheng set). Prints JSON: for each case how often the interval held the truth and how
wide it was on average, beside the percentile bootstrap over patients for shares.
"""

import json
import math
import os
import platform
from statistics import NormalDist

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np

from gyrus.metrics import cluster_weights, percentile_interval, ratio_interval
from gyrus.metrics.intervals import linear_area, linear_mean, linear_ratio, logit_t_interval
from gyrus.metrics.roc import placements

REPEATS, RESAMPLES, SEED = 1500, 500, 11
SLICES = {
    "five each": lambda rng, patients: np.full(patients, 5),
    "1 to 60": lambda rng, patients: np.clip(np.round(np.exp(rng.normal(2.4, 0.7, patients))), 1, 60).astype(
        int
    ),
}


def main() -> None:
    """Simulate and print."""
    rng = np.random.default_rng(SEED)
    shares = [
        share_case(rng, slices, truth, likeness, patients)
        for slices in SLICES
        for truth, likeness in ((0.8, 0.4), (0.93, 0.4), (0.97, 0.3), (0.99, 0.3))
        for patients in (10, 20, 40, 200)
    ]
    areas = [
        area_case(rng, slices, truth, *patients)
        for slices in SLICES
        for truth in (0.85, 0.95, 0.99, 0.998)
        for patients in ((5, 15), (10, 30), (30, 100))
    ]
    answer = {
        "claim": "intervals cover at about the nominal 95 % from 10 to 200 patients",
        "repeats": REPEATS,
        "bootstrap_resamples": RESAMPLES,
        "seed": SEED,
        "standard_error_of_a_coverage_of_0.95": round(math.sqrt(0.95 * 0.05 / REPEATS), 4),
        "shares": shares,
        "areas": areas,
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
    }
    print(json.dumps(answer, indent=1))


def share_case(rng, slices, truth, likeness, patients):
    """Return coverage and width for the accuracy and, with four classes, the balanced accuracy."""
    first, second = truth * (1 - likeness) / likeness, (1 - truth) * (1 - likeness) / likeness
    kinds = np.arange(patients) % 4
    ours, means, bootstrap = [], [], []
    for repeat in range(REPEATS):
        trials = SLICES[slices](rng, patients)
        hits = rng.binomial(trials, rng.beta(first, second, patients))
        interval = ratio_interval(hits, trials)
        ours.append((interval.low, interval.high))
        parts = [linear_ratio(hits * (kinds == kind), trials * (kinds == kind)) for kind in range(4)]
        mean = logit_t_interval(linear_mean(parts))
        means.append((mean.low, mean.high))
        weights = cluster_weights(patients, RESAMPLES, repeat)
        bootstrap.append(percentile_interval((hits @ weights) / (trials @ weights), 0.95))
    return {
        "slices": slices,
        "true_share": truth,
        "likeness_within_patient": likeness,
        "patients": patients,
        "accuracy": summary(ours, truth),
        "balanced_accuracy_of_4": summary(means, truth),
        "percentile_bootstrap": summary(bootstrap, truth),
    }


def area_case(rng, slices, truth, positives, negatives):
    """Return coverage and width for the area under a ROC curve."""
    shift = NormalDist().inv_cdf(truth) * math.sqrt(2 * (1.5**2 + 1))
    patients = positives + negatives
    intervals = []
    for _ in range(REPEATS):
        groups = np.repeat(np.arange(patients), SLICES[slices](rng, patients))
        y_true = groups < positives
        score = shift * y_true + 1.5 * rng.normal(size=patients)[groups] + rng.normal(size=groups.size)
        interval = logit_t_interval(linear_area(placements(y_true, score), y_true, groups))
        intervals.append((interval.low, interval.high))
    return {
        "slices": slices,
        "true_area": truth,
        "patients": [positives, negatives],
        "roc_auc": summary(intervals, truth),
    }


def summary(intervals, truth):
    """Return how often the intervals held the truth, how wide they were, and how many were defined."""
    bounds = np.array(intervals)
    defined = bounds[np.isfinite(bounds).all(axis=1)]
    return {
        "coverage": round(float(np.mean((defined[:, 0] <= truth) & (truth <= defined[:, 1]))), 4),
        "mean_width": round(float(np.mean(defined[:, 1] - defined[:, 0])), 4),
        "defined": len(defined),
    }


if __name__ == "__main__":
    main()
