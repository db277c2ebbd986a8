"""What a network costs: parameters, operations, memory, time. Counted where that can be, else measured."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from gyrus.models.network import Network
from gyrus.models.segmentation.network import SegmentationNetwork

Counted = Network | SegmentationNetwork

BYTES_OF_FLOAT32 = 4
# weights, gradients, and AdamW's two running means (Kingma and Ba 2015; Loshchilov and Hutter 2019)
COPIES_IN_TRAINING = 4
_WARM_UP, _TIMED = 2, 5


def parameters_of(module: nn.Module) -> int:
    """Return the number of weights."""
    return sum(parameter.numel() for parameter in module.parameters())


@torch.no_grad()
def flops(network: Counted, image_size: int) -> int:
    """Return the operations of one image's forward pass; a multiplication and an addition are two.

    Convolutions and matrix products are counted, as torch counts them; norms, activations and pools are not:
    they move memory more than they compute. Nothing is computed for it: the pass runs on torch's meta device.
    """
    empty = copy.deepcopy(network).to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        empty(torch.empty(1, network.in_channels, image_size, image_size, device="meta"))
    return int(counter.get_total_flops())


def kept_bytes(network: Counted, image_size: int) -> int:
    """Return the memory that a training step keeps of one image until its backward pass, in bytes.

    What autograd saves in a forward pass of two images, each storage once and parameters left out, halved.
    float32; under bf16 about half of it.
    """
    model = copy.deepcopy(network).cpu().float().train()
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    sizes: dict[int, int] = {}
    alive: list[Tensor] = []  # an address is given out anew when its owner is gone

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    images = torch.randn(2, network.in_channels, image_size, image_size)
    with (
        torch.random.fork_rng(devices=[]),
        torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved),
    ):
        model(images)
    return sum(sizes.values()) // 2


def training_bytes(network: Counted, image_size: int, batch_size: int) -> int:
    """Return an estimate of a training's memory: weights, gradients, AdamW's two means, what steps keep."""
    weights = parameters_of(network) * BYTES_OF_FLOAT32 * COPIES_IN_TRAINING
    return weights + batch_size * kept_bytes(network, image_size)


@torch.no_grad()
def inference_bytes(network: Counted, image_size: int) -> int:
    """Return an estimate of one image's prediction: weights, and the largest input with its output.

    Of each layer without children the bytes that go in and come out are added; the largest sum counts.
    """
    model = copy.deepcopy(network).to("meta").eval()
    largest = 0

    def look(_: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        nonlocal largest
        tensors = [item for item in (*inputs, output) if isinstance(item, Tensor)]
        largest = max(largest, sum(tensor.numel() * BYTES_OF_FLOAT32 for tensor in tensors))

    for module in model.modules():
        if not any(True for _ in module.children()):
            module.register_forward_hook(look)
    model(torch.empty(1, network.in_channels, image_size, image_size, device="meta"))
    return parameters_of(network) * BYTES_OF_FLOAT32 + largest


def ms_per_image(network: Counted, image_size: int, batch_size: int) -> float:
    """Return the measured time of a forward pass on this machine's CPU, in ms an image.

    float32, channels last, torch as it is, evaluation mode; the fastest of five after two to warm up.
    """
    model = copy.deepcopy(network).cpu().float().eval().to(memory_format=torch.channels_last)
    images = torch.randn(batch_size, network.in_channels, image_size, image_size)
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        for _ in range(_WARM_UP):
            model(images)
        return min(_seconds(lambda: model(images)) for _ in range(_TIMED)) * 1e3 / batch_size


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
