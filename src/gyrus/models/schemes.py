"""Whose file of weights this is, told by its names: what to rename, and what its images were normalised with.

Published medical weights are classic architectures under names of their own:

- RadImageNet (Mei et al. 2022): the children of a torchvision network in a Sequential, ``backbone.0.weight``,
  with pixels from -1 to 1;
- TorchXRayVision (Cohen et al. 2022): a DenseNet of one channel, with pixels from -1024 to 1024;
- BioViL (Boecking et al. 2022): a ResNet-50 under ``encoder.encoder.`` beside its projector, pixels 0 to 1.

Others (CheXpert- or MIMIC-trained networks of many authors) carry torchvision's names behind a prefix, which
needs no entry here; what their images were normalised with is not in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

Tensors = dict[str, Tensor]
# a table of thresholds that TorchXRayVision keeps among the weights; it holds NaN and is not computed with
THRESHOLDS = "op_threshs"
_XRAYVISION_CLASSES = 18

# the first releases of torchvision's DenseNet had a dot where a digit stands alone
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
_RESNET = {0: "conv1", 1: "bn1", 4: "layer1", 5: "layer2", 6: "layer3", 7: "layer4"}
_INCEPTION_MIXED = ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c")
_INCEPTION = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3"),
    *("maxpool2", *(f"Mixed_{name}" for name in _INCEPTION_MIXED)),
)
_NUMBERED = re.compile(r"backbone\.(\d+)\.(.+)")


@dataclass(frozen=True, slots=True)
class Scheme:
    """Whose names a file carries.

    Attributes
    ----------
    name : str
        The publisher.
    mean, std : float or None
        What pixels from 0 to 1 were normalised with, the same for all channels; None: not known from the
        file, the architecture's own is taken.
    """

    name: str
    mean: float | None = None
    std: float | None = None


RADIMAGENET = Scheme("RadImageNet", 0.5, 0.5)
XRAYVISION = Scheme("TorchXRayVision", 0.5, 1 / 2048)
BIOVIL = Scheme("BioViL", 0.0, 1.0)


def recognise(tensors: Tensors) -> tuple[Scheme | None, Tensors]:
    """Return whose names these are, where it is known, and the tensors under their architecture's names."""
    tensors = {_OLD_DENSENET.sub(r"\1\2.", name): tensor for name, tensor in tensors.items()}
    for scheme, is_it, rename in _KNOWN:
        if is_it(tensors):
            return scheme, rename(tensors)
    return None, tensors


def _is_radimagenet(tensors: Mapping[str, Tensor]) -> bool:
    return bool(tensors) and all(_NUMBERED.fullmatch(name) for name in tensors)


def _rename_radimagenet(tensors: Tensors) -> Tensors:
    """Put the names of the children in the place of their numbers."""
    if "backbone.0.conv0.weight" in tensors:  # a DenseNet's one child that holds all features
        return {name.removeprefix("backbone.0."): tensor for name, tensor in tensors.items()}
    names = _RESNET if "backbone.0.weight" in tensors else dict(enumerate(_INCEPTION))
    renamed = {}
    for name, tensor in tensors.items():
        match = _NUMBERED.fullmatch(name)
        child = names.get(int(match[1])) if match else None
        renamed[f"{child}.{match[2]}" if match and child else name] = tensor
    return renamed


def _is_xrayvision(tensors: Mapping[str, Tensor]) -> bool:
    if any(name.rpartition(".")[2] == THRESHOLDS for name in tensors):
        return True
    stem, classes = tensors.get("features.conv0.weight"), tensors.get("classifier.weight")
    if stem is None or classes is None or stem.ndim != 4:
        return False
    return bool(stem.shape[1] == 1 and classes.shape[0] == _XRAYVISION_CLASSES)


def _is_biovil(tensors: Mapping[str, Tensor]) -> bool:
    beside = any(name.startswith("projector.") for name in tensors)
    return beside and "encoder.encoder.conv1.weight" in tensors


def _as_they_are(tensors: Tensors) -> Tensors:
    return {name: tensor for name, tensor in tensors.items() if name.rpartition(".")[2] != THRESHOLDS}


_KNOWN: tuple[tuple[Scheme, Callable[[Tensors], bool], Callable[[Tensors], Tensors]], ...] = (
    (RADIMAGENET, _is_radimagenet, _rename_radimagenet),
    (XRAYVISION, _is_xrayvision, _as_they_are),
    (BIOVIL, _is_biovil, _as_they_are),
)
