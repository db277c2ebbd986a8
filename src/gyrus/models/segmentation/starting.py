"""The segmentation network that a training starts from: its weights are an encoder's, or a whole one's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from gyrus.config.inputs import Normalize
from gyrus.config.network import NetworkOptions
from gyrus.errors import DataError, UsageError
from gyrus.models.backbones import TimmFeatures
from gyrus.models.grey import to_grey
from gyrus.models.segmentation.encoders import TimmEncoder, take_trunk
from gyrus.models.segmentation.network import SegmentationNetwork
from gyrus.models.segmentation.registry import build_segmentation, parse
from gyrus.models.starting import COLOUR, GREY, start
from gyrus.models.weights import WeightFile, read_weights
from gyrus.models.weights_report import Taken, WeightsReport

_WHOLE = ("encoder", "decoder")
_HEADS = ("head", "deep_heads", "class_head")


def start_segmentation(
    options: NetworkOptions,
    *,
    mask_classes: int,
    image_classes: int | None = None,
    image_size: int = 256,
    color: str = "grey",
    normalize: Normalize = "auto",
    deep_supervision: bool = False,
) -> tuple[SegmentationNetwork, WeightsReport | None]:
    """Return the network that ``options`` ask for, and what became of its starting weights.

    Weights are those of the encoder as a classifier (a file that :func:`gyrus.models.load_weights` takes, or
    the hub's), or a file of a whole segmentation network of gyrus's; its heads are taken where they fit.

    Parameters
    ----------
    options : NetworkOptions
        Architecture, channels, weights, norm, dropout. What is asked of a classifier's head is refused.
    mask_classes, image_classes, image_size, deep_supervision
        As :func:`gyrus.models.segmentation.build_segmentation`.
    color : str
        ``grey`` or ``rgb``: how the images are read.
    normalize : str
        What a grey stem is folded for.

    Raises
    ------
    UsageError
        On an unknown network, a size that it cannot take, options of a classifier's head, or weights for a
        network that has no encoder to take them.
    DataError
        When the file of weights cannot be read or is of another network.
    """
    _refuse_classifiers_options(options)
    plan: dict[str, Any] = {
        "mask_classes": mask_classes, "image_classes": image_classes, "image_size": image_size,
        "norm": options.norm, "dropout": options.dropout, "deep_supervision": deep_supervision,
    }  # fmt: skip
    report: WeightsReport | None = None
    file = None if options.weights is None else read_weights(options.weights)
    if file is not None and _is_whole(file):
        network, report = _from_whole(options, file, plan)
    elif file is not None or options.pretrained:
        network, report = _from_classifier(options, plan, color, normalize)
    else:
        channels = COLOUR if options.in_channels == "auto" else options.in_channels
        network = build_segmentation(options.architecture, in_channels=channels, **plan)
    if network.in_channels == GREY and color == "rgb":
        raise UsageError(
            f"images are read in colour, but {options.architecture} reads one grey channel here",
            fix="leave out --color rgb, or give --in-channels 3",
        )
    return network, report


def _refuse_classifiers_options(options: NetworkOptions) -> None:
    given = [
        name
        for name in ("head", "head_sizes", "binary_output")
        if getattr(options, name) != getattr(NetworkOptions, name)
    ]
    if given:
        raise UsageError(
            f"{' and '.join(given)} belong to a classifier; a segmentation has a convolution to its masks",
            fix="leave out --" + " --".join(name.replace("_", "-") for name in given),
        )


def _from_classifier(
    options: NetworkOptions, plan: dict[str, Any], color: str, normalize: Normalize
) -> tuple[SegmentationNetwork, WeightsReport]:
    _, encoder = parse(options.architecture)
    if encoder is None:
        raise UsageError(
            f"{options.architecture} has no pretrained encoder, and these are not weights of its own",
            fix="choose for example --architecture unet-mobilenetv2_100, or leave out the weights",
        )
    classifier, report = start(
        replace(options, architecture=encoder),
        num_classes=2, image_size=plan["image_size"], color=color, normalize=normalize,
    )  # fmt: skip
    assert isinstance(classifier.features, TimmFeatures)
    assert report is not None
    network = build_segmentation(options.architecture, in_channels=classifier.in_channels, **plan)
    assert isinstance(network.encoder, TimmEncoder)
    loaded = take_trunk(network.encoder, classifier.features.trunk)
    network.facts = replace(classifier.facts, architecture=options.architecture, maps_exact=True)
    return network, replace(report, loaded=loaded, head_loaded=False)


def _is_whole(file: WeightFile) -> bool:
    return {name.partition(".")[0] for name in file.layers}.issuperset(_WHOLE)


@torch.no_grad()
def _from_whole(
    options: NetworkOptions, file: WeightFile, plan: dict[str, Any]
) -> tuple[SegmentationNetwork, WeightsReport]:
    network = _with_channels_of(file, options, plan)
    ours = network.state_dict()
    theirs = {
        f"{layer}.{leaf}": tensor for layer, leaves in file.layers.items() for leaf, tensor in leaves.items()
    }
    counted = [name for name in ours if not name.endswith("num_batches_tracked")]
    body = [name for name in counted if name.partition(".")[0] in _WHOLE]
    other = [name for name in body if name not in theirs or theirs[name].shape != ours[name].shape]
    if other:
        raise DataError(
            f"these are not weights of {options.architecture} with {network.in_channels} input channels: "
            f"{len(other)} tensors are absent or of another shape; nothing was loaded",
            path=file.path,
            details=other[:6],
            fix="name the architecture that the file was made for with --architecture",
        )
    heads = [
        name
        for head in _HEADS
        for name in _fitting([each for each in counted if each.partition(".")[0] == head], ours, theirs)
    ]
    for name in (*body, *heads):
        ours[name].copy_(theirs[name])
    if network.in_channels == COLOUR and options.in_channels == GREY:
        folded: Any = network
        to_grey(folded, options.grey_stem)
    used = {*body, *heads}
    layers = dict.fromkeys(name.rpartition(".")[0] for name in used)
    return network, WeightsReport(
        matching="name",
        taken=tuple(Taken(layer, layer, len(file.layers[layer])) for layer in sorted(layers)),
        loaded=len(used),
        unused=tuple(sorted(set(theirs) - used)),
        head_loaded=any(name.startswith("head.") for name in heads),
        source=file.path.name,
        sha256=file.sha256,
        normalisation=f"mean {network.mean[0]:.3g}, standard deviation {network.std[0]:.3g}: "
        f"{options.architecture}'s usual; the file tells of none",
    )


def _fitting(names: list[str], ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Return the names of a head where the file has all of it, in its shapes; else none."""
    fits = all(name in theirs and theirs[name].shape == ours[name].shape for name in names)
    return names if fits else []


def _with_channels_of(file: WeightFile, options: NetworkOptions, plan: dict[str, Any]) -> SegmentationNetwork:
    """Build the network with as many channels as the file's first convolution reads."""
    network = build_segmentation(options.architecture, in_channels=COLOUR, **plan)
    stem = next(name for name, module in network.named_modules() if isinstance(module, nn.Conv2d))
    if f"{stem}.conv" in file.layers:  # a grey stem with its plane of ones
        folded: Any = network
        to_grey(folded, options.grey_stem)
        return network
    weight = file.layers.get(stem, {}).get("weight")
    if weight is not None and weight.ndim == 4 and weight.shape[1] == GREY:
        if options.in_channels == COLOUR:
            raise DataError(
                "the first convolution of these weights reads grey; in_channels is 3",
                path=file.path,
                fix="leave out --in-channels, or give --in-channels 1",
            )
        return build_segmentation(options.architecture, in_channels=GREY, **plan)
    return network
