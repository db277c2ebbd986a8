"""What became of a file of weights: for the terminal, and for the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple


class Taken(NamedTuple):
    """One layer that came from the file.

    Attributes
    ----------
    layer, source : str
        Its name in the network and in the file.
    tensors : int
        How many were taken over.
    """

    layer: str
    source: str
    tensors: int


@dataclass(frozen=True, slots=True)
class WeightsReport:
    """What became of a file of weights.

    Attributes
    ----------
    matching : str
        ``name``: the names agreed; ``order``: laid side by side in order of appearance; ``timm``: loaded by
        timm into the network that it publishes them for.
    taken : tuple of Taken
        Layer by layer; empty for ``timm``.
    loaded : int
        Tensors taken over.
    unused : tuple of str
        Names in the file that were left out: the classifier for other classes, what stands beside.
    head_loaded : bool
        Whether the head came from the file too; if not it starts at random.
    source : str
        File name, or place on the hub.
    sha256 : str
        Of the file.
    checked : bool
        Whether the hub names the same SHA-256.
    scheme : str or None
        Whose names they are, where that is known: RadImageNet, TorchXRayVision, BioViL.
    normalisation : str
        What input the weights expect, and how that is known; ``--normalize`` can ask for another.
    grey_stem : str or None
        How three channels were folded into one (``sum``, ``mean``); None where they were not.
    """

    matching: Literal["name", "order", "timm"]
    taken: tuple[Taken, ...]
    loaded: int
    unused: tuple[str, ...]
    head_loaded: bool
    source: str
    sha256: str
    checked: bool = False
    scheme: str | None = None
    normalisation: str = ""
    grey_stem: str | None = None

    def __str__(self) -> str:
        """Return one sentence for a person."""
        how = {"name": "by name", "order": "in order of appearance", "timm": "by timm"}[self.matching]
        head = "the head too" if self.head_loaded else "the head starts at random"
        left = f"; {len(self.unused)} tensors of the file left out" if self.unused else ""
        whose = f" ({self.scheme})" if self.scheme else ""
        return f"{self.source}{whose}: {self.loaded} tensors loaded {how}, {head}{left}"

    def table(self) -> str:
        """Return the sentence and a line for each part of the network: which layers of the file it got."""
        lines = [str(self)]
        parts: dict[str, list[Taken]] = {}
        for taken in self.taken:
            parts.setdefault(part_of(taken.layer), []).append(taken)
        width = max(map(len, parts), default=0)
        for part, layers in parts.items():
            count = sum(taken.tensors for taken in layers)
            lines.append(
                f"  {part:<{width}}  {count:>4} tensors from {_span([item.source for item in layers])}"
            )
        if self.unused:
            lines.append(f"  left out: {_span(self.unused)}")
        if self.normalisation:
            lines.append(f"  they expect input normalised with {self.normalisation}")
        if self.grey_stem:
            lines.append(f"  colour weights folded into one grey channel by their {self.grey_stem}")
        checked = "as the hub names it" if self.checked else "computed here"
        lines.append(f"  SHA-256 {self.sha256} ({checked})")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return all of it, layer by layer."""
        return {
            "source": self.source,
            "sha256": self.sha256,
            "checked_against_hub": self.checked,
            "scheme": self.scheme,
            "matching": self.matching,
            "tensors_loaded": self.loaded,
            "head_loaded": self.head_loaded,
            "normalisation": self.normalisation,
            "grey_stem": self.grey_stem,
            "layers": [taken._asdict() for taken in self.taken],
            "left_out": list(self.unused),
        }


def part_of(layer: str) -> str:
    """Return the outermost part of a layer's name: our wrapping aside, a number kept with its container."""
    inner = layer.removeprefix("features.").removeprefix("trunk.").removeprefix("features.").split(".")
    if inner[0].isdigit():
        return f"features.{inner[0]}"
    return ".".join(inner[:2]) if len(inner) > 1 and inner[1].isdigit() else inner[0]


def _span(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
