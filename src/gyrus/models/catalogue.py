"""What is told of a network before it is built: family, size, where its weights come from."""

from __future__ import annotations

from typing import Any

import torch

from gyrus.errors import UsageError
from gyrus.models.backbones import TimmFeatures, timm_library
from gyrus.models.costs import parameters_of
from gyrus.models.heads import HeadPlan
from gyrus.models.registry import OWN

# of timm's thousand those that papers on these data use, and that docs/reference/networks.md speaks of
DOCUMENTED = (
    "resnet18",
    "resnet50",
    "mobilenetv2_100",
    "mobilenetv3_large_100",
    "efficientnet_b0",
    "vgg16",
    "inception_v3",
    "densenet121",
    "convnext_tiny",
    "vit_small_patch16_224",
)


def describe(name: str, *, count: bool) -> dict[str, Any]:
    """Return ``name``, ``family``, ``parameters``, ``input_px`` and ``weights`` of a network.

    ``parameters`` are those of the features, counted on torch's meta device, where nothing is stored; None
    unless ``count``.
    """
    if name in OWN:
        own = OWN[name]
        return {
            "name": name,
            "family": f"{own.family}: {own.purpose}",
            "parameters": _own_parameters(name) if count else None,
            "input_px": own.smallest_px,
            "weights": own.weights,
        }
    timm = timm_library()
    description = timm.get_pretrained_cfg(name)
    return {
        "name": name,
        "family": f"timm: {timm.model_entrypoint(name).__module__.rpartition('.')[2]}",
        "parameters": _timm_parameters(name) if count else None,
        "input_px": int(description.input_size[-1]),
        "weights": f"--pretrained ({description.hf_hub_id or 'timm'})"
        if description.has_weights
        else "--weights FILE",
    }


def _own_parameters(name: str) -> int:
    with torch.device("meta"):
        network = OWN[name].make(num_classes=2, in_channels=3, image_size=224, head=HeadPlan())
    return parameters_of(network.features)


def _timm_parameters(name: str) -> int | None:
    try:
        with torch.device("meta"):
            features = TimmFeatures(timm_library().create_model(name, num_classes=0, global_pool=""))
            side = timm_library().get_pretrained_cfg(name).input_size[-1]
            features.drop_unused(torch.zeros(1, 3, side, side), name)
            return parameters_of(features)
    except (RuntimeError, AssertionError, ValueError, NotImplementedError, TypeError, UsageError):
        return None  # it computes with its weights while it is built, or has no feature map
