"""Claim: calibrated, pooled Cheng has a calibration error of at most 3 % (upper limit), and less log loss.

    python benchmarks/calibration_cheng.py --out benchmarks/results/DATE_calibration_cheng

From the committed out-of-fold predictions of the five folds (``benchmarks/results/*_cheng_folds``), whose
logarithms stand for logits. Each patient's probabilities are by a calibration fitted on all the other
patients, as ``before`` and ``after`` in every card are; ``auto`` chooses its method without the patient, too
(without a twentieth of the patients, for the time that it takes). Beside it, how much it matters to fit on
four fifths of the patients: 20 deals of five folds (auto: 5). The upper limit is that of
:func:`gyrus.metrics.calibration.calibration_error`, plain error and reach, chance included
(``calibration_limit.py``: how often it is missed). A minute on one core.
"""

import argparse
import os
from functools import partial
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
from keeping import PROJECT, RESULTS, default_folder, machine

from gyrus.decision.calibration import Calibration
from gyrus.decision.cases import Cases
from gyrus.decision.crossfit import cross_fitted
from gyrus.decision.fitting import choose_method, fit_method
from gyrus.decision.worth import group_sums, image_losses, worth
from gyrus.evaluation import read_predictions
from gyrus.evaluation.decided import cases_of
from gyrus.metrics.intervals import linear_ratio
from gyrus.metrics.quantiles import t_quantile
from gyrus.runs.atomic import write_json, write_text

POOLED = RESULTS / "2026-11-20_cheng_folds" / "predictions-pooled.csv"
DEALS, FOLDS = 20, 5
AUTO_DEALS, AUTO_PARTS = 5, 20
TARGET = 0.03


def main() -> None:
    """Fit, measure, print, and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("calibration_cheng"))
    parser.add_argument("--predictions", type=Path, default=POOLED)
    arguments = parser.parse_args()
    os.chdir(PROJECT)
    cases = cases_of(read_predictions(arguments.predictions), split="out-of-fold")
    plain = Calibration().apply(cases.logits)
    fits = {method: partial(fit_method, method=method) for method in ("temperature", "vector")}
    found = {"before": worth(cases, plain)}
    for name, fit in fits.items():
        found[name] = measured(cases, plain, fit, cases.n_groups, DEALS)
    found["auto"] = measured(cases, plain, fit_auto, AUTO_PARTS, AUTO_DEALS)
    result = {
        "claim": __doc__.splitlines()[0], "source": arguments.predictions.as_posix(), "images": len(cases),
        "patients": cases.n_groups, "machine": machine(), "figures": found,
        "chosen": choose_method(cases, seed=0),
        "fitted_on_all": {name: numbers(fit(cases)) for name, fit in fits.items()},
    }  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_json(arguments.out / "result.json", result)
    page = readme(result, arguments.out)
    write_text(arguments.out / "README.md", page)
    print(page)


def fit_auto(cases: Cases) -> Calibration:
    """Choose the method on the patients that it is fitted on."""
    return fit_method(cases, choose_method(cases, seed=0))


def measured(cases: Cases, plain: np.ndarray, fit, parts: int, deals: int) -> dict:
    """Return the figures with one part of the patients left out at a time, and those of some deals."""
    held_out = cross_fitted(cases, fit, 0, folds=parts)
    each = [worth(cases, cross_fitted(cases, fit, seed, folds=FOLDS)) for seed in range(deals)]
    fall = linear_ratio(
        group_sums(cases, image_losses(cases, plain) - image_losses(cases, held_out)), group_sums(cases)
    )
    reach = t_quantile(0.975, fall.freedom) * fall.variance**0.5
    return {
        **worth(cases, held_out),
        "fall_of_log_loss": {"value": fall.value, "low": fall.value - reach, "high": fall.value + reach},
        "deals": {
            "ece": [one["ece"]["value"] for one in each],
            "ece_high": [one["ece"]["high"] for one in each],
            "log_loss": [one["log_loss"]["value"] for one in each],
        },
    }


def numbers(calibration: Calibration) -> dict:
    """Return what was fitted."""
    return {
        "temperature": calibration.temperature, "scale": calibration.scale, "bias": calibration.bias
    }  # fmt: skip


def readme(result: dict, out: Path) -> str:
    """Return the page for people."""
    figures = result["figures"]
    lines = [
        "# Calibration of pooled Cheng",
        "",
        f"    python benchmarks/calibration_cheng.py --out {out.as_posix()}",
        "",
        f"{result['images']} images of {result['patients']} patients, out-of-fold predictions of "
        f"`{Path(result['source']).parent.name}`; each patient's calibration is fitted on all the others "
        "(auto: on those of 19 of 20 parts). In brackets 95 % intervals over patients. Last: median (range) "
        f"of the error's upper limit when it is fitted on four fifths of the patients only, {DEALS} deals of "
        f"five folds (auto: {AUTO_DEALS}). Of all patients `auto` takes {result['chosen']}.",
        "",
        "| | log loss | fall of the log loss | calibration error, % | upper limit, four fifths, % |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, one in figures.items():
        deals = one.get("deals")
        spread = (
            ""
            if deals is None
            else f"{100 * np.median(deals['ece_high']):.2f} ({100 * min(deals['ece_high']):.2f} to "
            f"{100 * max(deals['ece_high']):.2f})"
        )
        fall = "" if deals is None else bracketed(one["fall_of_log_loss"], 1, 3)
        lines.append(
            f"| {name} | {bracketed(one['log_loss'], 1, 3)} | {fall} | {bracketed(one['ece'], 100, 2)} | "
            f"{spread} |"
        )
    lines += ["", *conclusion(figures)]
    return "\n".join(lines) + "\n"


def conclusion(figures: dict) -> list[str]:
    """Return whether the claim holds, by each method."""
    said = []
    for name in ("temperature", "vector", "auto"):
        one = figures[name]
        within = sum(high <= TARGET for high in one["deals"]["ece_high"])
        fell = "falls" if one["fall_of_log_loss"]["value"] > 0 else "does not fall"
        said.append(
            f"- {name}: log loss {fell}; upper limit at most {100 * TARGET:g} %: {verdict(one['ece'])} "
            f"({100 * one['ece']['high']:.2f} %), fitted on four fifths in {within} of "
            f"{len(one['deals']['ece'])} deals."
        )
    return said


def verdict(figure: dict) -> str:
    """Return whether the upper limit is within the target."""
    return "yes" if figure["high"] <= TARGET else "no"


def bracketed(figure: dict, factor: float, digits: int) -> str:
    """Return ``0.172 (0.107 to 0.282)``."""
    value, low, high = (f"{factor * figure[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


if __name__ == "__main__":
    main()
