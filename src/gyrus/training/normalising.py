"""Which normalisation a training uses: that of the option, put into the network's facts and so exported."""

from __future__ import annotations

import logging
from dataclasses import replace

from gyrus.config.inputs import InputOptions
from gyrus.imaging.normalisation import fixed, measured
from gyrus.models import Network
from gyrus.training.batches import SplitPixels

logger = logging.getLogger("gyrus")


def choose_normalisation(
    network: Network, options: InputOptions, train: SplitPixels, *, given_weights: bool
) -> None:
    """Put the normalisation that ``options`` ask for into ``network.facts``.

    Parameters
    ----------
    network : Network
        Its facts tell what its weights were trained with; ``auto`` leaves them.
    options : InputOptions
        ``normalize``.
    train : SplitPixels
        The training images, for ``dataset``.
    given_weights : bool
        Whether the network has weights that were trained with its own normalisation: another one is noted.
    """
    if options.normalize == "auto":
        return
    if options.normalize == "dataset":
        mean, std = measured(train.blocks(), network.in_channels)
    else:
        mean, std = fixed(options.normalize, network.in_channels)
    per_image = options.normalize == "per-image"
    if given_weights and (per_image or (mean, std) != (network.mean, network.std)):
        logger.info(
            "note: --normalize %s; the weights were trained with mean %s and standard deviation %s.",
            options.normalize, _shown(network.mean), _shown(network.std),
        )  # fmt: skip
    network.facts = replace(network.facts, mean=mean, std=std, per_image=per_image)


def _shown(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
