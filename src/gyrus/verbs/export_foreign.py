"""Somebody else's weights become a bundle: graphs, parity, a card that says what is not known."""

from __future__ import annotations

from typing import Any

import torch

from gyrus.bundles import decode_bundle, encode_bundle, make_card
from gyrus.bundles.file import Bundle
from gyrus.config import ExportConfig
from gyrus.exporting.agreement import check_agreement
from gyrus.exporting.foreign_file import read_foreign
from gyrus.exporting.foreign_network import Foreign, foreign_network
from gyrus.exporting.graphs import Graphs, make_graphs
from gyrus.exporting.sides import by_bundle, pair, runtime
from gyrus.exporting.torch_files import by_torch
from gyrus.imaging import READING_POLICIES
from gyrus.imaging.geometry import Geometry
from gyrus.inference import make_self_test
from gyrus.runs import environment
from gyrus.verbs.export_images import images_for
from gyrus.verbs.export_source import Exportable
from gyrus.verbs.packing import self_test_images

_LAST_LAYERS = {
    "logits": "The network ends in a linear layer; probabilities are its softmax.",
    "logsoftmax": "The network ended in LogSoftmax. That layer is left out: the softmax of its linear input "
    "gives the same probabilities.",
    "logsigmoid": "The network ended in LogSigmoid. That layer is left out, and probabilities are the "
    "softmax of its linear input: the classes keep their order, but what LogSigmoid gave were no "
    "probabilities that add up to 1.",
    "sigmoid": "The network has one output z, whose sigmoid is the probability of {second}; the bundle's "
    "logits are {pair}, whose softmax says the same.",
}
_UNKNOWN = (
    "Nothing is known about the images that this model was trained on; whether a patient or an image stands "
    "on two sides cannot be told."
)


def from_foreign(config: ExportConfig) -> Exportable:
    """Return somebody else's model as a bundle that has answered as its own library does.

    Raises
    ------
    UsageError, DataError
        When the file or what is said of it does not fit; see :mod:`gyrus.exporting.foreign_network`.
    ExportError
        When the graphs do not answer as the library's network.
    """
    foreign = foreign_network(read_foreign(config.source), config)
    geometry = Geometry(config.image_size, config.resize)
    channels = {"grey": 1, "rgb": 3}[config.color]
    graphs = make_graphs(foreign.network, image_size=geometry, channels_in=channels)
    members = {"preprocess.onnx": graphs.preprocess, "network.onnx": graphs.network}
    card = _card(config, foreign, graphs)
    images = images_for(card, config.data)
    parity = check_agreement(
        pair(by_torch(foreign.expected, graphs, card), by_bundle(Bundle(card, members, digest=""))),
        images,
        against=f"{foreign.library}'s own network does in torch {torch.__version__}, by {runtime()}",
    ).on(images.of)
    card["provenance"]["parity"] = parity.to_card()
    members |= make_self_test(card, graphs.preprocess, graphs.network, self_test_images(config.color))
    data = encode_bundle(members, card)
    return Exportable(decode_bundle(data), images, foreign.network, foreign.spec, parity, data)


def _card(config: ExportConfig, foreign: Foreign, graphs: Graphs) -> dict[str, Any]:
    network, surroundings = foreign.network, environment()
    last = _last_layer(config, foreign)
    return make_card(
        classes=foreign.classes,
        architecture=str(config.architecture),
        reading_policy=READING_POLICIES[config.color],
        color=config.color,
        image_size_px=config.image_size,
        resize=config.resize,
        normalize=config.normalize,
        mean=graphs.mean,
        std=graphs.std,
        dynamic_size=network.fixed_size is None,
        maps=network.maps_kind,
        leakage={"verdict": "unknowable", "sentence": _UNKNOWN},
        provenance={
            "packages": surroundings["packages"],
            "git": surroundings["git"],
            "time_utc": surroundings["time_utc"],
            "foreign": {
                "file": foreign.file.path.name,
                "sha256": foreign.file.sha256,
                "library": foreign.library,
                "output": config.output,
                "hidden_sizes": list(foreign.hidden),
                "activation": config.activation if foreign.hidden else None,
                "named_classes": list(foreign.named),
            },
        },
        name=config.source.stem,
        notes=[
            f"The weights come from {foreign.file.path.name}, trained elsewhere, and were read as "
            f"{foreign.library}'s {config.architecture}.",
            last,
            _preparation(config),
            "There are no figures: gyrus evaluate measures some on images of your own.",
        ],
    )


def _preparation(config: ExportConfig) -> str:
    """Say how images are prepared: the file does not tell, and wrong answers look like right ones."""
    side = config.image_size
    return (
        f"Images become {side} x {side} pixels (--resize {config.resize}), --normalize {config.normalize}, "
        f"--color {config.color}: as the options say; nothing in the file tells whether it was trained so."
    )


def _last_layer(config: ExportConfig, foreign: Foreign) -> str:
    named = foreign.named
    pair_of = "(0, z)" if tuple(named) == foreign.classes else "(0, -z)"
    return _LAST_LAYERS[config.output].format(second=named[-1], pair=pair_of)
