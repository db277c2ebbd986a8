"""The input gate of a bundle for masks: its step "unlike the training images", on the encoder's embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gyrus.inference import write_outputs
from gyrus.inference.rows import outputs_of
from gyrus.inference.segmenting import MaskPredictor
from gyrus.verbs.gating import bring_gate, without_gate
from gyrus.verbs.training_outputs import training_outputs

if TYPE_CHECKING:
    from pathlib import Path

    from gyrus.config import TrainConfig
    from gyrus.data import Manifest
    from gyrus.data.manifest import Row
    from gyrus.inference import Prediction
    from gyrus.runs import RunFolder

MOST = 300
"""Training images that are asked, at most: to draw a mask takes several times as long as to name a class."""


class KeptOutputs:
    """What the network gives beside masks; give :meth:`take` to ``predict_masks`` as ``each``."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._answers: list[Prediction] = []

    def take(self, row: Row, answer: Prediction) -> None:
        """Keep an answer without its mask."""
        self._rows.append(row)
        self._answers.append(answer.slim())

    def write(self, path: Path, model_digest: str) -> None:
        """Write the outputs file of a split."""
        write_outputs(outputs_of(self._rows, self._answers, model_digest), path)


def bring_mask_gate(run: RunFolder, manifest: Manifest, config: TrainConfig) -> None:
    """Fit the gate of a run's bundle for masks and enter it; as :func:`gyrus.verbs.gating.bring_gate`.

    Parameters
    ----------
    run : RunFolder
        With the bundle's outputs on ``val``; those on ``cal``, where there is one, and on training images are
        written into it.
    manifest : Manifest
        Of the training.
    config : TrainConfig
    """
    if without_gate(config):
        return
    predictor = MaskPredictor.load(run.bundle)
    if len(manifest.select("cal")):
        held_out = training_outputs(predictor, manifest, most=MOST, split="cal")
        write_outputs(held_out, run.outputs("cal"))
    training = training_outputs(predictor, manifest, most=min(config.cases, MOST))
    write_outputs(training, run.outputs("train"))
    bring_gate(run, manifest, training, config, private=config.private, seed=config.seed)
