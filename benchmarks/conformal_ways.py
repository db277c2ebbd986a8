"""Three ways to sets by patient, on pooled Cheng: what docs/decisions/0006 chose between.

    python benchmarks/conformal_ways.py --out benchmarks/results/DATE_conformal_ways

100 re-splits, half of the patients calibrating (vector scaling, cross-fitted); sets by class at 90 %.
All images weighed by patient; one image drawn from each patient; the mean of 40 such thresholds. A minute.
"""

import argparse
import os
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
from conformal_coverage import POOLED, SEED, by_patient, divided
from keeping import PROJECT, default_folder, machine

from gyrus.decision.conformal_fitting import patient_quantile
from gyrus.decision.conformal_scores import scores_of
from gyrus.decision.fitting import fit_apart
from gyrus.evaluation import read_predictions
from gyrus.evaluation.decided import cases_of
from gyrus.runs.atomic import write_json, write_text

REPEATS, DRAWS, LEVEL = 100, 40, 0.9
WAYS = ("weighed", "drawn once", "mean of draws")


def main() -> None:
    """Count, print, and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("conformal_ways"))
    arguments = parser.parse_args()
    os.chdir(PROJECT)
    cases = cases_of(read_predictions(POOLED), split="out-of-fold")
    found = {method: counted(cases, method) for method in ("lac", "aps")}
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_json(
        arguments.out / "result.json", {"claim": __doc__.splitlines()[0], "machine": machine(), "ways": found}
    )
    lines = [
        "# Three ways to sets by patient",
        "",
        f"    python benchmarks/conformal_ways.py --out {arguments.out.as_posix()}",
        "",
        f"{REPEATS} re-splits of pooled Cheng, half of the patients calibrating, {LEVEL:.0%}; mean coverage "
        "by patient in % (standard deviation), classes in the set.",
        "",
        "| | lac | aps |",
        "|---|---:|---:|",
    ]
    for way in WAYS:
        cells = [
            f"{100 * one['coverage']['mean']:.1f} ({100 * one['coverage']['sd']:.1f}), {one['size']:.2f}"
            for one in (found[method][way] for method in found)
        ]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    write_text(arguments.out / "README.md", "\n".join(lines) + "\n")
    print("\n".join(lines))


def counted(cases, method: str) -> dict:
    """Return coverage and size of each way."""
    coverage, size = {way: [] for way in WAYS}, {way: [] for way in WAYS}
    for number in range(REPEATS):
        random = np.random.default_rng([SEED, number])
        calibrating = divided(cases, 0.5, random)
        own, others = (cases.take(np.flatnonzero(rows)) for rows in (calibrating, ~calibrating))
        fitted = fit_apart(own, "vector", 0)
        scores = (scores_of(fitted.held_out, method) * own.truth).sum(axis=1)
        theirs = scores_of(fitted.calibration.apply(others.logits), method)
        limits = [
            thresholds(scores[shown], own.groups[shown], random) for shown in own.truth.T
        ]  # a row a class
        for way in WAYS:
            members = theirs <= np.array([limit[way] for limit in limits])
            coverage[way].append(by_patient(others, (members & others.truth).any(axis=1)))
            size[way].append(members.sum(axis=1).mean())
    return {
        way: {
            "coverage": {"mean": np.mean(coverage[way]), "sd": np.std(coverage[way], ddof=1)},
            "size": np.mean(size[way]),
        }
        for way in WAYS
    }


def thresholds(scores: np.ndarray, groups: np.ndarray, random: np.random.Generator) -> dict[str, float]:
    """Return the quantile of one class in each way."""
    drawn = [one_each(scores, groups, random) for _ in range(DRAWS)]
    return {
        "weighed": patient_quantile(scores, groups, LEVEL),
        "drawn once": drawn[0],
        "mean of draws": float(np.mean(drawn)),
    }


def one_each(scores: np.ndarray, groups: np.ndarray, random: np.random.Generator) -> float:
    """Return the quantile of one image drawn from each patient."""
    order = random.permutation(scores.size)
    _, first = np.unique(groups[order], return_index=True)
    return patient_quantile(scores[order][first], np.arange(first.size), LEVEL)


if __name__ == "__main__":
    main()
