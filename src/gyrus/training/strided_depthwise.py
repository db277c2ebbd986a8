"""Depthwise convolutions with a stride, whose gradient oneDNN computes very slowly in bfloat16.

MobileNetV2 has four of them, EfficientNet too; on a CPU their backward pass in bfloat16 takes 3 to 43 times
as long as in float32, and 20 to 39 % of a training step can be saved (``benchmarks/strided_depthwise.py``).
So the gradient of these layers alone is computed in float32, which also rounds less. Forward, weights and
names stay as they are, and what is exported never sees this.

DeepLabV3+ dilates the last depthwise convolutions of such an encoder instead of striding: of those with a
dilation of 2 the same is true, a factor of 2 (``benchmarks/segmentation.py`` times the whole step).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class StridedDepthwise(nn.Conv2d):
    """A depthwise convolution with a stride or a dilation of 2; see the module."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution, as :class:`torch.nn.Conv2d` does."""
        half = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
        if not half or input.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(input)
        bias = None if self.bias is None else self.bias.bfloat16()
        options = (self.stride, self.padding, self.dilation, self.groups)
        output: Tensor = _Convolution.apply(input.bfloat16(), self.weight.bfloat16(), bias, options)
        return output


class _Convolution(torch.autograd.Function):
    """Forward in bfloat16, backward in float32."""

    @staticmethod
    def forward(context: Any, images: Tensor, weight: Tensor, bias: Tensor | None, options: Any) -> Tensor:
        context.save_for_backward(images, weight)
        context.options, context.biased = options, bias is not None
        stride, padding, dilation, groups = options
        with torch.autocast("cpu", enabled=False):
            return nn.functional.conv2d(images, weight, bias, stride, padding, dilation, groups)

    @staticmethod
    def backward(
        context: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        images, weight = context.saved_tensors
        stride, padding, dilation, groups = context.options
        needed = list(context.needs_input_grad[:3])
        answers = torch.ops.aten.convolution_backward(
            gradients[0].float(), images.float(), weight.float(),
            [weight.shape[0]] if context.biased else None,
            stride, padding, dilation, False, (0, 0), groups, needed,
        )  # fmt: skip
        images_, weight_, bias_ = (
            None if answer is None or not wanted else answer.bfloat16()
            for answer, wanted in zip(answers, needed, strict=True)
        )
        return images_, weight_, bias_, None


def quicken(network: nn.Module) -> None:
    """Let the strided (and dilated) depthwise convolutions compute their gradients in float32."""
    for module in network.modules():
        # subclasses (with padding of their own) stay as they are
        if type(module) is nn.Conv2d and _is_slow_depthwise(module):
            module.__class__ = StridedDepthwise


def restore(network: nn.Module) -> None:
    """Undo :func:`quicken`."""
    for module in network.modules():
        if isinstance(module, StridedDepthwise):
            object.__setattr__(module, "__class__", nn.Conv2d)


def _is_slow_depthwise(module: nn.Conv2d) -> bool:
    depthwise = module.groups == module.in_channels == module.out_channels > 1
    slow = max(module.stride) > 1 or module.dilation == (2, 2)
    return depthwise and slow and not isinstance(module.padding, str)
