"""Images with known answers that travel in the bundle: does it answer here as it did where it was made?"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gyrus.bundles import Bundle, canonical_json
from gyrus.bundles.mask_rules import SEGMENT, picture_classes_of, planes_of
from gyrus.bundles.members import NETWORK, PREPROCESS
from gyrus.config.runtime import Device, Runtime
from gyrus.errors import BundleError
from gyrus.imaging import read_bytes
from gyrus.inference.described import check_preprocessing
from gyrus.inference.prediction import Prediction
from gyrus.inference.segmenting import CELLS, predictor_of

EXPECTED = "selftest/expected.json"
RELATIVE_TOLERANCE = 1e-4
SMALLEST_TOLERANCE = 1e-3
COARSE_PROBABILITY = 0.2
"""How far a probability may be off in a runtime that computes with 8 significant bits."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Outcome of a self-test.

    Attributes
    ----------
    cases : int
        Images that were answered; 0 when the bundle carries none.
    worst : float
        Largest difference from what the exporter saw.
    tolerance : float
        Largest difference allowed.
    of : str
        What is compared: ``logit``, or ``probability`` in a runtime of few bits.
    runtime : str
        What answered.
    """

    cases: int
    worst: float
    tolerance: float
    of: str = "logit"
    runtime: str = "onnxruntime"


def make_self_test(
    card: Mapping[str, Any], preprocess: bytes, network: bytes, images: Mapping[str, npt.NDArray[np.uint8]]
) -> dict[str, bytes]:
    """Return the members ``selftest/…`` for a bundle that is about to be written.

    Parameters
    ----------
    card : mapping
        The card that the bundle will have.
    preprocess, network : bytes
        Its graphs.
    images : mapping of str to ndarray of uint8
        Name (lower-case letters, digits, ``-`` and ``_``) to pixels (height, width, channels).

    Raises
    ------
    BundleError
        When the graphs do not run.
    """
    bundle = Bundle(card=dict(card), members={PREPROCESS: preprocess, NETWORK: network}, digest="")
    answers = [compared_of(answer) for answer in predictor_of(bundle).predict(list(images.values()))]
    members = {f"selftest/{name}.png": _to_png(pixels) for name, pixels in images.items()}
    largest = max((float(np.abs(answer).max()) for answer in answers), default=0.0)
    cases = [
        {"file": f"selftest/{name}.png", "logits": [float(value) for value in answer]}
        for name, answer in zip(images, answers, strict=True)
    ]
    tolerance = max(SMALLEST_TOLERANCE, RELATIVE_TOLERANCE * largest)
    members[EXPECTED] = canonical_json.dump({"tolerance": tolerance, "cases": cases})
    return members


def self_test(
    bundle: Bundle, threads: int | None = None, *, runtime: Runtime = "auto", device: Device = "auto"
) -> SelfTest:
    """Answer the bundle's own images here and compare; options as in :class:`Predictor`.

    With ``openvino-bf16`` probabilities are compared, and they may differ by :data:`COARSE_PROBABILITY`.

    Raises
    ------
    BundleError
        When an answer differs by more than the tolerance, the expected answers are damaged, or the
        preprocessing is not what the card describes.
    """
    if EXPECTED not in bundle.members:
        return SelfTest(cases=0, worst=0.0, tolerance=0.0)
    tolerance, cases = _expected(bundle)
    if not cases:
        return SelfTest(cases=0, worst=0.0, tolerance=tolerance)
    predictor = predictor_of(bundle, threads, runtime=runtime, device=device)
    coarse = predictor.runtime == "openvino-bf16"
    compared, tolerance = ("probability", COARSE_PROBABILITY) if coarse else ("logit", tolerance)
    pixels = [
        read_bytes(bundle.members[file], name=file, color=bundle.card["input"]["color"]) for file, _ in cases
    ]
    check_preprocessing(bundle, pixels)
    answers = predictor.predict(pixels)
    given = np.stack([compared_of(answer) for answer in answers])
    expected = np.stack([case for _, case in cases])
    as_probabilities = predictor.decision.probabilities
    apart = as_probabilities(given) - as_probabilities(expected) if coarse else given - expected
    differences = np.abs(apart).max(axis=1).tolist()
    failed = [
        f"{file}: a {compared} differs by {difference:.3g}"
        for (file, _), difference in zip(cases, differences, strict=True)
        if not difference <= tolerance
    ]
    if failed:
        raise BundleError(
            f"answers {len(failed)} of {len(cases)} of its own test images differently here "
            f"(allowed: {tolerance:.3g})",
            path=bundle.path,
            details=failed,
            fix=f"use another version of {predictor.runtime.split('-')[0]}, or export the model again",
        )
    return SelfTest(len(cases), max(differences), tolerance, compared, predictor.runtime)


def verify(
    path: Path, threads: int | None = None, *, runtime: Runtime = "auto", device: Device = "auto"
) -> tuple[Bundle, SelfTest]:
    """Check a bundle from the first byte to its answers: :func:`read_bundle`, then :func:`self_test`."""
    from gyrus.bundles import verify_bundle

    bundle = verify_bundle(path)
    return bundle, self_test(bundle, threads, runtime=runtime, device=device)


def compared_of(answer: Prediction) -> npt.NDArray[np.float32]:
    """Return the numbers of an answer that a self-test compares: its logits, of a mask those of its cells.

    Of a segmentation the planes' cells one after the other, then the logits of the picture's class.
    """
    told = answer.segmentation
    if told is None:
        return answer.logits
    picture = [] if told.picture is None else [told.picture.logits]
    return np.concatenate([told.cells.reshape(-1), *picture])


def _width_of(card: Mapping[str, Any]) -> int:
    if card["task"] != SEGMENT:
        return len(card["classes"])
    return planes_of(card) * CELLS * CELLS + len(picture_classes_of(card))


def _expected(bundle: Bundle) -> tuple[float, list[tuple[str, npt.NDArray[np.float32]]]]:
    width = _width_of(bundle.card)
    try:
        stated = canonical_json.load(bundle.members[EXPECTED])
        tolerance = float(stated["tolerance"])
        cases = [(str(case["file"]), np.array(case["logits"], dtype=np.float32)) for case in stated["cases"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"member {EXPECTED} cannot be used: {error}", path=bundle.path) from error
    for file, logits in cases:
        if file not in bundle.members or logits.shape != (width,):
            raise BundleError(
                f"member {EXPECTED} expects {logits.shape} logits for {file}; "
                f"there must be such a member and {width} logits",
                path=bundle.path,
            )
    return tolerance, cases


def _to_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, format="PNG")
    return buffer.getvalue()
