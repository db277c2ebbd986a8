"""Claim: 95 % intervals of FROC scores and average precisions cover near 95 % or more from 10 patients on.

    python benchmarks/detection_coverage.py --out benchmarks/results/DATE_detection_coverage

Cohorts are drawn from a detector whose chance of finding a lesion, and whose false alarms, differ between
patients; the true figures are those of 40,000 patients. Counted is how often the interval of each cohort
holds them, beside the plain percentile interval of the same samples.
"""

import argparse
from pathlib import Path

import numpy as np
from keeping import default_folder, machine

from gyrus.metrics import percentile_interval
from gyrus.metrics.detection import Cohort, froc_intervals, match, precision_intervals
from gyrus.metrics.detection.average_precision import precision_by_class
from gyrus.metrics.detection.froc import RATES, froc_curve
from gyrus.metrics.detection.resampled import _froc_samples, _precision_samples
from gyrus.runs.atomic import write_json, write_text

PATIENTS, CHANCES = (10, 20, 40, 100), (0.6, 0.9)
SCANS, TRUTH_PATIENTS = 3, 40_000
BOX = np.array([10.0, 10.0, 30.0, 30.0])
NAMES = ("FROC score", "sensitivity at 1 a scan", "average precision")


def main() -> None:
    """Draw cohorts, count, and keep what it gave."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=default_folder("detection_coverage"))
    parser.add_argument("--cohorts", type=int, default=500)
    parser.add_argument("--samples", type=int, default=300)
    arguments = parser.parse_args()
    rows = [
        counted(patients, chance, arguments.cohorts, arguments.samples)
        for chance in CHANCES
        for patients in PATIENTS
    ]
    arguments.out.mkdir(parents=True, exist_ok=True)
    result = {"cohorts": arguments.cohorts, "samples": arguments.samples, "rows": rows, "machine": machine()}
    write_json(arguments.out / "result.json", result)
    page = readme(rows, arguments)
    write_text(arguments.out / "README.md", page)
    print(page)


def drawn(patients: int, chance: float, seed: int) -> Cohort:
    """Return a cohort: each patient has three scans, of which some have one or two lesions.

    A patient's own ease moves the chance of every lesion, and its own noise the number of false alarms.
    """
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(patients), SCANS)
    scans = subject.size
    ease = rng.normal(0, 1.2, patients)
    noise = rng.gamma(1.5, 1.0, patients)
    true_image = np.repeat(np.arange(scans), rng.choice([0, 1, 2], scans, p=[0.3, 0.5, 0.2]))
    place = np.append(0, true_image[1:] == true_image[:-1])  # two lesions of a scan lie apart
    true = BOX + 60.0 * place[:, None]
    logit = np.log(chance / (1 - chance)) + ease[subject[true_image]]
    seen = rng.random(true_image.size) < 1 / (1 + np.exp(-logit))
    alarms = np.repeat(np.arange(scans), rng.poisson(0.7 * noise[subject]))
    far = BOX + 200 + 40.0 * (np.arange(alarms.size) % 50)[:, None]
    scores = np.concatenate(
        [rng.normal(1.5 + 0.4 * ease[subject[true_image[seen]]], 1), rng.normal(0, 1, alarms.size)]
    )
    image = np.concatenate([true_image[seen], alarms])
    return Cohort(
        predicted=np.concatenate([true[seen], far]), scores=scores, predicted_image=image,
        predicted_class=np.zeros_like(image), true=true, true_image=true_image,
        true_class=np.zeros_like(true_image), scan=np.arange(scans), subject=subject, n_classes=1,
    )  # fmt: skip


def figures(cohort: Cohort) -> np.ndarray:
    """Return FROC score, sensitivity at 1 false alarm a scan, average precision."""
    (matched,) = match(cohort, [0.5])
    curve = froc_curve(cohort, matched)
    return np.array([curve.score(), curve.at(1.0), precision_by_class(cohort, [matched])[0, 0]])


def counted(patients: int, chance: float, cohorts: int, samples: int) -> dict:
    """Return how often the intervals hold the true figures, and how wide they are."""
    truth = figures(drawn(TRUTH_PATIENTS, chance, 10**6))
    held = {"gyrus": np.zeros(3), "percentile": np.zeros(3)}
    width = {"gyrus": np.zeros(3), "percentile": np.zeros(3)}
    for seed in range(cohorts):
        cohort = drawn(patients, chance, seed)
        ends = intervals(cohort, samples, seed)
        for name, (low, high) in ends.items():
            held[name] += (low <= truth) & (truth <= high)
            width[name] += high - low
    print(f"{patients} patients, chance {chance}: {held['gyrus'] / cohorts}", flush=True)
    return {
        "patients": patients, "chance": chance, "truth": truth.tolist(),
        "coverage": {name: (count / cohorts).tolist() for name, count in held.items()},
        "width": {name: (total / cohorts).tolist() for name, total in width.items()},
    }  # fmt: skip


def intervals(cohort: Cohort, samples: int, seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return low and high ends of the three figures, by both ways."""
    (matched,) = match(cohort, [0.5])
    froc = froc_intervals(cohort, matched, rates=(1.0,), n_samples=samples, seed=seed)
    (precision,), _ = precision_intervals(cohort, [0.5], n_samples=samples, seed=seed)
    ours = (froc.score, froc.at[0], precision)
    rates = np.array([*RATES, 1.0])
    drawn_froc = _froc_samples(cohort, matched, froc.curve, "ignore", rates, samples, seed)
    plain = [
        percentile_interval(values, 0.95)
        for values in (
            drawn_froc[:, :-1].mean(axis=1),
            drawn_froc[:, -1],
            _precision_samples(cohort, matched, samples, seed),
        )
    ]
    return {
        "gyrus": (np.array([one.low for one in ours]), np.array([one.high for one in ours])),
        "percentile": (np.array([low for low, _ in plain]), np.array([high for _, high in plain])),
    }


def readme(rows: list[dict], arguments: argparse.Namespace) -> str:
    """Return the page for people."""
    lines = [
        "# Do the intervals of detection figures hold?", "",
        f"    python benchmarks/detection_coverage.py --cohorts {arguments.cohorts} --samples "
        f"{arguments.samples} --out {arguments.out.as_posix()}", "",
        f"Share of {arguments.cohorts} drawn cohorts whose nominal 95 % interval holds the true figure, in "
        f"per cent; in brackets the mean width in points. {SCANS} scans a patient, patients differ.", "",
        "| patients | lesions found | way | " + " | ".join(NAMES) + " |",
        "|---:|---:|---|" + "---:|" * len(NAMES),
    ]  # fmt: skip
    for row in rows:
        for way in ("gyrus", "percentile"):
            pairs = zip(row["coverage"][way], row["width"][way], strict=True)
            cells = [f"{100 * share:.1f} ({100 * width:.0f})" for share, width in pairs]
            lines.append(f"| {row['patients']} | {100 * row['chance']:g} % | {way} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
