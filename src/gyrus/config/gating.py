"""Options for the input gate that goes into a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gyrus.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """Which images the finished model refuses to answer."""

    gate: Literal["auto", "brain-mri", "distribution", "none"] = "auto"
    """brain-mri: refuse what is no brain MRI, and what is unlike the training images; distribution: the
    second alone; auto: brain-mri where at least 90 % of the training images themselves look like one, else
    distribution; none: answer whatever is shown."""
    gate_method: Literal["mahalanobis", "knn", "energy"] = "mahalanobis"
    """How "unlike the training images" is measured: distance of the embedding to the nearest class mean,
    distance to the nearest training embeddings (512 of them go into the bundle), or the logits' energy."""
    gate_false_refusals: float = 0.01
    """Share of the images of a new patient that "unlike the training images" may refuse, taken from held-out
    patients (the split cal, else val) who count alike; 0.01 needs 99 of them: of fewer none is refused."""

    def __post_init__(self) -> None:
        """Check the share."""
        if not 0 < self.gate_false_refusals < 1:
            raise UsageError(
                f"gate_false_refusals is {self.gate_false_refusals}; expected a share between 0 and 1, "
                "such as 0.01"
            )
