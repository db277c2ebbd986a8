"""The card: what a bundle says about itself. ``docs/reference/bundle.md`` describes every field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from gyrus.bundles.card_rules import FORMAT_VERSION, TASKS, activation_of, card_problems
from gyrus.bundles.former import FORMER_VERSIONS, raised
from gyrus.bundles.rules import short
from gyrus.errors import BundleError

__all__ = ["FORMAT_VERSION", "INTENDED_USE", "check_card", "make_card", "read_card"]

INTENDED_USE = (
    "Research and teaching on brain MRI images. gyrus is a research tool, not a medical device: "
    "no answer of this model may decide about a patient."
)


def make_card(
    *,
    classes: Sequence[str],
    architecture: str,
    reading_policy: str,
    color: str,
    image_size_px: int,
    mean: Sequence[float],
    std: Sequence[float],
    task: str = "classify",
    resize: str = "squash",
    brain_crop: bool = False,
    normalize: str = "auto",
    dynamic_size: bool = True,
    maps: str = "exact",
    embedding: bool = True,
    private: bool = False,
    data: Mapping[str, Any] | None = None,
    leakage: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    seeds: Mapping[str, int] | None = None,
    provenance: Mapping[str, Any] | None = None,
    licence: str | None = None,
    notes: Sequence[str] = (),
    name: str = "",
    segmentation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build a checked card.

    Parameters
    ----------
    classes : sequence of str
        Class names in the order of the logits, which is by name.
    architecture : str
        Name in the registry of networks.
    reading_policy, color : str
        How a file becomes pixels before the graph (``grey8/1``), and whether grey or rgb.
    image_size_px : int
        Side of the square that ``preprocess.onnx`` gives, in pixels.
    mean, std : sequence of float
        Normalisation inside ``preprocess.onnx``, a value per channel of the network, for pixels in 0…1.
    task : str
        ``classify``: an image has one class, and its probabilities are the softmax of the logits;
        ``multilabel``: any number of them, and each probability is the sigmoid of its logit; ``segment``:
        each pixel has a class or is background.
    resize : str
        How an image becomes a square: ``squash``, ``pad`` or ``crop``; see :mod:`gyrus.imaging.geometry`.
    brain_crop : bool
        Whether the box around the head is cut out first; see :mod:`gyrus.imaging.brain_box`.
    normalize : str
        Where the normalisation came from: ``auto`` (the weights), ``imagenet``, ``half``, ``dataset``,
        ``none``; or ``per-image``: each square is brought to mean 0 and spread 1 by itself before that.
    dynamic_size : bool
        Whether ``network.onnx`` accepts other heights and widths than ``image_size_px``.
    maps : str
        ``exact``: class activation maps that are the network's own sum; ``gradient``: weighted by the
        gradient of the logit, by the graph itself; ``occlusion``: made at prediction time by covering
        parts of the image; ``none``: there are no maps.
    embedding : bool
        Whether the network gives an embedding.
    private : bool
        Whether everything by which a training image could be recognised was left out.
    data : mapping, optional
        ``fingerprint`` (of the manifest), ``licence`` (of the images), ``splits`` (name -> ``images``,
        ``subjects`` or None, ``classes`` -> images).
    leakage : mapping, optional
        ``verdict`` (clean, leaking, unknowable), ``sentence``, ``allow_leak`` (the user's reason or None).
    metrics : mapping, optional
        Split -> figures with their intervals; filled in after measuring, see :func:`rewrite_card`.
    seeds, provenance : mapping, optional
        Seeds by name; versions, git state, command.
    licence : str, optional
        Licence of the weights; None when nobody has said.
    notes : sequence of str
        Sentences for people.
    name : str
        What people call the model.
    segmentation : mapping, optional
        Of the task ``segment``: ``kind`` and ``values`` (what the values of masks mean), ``picture_classes``
        (of a joint network, else None), ``windows``, ``mirrored``, ``postprocess``.

    Raises
    ------
    BundleError
        Naming every field that is wrong.
    """
    card: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "gyrus_version": _gyrus_version(),
        "task": task,
        "name": name,
        "classes": list(classes),
        "architecture": architecture,
        "input": {
            "reading_policy": reading_policy, "color": color, "channels": {"grey": 1, "rgb": 3}.get(color, 0),
            "image_size_px": image_size_px, "dynamic_size": dynamic_size,
            "mean": [float(value) for value in mean], "std": [float(value) for value in std],
            "resize": resize, "brain_crop": brain_crop, "normalize": normalize,
        },
        "outputs": {
            "maps": maps, "embedding": embedding,
            "activation": activation_of({"task": task, "classes": classes}) if task in TASKS else "",
        },
        "data": {"fingerprint": None, "licence": None, "splits": {}, **(data or {})},
        "leakage": {
            "verdict": "unknowable", "sentence": "Nothing is known about the split.", "allow_leak": None,
            **(leakage or {}),
        },
        "metrics": dict(metrics) if metrics is not None else None,
        "calibration": None,
        "operating_points": None,
        "conformal": None,
        "gate": None,
        "neighbours": None,
        "private": private,
        "lineage": [],
        "seeds": dict(seeds or {}),
        "provenance": dict(provenance or {}),
        "licence": licence,
        "intended_use": INTENDED_USE,
        "notes": list(notes),
    }  # fmt: skip
    if segmentation is not None:
        card["segmentation"] = dict(segmentation)
    check_card(card)
    return card


def check_card(card: Any) -> None:
    """Check a card against the format that is written today.

    Raises
    ------
    BundleError
        With a line for every field that is missing, unknown or wrong. Unknown fields are refused, not
        ignored: a field that this version does not know could change what the model's answer means.
    """
    _check_version(card)
    problems = card_problems(card)
    if problems:
        raise _wrong(problems)


def read_card(card: Any) -> dict[str, Any]:
    """Check a card of any format that can be read, and return it in the form of today's.

    Raises
    ------
    BundleError
        As :func:`check_card`.
    """
    version = _check_version(card)
    if version in FORMER_VERSIONS:
        try:
            card = raised(card, FORMAT_VERSION)
        except ValueError as error:
            raise _wrong(str(error).split("\n")) from error
    check_card(card)
    return dict(card)


def _check_version(card: Any) -> Any:
    if not isinstance(card, Mapping):
        raise BundleError(f"the card is {type(card).__name__}, not an object")
    version = card.get("format_version")
    if isinstance(version, int) and not isinstance(version, bool):
        if version > FORMAT_VERSION:
            raise BundleError(
                f"the card has format_version {short(version)}; this gyrus reads up to {FORMAT_VERSION}",
                fix="update gyrus: pip install -U gyrus",
            )
        return version
    return None


def _wrong(problems: list[str]) -> BundleError:
    return BundleError(f"the card has {len(problems)} wrong fields", details=problems)


def _gyrus_version() -> str:
    # Not gyrus.__version__: the root package names every verb, and this room lies far below them.
    try:
        return metadata.version("gyrus")
    except metadata.PackageNotFoundError:
        return "not installed"
