"""The input gate: is this an image that the model may be asked about at all?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gyrus.decision.brain_mri import BrainMri, brain_mri_of
from gyrus.decision.distribution import ARRAYS, METHODS, Distribution
from gyrus.decision.gate_finding import GateFinding
from gyrus.errors import BundleError, ImageError

VERSION = 1
_BRAIN_MRI, _DISTRIBUTION = "brain_mri_", "distribution_"
_FIX = "export the model again"
_MAY_BE_NONE = ("axes", "variances")  # of so few training images that every direction is as wide as the next


@dataclass(frozen=True, slots=True)
class Gate:
    """The steps that a bundle brings. Without any, nothing is found.

    Attributes
    ----------
    brain_mri : BrainMri or None
        Before the network: is it a brain MRI at all?
    distribution : Distribution or None
        After the network: does it lie where the training images lie?
    fitted : mapping
        How the second of them was fitted, as it stands in the card.
    """

    brain_mri: BrainMri | None = None
    distribution: Distribution | None = None
    fitted: Mapping[str, Any] | None = None

    @property
    def present(self) -> bool:
        """Whether there is any step."""
        return self.brain_mri is not None or self.distribution is not None

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
            When card and arrays do not belong together: a gate that cannot be applied must not pass images.
        """
        stated = card.get("gate")
        if stated is None:
            if arrays is not None:
                raise BundleError("has a gate.npz that its card does not mention", fix=_FIX)
            return cls()
        if arrays is None:
            raise BundleError("has a gate in its card and no gate.npz", fix=_FIX)
        if stated.get("version") != VERSION:
            raise BundleError(
                f"has a gate of version {stated.get('version')}; this gyrus applies {VERSION}",
                fix="update gyrus: pip install -U gyrus",
            )
        looks, within = stated["brain_mri"], stated["distribution"]
        return cls(
            brain_mri=None if looks is None else _brain_mri(looks, _under(_BRAIN_MRI, arrays)),
            distribution=None if within is None else _distribution(within, _under(_DISTRIBUTION, arrays)),
            fitted=within,
        )

    def to_card(self) -> dict[str, Any] | None:
        """Return the card's field ``gate``; None without any step."""
        if not self.present:
            return None
        looks = self.brain_mri
        within = self.distribution
        return {
            "version": VERSION,
            "brain_mri": None if looks is None else {"threshold": looks.threshold, "digest": looks.digest},
            "distribution": None
            if within is None
            else {**(self.fitted or {}), "method": within.method, "threshold": within.threshold},
        }

    def to_arrays(self) -> dict[str, npt.NDArray[Any]] | None:
        """Return the arrays of ``gate.npz``; None without any step."""
        if not self.present:
            return None
        arrays: dict[str, npt.NDArray[Any]] = {"version": np.array([VERSION], dtype=np.int32)}
        if self.brain_mri is not None:  # trained and shipped in float16: nothing is lost
            weights = self.brain_mri.weights
            arrays |= {_BRAIN_MRI + name: value.astype(np.float16) for name, value in weights.items()}
        if self.distribution is not None:
            arrays |= {_DISTRIBUTION + name: value for name, value in self.distribution.arrays.items()}
        return arrays

    def looks(self, pixels: npt.NDArray[np.uint8]) -> GateFinding | None:
        """Tell whether an image looks like a brain MRI, before the network; None where the step is absent.

        Parameters
        ----------
        pixels : ndarray of uint8
            (height, width) or (height, width, channels) as the image was read, before any resizing.
        """
        return None if self.brain_mri is None else self.brain_mri.find(pixels)

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

        Raises
        ------
        BundleError
            When the step needs embeddings that the network does not give.
        """
        return [] if self.distribution is None else self.distribution.find(embedding, logits)


def decodable(error: ImageError | None) -> GateFinding:
    """Return the first step's finding: reading has succeeded (None), or failed with ``error``."""
    reason = "is an image within the limits" if error is None else error.message
    return GateFinding("decodable", error is None, float("nan"), float("nan"), reason)


def _under(prefix: str, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _brain_mri(stated: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> BrainMri:
    step = brain_mri_of(arrays, _number(stated, "threshold"))
    if step.digest != stated.get("digest"):
        raise BundleError("the arrays of its brain-MRI gate are not those that its card names", fix=_FIX)
    return step


def _distribution(stated: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Distribution:
    method = stated.get("method")
    if method not in METHODS:
        raise BundleError(
            f"its gate's method is {method!r}; this gyrus applies {', '.join(METHODS)}",
            fix="update gyrus: pip install -U gyrus",
        )
    wanted = ARRAYS[method]
    if set(arrays) != set(wanted):
        got = ", ".join(sorted(arrays)) or "none"
        raise BundleError(f"its gate needs the arrays {', '.join(wanted) or 'none'}; got {got}", fix=_FIX)
    plain = {name: np.ascontiguousarray(arrays[name], dtype=np.float32) for name in wanted}
    features = {value.shape[1] for value in plain.values() if value.ndim == 2}
    if len(features) > 1 or any(
        0 in value.shape for name, value in plain.items() if name not in _MAY_BE_NONE
    ):
        raise BundleError("the arrays of its gate do not fit one another", fix=_FIX)
    if any((plain[name] <= 0).any() for name in ("variances", "rest_variance") if name in plain):
        raise BundleError("its gate has a variance that is not above zero", fix=_FIX)
    return Distribution(method, _number(stated, "threshold"), plain)


def _number(stated: Mapping[str, Any], name: str) -> float:
    value = stated.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise BundleError(f"its gate's {name} is {value!r}, no number", fix=_FIX)
    return float(value)
