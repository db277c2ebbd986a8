"""Choosing a segmentation's rule through the bundle's own graphs, on the raw images of a split."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gyrus.data.masks import read_mask
from gyrus.data.spacing import spacing_of
from gyrus.decision.mask_rule import MaskRule
from gyrus.decision.mask_rule_fitting import RuleSearch
from gyrus.errors import DataError
from gyrus.inference.mask_rows import segmented_rows
from gyrus.inference.segmenting import MaskPredictor

if TYPE_CHECKING:
    from gyrus.data.manifest import Manifest
    from gyrus.data.mask_classes import MaskClasses


def choose_rule(
    predictor: MaskPredictor, manifest: Manifest, classes: MaskClasses, split: str, *, progress: bool = True
) -> MaskRule:
    """Return the rule with the best mean Dice on a split, with what it was chosen on.

    Sizes are in mm2 where every image of the split tells its spacing, else in pixels of the image.

    Parameters
    ----------
    predictor : MaskPredictor
        The bundle.
    manifest : Manifest
        With masks.
    classes : MaskClasses
        What the masks hold; in the order of the bundle.
    split : str
        Where it is chosen.
    progress : bool
        Show a bar on stderr.

    Raises
    ------
    DataError
        When the classes are not those of the bundle, or an image or a mask cannot be read.
    """
    if classes.names != predictor.classes:
        raise DataError(
            f"the masks hold {', '.join(classes.names)}; the model draws {', '.join(predictor.classes)}"
        )
    rows = manifest.select(split).rows
    in_mm = bool(rows) and all(spacing_of(row) is not None for row in rows)
    search = RuleSearch(len(classes.names), "mm2" if in_mm else "px")
    for row, segmented in segmented_rows(predictor, manifest, split, progress=progress):
        spacing = spacing_of(row)
        search.add(
            segmented.probabilities,
            read_mask(row, manifest, classes),
            None if spacing is None else spacing.area_mm2,
        )
    chosen = search.choose()
    subjects = {row.subject_id for row in rows if row.subject_id}
    return replace(
        chosen.rule,
        chosen_on={
            "split": split,
            "images": len(rows),
            "subjects": len(subjects) or None,
            "dice": chosen.dice,
            "dice_before": chosen.dice_before,
            "tried": chosen.tried,
        },
    )
