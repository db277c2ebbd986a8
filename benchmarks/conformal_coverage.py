"""Claim: on Cheng, conformal sets at 90 % hold the true class of new patients within 1.5 points of that.

    python benchmarks/conformal_coverage.py --out benchmarks/results/DATE_conformal_coverage

From the committed out-of-fold predictions of the five folds (``benchmarks/results/*_cheng_folds``): 200 times
a part of the patients (four fifths, a half, a quarter), drawn within each class, calibrate (calibration, then
sets by class and by patient), and the sets of the others are counted. What is promised is the mean over
patients of the share of a patient's images; the share of all images is given beside it. The logits are the
logarithms of the pooled probabilities. Minutes on one core.
"""

import argparse
import os
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
from keeping import PROJECT, RESULTS, default_folder, machine

from gyrus.decision import Decision
from gyrus.decision.cases import Cases
from gyrus.decision.conformal_fitting import fit_sets
from gyrus.decision.fitting import fit_calibration
from gyrus.evaluation import read_predictions
from gyrus.evaluation.decided import cases_of
from gyrus.runs.atomic import write_json, write_text

POOLED = RESULTS / "2026-11-20_cheng_folds" / "predictions-pooled.csv"
REPEATS, SEED, WITHIN = 200, 3, 0.015
SHARES = {0.8: "four fifths", 0.5: "a half", 0.25: "a quarter"}
KINDS = [
    ("lac", "at-least", 0.9), ("aps", "at-least", 0.9), ("lac", "about", 0.9), ("aps", "about", 0.9),
    ("lac", "at-least", 0.95),
]  # fmt: skip


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
    found = {}
    for share, words in SHARES.items():
        splits = (divided(cases, share, np.random.default_rng([SEED, at])) for at in range(arguments.repeats))
        found[words] = counted(cases, splits)
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


def counted(cases: Cases, splits) -> dict:
    """Return coverage, sizes and referrals of each kind of sets: means and deviations over the re-splits."""
    rows = [once(cases, calibrating) for calibrating in splits]
    found = {}
    for kind in rows[0]:
        values = {name: np.array([row[kind][name] for row in rows]) for name in rows[0][kind]}
        found[kind] = {
            name: {"mean": float(column.mean()), "sd": float(column.std(ddof=1)), "low": float(column.min()),
                   "high": float(column.max())}
            for name, column in values.items()
        }  # fmt: skip
    return found


def once(cases: Cases, calibrating: np.ndarray) -> dict:
    """Fit on one part and count on the other; a kind of sets that cannot be fitted is left out."""
    own, others = (cases.take(np.flatnonzero(rows)) for rows in (calibrating, ~calibrating))
    fitted = fit_calibration(own)
    probabilities = fitted.calibration.apply(others.logits)
    found = {}
    for method, promise, level in KINDS:
        sets = fit_sets(own, fitted.held_out, method=method, promise=promise, level=level)
        if sets.usable:
            decision = Decision(cases.classes, cases.task, fitted.calibration, (), sets)
            found[f"{method}, {promise} {level:g}"] = figures(others, probabilities, decision)
    return found


def figures(others: Cases, probabilities: np.ndarray, decision: Decision) -> dict:
    """Return what the sets hold, how large they are, and what is referred."""
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
    ]
    for share, sets in result["sets"].items():
        lines += ["", f"## {share.capitalize()} of the patients calibrate", ""]
        lines += ["| | " + " | ".join(sets) + " |", "|---|" + "---:|" * len(sets)]
        for name in next(iter(sets.values())):
            cells = [shown(figures[name], whole=name == "classes in the set") for figures in sets.values()]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append(f"| **from its level, points** | {' | '.join(map(away, sets, sets.values()))} |")
    return "\n".join([*lines, "", *explained()]) + "\n"


def shown(one: dict, *, whole: bool) -> str:
    """Return a mean with its deviation."""
    factor, digits = (1, 2) if whole else (100, 1)
    return f"{factor * one['mean']:.{digits}f} ({factor * one['sd']:.{digits}f})"


def away(kind: str, figures: dict) -> str:
    """Return how far the mean coverage is from the level, and whether that is near enough."""
    points = figures["coverage by patient"]["mean"] - float(kind.split()[-1])
    return f"{100 * points:+.2f}, {'within' if abs(points) <= WITHIN else 'not within'} {100 * WITHIN:g}"


def explained() -> list[str]:
    """Return how the promises differ."""
    return [
        "`at-least` (the default) errs to the safe side: with n calibration patients of a class the level "
        "may be exceeded by up to 2 / (n + 1), for the images of a new patient may all be unlike those of "
        "the others. `about` may be short by (level - 1/2) / (n + 1), and may exceed by "
        "(3/2 - level) / (n + 1).",
    ]


if __name__ == "__main__":
    main()
