"""The images on which a detector did worst: most lesions missed and false alarms raised."""

from __future__ import annotations

from typing import Any

import numpy as np

from gyrus.metrics.detection import Cohort
from gyrus.metrics.detection.froc import Duplicates, alarms
from gyrus.metrics.detection.matching import Matched


def worst_images(
    cohort: Cohort, matched: Matched, score: float, duplicates: Duplicates, most: int = 12
) -> list[dict[str, Any]]:
    """Return the images with the most errors at a threshold of the score, the worst first.

    Parameters
    ----------
    cohort : Cohort
    matched : Matched
    score : float
        Boxes count from this score on.
    duplicates : {"ignore", "false-alarm"}
    most : int

    Returns
    -------
    list of dict
        ``image`` (number), ``missed``, ``false_alarms``, ``lesions`` (``box``, ``class``, ``found``),
        ``boxes`` (``box``, ``class``, ``score``, ``kind``: ``hit``, ``again`` or ``false alarm``). Among
        equally many errors the one with the more certain false alarm goes first. Images without an error are
        left out.
    """
    ranked = matched.ranked
    marked = cohort.scores[ranked] >= score
    image = cohort.predicted_image[ranked]
    false = marked & alarms(matched, duplicates)
    found = np.zeros(len(cohort.true), dtype=bool)
    found[matched.lesion[marked & matched.hit]] = True
    missed = np.bincount(cohort.true_image[~found], minlength=cohort.n_images)
    raised = np.bincount(image[false], minlength=cohort.n_images)
    surest = np.full(cohort.n_images, -np.inf)
    np.maximum.at(surest, image[false], cohort.scores[ranked][false])
    order = np.lexsort((np.arange(cohort.n_images), -surest, -(missed + raised)))
    worst = [int(number) for number in order[:most] if missed[number] + raised[number]]
    return [
        {
            "image": number,
            "missed": int(missed[number]),
            "false_alarms": int(raised[number]),
            "lesions": [
                {"box": cohort.true[i].tolist(), "class": int(cohort.true_class[i]), "found": bool(found[i])}
                for i in np.flatnonzero(cohort.true_image == number)
            ],
            "boxes": [
                {
                    "box": cohort.predicted[ranked[i]].tolist(),
                    "class": int(cohort.predicted_class[ranked[i]]),
                    "score": float(cohort.scores[ranked[i]]),
                    "kind": "hit" if matched.hit[i] else "false alarm" if false[i] else "again",
                }
                for i in np.flatnonzero(marked & (image == number))
            ],
        }
        for number in worst
    ]
