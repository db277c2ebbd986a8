"""The input gate in the report: what it refuses of the run's own images, and of what is no brain MRI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from gyrus.decision.distribution import fewest_held_out
from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.measured import SPLIT_NAMES
from gyrus.pages.numbers import percent, plural
from gyrus.pages.refusals import Refusal, SplitRefusals
from gyrus.pages.sections_last import picture

_METHODS = {
    "mahalanobis": "distance of the embedding to the nearest class mean (Mahalanobis)",
    "knn": "distance of the embedding to the nearest training images",
    "energy": "energy of the logits",
}


def input_gate(context: ReportContext) -> Html | None:
    """What the model refuses to answer, with pictures; nothing where its bundle has no gate."""
    shown = context.refusals
    stated = (context.bundle.get("card") or {}).get("gate")
    if shown is None or stated is None:
        return None
    both = stated["brain_mri"] is not None
    return tag(
        "section",
        tag("h2", "Images that the model refuses"),
        tag("p", _steps(stated)),
        _table(shown.splits, both=both) if shown.splits else None,
        _own(shown.own) if shown.own else None,
        tag("h3", "What is no brain MRI, made for this report"),
        _pictures(shown.foreign, meant=False),
        id="gate",
    )


def _own(refusals: Sequence[Refusal]) -> list[Html]:
    return [
        tag("h3", "Refused images of this run"),
        tag("p", "The model was made for images like these: what is refused here is refused wrongly, unless "
            "the image is not what it should be.", class_="small soft"),
        _pictures(refusals, meant=True),
    ]  # fmt: skip


def _steps(stated: Mapping[str, Any]) -> str:
    within = stated["distribution"]
    first = (
        "An image that does not look like a brain MRI at all is not answered. "
        if stated["brain_mri"] is not None
        else "Whether an image is a brain MRI is not asked: the training images are others. "
    )
    if within is None:
        return first.rstrip()
    fitted = within["fitted_on"]
    split = SPLIT_NAMES.get(fitted["split"], fitted["split"])
    patients = f" of {plural(fitted['subjects'], 'patient')}" if fitted["subjects"] else ""
    # bundles of before thresholds by patient say neither
    few = within.get("too_few", fitted["images"] + 1 < 1 / within["false_refusals"])
    alike = ", each patient counting alike," if within.get("by") == "subject" else ""
    share = percent(within["false_refusals"])
    needed = plural(fewest_held_out(within["false_refusals"]), "patient" if alike else "image")
    rate = (
        f"the least alike still passes: to refuse {share}, {needed} are needed"
        if few
        else f"{share}{alike} are refused"
    )
    return (
        f"{first}Nor is one that is unlike the training images, by {_METHODS[within['method']]}; of "
        f"the {fitted['images']:,} {split} images{patients} {rate}."
    )


def _table(splits: Sequence[SplitRefusals], *, both: bool) -> Html:
    rows = []
    for item in splits:
        looked = (
            f" of {item.looked_at:,} looked at" if item.looked_at < item.images else f" of {item.images:,}"
        )
        row = [SPLIT_NAMES.get(item.split, item.split)]
        row += [f"{item.not_brain_mri:,}{looked}"] if both else []
        rows.append([*row, f"{item.unlike:,} of {item.images:,} ({percent(item.unlike / item.images)})"])
    heads = ["images", *(["not a brain MRI"] if both else []), "unlike the training images"]
    return table(heads, rows, class_="numbers")


def _pictures(refusals: Sequence[Refusal], *, meant: bool) -> Html:
    return tag("div", [_card(item, meant) for item in refusals], class_="gallery plain")


def _picture(item: Refusal, mark: str) -> Html:
    pixels = item.pixels
    if pixels is None:
        return tag("p", "no picture", class_="nothing")
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return tag("img", src=picture(image), alt=f"Image {item.name}, {mark}")


def _card(item: Refusal, meant: bool) -> Html:
    """The picture with what the gate says; ``meant``: an image that the model was made for."""
    passed = item.finding.passed
    mark = "passes" if passed else "refused"
    line = [tag("strong", mark, class_="right" if passed == meant else "wrong"), f" {item.finding.reason}"]
    patient = f" \N{MIDDLE DOT} patient {item.subject_id}" if item.subject_id else ""
    label = f" \N{MIDDLE DOT} {item.label}" if item.label else ""
    return tag(
        "figure",
        tag("div", _picture(item, mark), class_="single"),
        tag("figcaption", line, tag("span", item.name, label, patient, class_="name")),
        class_="example",
    )
