"""``gyrus calibrate``: a bundle's decision fitted anew on cases of one's own; its network stays as it is."""

from __future__ import annotations

import logging
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gyrus.bundles import Bundle, read_bundle, rewrite_bundle
from gyrus.bundles.private import private_changes
from gyrus.config import CalibrateConfig
from gyrus.config.build import build
from gyrus.data import Manifest
from gyrus.decision.learning import Wish
from gyrus.errors import DataError, LeakageError
from gyrus.evaluation.decided import cases_of, said_out_of_fold
from gyrus.evaluation.decision_figures import decision_figures, rates_of_points
from gyrus.evaluation.decision_text import format_decision
from gyrus.inference import Predictor, predict_rows
from gyrus.inference.neighbours import Neighbours
from gyrus.verbs.decided import CALIBRATION, check_positive, wish_of
from gyrus.verbs.gate_refit import refitted_gate
from gyrus.verbs.prepare import prepare
from gyrus.verbs.sources import bundle_of
from gyrus.verbs.training_set import training_of_bundle

logger = logging.getLogger("gyrus")

_TRAINED_ON = ("train", "val")


@dataclass(frozen=True, slots=True)
class CalibrateResult:
    """A new bundle.

    Attributes
    ----------
    path : Path
        Where it lies.
    digest, former : str
        Digests of the new bundle and of the one it was made from.
    decision : dict
        Figures on the cases, each patient's by a decision fitted on the others: see
        :func:`gyrus.evaluation.decision_figures.decision_figures`.
    images, patients : int and int or None
        What it was fitted on.
    """

    path: Path
    digest: str
    former: str
    decision: dict[str, Any]
    images: int
    patients: int | None

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return paths, digests and figures."""
        return {
            "bundle": str(self.path),
            "digest": self.digest,
            "made_from": self.former,
            "images": self.images,
            "patients": self.patients,
            "decision": self.decision,
        }

    def to_text(self) -> str:
        """Return what was fitted and what it is worth, then where it lies."""
        patients = "unknown" if self.patients is None else f"{self.patients}"
        lines = [f"fitted on {self.images} images, {patients} patients", format_decision(self.decision)]
        if self.decision["after"] is None:
            lines.append("probabilities stay as the network gives them")
        lines += [
            f"made from {self.former}",
            f"bundle    {self.path}  (gyrus predict FILES --model {shlex.quote(str(self.path))})",
            f"digest    {self.digest}",
        ]
        return "\n".join(line for line in lines if line)


def run(config: CalibrateConfig) -> CalibrateResult:
    """Fit a decision on the cases of ``config.data`` and write it into a new bundle.

    Raises
    ------
    DataError
        When the cases are too few, lack a class, or have no label; when what is promised needs more patients.
    LeakageError
        When cases are among the images that the model was trained on, as far as that can be told.
    UsageError
        For a positive class that the model does not know.
    """
    source = bundle_of(config.source)
    predictor = Predictor.load(source)
    check_positive(config, predictor.classes, several=predictor.task == "multilabel")
    manifest = _cases(config, predictor)
    former = read_bundle(source)
    refuse_trained_on(manifest, former)
    predictions, outputs = predict_rows(predictor, manifest, CALIBRATION)
    cases = cases_of(predictions, outputs.logits, split=CALIBRATION, fingerprint=manifest.fingerprint)
    said = said_out_of_fold(cases, _wish(config, predictor))
    block = decision_figures(said, seed=config.seed)
    measured = rates_of_points(block)
    points = tuple(
        replace(point, figures={CALIBRATION: measured[point.name]}) for point in said.decision.points
    )
    decision = replace(said.decision, points=points)
    gate = refitted_gate(former, predictor.gate, outputs, cases, config.gate)
    members, fields = private_changes(former.card) if config.private else ({}, {})
    digest = rewrite_bundle(
        source,
        to=config.out,
        members={**gate.pop("members", {}), **members},
        notes=[*former.card["notes"], _note(len(cases), manifest)],
        **{**decision.to_card(), **gate, **fields},
    )
    return CalibrateResult(config.out, digest, former.digest, block, len(cases), cases.subjects)


def calibrate(source: Path | str, data: Path | str, **options: Any) -> CalibrateResult:
    """Refit a bundle's decision; options as in :class:`gyrus.config.CalibrateConfig`."""
    return run(build(CalibrateConfig, source=source, data=data, **options))


