"""Somebody else's network as one of ours: with class maps where its shape allows, else as a whole.

Where its library computes features, their mean over space and then the head, the same weights in a network
of :mod:`gyrus.models` give the same answers, and class maps besides. Whether they do is not concluded from
names: both are asked. Where they do not (VGG's fully connected layers, a transformer's class token, a norm
after the mean), the library's own code becomes the features, and heat maps are made by occlusion.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from gyrus.config.foreign import ForeignOptions
from gyrus.errors import DataError, UsageError
from gyrus.exporting.foreign_file import ForeignFile, classes_of
from gyrus.exporting.foreign_head import Layer
from gyrus.exporting.foreign_names import registry_name
from gyrus.exporting.foreign_reference import Reference, reference
from gyrus.exporting.rebuilding import NetworkSpec
from gyrus.imaging.normalisation import fixed
from gyrus.models import Network, NetworkFacts, load_weights
from gyrus.models.heads import HeadPlan, LinearHead, OneLogitHead
from gyrus.models.network import replace_facts
from gyrus.models.weights import weights_of

logger = logging.getLogger("gyrus")

RELATIVE_DIFFERENCE = 1e-4
"""Two ways to compute the same logits may differ by this share of the largest."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Somebody else's model, ready to be exported.

    Attributes
    ----------
    file : ForeignFile
        Where its weights came from.
    network : Network
        Answers with logits in the order of ``classes``.
    spec : NetworkSpec or None
        How to build ``network`` again; None where its features are its library's own code.
    expected : nn.Module
        The library's own network, its outputs in the order of ``classes``: what the export must answer.
    library : str
        ``torchvision``, ``timm`` or ``gyrus``.
    classes : tuple of str
        By name, as a card has them.
    named : tuple of str
        In the order of the outputs in the file.
    hidden : tuple of int
        Sizes of the head's hidden layers.
    """

    file: ForeignFile
    network: Network
    spec: NetworkSpec | None
    expected: nn.Module
    library: str
    classes: tuple[str, ...]
    named: tuple[str, ...]
    hidden: tuple[int, ...]


def foreign_network(file: ForeignFile, options: ForeignOptions) -> Foreign:
    """Return the network that a file of weights belongs to.

    Raises
    ------
    UsageError
        When the architecture is not named or not known, or the classes or the head are others than said.
    DataError
        When the weights are of another architecture; says what differs.
    """
    if options.architecture is None:
        raise UsageError(
            "a file of weights does not tell its network", path=file.path,
            fix="--architecture NAME, as torchvision or timm call it (resnet50)",
        )  # fmt: skip
    named = classes_of(file, options.class_names)
    one = options.output == "sigmoid"
    if one and len(named) != 2:
        raise UsageError(
            f"--output sigmoid is for two classes by one output; there are {len(named)}",
            path=file.path,
            fix="--output logits, logsoftmax or logsigmoid for a network with an output for each class",
        )
    whole = reference(file, options.architecture, options, 1 if one else len(named))
    classes = _by_name(whole, named, one)
    expected = _TwoLogits(whole.written.network) if one else whole.written.network
    plan = HeadPlan(whole.hidden, options.dropout, one, options.activation)
    spec, network = _with_maps(whole, expected, plan, options, len(classes))
    if network is None:
        network = _without_maps(whole, expected, plan, options, len(classes))
        logger.info(
            "note: %s has more between its features and its answer than a mean; heat maps are made by "
            "occlusion.", options.architecture,
        )  # fmt: skip
    mean, std = fixed(options.normalize, network.in_channels)
    replace_facts(network, mean=mean, std=std, per_image=options.normalize == "per-image")
    return Foreign(
        file, network.eval(), spec, expected.eval(), whole.written.library, classes, named, whole.hidden
    )


@torch.no_grad()
def _by_name(whole: Reference, named: Sequence[str], one: bool) -> tuple[str, ...]:
    """Bring the outputs into the order of the classes' names, in the weights of the last layer."""
    order = sorted(range(len(named)), key=lambda number: named[number])
    last = whole.layers[-1]
    bias = last.bias
    assert bias is not None
    if order != list(range(len(named))):
        logger.info("note: the outputs are put into the order of the classes' names.")
        if one:  # the other class's logit
            last.weight.neg_()
            bias.neg_()
        else:
            last.weight.copy_(last.weight[order].clone())
            bias.copy_(bias[order].clone())
    return tuple(named[number] for number in order)


