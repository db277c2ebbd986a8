"""What an evaluation is about, beside its figures; and the files that it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gyrus.config import EvaluateConfig
from gyrus.data import Manifest, write_manifest
from gyrus.evaluation import Predictions, write_predictions
from gyrus.runs.atomic import write_json
from gyrus.runs.provenance import environment
from gyrus.verbs.report import page_in

if TYPE_CHECKING:  # ONNX Runtime is behind it, which predictions files do not need
    from gyrus.inference import Outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """One set of predictions, measured.

    Attributes
    ----------
    evaluation : dict
        The figures.
    predictions : Predictions
        What was measured: labels, patients and folds filled in.
    images : Manifest or None
        Where the images lie; None when only the predictions are at hand.
    manifest : Manifest or None
        The data as they were read, in their own words.
    outputs : Outputs or None
        What a bundle gave for the images, in the order of ``predictions``.
    map_columns : mapping of str to tuple of int, or None
        Class of the predictions -> its columns in the outputs, where a label map counts several as one.
    bundle : Path or None
        The bundle that answered.
    """

    evaluation: dict[str, Any]
    predictions: Predictions
    images: Manifest | None = None
    manifest: Manifest | None = None
    outputs: Outputs | None = None
    map_columns: Mapping[str, tuple[int, ...]] | None = None
    bundle: Path | None = None

    def write(self, folder: Path) -> None:
        """Write ``predictions.csv``, ``evaluation.json`` and what there is of manifest and outputs."""
        write_predictions(self.predictions, folder / "predictions.csv")
        if self.manifest is not None:
            write_manifest(self.manifest, folder / "manifest.csv")
        if self.outputs is not None:
            from gyrus.inference import write_outputs

            write_outputs(self.outputs, folder / "outputs.npz")
        write_json(folder / "evaluation.json", self.evaluation)


def write_files(config: EvaluateConfig, evaluated: Evaluated) -> Path | None:
    """Write what ``--out`` and ``--report`` ask for; return where the report lies, None without one.

    Raises
    ------
    MissingDependencyError
        For ``--report`` without the extra ``report``. With ``--out`` alone the page is left out, and said so.
    """
    page = config.report
    if config.out is not None:
        evaluated.write(config.out)
        page = page or page_in(config.out)
    if page is None:
        return None
    from gyrus.pages import context_of_evaluation, write_report

    context = context_of_evaluation(
        evaluated.evaluation,
        evaluated.predictions,
        title=_title(config, evaluated),
        images=evaluated.images,
        outputs=evaluated.outputs,
        map_columns=evaluated.map_columns,
        bundle=evaluated.bundle,
        config={"verb": "evaluate", **asdict(config)},
        environment=environment(),
    )
    write_report(context, page)
    return page


def _title(config: EvaluateConfig, evaluated: Evaluated) -> str:
    """Return what was evaluated on what: by the folder where a file has the name that all such files have."""
    folds = evaluated.evaluation.get("folds")
    what = f"Cross-validation of {len(folds['each'])} folds" if folds else _name(config.source)
    return what if config.data is None else f"{what} on {_name(config.data)}"


def _name(path: Path) -> str:
    usual = ("model.gyrus", "predictions.csv", "manifest.csv")
    return path.resolve().parent.name if path.name in usual else path.resolve().name
