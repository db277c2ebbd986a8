"""One image's evidence as the templates take it: everything in words, nothing left to decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gyrus.inference.evidence import Evidence
from gyrus.pages.evidence_masks import mask_words, rule_words, size_words, spread_words
from gyrus.pages.evidence_words import (
    gate_sentence,
    heat_words,
    label_shown,
    sentence,
    training_known_words,
)
from gyrus.pages.numbers import percent, plural
from gyrus.serving.site.notices import GateStep, Notice, gate_steps, notices_of

_CLASSES_SHOWN = 14
_TINY_PX = 160


@dataclass(frozen=True, slots=True)
class Band:
    """Mean and spread over moved views, in percent of the bar."""

    left: str
    width: str
    words: str


@dataclass(frozen=True, slots=True)
class Share:
    """One class: ``width`` is its bar in percent."""

    name: str
    probability: float
    width: str
    shown: bool
    spread: Band | None


@dataclass(frozen=True, slots=True)
class Near:
    """One of the most alike training cases; ``picture`` is an address or None."""

    label: str
    name: str
    distance: str
    picture: str | None


@dataclass(frozen=True, slots=True)
class SliceView:
    """What a page says of one image.

    Attributes
    ----------
    outcome : {"answered", "referred", "refused"}
    headline, beneath, reason : str
        What is said, in large letters; what stands below it; why it is referred or refused.
    shares : tuple of Share
        The most probable first; ``folded`` says how many are left out.
    set : tuple of str or None
        Conformal set; None without one.
    points : tuple of (str, bool)
        Operating points.
    small : tuple of str
        What stands below in small letters.
    image_url, heat_url : str or None
        Of the image, and of what is laid over it.
    overlay : str
        What that is: ``Heat map``, or ``Contours`` of a mask.
    shares_words : str
        What the bars are.
    regions : tuple of tuple of str
        Of a segmentation, by class: name, area, largest diameter, parts.
    """

    outcome: str
    headline: str
    beneath: str
    reason: str
    shares: tuple[Share, ...]
    folded: str
    set: tuple[str, ...] | None
    points: tuple[tuple[str, bool], ...]
    small: tuple[str, ...]
    notices: tuple[Notice, ...]
    gate: tuple[GateStep, ...]
    nearest: tuple[Near, ...]
    facts: tuple[tuple[str, str], ...]
    image_url: str | None
    heat_url: str | None
    overlay: str
    heat_words: str
    heat_summary: str
    no_heat_words: str
    width_px: int
    height_px: int
    short_words: str
    shares_words: str = "Probability of each class"
    regions: tuple[tuple[str, str, str, str], ...] = ()

    @property
    def refused(self) -> bool:
        """Whether there is no answer."""
        return self.outcome == "refused"

    @property
    def tiny(self) -> bool:
        """Whether its pixels are shown as squares."""
        return max(self.width_px, self.height_px) <= _TINY_PX


def outcome_of(evidence: Evidence) -> str:
    """Return ``answered``, ``referred`` or ``refused``."""
    if evidence.refused is not None:
        return "refused"
    decided = evidence.answer.decided
    return "referred" if decided is not None and decided.refer else "answered"


def slice_view(
    evidence: Evidence,
    *,
    image_url: str | None,
    heat_url: str | None,
    faces: Mapping[int, str],
) -> SliceView:
    """Return the view of an image's evidence.

    Parameters
    ----------
    evidence : Evidence
    image_url, heat_url : str or None
        Where its pictures are; None where there is none.
    faces : mapping
        Rank among the nearest training cases -> address of its thumbnail.
    """
    given, outcome = evidence.answer, outcome_of(evidence)
    headline, beneath, reason = _said(evidence, outcome)
    shares = _shares(evidence) if outcome != "refused" else ()
    decided = given.decided
    heat = evidence.heat_map
    return SliceView(
        outcome=outcome,
        headline=headline,
        beneath=beneath,
        reason=reason,
        shares=shares[:_CLASSES_SHOWN],
        folded=_folded(len(shares)),
        set=None if decided is None or decided.set is None else tuple(map(label_shown, decided.set)),
        points=tuple(decided.points.items()) if decided is not None else (),
        small=_small(evidence, outcome),
        notices=notices_of(evidence),
        gate=gate_steps(given.gate),
        nearest=tuple(
            Near(label_shown(case.label), case.image_id, f"{case.distance:.4f}", faces.get(rank))
            for rank, case in enumerate(evidence.nearest)
        ),
        facts=_facts(evidence),
        image_url=image_url,
        heat_url=heat_url if heat is not None or evidence.regions else None,
        overlay="Contours" if evidence.regions else "Heat map",
        heat_words=_heat_sentence(evidence),
        heat_summary=_summary(evidence),
        no_heat_words="This model gives no heat map."
        if heat is None and not evidence.regions and outcome != "refused"
        else "",
        width_px=given.width_px,
        height_px=given.height_px,
        short_words=_short(evidence, outcome),
        shares_words="Class of the whole picture, not calibrated"
        if evidence.regions
        else "Probability of each class",
        regions=_regions(evidence),
    )


def _regions(evidence: Evidence) -> tuple[tuple[str, str, str, str], ...]:
    rows = []
    for one in evidence.regions:
        in_mm = one.area_mm2 is not None
        area = f"{one.area_mm2:,.1f} mm\N{SUPERSCRIPT TWO}" if in_mm else plural(one.area_px, "pixel")
        across = one.largest_diameter_mm if in_mm else one.largest_diameter_px
        unit = "mm" if in_mm else "pixels"
        rows.append(
            (label_shown(one.name), area, "" if across is None else f"{across:.1f} {unit}", str(one.parts))
        )
    return tuple(rows)


def _summary(evidence: Evidence) -> str:
    if evidence.regions:
        return mask_words(evidence)
    return "" if evidence.heat_map is None else f"what spoke for {label_shown(evidence.heat_map.of)}"


def _said(evidence: Evidence, outcome: str) -> tuple[str, str, str]:
    """Return the headline, the line below it and the reason."""
    given = evidence.answer
    if outcome == "refused":
        return "Refused: there is no answer", "", gate_sentence(str(evidence.refused))
    if evidence.regions:
        marked = [one for one in evidence.regions if one.area_px]
        said = " and ".join(label_shown(one.name) for one in marked) or "Nothing is marked"
        return said, size_words(marked[0]) if len(marked) == 1 else "", ""
    said = label_shown(given.label)
    several = given.task != "classify"
    if outcome == "referred":
        assert given.decided is not None  # else it were not referred
        most = f"Most probable: {said}" + ("" if several else f", {percent(given.confidence)}")
        return "A person should look", most, sentence(given.decided.reason)
    return said, "" if several else f"Probability {percent(given.confidence)}", ""


def _shares(evidence: Evidence) -> tuple[Share, ...]:
    given, spread = evidence.answer, evidence.spread
    if given.segmentation is not None:
        picture = given.segmentation.picture
        if picture is None:
            return ()
        return shares_of(
            dict(zip(picture.classes, picture.probabilities.tolist(), strict=True)), (picture.top,)
        )
    bands: dict[str, Band] = {}
    if spread is not None:
        both = zip(given.classes, spread.mean.tolist(), spread.sd.tolist(), strict=True)
        bands = {name: _band(mean, sd) for name, mean, sd in both}
    values = dict(zip(given.classes, given.probabilities.tolist(), strict=True))
    return shares_of(values, given.shown, bands)


def shares_of(
    probabilities: Mapping[str, float], said: tuple[str, ...], bands: Mapping[str, Band] | None = None
) -> tuple[Share, ...]:
    """Return a bar for each class, the most probable first; those that are ``said`` stand out."""
    known = bands or {}
    return tuple(
        Share(name, value, f"{100 * value:.2f}", name in said, known.get(name))
        for name, value in sorted(probabilities.items(), key=lambda item: -item[1])
    )


def _band(mean: float, sd: float) -> Band:
    low, high = max(0.0, mean - sd), min(1.0, mean + sd)
    words = f"{percent(mean)} \N{PLUS-MINUS SIGN} {100 * sd:.1f}"
    return Band(f"{100 * low:.2f}", f"{max(0.6, 100 * (high - low)):.2f}", words)


def _folded(count: int) -> str:
    rest = count - _CLASSES_SHOWN
    return f"And {plural(rest, 'class', 'classes')} less probable; the JSON has all." if rest > 0 else ""


def _small(evidence: Evidence, outcome: str) -> tuple[str, ...]:
    given, spread, decided = evidence.answer, evidence.spread, evidence.answer.decided
    lines = []
    if evidence.regions:
        lines.append(rule_words(evidence))
        if evidence.mask_spread is not None:
            lines.append(spread_words(evidence.mask_spread))
        if evidence.asked.spacing is None:
            lines.append("The file does not tell how large a pixel is: nothing is told in mm.")
    if spread is not None:
        answers = ", ".join(f"{label_shown(label)} {count}" for label, count in spread.answers.items())
        lines.append(
            f"Spread: answers to the image and to {plural(spread.views, 'copy', 'copies')} turned, shifted "
            f"and scaled a little: {answers}. Dark marks: mean \N{PLUS-MINUS SIGN} one standard deviation."
        )
    if outcome == "answered" and decided is not None and decided.reason:
        lines.append(f"The model refers no image to a person: {decided.reason.rstrip('.')}.")
    if outcome != "refused" and not given.gate:
        lines.append("This model has no input gate: it answers whatever it is shown.")
    return tuple(lines)


def _heat_sentence(evidence: Evidence) -> str:
    heat = evidence.heat_map
    if evidence.regions:
        return f"The contours of what the model marks: {mask_words(evidence)}."
    if heat is None:
        return ""
    return (
        f"What spoke for {label_shown(heat.of)}. The map is {heat_words(heat)}. It shows where the network "
        "looked, not that it looked for the right reason."
    )


def _facts(evidence: Evidence) -> tuple[tuple[str, str], ...]:
    given, stored, source = evidence.answer, evidence.answer.stored, evidence.asked.source
    known: list[tuple[str, Any]] = [
        ("Slice", source.frame.replace(":", " ")),
        ("Size", f"{given.width_px} \N{MULTIPLICATION SIGN} {given.height_px} pixels"),
        ("Kind", f"{stored.format}, mode {stored.mode}" if stored is not None else ""),
        ("Notes", "; ".join(given.notes)),
        ("Trained on", training_known_words(evidence)),
        ("SHA-256 of the file", given.sha256),
        ("SHA-256 of its pixels", stored.pixel_hash if stored is not None else ""),
        ("Time", ", ".join(f"{name.replace('_', ' ')} {1000 * seconds:,.1f} ms" for name, seconds in
                           evidence.seconds.items() if seconds >= 5e-5)),
    ]  # fmt: skip
    return tuple((name, value) for name, value in known if value)


def _short(evidence: Evidence, outcome: str) -> str:
    given = evidence.answer
    if outcome == "refused":
        return "refused"
    if evidence.regions:
        return mask_words(evidence)
    said = label_shown(given.label)
    told = said if given.task != "classify" else f"{said} {percent(given.confidence)}"
    return f"for a person, most probable {told}" if outcome == "referred" else told
