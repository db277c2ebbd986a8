"""What an upload is answered: the evidence by its published schema, what it comes to, and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gyrus.bundles.mask_rules import SEGMENT
from gyrus.data.label_names import label_of
from gyrus.decision import Decided, Decision
from gyrus.errors import RefusedError
from gyrus.inference import Failure, Prediction, Predictor
from gyrus.inference.evidence import Evidence
from gyrus.inference.pooling import Pooled
from gyrus.serving.pictures import pictures_of

Outcome = Literal["answered", "referred", "refused"]
_POOLED = "mean of the calibrated probabilities"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one upload.

    Attributes
    ----------
    evidence : dict
        JSON-able, as ``evidence-schema.json`` says: ``model``, ``predictions`` (one an image), ``groups``
        (the images of a volume taken together; null for one image), ``failures``.
    outcome : str
        ``answered``, ``referred`` (a person should look), ``refused`` (by the gate).
    label : str or None
        The answer as it is shown; of a volume the pooled one. None where it is refused.
    probability : float or None
        Calibrated probability of ``label``; None with several labels an image.
    reason : str
        Why it is referred or refused; else empty.
    kind : str
        ``png``, ``jpeg``, ``dicom``, ``nifti``, …
    sha256 : str
        Of the bytes as uploaded.
    pictures : dict of str to bytes
        ``original`` as uploaded; of the N-th image ``image-N`` (PNG to be shown), ``heat-N`` (RGBA PNG to be
        laid over it: heat, or of a segmentation its contours; absent without either), ``nearest-N-K`` (PNG of
        a training case; absent where the bundle has none).
    examined : tuple of Evidence
        What the evidence was made from, with pixels.
    """

    evidence: dict[str, Any]
    outcome: Outcome
    label: str | None
    probability: float | None
    reason: str
    kind: str
    sha256: str
    pictures: dict[str, bytes] = field(repr=False)
    examined: tuple[Evidence, ...] = field(repr=False)

    @property
    def frames(self) -> int:
        """Images that were answered or refused."""
        return len(self.examined)


def answer_of(
    body: bytes,
    sha256: str,
    examined: Sequence[Evidence],
    failures: Sequence[Failure],
    model: Mapping[str, Any],
    predictor: Predictor,
) -> Answer:
    """Return the answer to an upload of which at least one image could be read."""
    predictions = [{**one.to_json(), "page": None, "picture": None} for one in examined]
    several = len(examined) + len(failures) > 1
    # masks of slices are no probabilities that could be averaged: each slice keeps its own
    pooled = _pooled(examined, failures, predictor) if several and predictor.task != SEGMENT else None
    answered = [one for one in examined if one.refused is None]
    refused = examined[0].answer.refused if not answered else None
    label, probability, reason = _said(answered, pooled)
    stored = examined[0].answer.stored
    return Answer(
        evidence={
            "model": dict(model),
            "predictions": predictions,
            "groups": pooled,
            "failures": [{"name": str(one.path), "error": one.error.message} for one in failures],
        },
        outcome="refused" if not answered else "referred" if reason else "answered",
        label=label,
        probability=probability,
        reason=reason if refused is None else refused.reason,
        kind="unknown" if stored is None else stored.format.lower(),
        sha256=sha256,
        pictures={"original": body, **pictures_of(examined)},
        examined=tuple(examined),
    )


def refusal_of(evidence: Mapping[str, Any]) -> RefusedError:
    """Return the error that tells a refusal, from the evidence of a refused upload."""
    findings = evidence["predictions"][0]["gate"]["findings"]
    failed = next(finding for finding in findings if not finding["passed"])
    return RefusedError(failed["reason"], step=failed["step"])


def light_answer(answers: Sequence[Prediction], predictor: Predictor) -> dict[str, Any]:
    """Return probabilities and decision of an upload, JSON-able; the mean of several images.

    Raises
    ------
    RefusedError
        When the gate refuses every image.
    """
    passed = [answer for answer in answers if answer.refused is None]
    if not passed:
        refused = answers[0].refused
        assert refused is not None
        raise RefusedError(refused.reason, step=refused.step)
    first = passed[0]
    probabilities = first.probabilities
    decided = first.decided
    if len(answers) > 1:  # thresholds and sets were fitted on single images: they say nothing of means
        probabilities = np.mean([answer.probabilities for answer in passed], axis=0)
        decided = None
        label = _label_of(probabilities, predictor)
    else:
        label = first.label
    return {
        "prediction": label,
        "probabilities": dict(zip(first.classes, probabilities.tolist(), strict=True)),
        "decision": None if decided is None else decided.to_json(),
        "images": len(answers),
        "refused": len(answers) - len(passed),
        "gate": bool(first.gate),
        "model_digest": predictor.model_digest,
        "notes": list(first.notes),
    }


def _said(
    answered: Sequence[Evidence], pooled: Mapping[str, Any] | None
) -> tuple[str | None, float | None, str]:
    """Return label, its probability, and why a person should look (empty: nobody need)."""
    if not answered:
        return None, None, ""
    if answered[0].answer.task == SEGMENT:
        marked = {name for one in answered for name in one.answer.shown}
        return label_of(sorted(marked)), None, ""
    if pooled is None:
        answer = answered[0].answer
        decided: Decided | None = answer.decided
        reason = decided.reason if decided is not None and decided.refer else ""
        return answer.label, answer.confidence if answer.task == "classify" else None, reason
    group = pooled["groups"][0]
    shares: dict[str, float] = group["probabilities"]
    referred = (
        f"{group['referred']} of {group['images']} images are for a person" if group["referred"] else ""
    )
    return group["prediction"], shares.get(group["prediction"]), referred


def _pooled(
    examined: Sequence[Evidence], failures: Sequence[Failure], predictor: Predictor
) -> dict[str, Any]:
    """Return the images of a volume taken together."""
    pooled = Pooled(examined[0].asked.source.path.name)
    for one in examined:
        pooled.add(one)
    pooled.images += len(failures)
    pooled.unread += len(failures)
    return {"by": "file", "how": _POOLED, "groups": [pooled.to_json(predictor.decision)]}


def _label_of(probabilities: npt.NDArray[np.float64], predictor: Predictor) -> str | None:
    decision = Decision(predictor.decision.classes, predictor.decision.task)
    return decision.decide(probabilities[np.newaxis])[0].label
