"""The network that a training starts from: architecture, head, channels, and weights from file or hub."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gyrus.config.inputs import Normalize
from gyrus.config.network import NetworkOptions
from gyrus.errors import DataError, UsageError
from gyrus.imaging.normalisation import fixed
from gyrus.models.grey import to_grey
from gyrus.models.hub import fetch
from gyrus.models.network import Network, replace_facts
from gyrus.models.registry import build, build_pretrained, check_architecture, check_downloadable
from gyrus.models.weight_files import read_tensors
from gyrus.models.weights import load_weights, read_weights, stem_channels
from gyrus.models.weights_report import WeightsReport

COLOUR, GREY = 3, 1


def start(
    config: NetworkOptions,
    *,
    num_classes: int,
    image_size: int,
    color: str = "grey",
    normalize: Normalize = "auto",
) -> tuple[Network, WeightsReport | None]:
    """Return the network that ``config`` asks for, and what became of its starting weights.

    Parameters
    ----------
    config : NetworkOptions
        Architecture, head, channels, weights.
    num_classes : int
        Number of classes.
    image_size : int
        Side of the input, in pixels.
    color : str
        ``grey`` or ``rgb``: how the images are read.
    normalize : str
        What the colour network's input would be shifted and scaled by: a grey stem is folded for that, so
        that it answers as the colour network would.

    Raises
    ------
    UsageError
        On an unknown network, an image size that it cannot take, weights that cannot be downloaded, a grey
        stem for colour images, or a kind of it asked for where the weights read grey already.
    DataError
        When the file of weights cannot be read or is of another network.
    """
    check_architecture(config.architecture)
    options: dict[str, Any] = {
        "num_classes": num_classes,
        "image_size": image_size,
        "dropout": config.dropout,
        "hidden_sizes": config.hidden_sizes,
        "one_logit": config.binary_output == "one",
        "norm": config.norm,
    }
    if config.pretrained:
        network, report = _from_hub(config, options, normalize)
    elif config.weights is not None:
        network, report = _from_file(config, options, normalize)
    else:
        channels = COLOUR if config.in_channels == "auto" else config.in_channels
        network, report = build(config.architecture, in_channels=channels, **options), None
    if network.in_channels == GREY and color == "rgb":
        raise UsageError(
            f"images are read in colour, but {config.architecture} reads one grey channel here",
            fix="leave out --color rgb, or give --in-channels 3",
        )
    return network, report


def _from_hub(
    config: NetworkOptions, options: dict[str, Any], normalize: Normalize
) -> tuple[Network, WeightsReport]:
    check_downloadable(config.architecture)
    fetched = fetch(config.architecture)
    tensors = read_tensors(fetched.path)
    network = build_pretrained(config.architecture, tensors, **options)
    mean = ", ".join(f"{value:.3g}" for value in network.mean)
    std = ", ".join(f"{value:.3g}" for value in network.std)
    report = WeightsReport(
        matching="timm",
        taken=(),
        loaded=len(network.features.state_dict()),
        unused=(),
        head_loaded=False,
        source=fetched.source,
        sha256=fetched.sha256,
        checked=fetched.checked,
        normalisation=f"mean {mean}, standard deviation {std}, as timm says",
    )
    return (network, report) if config.in_channels != GREY else _folded(network, report, config, normalize)


def _from_file(
    config: NetworkOptions, options: dict[str, Any], normalize: Normalize
) -> tuple[Network, WeightsReport]:
    assert config.weights is not None
    file = read_weights(config.weights)
    network = build(config.architecture, in_channels=COLOUR, **options)
    reads = stem_channels(network, file)
    if reads == COLOUR or reads is None or config.in_channels == COLOUR:
        if reads in (GREY, GREY + 1):
            raise DataError(
                f"the first convolution of these weights reads grey; in_channels is {config.in_channels}",
                path=config.weights,
                fix="leave out --in-channels, or give --in-channels 1",
            )
        report = load_weights(network, file)
        if config.in_channels == GREY:
            return _folded(network, report, config, normalize)
        return network, report
    if config.grey_stem != NetworkOptions.grey_stem:
        raise UsageError(
            f"grey_stem is {config.grey_stem}, but the first convolution of these weights reads grey already",
            path=config.weights,
            fix="leave out --grey-stem",
        )
    if reads == GREY:
        network = build(config.architecture, in_channels=GREY, **options)
    elif reads == GREY + 1:  # a grey stem of ours, with its plane of ones
        to_grey(network, config.grey_stem)
    return network, load_weights(network, file)


def _folded(
    network: Network, report: WeightsReport, config: NetworkOptions, normalize: Normalize
) -> tuple[Network, WeightsReport]:
    if normalize in ("dataset", "per-image"):
        # a grey image copied three times has one mean and one spread: any, as long as it is the same in all
        replace_facts(network, mean=(0.0,) * COLOUR, std=(1.0,) * COLOUR)
    elif normalize != "auto":
        mean, std = fixed(normalize, COLOUR)
        replace_facts(network, mean=mean, std=std)
    return to_grey(network, config.grey_stem), replace(report, grey_stem=config.grey_stem)
