"""The network alone in torch's two file formats, each with the bundle's card inside."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gyrus.bundles import canonical_json
from gyrus.decision import Decision
from gyrus.errors import ExportError
from gyrus.exporting.agreement import Pixels, Probabilities
from gyrus.exporting.graphs import Graphs
from gyrus.exporting.network_graph import Answering, answering, example_of, open_axes, quiet
from gyrus.exporting.parity import torch_preprocess
from gyrus.exporting.sides import Side
from gyrus.models import Network

logger = logging.getLogger("gyrus")

CARD = "card.json"
SIZES = "sizes.json"
# two sizes that no example had; a trace that wrote down a length fails here
_OTHER_SIZES = ((97, 161), (130, 66))
_CLOSE = 1e-4

Answer = Callable[[Tensor], Tensor]
"""Normalised pixels (batch, channels, height, width) -> logits (batch, K)."""


def torchscript(network: Network, card: Mapping[str, Any]) -> bytes:
    """Return a TorchScript file.

    It takes pixels, float32 (batch, channels, height, width), and gives logits, embedding and, where the card
    says that the graph has them, maps. Beside the code it holds ``card.json``, and ``sizes.json`` with the
    side of the only images that it takes, or null.

    Raises
    ------
    ExportError
        When torch cannot trace the network.
    """
    module, example = answering(network).requires_grad_(False), example_of(network)
    with warnings.catch_warnings(action="ignore"), torch.no_grad():
        try:
            traced = torch.jit.trace(module, (example,), check_trace=False)  # type: ignore[no-untyped-call]
        except (RuntimeError, TypeError, ValueError) as error:
            raise _failed(network, "TorchScript", error) from error
        side = network.fixed_size
        if side is None and not _any_size(traced, module):
            side = int(card["input"]["image_size_px"])
            square = torch.zeros(2, network.in_channels, side, side)
            traced = torch.jit.trace(module, (square,), check_trace=False)  # type: ignore[no-untyped-call]
            logger.info("note: the TorchScript file takes images of %d pixels only.", side)
        buffer = io.BytesIO()
        torch.jit.save(traced, buffer, _extra_files=_inside(card, side))
    return buffer.getvalue()


def read_torchscript(data: bytes) -> Answer:
    """Return what a TorchScript file computes, read back."""
    with warnings.catch_warnings(action="ignore"):
        module = torch.jit.load(io.BytesIO(data), map_location="cpu")  # type: ignore[no-untyped-call]
    return _logits_of(module.eval())


def torch_export(network: Network, card: Mapping[str, Any]) -> bytes:
    """Return a torch.export file (``.pt2``); inputs, outputs and files inside as :func:`torchscript`.

    Raises
    ------
    ExportError
        When torch cannot export the network.
    """
    module, example = answering(network).requires_grad_(False), example_of(network)
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), quiet(), torch.no_grad():
        try:
            program = torch.export.export(module, (example,), dynamic_shapes=(open_axes(network),))
        except (torch._dynamo.exc.TorchDynamoException, RuntimeError, TypeError, ValueError) as error:
            raise _failed(network, "torch.export's format", error) from error
        torch.export.save(program, buffer, extra_files=_inside(card, network.fixed_size))
    return buffer.getvalue()


def read_torch_export(data: bytes) -> Answer:
    """Return what a torch.export file computes, read back."""
    with warnings.catch_warnings(action="ignore"), quiet():
        module = torch.export.load(io.BytesIO(data)).module()
    return _logits_of(module)


def by_torch(answer: Answer, graphs: Graphs, card: Mapping[str, Any]) -> Side:
    """Return what torch answers to images: its own preprocessing, a network, the card's calibration."""
    decision = Decision.from_card(card)

    @torch.no_grad()
    def side(images: list[Pixels]) -> Probabilities:
        pixels = torch.cat([torch_preprocess(image, graphs) for image in images])
        logits = answer(pixels.expand(-1, len(graphs.mean), -1, -1))
        return decision.probabilities(np.asarray(logits.float()))

    return side


def _logits_of(module: nn.Module | Callable[..., Any]) -> Answer:
    def answer(pixels: Tensor) -> Tensor:
        logits: Tensor = module(pixels)[0]
        return logits

    return answer


def _any_size(traced: Any, module: Answering) -> bool:
    generator = torch.Generator().manual_seed(0)
    for height, width in _OTHER_SIZES:
        x = torch.randn(1, module.network.in_channels, height, width, generator=generator)
        try:
            got, wanted = traced(x), module(x)
        except RuntimeError:
            return False
        for one, two in zip(got, wanted, strict=True):
            if one.shape != two.shape or (one - two).abs().max() > _CLOSE * two.abs().max().clamp(min=1.0):
                return False
    return True


def _inside(card: Mapping[str, Any], side: int | None) -> dict[str, Any]:
    return {
        CARD: canonical_json.dump(card).decode(),
        SIZES: canonical_json.dump({"only_image_size_px": side}).decode(),
    }


def _failed(network: Network, kind: str, error: Exception) -> ExportError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ExportError(
        f"{network.architecture} cannot be turned into {kind}: {reason}", fix="--to onnx or --to bundle"
    )
