"""timm's networks as trunks of ours.

One rule for all of them: timm's feature map is taken as it leaves ``forward_features``, and what stood
after it is replaced by our head (mean over space, dropout, a linear layer or an MLP). With a linear layer
that is the own head of ResNet, MobileNetV2, EfficientNet and Inception. For VGG (fully connected layers),
MobileNetV3 and ConvNeXt (a layer after the mean) and transformers (a class token) it is a simpler one; the
layers that thereby fall out of use are removed, so that no weight is stored, decayed or counted that does no
work.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from gyrus.errors import UsageError, require
from gyrus.models.heads import HeadPlan
from gyrus.models.network import Network, NetworkFacts, per_channel
from gyrus.models.sizes import next_size


@cache
def timm_library() -> ModuleType:
    """Return timm, imported when first needed: it costs a second."""
    return require("timm", "train", "networks by name")


def backbone(
    architecture: str,
    *,
    num_classes: int,
    in_channels: int,
    image_size: int,
    head: HeadPlan,
    tensors: Mapping[str, Tensor] | None = None,
) -> Network:
    """Build a network on one of timm's trunks; ``tensors`` are weights as timm publishes them.

    Raises
    ------
    UsageError
        When the architecture has no feature map or refuses the image size, or when the weights are another's.
    """
    timm = timm_library()
    description = timm.get_pretrained_cfg(architecture)
    options: dict[str, Any] = {"num_classes": 0, "global_pool": "", "in_chans": in_channels}
    if description.fixed_input_size:
        options["img_size"] = image_size
    trunk = _create(architecture, options, tensors, image_size)
    _refuse_lost_border(architecture, trunk, image_size)
    features = TimmFeatures(trunk)
    shape = features.drop_unused(torch.zeros(1, in_channels, image_size, image_size), architecture)
    facts = NetworkFacts(
        architecture=architecture,
        in_channels=in_channels,
        mean=per_channel(description.mean, in_channels),
        std=per_channel(description.std, in_channels),
        fixed_size=image_size if description.fixed_input_size else None,
        maps_exact=features.as_map.layout == "NCHW",
    )
    return Network(features, num_features=shape[1], num_classes=num_classes, head=head, facts=facts)


class AsMap(nn.Module):
    """What timm returns, as (batch, channels, height, width).

    Parameters
    ----------
    layout : str
        What timm returns: ``NCHW``, ``NHWC`` or ``tokens``.
    prefix_tokens : int
        Tokens before those of the picture.
    grid : int
        Tokens along each side of the picture.
    """

    def __init__(self, layout: str, prefix_tokens: int = 0, grid: int = 0) -> None:
        super().__init__()
        self.layout = layout
        self.prefix_tokens = prefix_tokens
        self.grid = grid

    def forward(self, features: Tensor) -> Tensor:
        """Return features (batch, D, h, w)."""
        if self.layout == "NHWC":
            return features.permute(0, 3, 1, 2)
        if self.layout == "tokens":
            places = features[:, self.prefix_tokens :].transpose(1, 2)
            return places.reshape(*places.shape[:2], self.grid, self.grid)
        return features


class TimmFeatures(nn.Module):
    """A timm network up to its feature map, always as (batch, channels, height, width)."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.as_map = AsMap("NHWC" if getattr(trunk, "output_fmt", "NCHW") == "NHWC" else "NCHW")

    def forward(self, x: Tensor) -> Tensor:
        """Return features (batch, D, h, w)."""
        features: Tensor = self.as_map(self.trunk.forward_features(x))  # type: ignore[operator]
        return features

    def drop_unused(self, example: Tensor, architecture: str) -> tuple[int, ...]:
        """Learn the layout from one pass, and remove the modules that a backward pass does not reach.

        Returns the shape of the features of ``example``.
        """
        was_training = self.training
        self.eval()
        with torch.enable_grad():
            raw = self._features_of(example, architecture)
            torch.autograd.backward(raw.sum())
        _remove_unreached(self.trunk)
        self.zero_grad(set_to_none=True)
        if raw.ndim == 3:
            self._learn_grid(int(raw.shape[1]), architecture)
        elif raw.ndim != 4:
            raise _no_feature_map(architecture, tuple(raw.shape))
        with torch.no_grad():
            shape = tuple(self(example).shape)
        self.train(was_training)
        return shape

    def _features_of(self, example: Tensor, architecture: str) -> Tensor:
        try:
            raw = self.trunk.forward_features(example)  # type: ignore[operator]
        except (RuntimeError, AssertionError, ValueError) as error:
            raise _refuses_size(architecture, example.shape[-1], error) from error
        if not isinstance(raw, Tensor):
            raise _no_feature_map(architecture, ())
        return raw

    def _learn_grid(self, tokens: int, architecture: str) -> None:
        known = getattr(self.trunk, "num_prefix_tokens", None)
        for prefix in (0, 1) if known is None else (int(known),):
            side = round((tokens - prefix) ** 0.5)
            if side > 0 and side * side == tokens - prefix:
                self.as_map = AsMap("tokens", prefix, side)
                return
        raise _no_feature_map(architecture, (1, tokens))


