"""Probabilities that mean what they say: logits are scaled before they become probabilities (Guo 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from gyrus.decision.activations import PROBABILITIES, FloatArray

Method = Literal["none", "temperature", "vector"]
Activation = Literal["softmax", "sigmoid"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the logits of a network become probabilities.

    Attributes
    ----------
    activation : {'softmax', 'sigmoid'}
        What makes probabilities of scaled logits.
    method : {'none', 'temperature', 'vector'}
        ``temperature``: every logit divided by one number; ``vector``: each class's logit times its scale
        plus its bias (Guo et al. 2017; with a sigmoid this is Platt's scaling of each class, 1999).
    temperature : float or None
        Of the method ``temperature``; above 1 where the network is too sure.
    scale, bias : tuple of float or None
        (n_classes,) of the method ``vector``.
    fitted_on : mapping
        ``split``, ``images``, ``subjects`` and ``fingerprint`` of what it was fitted on.
    before, after : mapping
        ``log_loss`` and ``ece`` without and with it, each a figure with its interval; on patients that the
        scaling measured was not fitted on. See :func:`gyrus.decision.fitting.fit_calibration`.
    """

    activation: Activation = "softmax"
    method: Method = "none"
    temperature: float | None = None
    scale: tuple[float, ...] | None = None
    bias: tuple[float, ...] | None = None
    fitted_on: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, logits: npt.NDArray[Any]) -> FloatArray:
        """Return the probabilities (n, n_classes) of logits (n, n_classes)."""
        return PROBABILITIES[self.activation](self.scaled(logits))

    def scaled(self, logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the logits that the activation is applied to; untouched without a method."""
        if self.temperature is not None:
            return np.asarray(logits.astype(np.float64) / self.temperature)
        if self.scale is not None and self.bias is not None:
            return np.asarray(logits.astype(np.float64) * np.array(self.scale) + np.array(self.bias))
        return logits

    def to_card(self) -> dict[str, Any] | None:
        """Return the card's field ``calibration``; None where nothing is scaled."""
        if self.method == "none":
            return None
        numbers: dict[str, Any] = {"temperature": self.temperature}
        if self.scale is not None and self.bias is not None:
            numbers = {"scale": list(self.scale), "bias": list(self.bias)}
        return {
            "method": self.method,
            **numbers,
            "fitted_on": dict(self.fitted_on),
            "before": dict(self.before),
            "after": dict(self.after),
        }

    @classmethod
    def from_card(cls, block: Mapping[str, Any] | None, activation: str = "softmax") -> Calibration:
        """Return what a checked card's field ``calibration`` says; the plain activation where it is null."""
        kind = cast("Activation", activation)
        if block is None:
            return cls(kind)
        return cls(
            activation=kind,
            method=block["method"],
            temperature=block.get("temperature"),
            scale=_numbers(block.get("scale")),
            bias=_numbers(block.get("bias")),
            fitted_on=block["fitted_on"],
            before=block["before"],
            after=block["after"],
        )


def _numbers(values: Any) -> tuple[float, ...] | None:
    return None if values is None else tuple(float(value) for value in values)