def _with_maps(
    whole: Reference, expected: nn.Module, plan: HeadPlan, options: ForeignOptions, num_classes: int
) -> tuple[NetworkSpec | None, Network | None]:
    """Return the same network built by gyrus, if that answers the same; else (None, None)."""
    channels = _channels(whole.written.network)
    spec = NetworkSpec(
        registry_name(str(options.architecture)), num_classes, channels, options.image_size, plan
    )
    features = {
        name: tensor
        for name, tensor in whole.written.network.state_dict().items()
        if not name.startswith(f"{whole.place}.")
    }
    try:
        network = spec.build()
        load_weights(network, weights_of(features, Path(whole.written.name)))
    except (DataError, UsageError):  # built in another way: it is taken as a whole
        return None, None
    if not _copied(whole.layers, network):
        return None, None
    return (spec, network) if _same(network, expected, options.image_size) else (None, None)


def _without_maps(
    whole: Reference, expected: nn.Module, plan: HeadPlan, options: ForeignOptions, num_classes: int
) -> Network:
    """Return the library's own code as features of one place, with the head on them."""
    library = whole.written.network
    facts = NetworkFacts(
        architecture=str(options.architecture),
        in_channels=_channels(library),
        mean=(),
        std=(),
        fixed_size=options.image_size,
        maps_exact=False,
    )
    trunk = copy.deepcopy(library)
    trunk.set_submodule(whole.place, nn.Flatten(1) if _is_flat(whole) else nn.Identity())
    width = whole.layers[0].weight.shape[1]
    network = Network(AsPoint(trunk), num_features=width, num_classes=num_classes, facts=facts, head=plan)
    if _is_flat(whole) and _copied(whole.layers, network) and _same(network, expected, options.image_size):
        return network
    # something follows its last layer: its answer as a whole is what there is
    network = Network(AsPoint(expected), num_features=num_classes, num_classes=num_classes, facts=facts)
    network.head.load_state_dict({"weight": torch.eye(num_classes), "bias": torch.zeros(num_classes)})
    return network.eval()


class AsPoint(nn.Module):
    """What a network gives for a picture, as a feature map of one place."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, x: Tensor) -> Tensor:
        """Return features (batch, D, 1, 1)."""
        features: Tensor = self.trunk(x)
        return features.flatten(1)[:, :, None, None]


class _TwoLogits(nn.Module):
    """One logit z of a network as the two logits (0, z), whose softmax is z's sigmoid."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (batch, 2)."""
        logit: Tensor = self.network(x)
        return torch.cat([torch.zeros_like(logit), logit], dim=1)


def _is_flat(whole: Reference) -> bool:
    return all(isinstance(layer, nn.Linear) for layer in whole.layers)


@torch.no_grad()
def _copied(layers: Sequence[Layer], network: Network) -> bool:
    """Copy the head's layers into a network of ours; False, and nothing copied, where they do not fit."""
    head = network.head.positive if isinstance(network.head, OneLogitHead) else network.head
    ours = (
        [head]
        if isinstance(head, LinearHead)
        else [part for part in head.modules() if type(part) is nn.Linear]
    )
    pairs = list(zip(ours, layers, strict=False))
    if len(ours) != len(layers) or any(one.weight.shape != two.weight.shape for one, two in pairs):
        return False
    for mine, theirs in pairs:
        assert theirs.bias is not None
        mine.weight.copy_(theirs.weight)
        mine.bias.copy_(theirs.bias)
    return True


@torch.no_grad()
def _same(network: Network, expected: nn.Module, image_size: int) -> bool:
    """Ask both about noise."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, network.in_channels, image_size, image_size, generator=generator)
    wanted, got = expected.eval()(x), network.eval()(x)
    return bool((wanted - got).abs().max() <= RELATIVE_DIFFERENCE * wanted.abs().max())


def _channels(network: nn.Module) -> int:
    """Return how many channels the first convolution reads."""
    return next(module.in_channels for module in network.modules() if isinstance(module, nn.Conv2d))
