"""Claim: 2,000 bootstrap samples of the patients of 5,000 predictions of 4 classes take less than 2 s.

With macro and micro ROC-AUC, accuracy, balanced accuracy and macro F1; at least 10 times faster than a loop
over scikit-learn and than torchmetrics' BootStrapper, which compute the two areas only.

    python benchmarks/metrics_speed.py > benchmarks/results/DATE_metrics_speed/result.json

All sides take turns in one process, so that a busy neighbour slows all of them alike; a first turn warms up
and is left out; the fastest turn, and the least time of the processors (all threads), stand beside the
median. The others run fewer samples (their cost is proportional to the number, which is checked) and their
times are scaled to 2,000. torchmetrics draws images, not patients: it has no other way. The loop and gyrus
draw the same patients, and the areas of every sample of the loop are compared with those of gyrus.
"""

import json
import os
import platform
import statistics
import time

import numpy as np
import sklearn
import torch
import torchmetrics
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_info
from torchmetrics.classification import MulticlassAUROC, MultilabelAUROC
from torchmetrics.wrappers import BootStrapper

import gyrus
from gyrus.evaluation import Predictions, evaluate_predictions
from gyrus.evaluation.bootstrap import bootstrap_intervals
from gyrus.evaluation.figures import Figures
from gyrus.metrics import cluster_weights
from gyrus.metrics.area_resampling import area_of

IMAGES, CLASSES, PATIENTS, SAMPLES, SEED = 5000, 4, 250, 2000, 0
LOOP_SAMPLES, TORCHMETRICS_SAMPLES, TURNS = 20, 20, 5


def main() -> None:
    """Measure and print."""
    figures = Figures(cohort(), 0.95)
    weights = cluster_weights(PATIENTS, SAMPLES, SEED)
    sides = {
        "gyrus": (SAMPLES, lambda: bootstrap_intervals(figures, SAMPLES, SEED)),
        "gyrus, the areas only": (SAMPLES, lambda: areas(figures, cluster_weights(PATIENTS, SAMPLES, SEED))),
        "scikit-learn loop": (LOOP_SAMPLES, lambda: loop(figures, weights[:, :LOOP_SAMPLES])),
        "scikit-learn loop, half": (
            LOOP_SAMPLES // 2,
            lambda: loop(figures, weights[:, : LOOP_SAMPLES // 2]),
        ),
        "torchmetrics": (TORCHMETRICS_SAMPLES, lambda: wrapped(figures, TORCHMETRICS_SAMPLES)),
        "torchmetrics, half": (
            TORCHMETRICS_SAMPLES // 2,
            lambda: wrapped(figures, TORCHMETRICS_SAMPLES // 2),
        ),
        "gyrus, whole evaluation": (SAMPLES, lambda: evaluate_predictions(cohort())),
    }
    turns = [{name: seconds(call) for name, (_, call) in sides.items()} for _ in range(TURNS + 1)][1:]
    times = {
        kind: {
            name: round(summary(turn[name][at] for turn in turns) * SAMPLES / samples, 3)
            for name, (samples, _) in sides.items()
        }
        for kind, at, summary in (
            ("median", 0, statistics.median),
            ("fastest", 0, min),
            ("processor", 1, min),
        )
    }
    ours, theirs = areas(figures, weights), loop(figures, weights[:, :LOOP_SAMPLES])
    print(
        json.dumps(
            {
                "claim": "2,000 patient-clustered bootstrap samples of 5,000 x 4 under 2 s, 10 times faster",
                "images": IMAGES,
                "classes": CLASSES,
                "patients": PATIENTS,
                "samples": SAMPLES,
                "seconds_for_2000_samples": times,
                "times_faster": {
                    kind: {
                        other: round(values[other] / values[own], 1)
                        for own, other in (
                            ("gyrus", "scikit-learn loop"),
                            ("gyrus", "torchmetrics"),
                        )
                    }
                    for kind, values in times.items()
                },
                "largest_difference_from_the_loop": float(np.abs(ours[:, :LOOP_SAMPLES] - theirs).max()),
                "samples_run": {name: samples for name, (samples, _) in sides.items()},
                "seconds_of_every_turn": turns,
                "machine": machine(),
            },
            indent=1,
        )
    )


def cohort() -> Predictions:
    """Return predictions of a fair classifier whose errors cluster in patients."""
    rng = np.random.default_rng(SEED)
    patient = np.arange(IMAGES) % PATIENTS
    logits = rng.normal(size=(IMAGES, CLASSES)) + 1.5 * rng.normal(size=(PATIENTS, CLASSES))[patient]
    logits += 2.5 * np.eye(CLASSES)[patient % CLASSES]
    names = tuple("abcdefgh"[:CLASSES])
    return Predictions(
        image_ids=tuple(f"i{number}" for number in range(IMAGES)),
        subject_ids=tuple(f"P{number}" for number in patient),
        labels=tuple(names[number % CLASSES] for number in patient),
        classes=names,
        y_prob=np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True),
    )


def areas(figures, weights):
    """Return macro and micro area of every sample, by gyrus."""
    of_classes = [
        area_of(figures.truth[:, k], figures.y_prob[:, k], figures.groups)(weights) for k in range(CLASSES)
    ]
    return np.stack([np.mean(of_classes, axis=0), area_of(*figures.pairs())(weights)])


def loop(figures, weights):
    """Return the same by scikit-learn, sample by sample, on the rows of the patients drawn."""
    one_hot, values = figures.truth.astype(int), []
    for column in weights.T:
        rows = np.repeat(np.arange(IMAGES), column[figures.groups].astype(int))
        truth, prob = one_hot[rows], figures.y_prob[rows]
        values.append([roc_auc_score(truth, prob, average=average) for average in ("macro", "micro")])
    return np.array(values).T


def wrapped(figures, samples):
    """Return mean and deviation of the same areas over resampled images, by torchmetrics."""
    prob = torch.tensor(figures.y_prob, dtype=torch.float32)
    macro = BootStrapper(MulticlassAUROC(CLASSES, average="macro", validate_args=False), samples)
    macro.update(prob, torch.tensor(figures.y_true))
    micro = BootStrapper(MultilabelAUROC(CLASSES, average="micro", validate_args=False), samples)
    micro.update(prob, torch.tensor(figures.truth).long())
    return macro.compute(), micro.compute()


def seconds(call) -> tuple[float, float]:
    """Return how long a call takes: by the clock, and of the processors (all threads)."""
    begin, used = time.perf_counter(), time.process_time()
    call()
    return round(time.perf_counter() - begin, 4), round(time.process_time() - used, 4)


def machine() -> dict[str, object]:
    """Return what ran it."""
    pools = [
        {key: pool[key] for key in ("internal_api", "version", "num_threads", "architecture") if key in pool}
        for pool in threadpool_info()
    ]
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "torch": torch.__version__,
        "torchmetrics": torchmetrics.__version__,
        "gyrus": gyrus.__version__,
        "threads": pools,
    }


if __name__ == "__main__":
    main()
