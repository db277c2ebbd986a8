"""The report's pictures, each from plain data; they return matplotlib figures, which notebooks show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gyrus.pages.colour import class_colours
from gyrus.pages.numbers import decimal, is_defined
from gyrus.pages.svg import ACCENT, FAINT, TEXT, new_figure, plotting

_TRAIN, _VALIDATION = "#e69f00", "#0072b2"
MOST_CURVES = 10
_LINE_STYLES = ("-", "--", ":", "-.")


@plotting
def learning_curve(history: Sequence[Mapping[str, Any]], quantity: str, kept: float | None = None) -> Any:
    """Plot ``train_QUANTITY`` and ``val_QUANTITY`` over the epochs.

    Parameters
    ----------
    history : sequence of mapping
        Rows of ``metrics.csv``: ``epoch`` and the two columns; undefined values are None.
    quantity : str
        ``loss``, ``accuracy`` or ``dice``.
    kept : float, optional
        Epoch whose weights were kept; default: that of the lowest validation loss.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure()
    for split, colour, words in (("train", _TRAIN, "training"), ("val", _VALIDATION, "validation")):
        points = [(row["epoch"], row.get(f"{split}_{quantity}")) for row in history]
        points = [(epoch, value) for epoch, value in points if is_defined(value)]
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, marker="o", markersize=3.5, label=words)
    kept = best_epoch(history) if kept is None else kept
    if kept is not None:
        axes.axvline(kept, color=TEXT, linewidth=0.9, linestyle=":", label=f"kept: epoch {kept:g}")
    axes.set_xlabel("epoch")
    axes.set_title("Dice" if quantity == "dice" else quantity, loc="left", fontsize=10.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if len(history) == 1:  # a point has no range of its own
        axes.set_xticks([history[0]["epoch"]])
    if quantity in ("accuracy", "dice"):
        axes.yaxis.set_major_formatter(lambda value, _: f"{round(100 * value, 1):g} %" if value <= 1 else "")
        axes.set_ylim(top=1.01)
    else:
        axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def best_epoch(history: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the epoch with the lowest validation loss, None where none is known."""
    known = [(row["val_loss"], row["epoch"]) for row in history if is_defined(row.get("val_loss"))]
    return float(min(known)[1]) if known else None


@plotting
def roc_plot(curves: Mapping[str, Mapping[str, Any]], classes: Sequence[str]) -> Any:
    """Plot a ROC curve per class against the rest.

    Parameters
    ----------
    curves : mapping
        Class -> ``fpr``, ``tpr`` (equally long), ``auc`` (number or None).
    classes : sequence of str
        All classes, for the colours. Of many classes the ten with the smallest areas are shown.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(4.6, 4.0)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.0)
    for curve, style in _styled(curves, classes):
        axes.plot(curve["fpr"], curve["tpr"], **style)
    _shares(axes, across="1 \N{MINUS SIGN} specificity", up="sensitivity")
    if curves:
        axes.legend(title="area under the curve, class", loc="lower right", fontsize=8.5)
    return figure


@plotting
def precision_recall_plot(curves: Mapping[str, Mapping[str, Any]], classes: Sequence[str]) -> Any:
    """Plot precision over recall per class against the rest.

    Parameters
    ----------
    curves : mapping
        Class -> ``recall``, ``precision`` (equally long), ``auc`` (average precision; number or None).
    classes : sequence of str
        All classes, for the colours. Of many classes the ten with the smallest areas are shown.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(4.6, 4.0)
    for curve, style in _styled(curves, classes):
        # no line between points: it would be too kind
        axes.step(curve["recall"], curve["precision"], where="pre", **style)
    _shares(axes, across="sensitivity (recall)", up="precision")
    if curves:
        axes.legend(title="average precision, class", loc="lower left", fontsize=8.5)
    return figure


@plotting
def reliability_plot(bins: Sequence[Mapping[str, Any]]) -> Any:
    """Plot how often answers are right over how sure they were, each bin with its interval.

    Parameters
    ----------
    bins : sequence of mapping
        ``confidence``, ``accuracy`` (means of the bin), ``n_images``; where known ``low`` and ``high``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(4.6, 4.0)
    shown = [one for one in bins if is_defined(one["confidence"]) and is_defined(one["accuracy"])]
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2)
    for one in shown:
        if is_defined(one.get("low")) and is_defined(one.get("high")):
            ends = [one["low"], one["high"]]
            axes.plot([one["confidence"]] * 2, ends, color=ACCENT, alpha=0.4, linewidth=1.2)
    points = [(one["confidence"], one["accuracy"]) for one in shown]
    if points:
        axes.plot(*zip(*points, strict=True), color=ACCENT, linewidth=0.8, marker="o", markersize=4.5)
    _shares(axes, across="how sure it was", up="how often it was right", end=1.03)
    return figure


def _styled(
    curves: Mapping[str, Mapping[str, Any]], classes: Sequence[str]
) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Yield each curve that is shown, with colour, dashes and entry in the legend."""
    colours = class_colours(classes)
    for index, name in enumerate(shown_curves(curves)):
        curve = curves[name]
        yield (
            curve,
            {
                "color": colours[name],
                "linestyle": _LINE_STYLES[index % len(_LINE_STYLES)],
                # The area first: matplotlib leaves out labels that begin with an underscore.
                "label": f"{decimal(curve.get('auc'))}  {shortened(name)}".replace("$", r"\$"),
            },
        )


def _shares(axes: Any, *, across: str, up: str, end: float = 1.01) -> None:
    """Name the axes of two shares, from 0 to 1 and as long as each other."""
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_xlim(-0.01, end)
    axes.set_ylim(-0.01, end)
    axes.set_aspect("equal")


@plotting
def drift_plot(curves: Mapping[str, Sequence[float]]) -> Any:
    """Plot how many images lie within each distance of what the model knows: its own source's and these.

    Parameters
    ----------
    curves : mapping
        ``share`` (rising from 0 to 1), ``reference`` and ``external``: the distance that so many lie within.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(4.6, 3.4)
    axes.axvline(1, color=TEXT, linewidth=0.9, linestyle=":", label="95 % of the own source")
    for name, colour, words in (
        ("reference", ACCENT, "own source, held out"), ("external", _TRAIN, "these images"),
    ):  # fmt: skip
        axes.plot(curves[name], curves["share"], color=colour, label=words)
    axes.set_xlabel("distance from what the model knows")
    axes.set_ylabel("images within it")
    axes.yaxis.set_major_formatter(lambda value, _: f"{round(100 * value):g} %")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower right", fontsize=8.5)
    return figure


def shown_curves(curves: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the classes that are plotted: all, or of many the ten with the smallest areas."""
    if len(curves) <= MOST_CURVES:
        return list(curves)
    known = [name for name in curves if is_defined(curves[name].get("auc"))]
    return sorted(known, key=lambda name: (curves[name]["auc"], name))[:MOST_CURVES]


def shortened(name: str, length: int = 24) -> str:
    """Return a class name that fits into a legend."""
    return name if len(name) <= length else name[: length - 1] + "…"
