"""How far images lie from those that a model knows, measured where the model sees them: in its embedding.

An image is as far away as the mean of its nearest neighbours among the reference images (k nearest
neighbours as a measure of novelty: Loftsgaarden and Quesenberry, 1965; Sun et al., 2022). The reference
images are measured in the same way against images of *other* patients, so that the yardstick is what a new
patient from the same source looks like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.metrics.confusion import number_groups
from gyrus.metrics.intervals import linear_area, logit_t_interval, ratio_interval
from gyrus.metrics.roc import placements
from gyrus.metrics.undefined import FloatArray

NEIGHBOURS = 5
FAR = 0.95
_LEAST_PATIENTS = 10
_BLOCK = 512
_EXAMPLES = 10
_SHARES = np.linspace(0, 1, 21)

Embedding = npt.NDArray[np.floating[Any]]


def embedding_drift(
    reference: Embedding,
    reference_groups: Sequence[str],
    external: Embedding,
    external_groups: Sequence[str],
    image_ids: Sequence[str],
    *,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """Compare the embeddings of external images with those of reference images.

    Parameters
    ----------
    reference, external : ndarray, shape (n, n_features), (m, n_features)
        Of the same network.
    reference_groups, external_groups : sequence of str
        Patient (or what else is not independent) of each image.
    image_ids : sequence of str
        (m,) names of the external images.
    confidence : float

    Returns
    -------
    dict
        ::

            known          False with fewer than 10 reference patients; then only sentence
            sentence
            n_reference, n_external
            far            figure: share of the external images that lie farther away than 95 % of the
                           reference images do; 5 % is what no drift gives
            auc            figure: chance that an external image lies farther away than a reference image;
                           0.5 is what no drift gives
            curves         {"share": 21 shares from 0 to 1, "reference", "external": the distance that so many
                           lie within; 1 is the reference's 95 %}
            farthest       list of {"image_id", "distance"}: the 10 farthest; 1 is the reference's 95 %
    """
    if len(set(reference_groups)) < _LEAST_PATIENTS:
        return drift_untold(
            f"the reference has images of {len(set(reference_groups))} patients, {_LEAST_PATIENTS} are needed"
        )
    own, _ = number_groups(reference_groups)
    theirs, n_theirs = number_groups(external_groups)
    scaled, scaled_external = _standardised(reference, external)
    near = _distances(scaled, scaled, own, own)
    far = _distances(scaled_external, scaled, np.full(len(theirs), -1), own)
    limit = float(np.quantile(near, FAR))
    beyond = far > limit
    share = ratio_interval(
        np.bincount(theirs, weights=beyond, minlength=n_theirs), np.bincount(theirs, minlength=n_theirs),
        confidence,
    )  # fmt: skip
    is_external = np.arange(len(near) + len(far)) >= len(near)
    area = logit_t_interval(
        linear_area(
            placements(is_external, np.concatenate([near, far])),
            is_external,
            np.concatenate([own, theirs + int(own.max()) + 1]),
        ),
        confidence,
    )
    order = np.argsort(-far, kind="stable")[:_EXAMPLES]
    return {
        "known": True,
        "sentence": _sentence(share.value, share.low, area.value),
        "n_reference": len(near),
        "n_external": len(far),
        "far": _figure(share),
        "auc": _figure(area),
        "curves": {
            "share": _SHARES.tolist(),
            "reference": (np.quantile(near, _SHARES) / limit).tolist(),
            "external": (np.quantile(far, _SHARES) / limit).tolist(),
        },
        "farthest": [
            {"image_id": image_ids[number], "distance": float(far[number] / limit)}
            for number in order.tolist()
        ],
    }


def drift_untold(why: str) -> dict[str, Any]:
    """Return the block for an evaluation in which drift cannot be measured."""
    return {"known": False, "sentence": f"Drift against training cannot be told: {why}."}


def format_drift(block: Mapping[str, Any]) -> str:
    """Return the block of :func:`embedding_drift` as text."""
    if not block["known"]:
        return str(block["sentence"])
    farthest = ", ".join(
        f"{item['image_id']} ({item['distance']:.1f})"
        for item in block["farthest"][:3]
        if item["distance"] > 1
    )
    lines = [block["sentence"], f"reference: {block.get('reference') or block['n_reference']}"]
    if farthest:
        lines.append(f"farthest (1 is where the reference's last 5 % begin): {farthest}")
    return "\n".join(lines)


def _figure(interval: Any) -> dict[str, Any]:
    return {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "method": "cluster-robust logit-t",
        "clusters": interval.clusters,
    }


def _sentence(share: float, low: float, area: float) -> str:
    expected = 1 - FAR
    start = "These images look new to the model" if low > expected else "No drift is seen"
    return (
        f"{start}: {100 * share:.0f} % lie farther from what it knows than 95 % of held-out images of its "
        f"own source do (without drift: 5 %); the distance tells the two apart with an area of {area:.2f} "
        "(without drift: 0.5)."
    )


def _standardised(reference: Embedding, external: Embedding) -> tuple[FloatArray, FloatArray]:
    """Return both on the scale of the reference; features that never vary there are left out."""
    base = np.asarray(reference, dtype=np.float64)
    mean, deviation = base.mean(axis=0), base.std(axis=0)
    kept = deviation > 1e-6 * max(float(np.abs(mean).max(initial=0.0)), 1e-6)
    scale = deviation[kept]
    other = np.asarray(external, dtype=np.float64)
    return (base[:, kept] - mean[kept]) / scale, (other[:, kept] - mean[kept]) / scale


def _distances(
    points: FloatArray, reference: FloatArray, groups: npt.NDArray[Any], reference_groups: npt.NDArray[Any]
) -> FloatArray:
    """Return each point's mean distance to its nearest reference points of other groups."""
    squares = np.einsum("ij,ij->i", reference, reference)
    out = np.empty(len(points))
    for start in range(0, len(points), _BLOCK):
        block = slice(start, start + _BLOCK)
        some = points[block]
        squared = np.einsum("ij,ij->i", some, some)[:, None] + squares - 2 * some @ reference.T
        squared[groups[block, None] == reference_groups] = np.inf
        nearest = np.partition(squared, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        finite = np.isfinite(nearest)
        roots = np.sqrt(np.maximum(np.where(finite, nearest, 0.0), 0.0))
        out[block] = roots.sum(axis=1) / finite.sum(axis=1)
    return out
