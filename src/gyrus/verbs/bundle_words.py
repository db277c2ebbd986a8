"""A bundle's card in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gyrus.bundles import Bundle
from gyrus.bundles.mask_rules import SEGMENT
from gyrus.bundles.signature import Signature

_MAPS = {
    "exact": "exact (the network's own sum)",
    "gradient": "by the gradient of the logit, in the graph",
    "occlusion": "by covering parts of the image, when asked",
    "none": "none",
}


def words(bundle: Bundle, title: str) -> str:
    """Return the lines of ``gyrus bundle info``, each with its subject in front."""
    return "\n".join([title, *(f"{name:<12}{text}" for name, text in _lines(bundle))])


def signature_words(signature: Signature | None, *, checked: bool, digest: str) -> str:
    """Return what is known about the signature beside a bundle."""
    if signature is None:
        return "none"
    if checked:
        return f"by key {signature.key}, checked"
    if signature.digest != digest:
        return f"{signature.key} has signed another bundle (this one was written anew, or the files mixed up)"
    return f"by key {signature.key}, not checked (gyrus bundle verify FILE --key KEY.pub)"


def _lines(bundle: Bundle) -> Iterator[tuple[str, str]]:
    card = bundle.card
    given, size = card["input"], sum(map(len, bundle.members.values()))
    yield "network", f"{card['architecture']}, {size / 1e6:.3g} MB, format {bundle.format_version}"
    yield "classes", ", ".join(card["classes"])
    side = given["image_size_px"]
    yield "input", f"{given['reading_policy']}, any size, {_resized(given)} to {side} x {side} px"
    yield from _masks(card) if card["task"] == SEGMENT else [("maps", _MAPS[card["outputs"]["maps"]])]
    yield "leakage", card["leakage"]["sentence"]
    if card["leakage"]["allow_leak"]:
        yield "", f"accepted: {card['leakage']['allow_leak']}"
    for split, figures in (card["metrics"] or {}).items():
        yield split, _figures(figures)
    yield from _decision(card)
    yield "cases", _cases(card)
    yield (
        "lineage",
        " → ".join(f"{digest[:16]}…" for digest in card["lineage"]) or "made from no other bundle",
    )
    yield "model", bundle.model_digest
    yield "digest", bundle.digest
    yield "use", card["intended_use"]


def _masks(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    told = card["segmentation"]
    rule = told["postprocess"]
    steps = ["the mean over the image and its mirror image"] if told.get("mirrored") else []
    steps += [f"probable from {rule['threshold']:g} on"]
    steps += ["holes filled"] if rule["fill_holes"] else []
    steps += ["the largest part of each class"] if rule["largest"] else []
    steps += [f"parts from {rule['min_size']:g} {rule['unit']} on"] if rule["min_size"] else []
    chosen = rule["chosen_on"]
    where = "not chosen on any images"
    if chosen is not None:
        where = f"chosen on {chosen['images']} images of {chosen['split']}"
    yield "masks", f"{', '.join(steps)}; {where}"
    if told["picture_classes"]:
        yield "picture", f"its class, too: {', '.join(told['picture_classes'])}"


def _resized(given: Mapping[str, Any]) -> str:
    how = {"squash": "squashed", "pad": "padded", "crop": "cropped"}[given["resize"]]
    return f"cut to the head and {how}" if given["brain_crop"] else how


def _figures(figures: Mapping[str, Any]) -> str:
    accuracy = figures.get("accuracy")
    dice = (figures.get("mean") or {}).get("dice") or {}
    images, patients = figures.get("n_images", "unknown"), figures.get("n_subjects") or "unknown"
    told = "" if not isinstance(accuracy, Mapping) else f"accuracy {percent(accuracy)} on "
    if dice.get("value") is not None:
        told = f"mean Dice {dice['value']:.3f} on "
    return f"{told}{images} images, {patients} patients"


def _decision(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    fitted, sets, gate = card["calibration"], card["conformal"], card["gate"]
    if fitted is None:
        yield "calibrated", "no"
    else:
        on = fitted["fitted_on"]
        yield "calibrated", f"by {fitted['method']} on {on['images']} images of {on['split']}"
    for point in card["operating_points"] or []:
        promise = point["constraint"]
        yield (
            "point",
            (
                f"{point['name']}: {' + '.join(point['positive'])} from {point['threshold']:.4g} on"
                f" ({promise['metric']} at least {promise['at_least']:g} on {point['split']})"
            ),
        )
    if sets is not None:
        yield "sets", _sets(sets)
    yield "gate", "none" if gate is None else ", ".join(
        step for step in ("brain_mri", "distribution") if gate[step] is not None
    )  # fmt: skip


def _sets(sets: Mapping[str, Any]) -> str:
    if sets["refused"]:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(sets["refused"].items()))
        return f"none, and no image is referred: {reasons}"
    about = "about " if sets.get("promise") == "about" else ""
    return f"{sets['method']} at {about}{100 * sets['level']:g} % by {sets['by']}"


def _cases(card: Mapping[str, Any]) -> str:
    kept = card["neighbours"]
    if card["private"]:
        return "private: no hash, embedding or thumbnail of a training image is in this file"
    if kept is None:
        return "none kept"
    also = [name for name in ("hashes", "thumbnails") if kept[name]]
    return f"embeddings{''.join(f', {name}' for name in also)} of {kept['count']} training images"


def percent(figure: Mapping[str, Any]) -> str:
    """Return a share with its interval, in percent; without one where there is none."""
    value, low, high = (figure.get(name) for name in ("value", "low", "high"))
    if value is None:
        return "undefined"
    if low is None or high is None:
        return f"{100 * value:.1f} %"
    return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
