"""A model card in Markdown: the nine headings of Mitchell et al., "Model Cards for Model Reporting" (2019).

It says what the files of a run say. What nobody has stated (a licence, the scanners) is called unknown, not
left out: a reader looks for it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gyrus.data.manifest import SEGMENT
from gyrus.evaluation.predictions import MULTILABEL
from gyrus.pages.context import ReportContext
from gyrus.pages.measured import SPLIT_NAMES, Measured, measured_from
from gyrus.pages.model_card_decision import decision_lines, refers
from gyrus.pages.model_card_masks import mask_metrics, mask_rows, mask_use
from gyrus.pages.numbers import decimal, interval, percent, plural
from gyrus.pages.postprocess_words import drawing_words
from gyrus.pages.sections_first import ORDER, VERDICTS
from gyrus.pages.sections_learning import findings_of
from gyrus.runs.atomic import write_text

_MEASURED = ("test", "val")
_RATES = ("sensitivity", "specificity", "precision", "f1")


def write_model_card(context: ReportContext, path: Path) -> None:
    """Write ``model-card.md``.

    Raises
    ------
    StorageError
        When the file cannot be written; a former one survives.
    """
    write_text(path, render_model_card(context))


def render_model_card(context: ReportContext) -> str:
    """Return the card as Markdown; text of the user is escaped."""
    card = context.bundle.get("card") or {}
    shown = {split: context.evaluations[split] for split in _MEASURED if split in context.evaluations}
    masks = {split: result for split, result in shown.items() if result.get("task") == SEGMENT}
    measured = [measured_from(result, split) for split, result in shown.items() if split not in masks]
    parts = [f"# Model card: {_plain(context.title)}"]
    for heading, lines in (
        ("Model details", _details(context, card)),
        ("Intended use", _use(card)),
        ("Factors", _factors(card, measured)),
        (
            "Metrics",
            _metrics(measured) + mask_metrics(masks) + [_plain(line) for line in _decided(card)],
        ),
        ("Evaluation data", _data(context, ("test", "val", "cal"))),
        ("Training data", _data(context, ("train",))),
        (
            "Quantitative analyses",
            [line for one in measured for line in _analyses(one)]
            + [line for split, result in masks.items() for line in _mask_analyses(split, result)],
        ),
        ("Ethical considerations", _ethics()),
        ("Caveats and recommendations", _caveats(context, tuple(shown))),
    ):
        parts += [f"## {heading}", "\n".join(lines).strip() if lines else "Nothing was measured."]
    return "\n\n".join(parts) + "\n"


def _decided(card: Mapping[str, Any]) -> list[str]:
    """Return the lines on how a label, or a mask, is made of probabilities."""
    if card.get("task") != SEGMENT:
        return decision_lines(card) if card else []
    words = drawing_words(card.get("segmentation"))
    return [f"- {words}"] if words else []


def _details(context: ReportContext, card: Mapping[str, Any]) -> list[str]:
    config, seen = context.config, card.get("input") or {}
    origin = card.get("provenance") or {}
    weights = origin.get("starting_weights")
    start = weights or ("pretrained weights of timm" if origin.get("pretrained") else "from scratch")
    size = seen.get("image_size_px") or config.get("image_size")
    facts = (
        ("Architecture", card.get("architecture") or config.get("architecture")),
        ("Classes", ", ".join(card.get("classes") or ()) or None),
        ("Input", f"{seen.get('color') or config.get('color') or 'grey'}, {_brought_to(size, seen)}"),
        ("Started from", start),
        ("Trained", str(context.environment.get("time_utc", ""))[:10] or None),
        ("Made with", f"gyrus {card.get('gyrus_version', 'unknown')}"),
        ("Digest of the bundle", context.bundle.get("digest")),
        ("Licence of the weights", card.get("licence")),
    )
    return [f"- {name}: {_plain(value) if value else 'unknown'}" for name, value in facts]


def _brought_to(size: Any, seen: Mapping[str, Any]) -> str:
    """Return how an image becomes the network's square, in words."""
    ways = {"pad": "the aspect kept, black beside", "crop": "from the central square"}
    parts = [f"{size} x {size} pixels", ways.get(seen.get("resize", ""), "the sides scaled apart")]
    parts += ["cut to the box around the head before"] if seen.get("brain_crop") else []
    parts += ["each brought to mean 0 and spread 1"] if seen.get("normalize") == "per-image" else []
    return ", ".join(parts)


def _use(card: Mapping[str, Any]) -> list[str]:
    stated = card.get("intended_use")
    classes = ", ".join(card.get("classes") or ()) or "its classes"
    return [
        f"- {_plain(stated)}" if stated else "- A research tool, not a medical device.",
        "- For single slices like those it was trained on. Not for whole volumes, other body parts, other "
        "sequences or children, unless it was measured on them.",
        f"- It answers for each of {_plain(classes)} by itself whether the image shows it, from a "
        "probability of 0.5 on; of anything else it says nothing."
        if card.get("task") == MULTILABEL
        else mask_use(_plain(classes))
        if card.get("task") == SEGMENT
        else f"- It answers with one of {_plain(classes)}, or refers the image to a person; it cannot say "
        "that it is something else."
        if refers(card)
        else f"- It always answers with one of {_plain(classes)}; it cannot say that it is something else.",
    ]


def _factors(card: Mapping[str, Any], measured: Sequence[Measured]) -> list[str]:
    names = [d["name"] for d in (measured[0].subgroups.get("dimensions") or ())] if measured else []
    looked = f"Measured apart by {', '.join(map(_plain, names))}." if names else (
        "The images were not divided by scanner, centre, plane, age or sex: how the figures differ "
        "between them is unknown."
    )  # fmt: skip
    policy = (card.get("input") or {}).get("reading_policy")
    return [f"- {looked}", f"- Pixels are read by the policy {_plain(policy or 'unknown')}."]


