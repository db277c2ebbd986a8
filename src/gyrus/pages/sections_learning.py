"""How it learned: curves, what they say in words, the numbers of every epoch."""

from __future__ import annotations

from gyrus.evaluation.diagnosis import Finding, diagnose
from gyrus.pages.context import ReportContext
from gyrus.pages.markup import Html, table, tag
from gyrus.pages.numbers import decimal, is_defined, percent
from gyrus.pages.plots import best_epoch, learning_curve
from gyrus.pages.svg import to_svg

_COLUMNS = (
    "train_loss", "train_accuracy", "train_dice", "val_loss", "val_accuracy", "val_dice", "learning_rate",
    "seconds",
)  # fmt: skip


def learning(context: ReportContext) -> Html | None:
    """Loss and accuracy over the epochs, the diagnosis, and the numbers folded away."""
    if not context.history:
        return None
    kept = kept_epoch(context)
    last = context.config.get("select") == "last"
    return tag(
        "section",
        tag("h2", "How it learned"),
        tag("div", _curves(context), class_="plots"),
        tag(
            "p",
            f"The weights of epoch {kept:g}, {'the last' if last else _best_words(context)}, were kept.",
            class_="small soft",
        )
        if kept is not None
        else None,
        tag("div", [_finding(finding) for finding in findings_of(context)], class_="findings"),
        _numbers(context),
        id="learning",
    )


def _best_words(context: ReportContext) -> str:
    """Say which epoch is the best: a training for masks goes by Dice."""
    masks = any(is_defined(row.get("val_dice")) for row in context.history)
    return "with the highest validation Dice" if masks else "with the lowest validation loss"


def kept_epoch(context: ReportContext) -> float | None:
    """Return the epoch whose weights the bundle has; None where none is known."""
    told = context.bundle.get("card", {}).get("provenance", {}).get("best_epoch")
    return float(told) if isinstance(told, (int, float)) else best_epoch(context.history)


def findings_of(context: ReportContext) -> tuple[Finding, ...]:
    """Return what the curves of a run's last stage say; classes are looked at on validation images first."""
    evaluations = context.evaluations
    shown = next((evaluations[split] for split in ("val", "cal", "test") if split in evaluations), None)
    shown = None if shown is not None and shown.get("task") == "segment" else shown  # it names no class
    stages = context.config.get("training", {}).get("stages") or ()
    if not stages:
        epochs = context.config.get("epochs")
        return diagnose(context.history, shown, epochs=epochs if isinstance(epochs, int) else None)
    rows = [row for row in context.history if row.get("stage") == stages[-1]["name"]]
    before = len(context.history) - len(rows)
    return diagnose(rows, shown, epochs=before + stages[-1]["planned"])


def _curves(context: ReportContext) -> list[Html]:
    figures = []
    for quantity in ("loss", "accuracy", "dice"):
        names = [f"{split}_{quantity}" for split in ("train", "val")]
        if not any(is_defined(row.get(name)) for row in context.history for name in names):
            continue
        words = f"{quantity} on training and validation images by epoch"
        figure = learning_curve(context.history, quantity, kept_epoch(context))
        figures.append(tag("figure", to_svg(figure, name=f"learning-{quantity}", description=words)))
    return figures


def _finding(finding: Finding) -> Html:
    """A heading, the evidence, and what to try."""
    evidence = f"{finding.evidence[:1].upper()}{finding.evidence[1:]}."
    return tag(
        "div",
        tag("h3", finding.title),
        tag("p", evidence),
        tag("ul", [tag("li", line) for line in finding.advice], class_="small") if finding.advice else None,
        class_=f"finding {finding.kind}",
    )


def _numbers(context: ReportContext) -> Html:
    shown = [name for name in _COLUMNS if any(row.get(name) is not None for row in context.history)]
    rows = [[f"{row['epoch']:g}", *(_cell(name, row.get(name)) for name in shown)] for row in context.history]
    return tag(
        "details",
        tag("summary", "Numbers of every epoch"),
        table(["epoch", *(name.replace("_", " ") for name in shown)], rows, class_="numbers"),
    )


def _cell(name: str, value: object) -> str:
    if name.endswith(("accuracy", "dice")):
        return percent(value)
    if name == "seconds":
        return decimal(value, 1)
    return f"{value:.2e}" if name == "learning_rate" and isinstance(value, float) else decimal(value, 4)