def _cases(config: CalibrateConfig, predictor: Predictor) -> Manifest:
    """Return the labelled images to fit on, all in the split ``cal``."""
    given = prepare(config.data, config, cache_dir=config.cache_dir).manifest
    rows = [row for row in given.rows if row.label]
    if not rows:
        raise DataError(
            "no image has a label; a calibration needs the truth", path=config.data,
            fix="one folder a class, or a manifest with the column label",
        )  # fmt: skip
    chosen = [row for row in rows if row.split == CALIBRATION]
    if chosen and len(chosen) < len(rows):
        logger.info(
            "note: %d of %d labelled images are in the split cal; those are used.", len(chosen), len(rows)
        )
    manifest = given.with_rows(row.with_(split=CALIBRATION) for row in chosen or rows)
    shown = {name for row in manifest.rows for name in manifest.names_of(row)}
    absent = [name for name in predictor.classes if name not in shown]
    if absent and not shown - set(predictor.classes):
        raise DataError(
            f"no image shows {', '.join(absent)}, which the model knows: how sure it may be there is unknown",
            path=config.data,
            fix="give images of every class; other names are joined by --join-classes NAME=VARIANT",
        )
    return manifest


def refuse_trained_on(manifest: Manifest, bundle: Bundle) -> None:
    """Refuse images of the training: a network is surer of them than of any others.

    Raises
    ------
    LeakageError
        With the images whose bytes or pixels were trained on, as far as the run folder around the bundle or
        the hashes in it tell.
    """
    found = _trained_on(manifest, bundle)
    if found is None:
        logger.info(
            "note: Whether the model was trained on some of these images cannot be told: the bundle holds no "
            "hashes of its training images, and no run folder is around it."
        )
    elif found:
        raise LeakageError(
            f"the model was trained on {len(found)} of these {len(manifest)} images, and is surer of them "
            "than of any others",
            details=found,
            fix="give images that it has not seen (the split cal of its own manifest will do)",
        )


def _trained_on(manifest: Manifest, bundle: Bundle) -> list[str] | None:
    """Return the images that were trained on; None where nothing tells."""
    training = None if bundle.path is None else training_of_bundle(bundle.path, bundle.card).manifest
    if training is not None:
        seen = [row for row in training.rows if row.split in _TRAINED_ON]
        known = {digest for row in seen for digest in (row.sha256, row.pixel_hash) if digest}
        return [row.image_id for row in manifest.rows if {row.sha256, row.pixel_hash} & known]
    cases = Neighbours.from_bundle(bundle)
    if cases is None or not cases.seen("", "").known:
        return None
    return [row.image_id for row in manifest.rows if cases.seen(row.sha256, row.pixel_hash).match]


def _wish(config: CalibrateConfig, predictor: Predictor) -> Wish:
    """Return what the options ask for; level of the sets and points that they leave open are the bundle's."""
    wish = wish_of(config, config.seed, several=predictor.task == "multilabel")
    former = predictor.decision
    sets = former.conformal
    if sets is not None and config.conformal_level is None:
        wish = replace(wish, level=sets.level)
    if sets is not None and config.conformal_promise is None:
        wish = replace(wish, promise=sets.promise)
    asked = (wish.conformal_method, wish.promise, wish.level)
    if sets is not None and (sets.method, sets.promise, sets.level) != asked:
        logger.info(
            "note: The bundle's sets were %s %s %g; %s (--conformal-method, -promise, -level).",
            sets.method, sets.promise, sets.level,
            "the new one has none" if asked[0] == "none" else "the new ones are {} {} {:g}".format(*asked),
        )  # fmt: skip
    if wish.points or not former.points:
        return wish
    again = tuple((point.positive, point.metric, point.at_least) for point in former.points)
    logger.info("note: The bundle's %d operating points are solved again.", len(again))
    return replace(wish, points=again)


def _note(images: int, manifest: Manifest) -> str:
    return (
        f"Decision refitted by gyrus calibrate on {images} images of other data (fingerprint "
        f"{manifest.fingerprint[:12]}); the figures under metrics are from before."
    )
