"""The input gate that a bundle brings along: chosen, fitted on what the run holds, and entered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gyrus.bundles import encode_arrays, rewrite_bundle
from gyrus.bundles.members import GATE
from gyrus.decision.brain_mri import BrainMri, shipped
from gyrus.decision.distribution import fewest_held_out
from gyrus.decision.gate import Gate
from gyrus.decision.gate_fitting import Features, fit_distribution
from gyrus.evaluation.joining import cluster_of
from gyrus.imaging import read_image
from gyrus.inference import Outputs, read_outputs
from gyrus.runs import RunFolder
from gyrus.verbs.training_outputs import spread_over

if TYPE_CHECKING:
    from pathlib import Path

    from gyrus.config.gating import GateOptions
    from gyrus.data import Manifest
    from gyrus.decision.distribution import Method

logger = logging.getLogger("gyrus")

HELD_OUT = ("cal", "val")
"""Splits that the threshold comes from, the first that has images."""
AUTO_SHARE = 0.9
"""Share of the training images that must look like a brain MRI for the model to refuse what does not."""
AUTO_IMAGES = 200
"""Training images that are looked at for that."""


def bring_gate(
    run: RunFolder, manifest: Manifest, training: Outputs, options: GateOptions, *, private: bool, seed: int
) -> None:
    """Fit the gate of a run's bundle and enter it.

    Parameters
    ----------
    run : RunFolder
        With the bundle's outputs on ``cal`` or ``val``.
    manifest : Manifest
        Of the training.
    training : Outputs
        The bundle's outputs on training images.
    options : GateOptions
    private : bool
        The bundle may hold no training embedding.
    seed : int
        Of the draw of neighbours.
    """
    if without_gate(options):
        return
    split = next(name for name in HELD_OUT if len(manifest.select(name)) and run.outputs(name).is_file())
    known, held_out = features_of(training, manifest), features_of(read_outputs(run.outputs(split)), manifest)
    distribution, fitted = fit_distribution(
        known, held_out, split=split, method=_method(options, training, private=private),
        false_refusals=options.gate_false_refusals, seed=seed,
    )  # fmt: skip
    if fitted["too_few"]:
        logger.info(
            "note: %d %s %s are too few for a share of %g to be refused (%d are needed): the gate passes all "
            "of their images.",
            held_out.n_groups, split, "images" if held_out.subjects is None else "patients",
            options.gate_false_refusals, fewest_held_out(options.gate_false_refusals),
        )  # fmt: skip
    enter_gate(run.bundle, Gate(brain_mri_step(options, manifest), distribution, fitted))


def without_gate(options: GateOptions) -> bool:
    """Tell, also the user, whether no gate is asked for."""
    if options.gate == "none":
        logger.info("note: No input gate (--gate none): the model answers whatever it is shown.")
    return options.gate == "none"


def enter_gate(bundle: Path, gate: Gate, to: Path | None = None) -> str:
    """Write a gate into a bundle, or into a new one; return the digest."""
    arrays = gate.to_arrays()
    member = None if arrays is None else encode_arrays(arrays)
    return rewrite_bundle(bundle, to=to, members={GATE: member}, gate=gate.to_card())


def features_of(outputs: Outputs, manifest: Manifest) -> Features:
    """Return outputs with the labels and the patients that the manifest tells."""
    rows = {row.image_id: row for row in manifest}
    mine = [rows[name] for name in outputs.image_ids]
    number = {name: index for index, name in enumerate(manifest.classes)}
    without = len(number)  # masks do without labels: such images are alike among themselves, if at all
    labels: npt.NDArray[np.int64] = np.zeros(len(mine), dtype=np.int64)
    if not manifest.several:
        labels = np.array([number.get(row.label, without) for row in mine], dtype=np.int64)
    known = all(row.subject_id for row in mine)
    _, groups = np.unique(np.array([cluster_of(row) for row in mine], dtype=np.str_), return_inverse=True)
    return Features(
        logits=outputs.logits,
        embedding=outputs.embedding,
        labels=labels,
        subjects=int(groups.max(initial=-1)) + 1 if known else None,
        groups=groups.astype(np.int64).reshape(-1),
    )


def _method(options: GateOptions, training: Outputs, *, private: bool) -> Method:
    if options.gate_method == "energy":
        return "energy"
    if training.embedding is None:
        logger.info("note: The network gives no embedding: the gate measures the logits' energy.")
        return "energy"
    if options.gate_method == "knn" and private:
        logger.info("note: --private keeps training embeddings out: the gate's method is mahalanobis.")
        return "mahalanobis"
    return options.gate_method


def brain_mri_step(options: GateOptions, manifest: Manifest) -> BrainMri | None:
    """Return the step "a brain MRI at all", where it is asked for or fits the training images."""
    if options.gate == "distribution":
        return None
    step = shipped()
    if options.gate == "brain-mri":
        return step
    rows = spread_over(manifest.select("train").rows, AUTO_IMAGES)
    share = share_of_brain_mri(step, (read_image(manifest.source_of(row)) for row in rows))
    applied = share >= AUTO_SHARE
    logger.info(
        "note: %.0f %% of %d training images look like a brain MRI: the model %s (--gate auto).",
        100 * share, len(rows),
        "refuses what does not" if applied else "is asked about other images, and refuses only what is "
        "unlike them",
    )  # fmt: skip
    return step if applied else None


def share_of_brain_mri(step: BrainMri, images: Any) -> float:
    """Return the share of images (height, width, channels) that the step passes."""
    passed = [step.find(pixels).passed for pixels in images]
    return float(np.mean(passed)) if passed else 0.0