def _create(
    architecture: str, options: dict[str, Any], tensors: Mapping[str, Tensor] | None, image_size: int
) -> nn.Module:
    timm = timm_library()
    # handed over as a dictionary, timm adapts names and, for transformers, positions to the image size
    given = {} if tensors is None else {"pretrained_cfg_overlay": {"state_dict": dict(tensors)}}
    try:
        model: nn.Module = timm.create_model(architecture, pretrained=tensors is not None, **given, **options)
    except RuntimeError as error:
        if tensors is None:
            raise
        raise UsageError(
            f"timm's weights of {architecture} do not fit the network that it builds: {first_line(error)}",
            fix="update timm, or give a file with --weights FILE",
        ) from error
    except (AssertionError, ValueError) as error:
        raise _refuses_size(architecture, image_size, error) from error
    return model


def _remove_unreached(trunk: nn.Module) -> None:
    """Replace each outermost module none of whose parameters got a gradient by an identity."""
    reached = {name for name, parameter in trunk.named_parameters() if parameter.grad is not None}
    for name, module in list(trunk.named_modules()):
        own = [f"{name}.{inner}" for inner, _ in module.named_parameters()]
        if name and own and not reached.intersection(own):
            trunk.set_submodule(name, nn.Identity())


def _refuses_size(architecture: str, image_size: int, error: Exception) -> UsageError:
    larger = next_size(lambda size: _takes(architecture, size), image_size)
    return UsageError(
        f"{architecture} cannot take images of {image_size} x {image_size} pixels: {first_line(error)}",
        fix=f"--image-size {larger} is the next that it takes" if larger else "choose another --architecture",
    )


def lost_border(trunk: nn.Module, image_size: int) -> int:
    """Return how many pixels at the right and lower border a transformer cuts off: no patch holds them."""
    patches = getattr(getattr(trunk, "patch_embed", None), "proj", None)
    pads = getattr(getattr(trunk, "patch_embed", None), "dynamic_img_pad", False)
    if not isinstance(patches, nn.Conv2d) or pads or patches.kernel_size != patches.stride:
        return 0
    return image_size % patches.stride[0] if patches.padding in ((0, 0), "valid") else 0


def _refuse_lost_border(architecture: str, trunk: nn.Module, image_size: int) -> None:
    lost = lost_border(trunk, image_size)
    if lost:
        larger = next_size(lambda size: _takes(architecture, size), image_size)
        raise UsageError(
            f"{architecture} would cut {lost} px off the right and the lower border at {image_size} x "
            f"{image_size}: they fill no whole patch",
            fix=f"--image-size {larger} is the next that it sees as a whole"
            if larger
            else "choose another --architecture",
        )


def _takes(architecture: str, image_size: int) -> bool:
    """Tell whether a network takes a size, without computing anything: on torch's meta device."""
    timm = timm_library()
    options = {"img_size": image_size} if timm.get_pretrained_cfg(architecture).fixed_input_size else {}
    try:
        with torch.device("meta"):
            trunk = timm.create_model(architecture, num_classes=0, global_pool="", **options).eval()
            if lost_border(trunk, image_size):
                return False
            return isinstance(trunk.forward_features(torch.zeros(1, 3, image_size, image_size)), Tensor)
    except (RuntimeError, AssertionError, ValueError, NotImplementedError):
        return False


def _no_feature_map(architecture: str, shape: tuple[int, ...]) -> UsageError:
    found = " x ".join(map(str, shape)) if shape else "not one tensor"
    return UsageError(
        f"{architecture} has no feature map that lies over the picture (its features are {found})",
        fix="choose a convolutional network, for example resnet50 or mobilenetv2_100",
    )


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
