"""Claim: the calibration error's upper limit is missed in at most 2.5 % of cohorts of calibrated models.

    python benchmarks/calibration_limit.py --out benchmarks/results/DATE_calibration_limit

Two kinds of worlds. Drawn: the models of ``metric_coverage.py``, as they are and with their temperature set
right, 200 patients a cohort, the truth that of 60,000. Cheng: the committed out-of-fold predictions of 209
patients are the world, plain and calibrated (each patient by a fit on the others), and cohorts are as many
patients drawn from it with replacement; truth is the plain error of the world. Counted is how often a limit
lies below the truth: the one that is given everywhere, plain error and reach; and one about the debiased
error instead (the pivotal form of Kumar, Liang and Ma 2019), which is tighter. Three minutes on one core.
"""

import argparse
import os
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
from calibration_cheng import POOLED
from keeping import PROJECT, default_folder, machine
from metric_coverage import MODELS, drawn

from gyrus.decision.activations import softmax
from gyrus.decision.fitting import fit_apart
from gyrus.decision.worth import statements
from gyrus.evaluation import read_predictions
from gyrus.evaluation.decided import cases_of
from gyrus.metrics.calibration import calibration_error, equal_mass_bins
from gyrus.runs.atomic import write_json, write_text

REPEATS, SEED, PATIENTS, MANY, BINS = 400, 21, 200, 60_000, 15
TEMPERATURES = np.linspace(0.3, 4.0, 75)


def main() -> None:
    """Simulate, print, and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("calibration_limit"))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    arguments = parser.parse_args()
    os.chdir(PROJECT)
    rng = np.random.default_rng(SEED)
    found = {}
    for name, draw, truth in (*models(rng), *cheng(rng)):
        found[name] = counted(draw, truth, arguments.repeats)
        print(name, found[name], flush=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    result = {
        "claim": __doc__.splitlines()[0], "repeats": arguments.repeats, "seed": SEED, "machine": machine(),
        "worlds": found,
    }  # fmt: skip
    write_json(arguments.out / "result.json", result)
    page = readme(result, arguments.out)
    write_text(arguments.out / "README.md", page)
    print(page)


def models(rng):
    """Yield the drawn worlds: name, a function that draws a cohort, the truth."""
    for name, model in MODELS.items():
        for calibrated in (False, True):
            _, truth, (prob,) = drawn(rng, MANY, model)
            logits = np.log(np.maximum(prob, 1e-300))
            scale = 1 / temperature(logits, truth) if calibrated else 1.0
            yield (
                f"{name}, calibrated" if calibrated else name,
                lambda model=model, scale=scale: cohort(rng, model, scale),
                plain_error(*answers(softmax(scale * logits), truth)),
            )


def cohort(rng, model, scale):
    """Return how sure the answers of a drawn cohort are, whether they are right, and whose they are."""
    groups, truth, (prob,) = drawn(rng, PATIENTS, model)
    return *answers(softmax(scale * np.log(np.maximum(prob, 1e-300))), truth), groups


def temperature(logits, truth) -> float:
    """Return the temperature of the least log loss, of a grid."""
    rows = np.arange(truth.size)
    losses = [-np.log(np.maximum(softmax(logits / at)[rows, truth], 1e-300)).mean() for at in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def answers(prob, truth):
    """Return how sure each answer is, and whether it is right."""
    return prob.max(axis=1), prob.argmax(axis=1) == truth


def cheng(rng):
    """Yield the worlds that the committed predictions make."""
    cases = cases_of(read_predictions(POOLED), split="out-of-fold")
    for method in ("none", "temperature", "vector"):
        sure, right, groups = statements(cases, fit_apart(cases, method, 0).held_out)
        rows = [np.flatnonzero(groups == number) for number in range(cases.n_groups)]

        def draw(sure=sure, right=right, rows=rows):
            picked = [rows[number] for number in rng.integers(0, len(rows), len(rows))]
            images = np.concatenate(picked)
            return (
                sure[images],
                right[images],
                np.repeat(np.arange(len(picked)), [len(one) for one in picked]),
            )

        yield f"Cheng, {method}", draw, plain_error(sure, right)


def plain_error(sure, right) -> float:
    """Return the calibration error of a whole world, where chance adds next to nothing."""
    number = equal_mass_bins(sure, BINS)
    return float(np.abs(np.bincount(number, weights=right - sure)).sum() / sure.size)


def counted(draw, truth: float, repeats: int) -> dict:
    """Return how often the truth lies above the limits, and their means."""
    given, debiased, low = [], [], []
    for repeat in range(repeats):
        error = calibration_error(*draw(), n_bins=BINS, seed=repeat)
        given.append(error.interval.high)
        debiased.append(error.interval.value + error.interval.high - error.plain)
        low.append(error.interval.low)
    return {
        "truth": truth,
        "missed": float(np.mean(np.array(given) < truth)), "limit": float(np.mean(given)),
        "missed, about the debiased": float(np.mean(np.array(debiased) < truth)),
        "limit, about the debiased": float(np.mean(debiased)),
        "below the lower limit": float(np.mean(np.array(low) > truth)),
    }  # fmt: skip


def readme(result: dict, out: Path) -> str:
    """Return the page for people."""
    lines = [
        "# How often is the upper limit of the calibration error missed?",
        "",
        f"    python benchmarks/calibration_limit.py --out {out.as_posix()}",
        "",
        f"{result['repeats']} cohorts a world, seed {result['seed']}; nominal 2.5 %, standard error of such "
        f"a share {100 * (0.025 * 0.975 / result['repeats']) ** 0.5:.1f} points. In %.",
        "",
        "| world | true error | mean limit | missed | mean limit about the debiased error | missed | truth "
        "below the lower limit |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, one in result["worlds"].items():
        numbers = (f"{100 * value:.1f}" for value in list(one.values())[1:])
        missed, limit, other_missed, other_limit, below = numbers
        lines.append(
            f"| {name} | {100 * one['truth']:.2f} | {limit} | {missed} | {other_limit} | {other_missed} | "
            f"{below} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
