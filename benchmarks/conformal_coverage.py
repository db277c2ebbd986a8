"""Claim: on Cheng, conformal sets at 90 % hold the true class of new patients within 1.5 points of that.

    python benchmarks/conformal_coverage.py --out benchmarks/results/DATE_conformal_coverage

From the committed out-of-fold predictions of the five folds (``benchmarks/results/*_cheng_folds``): 200 times
four fifths of the patients, drawn within each class, calibrate (calibration, then sets by class and by
patient), and the sets of the others are counted; and once more with halves. What is promised is the mean over
patients of the share of a patient's images; the share of all images is given beside it. The logits are the
logarithms of the pooled probabilities. Two minutes on one core.
"""

import argparse
import os
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
from keeping import PROJECT, RESULTS, default_folder, machine

from gyrus.decision.cases import Cases
from gyrus.decision.learning import Wish, fit_decision
from gyrus.evaluation import read_predictions
from gyrus.evaluation.decided import cases_of
from gyrus.runs.atomic import write_json, write_text

POOLED = RESULTS / "2026-11-20_cheng_folds" / "predictions-pooled.csv"
REPEATS, SEED, WITHIN = 200, 3, 0.015
CASES = [(0.8, "lac", 0.9), (0.8, "aps", 0.9), (0.8, "lac", 0.95), (0.5, "lac", 0.9), (0.5, "aps", 0.9)]


def main() -> None:
    """Count, print, and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("conformal_coverage"))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--predictions", type=Path, default=POOLED)
    arguments = parser.parse_args()
    os.chdir(PROJECT)
    cases = cases_of(read_predictions(arguments.predictions), split="out-of-fold")
    splits = {
        share: [divided(cases, share, np.random.default_rng([SEED, at])) for at in range(arguments.repeats)]
        for share in (0.8, 0.5)
    }
    found = {
        f"{method} {level:g}, {share:.0%} calibrate": counted(cases, splits[share], method, level)
        for share, method, level in CASES
    }
    result = {
        "claim": __doc__.splitlines()[0], "source": arguments.predictions.as_posix(),
        "repeats": arguments.repeats, "seed": SEED,
        "images": len(cases), "patients": cases.n_groups, "machine": machine(), "sets": found,
    }  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_json(arguments.out / "result.json", result)
    page = readme(result, arguments.out)
    write_text(arguments.out / "README.md", page)
    print(page)


def divided(cases: Cases, share: float, random: np.random.Generator) -> np.ndarray:
    """Return which images calibrate: a share of the patients of each class."""
    of_group = np.zeros(cases.n_groups, dtype=int)
    of_group[cases.groups] = cases.truth.argmax(axis=1)
    picked = np.zeros(cases.n_groups, dtype=bool)
    for number in range(len(cases.classes)):
        patients = random.permutation(np.flatnonzero(of_group == number))
        picked[patients[: round(share * patients.size)]] = True
    return picked[cases.groups]


def counted(cases: Cases, splits: list[np.ndarray], method: str, level: float) -> dict:
    """Return coverage, sizes and referrals, means and standard deviations over the re-splits."""
    rows = [once(cases, calibrating, method, level) for calibrating in splits]
    names = list(rows[0])
    values = {name: np.array([row[name] for row in rows]) for name in names}
    return {
        name: {"mean": float(column.mean()), "sd": float(column.std(ddof=1)), "low": float(column.min()),
               "high": float(column.max())}
        for name, column in values.items()
    }  # fmt: skip


def once(cases: Cases, calibrating: np.ndarray, method: str, level: float) -> dict:
    """Fit on one part and count on the other."""
    wish = Wish(conformal_method=method, level=level)
    decision, _ = fit_decision(cases.take(np.flatnonzero(calibrating)), wish)
    others = cases.take(np.flatnonzero(~calibrating))
    probabilities = decision.probabilities(others.logits)
    members = decision.conformal.members(probabilities, others.classes)
    held = (members & others.truth).any(axis=1)
    answered = np.array([not one.refer for one in decision.decide(probabilities)])
    right = others.truth[np.arange(len(others)), probabilities.argmax(axis=1)]
    return {
        "coverage by patient": by_patient(others, held),
        **{
            f"coverage by patient, {name}": by_patient(others, held, others.truth[:, number])
            for number, name in enumerate(others.classes)
        },
        "coverage by image": held.mean(),
        "classes in the set": members.sum(axis=1).mean(),
        "sets of one class": (members.sum(axis=1) == 1).mean(),
        "empty sets": (members.sum(axis=1) == 0).mean(),
        "referred": (~answered).mean(),
        "right among the answered": right[answered].mean(),
        "right among all": right.mean(),
    }


def by_patient(cases: Cases, held: np.ndarray, among: np.ndarray | None = None) -> float:
    """Return the mean over patients of the share of their images whose set holds the true class."""
    counts = np.ones(len(cases)) if among is None else among.astype(float)
    images = np.bincount(cases.groups, weights=counts)
    hits = np.bincount(cases.groups, weights=held * counts)
    return float((hits[images > 0] / images[images > 0]).mean())


def readme(result: dict, out: Path) -> str:
    """Return the page for people."""
    lines = [
        "# Do conformal sets keep their promise on Cheng?",
        "",
        f"    python benchmarks/conformal_coverage.py --out {out.as_posix()}",
        "",
        f"{result['repeats']} times a part of the {result['patients']} patients calibrates and the rest is "
        f"counted; seed {result['seed']}. Mean over the re-splits (standard deviation), in %; predictions: "
        f"`{Path(result['source']).parent.name}`.",
        "",
        "| | " + " | ".join(result["sets"]) + " |",
        "|---|" + "---:|" * len(result["sets"]),
    ]
    for name in next(iter(result["sets"].values())):
        cells = []
        for figures in result["sets"].values():
            one = figures[name]
            size = name == "classes in the set"
            cells.append(
                f"{one['mean']:.2f} ({one['sd']:.2f})"
                if size
                else f"{100 * one['mean']:.1f} ({100 * one['sd']:.1f})"
            )
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", *conclusion(result["sets"])]
    return "\n".join(lines) + "\n"


def conclusion(sets: dict) -> list[str]:
    """Return how far each mean coverage is from its promise."""
    lines = []
    for name, figures in sets.items():
        away = figures["coverage by patient"]["mean"] - float(name.split()[1].rstrip(","))
        held = "within" if abs(away) <= WITHIN else "not within"
        lines.append(f"- {name}: {100 * away:+.2f} points, {held} {100 * WITHIN:g} of the promise.")
    return [
        *lines,
        "",
        "The sets err to the safe side: with n calibration patients of a class the promise may be exceeded "
        "by up to 2 / (n + 1), for the images of a new patient may all be unlike those of the others.",
    ]


if __name__ == "__main__":
    main()