def _metrics(measured: Sequence[Measured]) -> list[str]:
    if not measured:
        return []
    first = measured[0]
    whole = (
        "all classes of an image right, single decisions right" if first.several
        else "accuracy, balanced accuracy"
    )  # fmt: skip
    return [
        f"- {whole[:1].upper()}{whole[1:]}, sensitivity, specificity, precision, F1 and the area under the "
        "ROC curve, each class against the rest.",
        f"- {first.level} intervals, {_plain(first.accuracy['method'])}: slices of one patient are not "
        "independent.",
    ]


def _data(context: ReportContext, splits: Iterable[str]) -> list[str]:
    shown = [split for split in ORDER if split in splits and split in context.counts]
    classes = sorted({name for split in shown for name in context.counts[split]})
    if not shown:
        return ["No images."]
    rows = [
        [SPLIT_NAMES[split], _or_unknown(context.subjects.get(split)),
         f"{context.images(split):,}",
         *(f"{context.counts[split].get(name, 0):,}" for name in classes)]
        for split in shown
    ]  # fmt: skip
    lines = _grid(["split", "patients", "images", *classes], rows)
    fingerprint = context.fingerprint or "unknown"
    licence = ((context.bundle.get("card") or {}).get("data") or {}).get("licence")
    return [*lines, "", f"Fingerprint of the data: `{fingerprint}`. Licence of the images: "
            f"{_plain(licence or 'unknown')}."]  # fmt: skip


def _analyses(measured: Measured) -> list[str]:
    of = f" of {plural(measured.patients, 'patient')}" if measured.patients else ""
    lines = [
        f"**{measured.noun.capitalize()} images** ({measured.images:,}{of})", "",
        *_whole(measured),
        f"- ROC-AUC, mean of the classes {_figure(measured.averages['macro']['roc_auc'], as_percent=False)}",
    ]  # fmt: skip
    if measured.twin_free:
        lines.append(f"- {_plain(measured.twin_free['sentence'])}")
    precisions = measured.average_precision.get("per_class", {}) if measured.several else {}
    rows = [
        [name, f"{figures['support']:,}", *(_figure(figures[rate]) for rate in _RATES),
         *(_figure(area, as_percent=False) for area in (figures["roc_auc"], precisions.get(name)) if area)]
        for name, figures in ((name, measured.per_class[name]) for name in measured.classes)
    ]  # fmt: skip
    heads = ["class", "images", *_RATES, "ROC-AUC", *(["PR-AUC"] if precisions else [])]
    return [*lines, "", *_grid(heads, rows), ""]


def _mask_analyses(split: str, result: Mapping[str, Any]) -> list[str]:
    of = f" of {plural(result['n_subjects'], 'patient')}" if result["n_subjects"] else ""
    head, rows = mask_rows(result)
    written = [[cell if isinstance(cell, str) else _figure(cell) for cell in row] for row in rows]
    noun = SPLIT_NAMES.get(split, split).capitalize()
    return [f"**{noun} images** ({result['n_images']:,}{of})", "", *_grid(head, written), ""]


def _whole(measured: Measured) -> list[str]:
    """Return the lines of the whole model: how often all of an image's answer is right, and each decision."""
    if measured.several:
        return [
            f"- all classes of an image right {_figure(measured.accuracy)}",
            f"- decisions right, of all pairs of image and class {_figure(measured.balanced_accuracy)}",
        ]
    return [
        f"- accuracy {_figure(measured.accuracy)}; always answering {_plain(measured.baseline_class)}: "
        f"{percent(measured.baseline.get('value'))}",
        f"- balanced accuracy {_figure(measured.balanced_accuracy)}",
    ]


def _ethics() -> list[str]:
    return [
        "- The images show people. Whether they may be shared or used is said by the licence of the data, "
        "not by this card.",
        "- An answer that looks certain can be wrong, and most of all for groups that were rare in training.",
        "- A bundle can betray that an image was in its training data; treat it as you treat the images.",
    ]


def _caveats(context: ReportContext, splits: Sequence[str]) -> list[str]:
    title = VERDICTS.get(context.verdict, VERDICTS["unknowable"])[0]
    lines = [f"- {title[1:].strip()}: {_plain(context.audit.get('sentence') or 'no audit was made.')}"]
    if context.allow_leak:
        lines.append(
            f"- Trained on a leaking split all the same, with the reason: {_plain(context.allow_leak)}"
        )
    if splits and splits[0] != "test":
        lines.append("- The test set was not looked at: validation figures are optimistic.")
    elif splits:
        lines.append(f"- Looks at the test set so far: {context.test_looks}.")
    for finding in findings_of(context):
        advice = " ".join(finding.advice)
        lines.append(f"- {_plain(finding.title)}: {_plain(finding.evidence)}. {_plain(advice)}".rstrip())
    return [*lines, "- Measure it on images of your own scanners before relying on any figure above."]


def _figure(figure: Mapping[str, Any], *, as_percent: bool = True) -> str:
    written = percent(figure.get("value")) if as_percent else decimal(figure.get("value"))
    within = interval(figure, as_percent=as_percent)
    return f"{written} ({within})" if within else written


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    cells = [[cell if i == 1 else _plain(cell) for cell in line] for i, line in enumerate(lines)]
    return [f"| {' | '.join(line)} |" for line in cells]


def _or_unknown(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _plain(text: object) -> str:
    """Return text that Markdown and HTML take for text, on one line."""
    one_line = " ".join(str(text).split(" ")).replace("\r", " ").replace("\n", " ")
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(one_line, quote=False))
