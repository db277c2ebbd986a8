"""A split as a torch data set, straight from the files: for anybody's own training loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from gyrus.data.manifest import Manifest
from gyrus.errors import DataError, UsageError
from gyrus.imaging.geometry import Geometry
from gyrus.imaging.reading import read_image
from gyrus.training.preparation import normalise, standardise, to_unit
from gyrus.training.targets import targets_of

Transform = Callable[[npt.NDArray[np.uint8]], Any]


class ImageDataset(Dataset[tuple[Any, Any]]):
    """Pairs of an image and the number of its class.

    Of a manifest whose images may show several classes, the second is a Tensor of float32, (n_classes,):
    1 where the image shows the class.

    Parameters
    ----------
    manifest : Manifest
        The images.
    split : str, optional
        ``train``, ``val``, ``cal`` or ``test``; None takes all rows.
    transform : callable, optional
        Gets the decoded image, uint8 (height, width, channels) of its own size, and returns what the loader
        shall give. By default the image is resized to a square, scaled to [0, 1] and normalised: float32
        (len(mean), image_size, image_size).
    image_size : int or Geometry
        Side in pixels of the square that images are squashed to, or how else they become one, for the
        default.
    color : {"grey", "rgb"}
        How files are read: one channel or three.
    mean, std : sequence of float
        Normalisation, for the default; a network's own are ``network.mean`` and ``network.std``. One grey
        channel becomes as many channels as there are means.
    per_image : bool
        Bring each image to mean 0 and spread 1 by itself before that, for the default.

    Attributes
    ----------
    classes : tuple of str
        Class names, sorted; the label is the place in this list. The same for all splits of a manifest.
    class_to_idx : dict of str to int
        Its inverse.
    targets : list of int, or list of Tensor
        What each image is paired with.

    Raises
    ------
    DataError
        When the split is empty or an image has no label. Reading an item raises ImageError for a bad file.
    """

    def __init__(
        self,
        manifest: Manifest,
        split: str | None = None,
        transform: Transform | None = None,
        *,
        image_size: int | Geometry = 224,
        color: Literal["grey", "rgb"] = "grey",
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225),
        per_image: bool = False,
    ) -> None:
        if len(mean) != len(std):
            raise UsageError(f"mean has {len(mean)} values and std {len(std)}; expected as many")
        chosen = manifest if split is None else manifest.select(split)
        if not len(chosen):
            raise DataError(f"the split {split!r} has no images", fix="divide them first: gyrus split DATA")
        unlabelled = [row.image_id for row in chosen if not row.label]
        if unlabelled:
            raise DataError(f"{len(unlabelled)} images have no label", details=unlabelled[:10])
        self.manifest = chosen
        self.transform = transform
        self.geometry = image_size if isinstance(image_size, Geometry) else Geometry(image_size)
        self.per_image = per_image
        self.color: Literal["grey", "rgb"] = color
        self.mean = tuple(mean)
        self.std = tuple(std)
        self.classes = manifest.classes
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
        targets = targets_of(manifest, chosen.rows)
        self.targets: list[Any] = list(torch.from_numpy(targets)) if manifest.several else targets.tolist()

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        pixels = read_image(self.manifest.source_of(self.manifest.rows[index]), color=self.color)
        image = self._to_input(pixels) if self.transform is None else self.transform(pixels)
        return image, self.targets[index]

    def _to_input(self, pixels: npt.NDArray[np.uint8]) -> Tensor:
        unit = to_unit(torch.from_numpy(self.geometry.apply(pixels))[None])
        return normalise(standardise(unit) if self.per_image else unit, self.mean, self.std)[0]
