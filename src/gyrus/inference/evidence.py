"""Everything that is known about an answer: what was asked, what was said, what speaks for it and against it.

The JSON form has a published schema, ``evidence-schema.json`` in this folder (also in the docs).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gyrus.data.spacing import Spacing
from gyrus.evaluation.predictions import CLASSIFY
from gyrus.imaging.source import Source
from gyrus.inference.heat_map import HeatMap
from gyrus.inference.mask_regions import Region
from gyrus.inference.mask_spread import MaskSpread
from gyrus.inference.neighbours import Case, InTraining
from gyrus.inference.prediction import Prediction
from gyrus.inference.spread import Spread

SCHEMA = "gyrus-evidence/2"
FORMER_SCHEMAS = ("gyrus-evidence/1",)
"""Earlier ones that are still read; evidence/1 has no segmentation."""
SCHEMA_FILE = Path(__file__).with_name("evidence-schema.json")


@dataclass(frozen=True, slots=True)
class Asked:
    """An image that is asked about, and what the user knows of it.

    Attributes
    ----------
    source : Source
        Where it lies.
    image_id : str
        What it is called: the file as it was given, or the manifest's name for it.
    subject_id, label : str
        Patient and class, where a manifest tells them; else empty. Neither is shown to the model.
    group : str
        What it is pooled with, empty for nothing.
    spacing : Spacing or None
        How large a pixel is, where the file or a manifest tells it.
    """

    source: Source
    image_id: str
    subject_id: str = ""
    label: str = ""
    group: str = ""
    spacing: Spacing | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """Which model answered, in digests.

    Attributes
    ----------
    digest, model_digest : str
        Of the whole bundle; of its two graphs.
    data_fingerprint : str or None
        Of the manifest that it was trained from.
    reading_policy : str
        How the file became pixels.
    """

    digest: str
    model_digest: str
    data_fingerprint: str | None
    reading_policy: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one image's answer.

    Attributes
    ----------
    asked : Asked
    answer : Prediction
        The numbers, with the pixels as read.
    model : Model
    in_training : InTraining
        Whether the model was trained on this very image.
    nearest : tuple of Case
        Training cases, the nearest first.
    apart : float or None
        Smallest distance between kept training images of two patients; see :attr:`closer_than_patients`.
    spread : Spread or None
        None where it was not asked for.
    heat_map : HeatMap or None
        None where there is none, or none was asked for.
    regions : tuple of Region
        Of a segmentation, what is marked as each class; () of other tasks, and of a refused image.
    mask_spread : MaskSpread or None
        Of a segmentation, in place of ``spread``.
    seconds : dict
        Part -> wall time.
    """

    asked: Asked
    answer: Prediction
    model: Model
    in_training: InTraining
    nearest: tuple[Case, ...] = ()
    apart: float | None = None
    spread: Spread | None = None
    heat_map: HeatMap | None = None
    regions: tuple[Region, ...] = ()
    mask_spread: MaskSpread | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def refused(self) -> str | None:
        """Why the gate refuses the image; None where it is answered."""
        finding = self.answer.refused
        return None if finding is None else finding.reason

    @property
    def closer_than_patients(self) -> bool:
        """Whether the nearest case is nearer than any two kept training images of different patients are.

        That is measured, not guessed: a picture that is nearer to a training image than two patients ever
        were to each other is likely that image in another form, or a slice of the same head.
        """
        return bool(self.nearest) and self.apart is not None and self.nearest[0].distance < self.apart

    def to_json(self) -> dict[str, Any]:
        """Return it as the published schema says; a refused image has neither answer nor probabilities."""
        answer, answered = self.answer, self.refused is None
        several = answer.task != CLASSIFY
        return {
            "schema": SCHEMA,
            "name": self.asked.image_id,
            "subject_id": self.asked.subject_id or None,
            "label": self.asked.label or None,
            "input": self._input(),
            "gate": {
                "present": bool(answer.gate),
                "passed": answered if answer.gate else None,
                "findings": [finding.to_json() for finding in answer.gate],
            },
            "task": answer.task,
            "prediction": answer.label if answered else None,
            "shown": list(answer.shown) if answered and several else None,
            "probabilities": dict(zip(answer.classes, answer.probabilities.tolist(), strict=True))
            if answered
            else None,
            "logits": dict(zip(answer.classes, answer.logits.tolist(), strict=True)) if answered else None,
            "decision": answer.decided.to_json() if answered and answer.decided is not None else None,
            "spread": None if self.spread is None else self.spread.to_json(answer.classes),
            "heat_map": None if self.heat_map is None else self.heat_map.to_json(),
            "segmentation": self._segmentation() if answered else None,
            "nearest": [case.to_json() for case in self.nearest],
            "closer_than_patients": self.closer_than_patients if self.apart is not None else None,
            "in_training": self.in_training.to_json(),
            "model": {
                "digest": self.model.digest,
                "model_digest": self.model.model_digest,
                "data_fingerprint": self.model.data_fingerprint,
            },
            "seconds": self.seconds,
            "notes": list(answer.notes),
        }

    def _input(self) -> dict[str, Any]:
        answer, stored = self.answer, self.answer.stored
        return {
            "file": str(self.asked.source.path),
            "frame": self.asked.source.frame or None,
            "sha256": answer.sha256 or None,
            "pixel_hash": None if stored is None else stored.pixel_hash,
            "height_px": answer.height_px,
            "width_px": answer.width_px,
            "format": None if stored is None else stored.format,
            "mode": None if stored is None else stored.mode,
            "reading_policy": self.model.reading_policy,
        }

    def _segmentation(self) -> dict[str, Any] | None:
        told, spacing = self.answer.segmentation, self.asked.spacing
        if told is None:
            return None
        rule = {name: value for name, value in told.rule.to_card().items() if name != "chosen_on"}
        picture = told.picture
        return {
            "spacing_mm": None if spacing is None else list(spacing.pixel_mm),
            "classes": [region.to_json() for region in self.regions],
            "rule": rule,
            "picture": None
            if picture is None
            else {
                "prediction": picture.top,
                "probabilities": dict(zip(picture.classes, picture.probabilities.tolist(), strict=True)),
                "logits": dict(zip(picture.classes, picture.logits.tolist(), strict=True)),
            },
            "spread": None if self.mask_spread is None else self.mask_spread.to_json(),
            "windows": told.windows,
            "mirrored": told.mirrored,
        }
