"""Options of ``gyrus evaluate``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from gyrus.config.deciding import DecidingOptions
from gyrus.config.mask_measuring import MaskMeasuringOptions
from gyrus.config.options import DataOptions, OutputOptions
from gyrus.config.positional import Positional
from gyrus.config.ranges import at_least
from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(DecidingOptions, MaskMeasuringOptions, DataOptions, OutputOptions):
    """Figures with intervals: of a run, of anybody's predictions, or of a bundle on external images."""

    source: Positional[Path]
    """Run folder, bundle (model.gyrus), a predictions file (CSV), a folder of predicted masks, or (with
    --masks and no DATA) predicted label maps: a NIfTI file, or a folder of such."""
    data: Positional[Path | None] = None
    """Folder or manifest of the images. With predictions: where they are joined by image_id, for patients,
    twins in training and subgroups. With a bundle or a run: external images to be answered."""
    more: Positional[tuple[Path, ...]] = ()
    """Cross-validation: one predictions file a fold, one after the other, then DATA if it is at hand. They
    are pooled."""
    test: bool = False
    """Look at the test set of a run; every look is counted. Without it: the validation images."""
    training: Path | None = None
    """Folder or manifest of the images that the model was trained on, where DATA does not hold them."""
    out_of_fold: bool = False
    """Each prediction was made by a model trained on the other folds of DATA (column fold)."""
    label_map: tuple[str, ...] = ()
    """The model's names for DATA's classes, as THEIRS=MODEL,THEIRS=MODEL. THEIRS=A|B: either of two classes
    of the model; THEIRS= leaves these images out."""
    prevalence: tuple[str, ...] = ()
    """How rare classes are where the model will be used, as CLASS=SHARE,CLASS=SHARE (glioma=0.02): what an
    answer is worth there (PPV, NPV)."""
    calibration: Literal["auto", "temperature", "vector", "none"] = "none"
    """Of predictions: what a calibration would make of them, each patient's by one fitted on the others."""
    conformal_method: Literal["lac", "aps", "none"] = "none"
    """Of predictions: sets that hold the true class as often as promised, fitted in the same way."""
    min_images: int = 20
    """Images from which on a subgroup gets figures."""
    min_patients: int = 5
    """Patients from which on a subgroup gets figures."""
    out: Path | None = None
    """Folder to write figures, predictions, manifest and report.html to (those of a run lie in it)."""
    report: Path | None = None
    """HTML file to write the report to (a run's own report lies in the run)."""
    suspects: Path | None = None
    """Folder to write label suspects to: images whose label the predictions contradict, as a table, and as a
    page where the images are at hand. For predictions made by models that had not seen the images."""
    bootstrap_samples: int = 2000
    """Samples of the patient-clustered bootstrap."""
    confidence: float = 0.95
    """Confidence of the intervals."""
    seed: int = 0
    """Seed of the bootstrap."""
    cache_dir: Path | None = None
    """Where facts about images are remembered; default: GYRUS_CACHE or the user's cache folder."""

    def __post_init__(self) -> None:
        """Check the numbers, and that what needs DATA has it."""
        DecidingOptions.__post_init__(self)
        self.check_mask_measuring()
        at_least(self, min_images=1, min_patients=1, bootstrap_samples=0, seed=0)
        if not 0 < self.confidence < 1:
            raise UsageError(f"confidence is {self.confidence}; expected a share such as 0.95")
        _ = self.prevalences
        if self.data is None and self.masks is None:  # by themselves true label maps may be given
            self.check_needs_data()
        if self.out_of_fold and self.training is not None:
            raise UsageError(
                "--training and --out-of-fold both say what was trained on", fix="give one of them"
            )
        if self.report is not None and self.report.suffix.lower() not in (".html", ".htm"):
            raise UsageError(
                f"report is {self.report}; expected the name of an HTML file", fix="--report page.html"
            )
        if self.test and self.data is not None:
            raise UsageError(
                "--test is about a run's own test set", fix="leave out DATA, or leave out --test"
            )

    def check_needs_data(self) -> None:
        """Raise UsageError for options that say how DATA is read, or what it is to the predictions."""
        given = {
            "--training": self.training is not None, "--out-of-fold": self.out_of_fold,
            "--label-map": bool(self.label_map),
        }  # fmt: skip
        for field in fields(DataOptions):
            given[f"--{field.name.replace('_', '-')}"] = getattr(self, field.name) != field.default
        missing = [name for name, used in given.items() if used]
        if missing:
            raise UsageError(
                f"{' and '.join(missing)} cannot be used without DATA", fix="gyrus evaluate SOURCE DATA"
            )

    @property
    def prevalences(self) -> dict[str, float]:
        """The stated prevalences by class.

        Raises
        ------
        UsageError
            For what is no ``CLASS=SHARE``.
        """
        found: dict[str, float] = {}
        for pair in (part.strip() for text in self.prevalence for part in text.split(",") if part.strip()):
            name, _, share = pair.rpartition("=")
            try:
                found[name.strip()] = float(share)
            except ValueError:
                name = ""
            if not name.strip():
                raise UsageError(f"--prevalence has {pair!r}; expected CLASS=SHARE, such as glioma=0.02")
        return found
