"""The model as the templates take it: worked out once, from the bundle's card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gyrus.pages.evidence_words import measured_words
from gyrus.pages.measured import SPLIT_NAMES
from gyrus.pages.numbers import decimal, percent, plural
from gyrus.pages.postprocess_words import drawing_words
from gyrus.serving.site.figure_view import Block, Row, blocks, cell
from gyrus.serving.site.notices import Notice

_LEAKAGE = {
    "clean": ("good", "Test and training are apart"),
    "leaking": ("bad", "Trained on a split that leaks: its figures are too good"),
    "unknowable": ("warn", "Whether its split leaks cannot be known"),
}
_DISTANCES = {
    "mahalanobis": "how far its features lie from the nearest class of the training images (Mahalanobis)",
    "knn": "how far its features lie from the nearest training images",
    "energy": "the energy of its logits",
}
_MAPS = {
    "exact": "exact: the network's own sum",
    "gradient": "by the gradient of the class's logit",
    "occlusion": "by covering parts of the image",
    "none": "none",
}
_SPLITS = ("train", "val", "cal", "test")


@dataclass(frozen=True, slots=True)
class Table:
    """A sentence, and below it a table that may be empty; ``name`` where several stand below each other."""

    words: str
    rows: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class ModelView:
    """All that the pages say of the model.

    Attributes
    ----------
    ways : tuple of str
        What it does besides answering, in a line each.
    calibration_words, refers_words, gate_words, set_words : str
        One sentence on each, for the pages with answers and limits.
    warning : str
        What must be known before any of its figures; else empty.
    drawing : str
        Of a model that draws masks: how its probabilities become one; else empty.
    data, data_classes
        Images by split, and the classes that they are counted by: of masks those of the images.
    """

    card: Mapping[str, Any]
    name: str
    digest: str
    classes: tuple[str, ...]
    measured: str
    leakage: Notice
    warning: str
    ways: tuple[str, ...]
    calibration_words: str
    refers_words: str
    gate_words: str
    set_words: str
    details: tuple[tuple[str, str], ...]
    figures: tuple[Block, ...]
    interval_words: str
    calibration: Table
    points: tuple[Table, ...]
    sets: Table
    gate_lines: tuple[str, ...]
    data: tuple[Row, ...]
    data_classes: tuple[str, ...]
    licence_of_data: str
    drawing: str


def model_view(card: Mapping[str, Any], digest: str, model_digest: str) -> ModelView:
    """Return the view of a bundle.

    Parameters
    ----------
    card : mapping
        Checked, of format 2.
    digest, model_digest : str
        Of the bundle, of its graphs.
    """
    calibrated, gate, refers = card.get("calibration"), card.get("gate"), _refers(card)
    leakage = card["leakage"]
    kind, title = _LEAKAGE.get(leakage["verdict"], _LEAKAGE["unknowable"])
    sets = card.get("conformal")
    promised = percent(sets["level"], 0) if sets is not None and refers else ""
    counted = _counted(card)
    return ModelView(
        card=card,
        name=card["name"] or card["architecture"],
        digest=digest,
        classes=tuple(card["classes"]),
        measured=measured_words(card),
        leakage=Notice(kind, title, (leakage["sentence"],)),
        warning=f"Trained on a leaking split: {leakage['allow_leak']}" if leakage["allow_leak"] else "",
        ways=_ways(calibrated is not None, gate, refers),
        calibration_words=f"Probabilities are calibrated: of answers given with {percent(0.8, 0)}, about "
        f"{percent(0.8, 0)} should be right on images like those that calibration was fitted on."
        if calibrated
        else "Probabilities are not calibrated: they are as the network gives them, and often too sure.",
        refers_words="The model does not answer when more than one class may be it. The set of those "
        f"classes holds the right one for {promised} of the patients who are like those it was fitted on."
        if refers
        else "This model never leaves an image to a person by itself.",
        gate_words=_gate_words(gate),
        set_words="Classes that cannot be ruled out, each by a threshold of its own. Such a set holds the "
        f"right class for {promised} of the patients who are like those it was fitted on.",
        details=_details(card, digest, model_digest),
        figures=blocks(card["metrics"] or {}, card["classes"]),
        interval_words=_interval_words(card["metrics"] or {}),
        calibration=_calibration(calibrated),
        points=tuple(_point(point) for point in card.get("operating_points") or ()),
        sets=_sets(sets, refers=refers),
        gate_lines=_gate_lines(gate),
        data=_data(card, counted),
        data_classes=counted,
        licence_of_data=card["data"].get("licence") or "unknown",
        drawing=drawing_words(card.get("segmentation")),
    )


def _refers(card: Mapping[str, Any]) -> bool:
    sets = card.get("conformal")
    return sets is not None and not sets["refused"]


def _ways(calibrated: bool, gate: Mapping[str, Any] | None, refers: bool) -> tuple[str, ...]:
    return (
        "Probabilities are calibrated" if calibrated else "Probabilities are not calibrated",
        "Leaves to a person what it is not sure of" if refers else "Leaves no image to a person",
        "Refuses nothing: it has no input gate" if gate is None else f"Refuses what {_refused(gate)}",
    )


def _refused(gate: Mapping[str, Any]) -> str:
    """Return what the steps that a gate has refuse; a network for masks has the first alone."""
    if gate["distribution"] is None:
        return "is no brain MRI"
    if gate["brain_mri"] is None:
        return "is unlike its training images"
    return "is no brain MRI or unlike its training images"


def _gate_words(gate: Mapping[str, Any] | None) -> str:
    if gate is None:
        return "This model has no input gate: it answers whatever it is shown, also what is no brain MRI."
    reasons = [
        words
        for step, words in (
            ("brain_mri", "does not look like a brain MRI"),
            ("distribution", "lies too far from what the model was trained on"),
        )
        if gate[step] is not None
    ]
    return (
        "The model is not asked about an image that its gate does not let pass, because it "
        f"{' or '.join(reasons)}. The gate errs both ways."
    )


def _gate_lines(gate: Mapping[str, Any] | None) -> tuple[str, ...]:
    if gate is None:
        return (_gate_words(None),)
    lines = [
        "An image that does not look like a brain MRI at all is not shown to the network."
        if gate["brain_mri"] is not None
        else "Whether an image is a brain MRI is not asked: the training images are others."
    ]
    within = gate["distribution"]
    if within is not None:
        fitted = within["fitted_on"]
        of = f" of {plural(fitted['subjects'], 'patient')}" if fitted.get("subjects") else ""
        lines.append(
            f"An image is then judged by {_DISTANCES.get(within['method'], within['method'])}. The threshold "
            f"was set so that {percent(within['false_refusals'])} of {plural(fitted['images'], 'image')}{of} "
            "that it should answer would be refused."
        )
    return tuple(lines)


def _details(card: Mapping[str, Any], digest: str, model_digest: str) -> tuple[tuple[str, str], ...]:
    given, origin = card["input"], card.get("provenance") or {}
    side = given["image_size_px"]
    known = (
        ("Architecture", card["architecture"]),
        ("Classes", ", ".join(card["classes"])),
        ("Input", f"{given['color']}, {side} \N{MULTIPLICATION SIGN} {side} pixels"),
        ("Reading policy", given["reading_policy"]),
        ("Heat maps", _MAPS.get(card["outputs"]["maps"], card["outputs"]["maps"])),
        ("Trained", str(origin.get("time_utc") or "")[:10]),
        ("Made with", f"gyrus {card['gyrus_version']}"),
        ("Licence of the weights", card["licence"] or "unknown"),
        ("Digest of the bundle", digest),
        ("Digest of the model", model_digest),
        ("Fingerprint of the data", card["data"]["fingerprint"] or "unknown"),
    )  # fmt: skip
    return tuple((name, value) for name, value in known if value)


def _interval_words(metrics: Mapping[str, Any]) -> str:
    methods = {
        str(figures["accuracy"]["method"])
        for figures in metrics.values()
        if isinstance(figures, Mapping) and isinstance(figures.get("accuracy"), Mapping)
        and figures["accuracy"].get("method")
    }  # fmt: skip
    return f"{'; '.join(sorted(methods))}." if methods else "slices of one patient are not independent."


def _calibration(block: Mapping[str, Any] | None) -> Table:
    if not block:
        return Table("None was fitted: probabilities are as the network gives them.")
    fitted = block["fitted_on"]
    of = f" of {plural(fitted['subjects'], 'patient')}" if fitted["subjects"] else ""
    how = (
        f"Every logit is divided by {block['temperature']:.3g} (temperature scaling)"
        if block["method"] == "temperature"
        else "Each class's logit has a scale and a bias of its own (vector scaling)"
    )
    rows = tuple(
        Row(words, (cell(block[key]["log_loss"], as_percent=False), cell(block[key]["ece"])))
        for key, words in (("before", "as the network gives them"), ("after", "calibrated"))
    )
    words = (
        f"{how}, fitted on {plural(fitted['images'], 'image')}{of}. The figures are of the same images, each "
        "answered by a calibration that was fitted on the other patients."
    )
    return Table(words, rows)


def _point(point: Mapping[str, Any]) -> Table:
    constraint = point["constraint"]
    words = (
        f"Positive means {', '.join(point['positive'])}, from a probability of "
        f"{decimal(point['threshold'])} on; chosen for a {constraint['metric']} of at least "
        f"{percent(constraint['at_least'])}."
    )
    names = sorted({name for figures in point["figures"].values() for name in figures})
    rows = tuple(
        Row(SPLIT_NAMES.get(split, split), tuple(cell(figures.get(name)) for name in names))
        for split, figures in sorted(point["figures"].items())
    )
    return Table(words, rows, tuple(name.capitalize() for name in names), point["name"])


def _sets(sets: Mapping[str, Any] | None, *, refers: bool) -> Table:
    if sets is None:
        return Table("Never: no conformal sets were fitted.")
    if not refers:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(sets["refused"].items()))
        return Table(f"Never: no sets could be fitted, {reasons}.")
    unit = "patient" if sets["by"] == "subject" else "image"
    words = (
        f"When its conformal set is not the one most probable class. Sets ({sets['method'].upper()}, each "
        f"class by itself) hold the right class for {percent(sets['level'], 0)} of the patients."
    )
    return Table(words, tuple(_set_row(sets, name, unit) for name in sets["quantiles"]))


def _set_row(sets: Mapping[str, Any], name: str, unit: str) -> Row:
    quantile = sets["quantiles"][name]
    least = percent(1 - quantile) if sets["method"] == "lac" and quantile is not None else "n/a"
    return Row(name, (least, plural(sets["counts"][name], unit)))


def _counted(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the classes that the images of the splits are counted by; masks have others than images."""
    if not card.get("segmentation"):
        return tuple(card["classes"])
    splits = (card["data"].get("splits") or {}).values()
    return tuple(sorted({name for held in splits for name in held.get("classes") or ()}))


def _data(card: Mapping[str, Any], counted: tuple[str, ...]) -> tuple[Row, ...]:
    splits = card["data"].get("splits") or {}
    rows = []
    for split in (*(one for one in _SPLITS if one in splits), *(one for one in splits if one not in _SPLITS)):
        held = splits[split]
        subjects = held.get("subjects")
        counts = held.get("classes") or {}
        rows.append(
            Row(SPLIT_NAMES.get(split, split),
                ("unknown" if subjects is None else f"{subjects:,}", f"{held['images']:,}",
                 *(f"{counts.get(name, 0):,}" for name in counted)))
        )  # fmt: skip
    return tuple(rows)
