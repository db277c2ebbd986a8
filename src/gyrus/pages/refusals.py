"""What a bundle's input gate refuses: of a run's own images, and of drawn ones that are no brain MRI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gyrus.decision.gate import decodable
from gyrus.decision.gate_finding import GateFinding
from gyrus.errors import ImageError
from gyrus.imaging import read_image, resize
from gyrus.imaging.reading import read_bytes
from gyrus.inference.outputs import read_outputs
from gyrus.phantom.foreign import foreign_image

if TYPE_CHECKING:
    from gyrus.data.manifest import Manifest, Row
    from gyrus.inference.predictor import Predictor
    from gyrus.runs import RunFolder

LOOKED_AT = 300
"""Images of a split that are read again for the gate's first look; of more, as many are taken evenly."""
SHOWN = 8
FOREIGN_SHOWN = {
    "blank": "a blank picture",
    "leaves": "overlapping shapes, as in a photograph",
    "trunk": "a coarse X-ray",
    "objects": "round things on black",
    "text": "a page of text",
    "screenshot": "a window of a program",
    "chart": "a chart",
    "gradient": "a gradient",
    "noise": "noise",
}
"""Kinds of drawn images that every report shows to the gate (see :mod:`gyrus.phantom.foreign`), in words."""
_TEXT_FILE = b"A letter, saved under the name of a picture.\n"
_FOREIGN_PX, _FOREIGN_SEED = 200, 20261120
_SIDE_PX = 160


@dataclass(frozen=True, slots=True)
class Refusal:
    """An image and what the gate says of it.

    Attributes
    ----------
    name, subject_id, label : str
        As the manifest has them; of a drawn image its kind, and nothing.
    finding : GateFinding
        The one that refuses; of an image that passes the last.
    pixels : ndarray of uint8 or None
        (height, width, channels), at most 160 a side; None of a file that is no picture.
    """

    name: str
    subject_id: str
    label: str
    finding: GateFinding
    pixels: npt.NDArray[np.uint8] | None


@dataclass(frozen=True, slots=True)
class SplitRefusals:
    """How many images of a split each step refuses.

    Attributes
    ----------
    split : str
    looked_at, not_brain_mri : int
        Images that were read for the step "a brain MRI", and those that it refuses; 0 and 0 without it.
    images, unlike : int
        All images of the split, and those that "unlike the training images" refuses.
    """

    split: str
    looked_at: int
    not_brain_mri: int
    images: int
    unlike: int


@dataclass(frozen=True, slots=True)
class Refusals:
    """What the report shows of the gate.

    Attributes
    ----------
    splits : tuple of SplitRefusals
    own : tuple of Refusal
        The run's images that are refused, the least alike first; at most 8.
    foreign : tuple of Refusal
        A file of text and drawn images of each kind, refused or not.
    """

    splits: tuple[SplitRefusals, ...]
    own: tuple[Refusal, ...]
    foreign: tuple[Refusal, ...]


def collect_refusals(
    run: RunFolder, manifest: Manifest, predictor: Predictor, splits: Sequence[str]
) -> Refusals | None:
    """Ask a run's gate about the images of some splits and about drawn ones; None where there is no gate.

    Parameters
    ----------
    run : RunFolder
        With the bundle's outputs on ``splits``.
    manifest : Manifest
        Of the run.
    predictor : Predictor
        Of its bundle.
    splits : sequence of str
        Those with predictions.
    """
    if not predictor.gate.present:
        return None
    counted, refused = [], []
    for split in splits:
        found, refusals = _of_split(run, manifest, predictor, split)
        counted.append(found)
        refused += refusals
    refused.sort(key=lambda item: (item[1].step, item[1].score - item[1].threshold))
    own = [_refusal(row, finding, manifest, predictor) for row, finding in refused[:SHOWN]]
    return Refusals(tuple(counted), tuple(own), tuple(_foreign(predictor)))


def _of_split(
    run: RunFolder, manifest: Manifest, predictor: Predictor, split: str
) -> tuple[SplitRefusals, list[tuple[Row, GateFinding]]]:
    outputs = read_outputs(run.outputs(split))
    rows = {row.image_id: row for row in manifest}
    within = predictor.gate.within(outputs.embedding, outputs.logits)
    refused = {
        name: finding for name, finding in zip(outputs.image_ids, within, strict=False) if not finding.passed
    }
    unlike, looked_at, not_brain = len(refused), 0, 0
    if predictor.gate.brain_mri is not None:
        names = outputs.image_ids
        chosen = np.unique(np.linspace(0, len(names) - 1, min(LOOKED_AT, len(names))).astype(int))
        for name in (names[number] for number in chosen):
            pixels = read_image(manifest.source_of(rows[name]), color=predictor.card["input"]["color"])
            finding = predictor.gate.looks(pixels)
            looked_at += 1
            if finding is not None and not finding.passed:
                not_brain += 1
                refused[name] = finding  # the earlier step: its reason is the one that is given
    counted = SplitRefusals(split, looked_at, not_brain, len(outputs.image_ids), unlike)
    return counted, [(rows[name], finding) for name, finding in refused.items()]


def _refusal(row: Row, finding: GateFinding, manifest: Manifest, predictor: Predictor) -> Refusal:
    pixels = read_image(manifest.source_of(row), color=predictor.card["input"]["color"])
    return Refusal(row.image_id, row.subject_id, row.label, finding, _small(pixels))


def _foreign(predictor: Predictor) -> list[Refusal]:
    drawn = {kind: foreign_image(kind, _FOREIGN_SEED, side_px=_FOREIGN_PX) for kind in FOREIGN_SHOWN}
    grey = int(predictor.card["input"]["channels"]) == 1
    # the luma of gyrus.imaging's grey policy would do no better: most of them are grey
    images = [
        np.rint(pixels.mean(axis=2, keepdims=True)).astype(np.uint8) if grey else pixels
        for pixels in drawn.values()
    ]
    answers = predictor.predict(images)
    return [
        _text_file(),
        *(
            Refusal(FOREIGN_SHOWN[kind], "", "", answer.refused or answer.gate[-1], _small(drawn[kind]))
            for kind, answer in zip(drawn, answers, strict=True)
        ),
    ]


def _text_file() -> Refusal:
    """Return what reading says of a file that is no picture: the gate's first step."""
    name = "letter.png"
    try:
        read_bytes(_TEXT_FILE, name=name)
    except ImageError as error:
        return Refusal(f"a file of text, {name}", "", "", decodable(error), None)
    raise AssertionError("a text was read as a picture")


def _small(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE_PX / max(height, width))
    return resize(pixels, height_px=max(1, round(height * scale)), width_px=max(1, round(width * scale)))
