"""The input gate: is this an image that the model may be asked about at all?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision.gate_finding import GateFinding
from gyrus.errors import BundleError, ImageError


class Gate:
    """The steps that a bundle brings; see :meth:`from_bundle`. Without any, nothing is found.

    Attributes
    ----------
    present : bool
        Whether there is any step.
    """

    def __init__(self) -> None:
        self.present = False

    @classmethod
    def from_bundle(cls, card: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]] | None) -> Gate:
        """Build the gate of a bundle.

        Parameters
        ----------
        card : mapping
            A checked card; its field ``gate`` is null where the bundle has no gate.
        arrays : mapping of str to ndarray, or None
            Those of the bundle's ``gate.npz``, see :func:`gyrus.bundles.arrays.decode_arrays`; None without.

        Raises
        ------
        BundleError
            When card and member do not belong together: a gate that cannot be applied must not pass images.
        """
        if card.get("gate") is None:
            if arrays is not None:
                raise BundleError("has a gate.npz that its card does not mention", fix="export it again")
            return cls()
        raise BundleError(
            "has a gate that this gyrus does not know how to apply", fix="update gyrus: pip install -U gyrus"
        )

    def looks(self, pixels: npt.NDArray[np.uint8]) -> GateFinding | None:
        """Tell whether an image looks like a brain MRI, before the network; None where the step is absent.

        Parameters
        ----------
        pixels : ndarray of uint8
            (height, width) or (height, width, channels) as the image was read, before any resizing.
        """
        return None

    def within(
        self, embedding: npt.NDArray[np.float32] | None, logits: npt.NDArray[np.float32]
    ) -> list[GateFinding]:
        """Tell of each image whether it lies where the training images lie; [] where the step is absent.

        Parameters
        ----------
        embedding : ndarray of float32 or None
            (n_images, n_features) as the network gave them.
        logits : ndarray of float32
            (n_images, n_classes).
        """
        return []


def decodable(error: ImageError | None) -> GateFinding:
    """Return the first step's finding: reading has succeeded (None), or failed with ``error``."""
    reason = "is an image within the limits" if error is None else error.message
    return GateFinding("decodable", error is None, float("nan"), float("nan"), reason)
