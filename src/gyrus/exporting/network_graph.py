"""``network.onnx``: the network's whole answer (logits, embedding, class maps) in float32."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gyrus.errors import ExportError
from gyrus.exporting.cleaning import clean, to_bytes
from gyrus.models import Network

N = TypeVar("N", bound=nn.Module)

OPSET = 20
INPUT = "pixels"
OUTPUTS = ("logits", "embedding", "maps")
WITHOUT_MAPS = ("logits", "embedding")
# the size it is traced at; two different odd numbers of cells, so that no equality is taken for a law
_EXAMPLE_HEIGHT, _EXAMPLE_WIDTH = 224, 288


def outputs_of(network: Network) -> tuple[str, ...]:
    """Return the names of a graph's outputs: without maps where they would not show what was looked at."""
    return WITHOUT_MAPS if network.maps_kind == "occlusion" else OUTPUTS


def network_graph(network: Network) -> bytes:
    """Export ``network``: input ``pixels`` (batch, channels, height, width) normalised float32.

    Batch, height and width stay open; only the batch where the network's size is fixed. The network itself is
    not changed. Class maps are computed in the graph, an MLP head's gradient included, except where
    :attr:`gyrus.models.Network.maps_kind` is ``occlusion``.

    Raises
    ------
    ExportError
        When torch cannot trace the network.
    """
    return traced(
        answering(network),
        example_of(network),
        open_axes=open_axes(network),
        outputs=outputs_of(network),
        dimensions=_dimension_names(network),
        architecture=network.architecture,
        fix="train another architecture; resnet50, mobilenetv2_100 and our own are tested",
    )


def traced(
    module: nn.Module,
    example: Tensor,
    *,
    open_axes: dict[int, Any],
    outputs: tuple[str, ...],
    dimensions: dict[str, dict[int, str]],
    architecture: str,
    fix: str,
) -> bytes:
    """Return the ONNX file of a module that is ready to be traced.

    Parameters
    ----------
    module : nn.Module
        Takes ``example`` and gives as many tensors as there are ``outputs``.
    example : Tensor
        The input called ``pixels``.
    open_axes : dict
        Which of its axes stay open, as torch's exporters take them.
    outputs : tuple of str
        Names.
    dimensions : dict
        By input or output, by axis: the name of an open dimension.
    architecture, fix : str
        For the message of an error.

    Raises
    ------
    ExportError
        When torch cannot trace it.
    """
    with quiet(), torch.no_grad():
        try:
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                dynamic_shapes=(open_axes,),
                input_names=[INPUT],
                output_names=list(outputs),
                opset_version=OPSET,
                verbose=False,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError, ValueError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ExportError(f"{architecture} cannot be turned into ONNX: {reason}", fix=fix) from error
    if program is None:
        raise ExportError(f"{architecture} cannot be turned into ONNX: torch gave no graph")
    return to_bytes(clean(program.model_proto, dimensions))


def example_of(network: Network) -> Tensor:
    """Return the input that exporters trace the network with."""
    height, width = (network.fixed_size,) * 2 if network.fixed_size else (_EXAMPLE_HEIGHT, _EXAMPLE_WIDTH)
    return torch.zeros(2, network.in_channels, height, width)


def open_axes(network: Network) -> dict[int, Any]:
    """Return which axes of the input stay open, as torch's exporters take them."""
    axes = (0,) if network.fixed_size else (0, 2, 3)
    return dict.fromkeys(axes, torch.export.Dim.DYNAMIC)


class Answering(nn.Module):
    """Makes the network's whole answer the module's forward, which is what the exporters trace."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self._count = len(outputs_of(network))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return what :func:`outputs_of` names, from normalised pixels (batch, channels, height, width)."""
        return self.network.forward_all(pixels)[: self._count]


def answering(network: Network) -> Answering:
    """Return a copy of ``network`` that is ready to be traced: float32, on the CPU, in evaluation mode."""
    return Answering(copy_of(network)).eval()


def copy_of(network: N) -> N:
    """Return a copy of a network that exporters trace well: float32, on the CPU, nothing in place."""
    copied = copy.deepcopy(network).cpu().float().to(memory_format=torch.contiguous_format)
    for layer in copied.modules():
        if isinstance(getattr(layer, "inplace", None), bool):
            setattr(layer, "inplace", False)  # noqa: B010  # the same answer, and the exporter is a third faster (8 s to 5 s)
    return copied


def _dimension_names(network: Network) -> dict[str, dict[int, str]]:
    names = {name: {0: "batch"} for name in (INPUT, *outputs_of(network))}
    if not network.fixed_size:
        names[INPUT] |= {2: "height", 3: "width"}
        if "maps" in names:
            names["maps"] |= {2: "map_height", 3: "map_width"}
    return names


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter's notes on its own inside."""
    names = ("torch.onnx", "onnxscript", "onnx_ir", "torch.export", "torch._dynamo")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        # deprecations inside torch and onnxscript; nothing that a user of ours could act on
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
