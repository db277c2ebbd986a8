"""``gyrus models list`` and ``gyrus models info NAME``: the networks, and what one costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gyrus.config import ModelsConfig
from gyrus.config.build import build as build_config
from gyrus.errors import UsageError, require

# building a network to count its weights costs some tenths of a second
_MOST_COUNTED = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """One network of the table.

    Attributes
    ----------
    name, family, weights : str
        Name, what it is, where starting weights come from.
    parameters : int or None
        Weights without the head; None where they were not counted.
    input_px : int
        Side of the images that it was made for, or the smallest that it takes where it is ours.
    """

    name: str
    family: str
    parameters: int | None
    input_px: int
    weights: str


@dataclass(frozen=True, slots=True)
class ListedForMasks:
    """One segmentation network of the table.

    Attributes
    ----------
    name, family, weights : str
        Name, what it is, where starting weights come from.
    parameters : int
        All weights, for one class of masks.
    gflop : float
        Operations of one image of 256 x 256 pixels, in thousand millions.
    size_multiple : int
        What the sides of an image have to be a multiple of, in pixels.
    """

    name: str
    family: str
    parameters: int
    gflop: float
    size_multiple: int
    weights: str


@dataclass(frozen=True, slots=True)
class ModelList:
    """The networks whose names hold a text.

    Attributes
    ----------
    networks : tuple of Listed
        Classifiers: ours first, then timm's.
    unlisted : int
        How many of timm's are left out, because no text was given.
    segmentation : tuple of ListedForMasks
        The networks of ``--task segment``.
    """

    networks: tuple[Listed, ...]
    unlisted: int
    segmentation: tuple[ListedForMasks, ...] = ()

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return a row a network."""
        return {
            "networks": [asdict(item) for item in self.networks],
            "unlisted": self.unlisted,
            "segmentation": [asdict(item) for item in self.segmentation],
        }

    def to_text(self) -> str:
        """Return the tables."""
        tables = [self._classifiers()] if self.networks else []
        tables += [self._segmentation()] if self.segmentation else []
        return "\n\n".join(tables)

    def _segmentation(self) -> str:
        rows = [("name", "family", "parameters", "at 256 px", "sides", "weights")]
        rows += [
            (item.name, item.family, _millions(item.parameters), f"{item.gflop:.1f} GFLOP",
             f"x {item.size_multiple} px", item.weights)
            for item in self.segmentation
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join(["segmentation (--task segment), on any encoder of timm's: DESIGN-ENCODER", *lines])

    def _classifiers(self) -> str:
        rows = [("name", "family", "parameters", "input", "weights")]
        rows += [
            (item.name, item.family, _millions(item.parameters), f"{item.input_px} px", item.weights)
            for item in self.networks
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        if self.unlisted:
            lines.append(
                f"and {self.unlisted} of timm's: gyrus models list TEXT shows those with TEXT in their names"
            )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One network in full; ``docs/reference/networks.md`` says how each figure is found."""

    name: str
    family: str
    weights: str
    image_size: int
    fixed_size: bool
    parameters: int
    flops: int
    training_bytes: int
    batch_size: int
    inference_bytes: int
    receptive_field_px: int | None
    sees_whole_picture: bool
    ms_per_image: float
    ms_per_image_in_batch: float
    threads: int
    parts: tuple[dict[str, Any], ...]
    maps_exact: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return all figures."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the figures with how they were found."""
        field = "the whole picture" if self.receptive_field_px is None else f"{self.receptive_field_px} px"
        if self.sees_whole_picture and self.receptive_field_px is not None:
            field += ", and the mean over the whole picture (squeeze and excitation)"
        size = f"{self.image_size} x {self.image_size} px"
        maps = "exact" if self.maps_exact else "by occlusion: a place of its features saw the whole picture"
        return "\n".join(
            [
                f"{self.name} ({self.family})",
                f"weights          {self.weights}",
                f"input            {size}{' only' if self.fixed_size else '; other sizes too'},"
                f" mean {_listed(self.mean)}, standard deviation {_listed(self.std)}",
                f"parameters       {self.parameters:,}",
                f"operations       {self.flops / 1e9:.2f} GFLOP an image (multiply and add are two;"
                " convolutions and matrix products counted)",
                f"training         about {self.training_bytes / 1e6:,.0f} MB at {self.batch_size} images a"
                " step in float32 (weights x 4 for AdamW, and what autograd keeps)",
                f"prediction       about {self.inference_bytes / 1e6:,.0f} MB for one image (weights, and the"
                " largest layer's input and output)",
                f"time             {self.ms_per_image:.1f} ms an image alone,"
                f" {self.ms_per_image_in_batch:.1f} ms in a batch of 8 (measured now: torch, float32,"
                f" {self.threads} threads)",
                f"receptive field  {field}",
                f"class maps       {maps}",
                "parts            "
                + ", ".join(f"{part['name']} ({part['parameters']:,})" for part in self.parts),
            ]
        )


@dataclass(frozen=True, slots=True)
class SegmentationInfo:
    """One segmentation network in full; docs/reference/segmentation-networks.md says how each is found."""

    name: str
    family: str
    weights: str
    image_size: int
    size_multiple: int
    parameters: int
    encoder_parameters: int
    flops: int
    training_bytes: int
    batch_size: int
    inference_bytes: int
    ms_per_image: float
    ms_per_image_in_batch: float
    threads: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    exit_code = 0

    def to_json(self) -> dict[str, Any]:
        """Return all figures."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the figures with how they were found."""
        size = f"{self.image_size} x {self.image_size} px"
        return "\n".join(
            [
                f"{self.name} (segmentation: {self.family})",
                f"weights          {self.weights}",
                f"input            {size}; other multiples of {self.size_multiple} px too,"
                f" mean {_listed(self.mean)}, standard deviation {_listed(self.std)}",
                f"parameters       {self.parameters:,}, of them {self.encoder_parameters:,} the encoder's",
                f"operations       {self.flops / 1e9:.2f} GFLOP an image (multiply and add are two;"
                " convolutions and matrix products counted)",
                f"training         about {self.training_bytes / 1e6:,.0f} MB at {self.batch_size} images a"
                " step in float32 (weights x 4 for AdamW, and what autograd keeps)",
                f"prediction       about {self.inference_bytes / 1e6:,.0f} MB for one image (weights, and the"
                " largest layer's input and output)",
                f"time             {self.ms_per_image:.1f} ms an image alone,"
                f" {self.ms_per_image_in_batch:.1f} ms in a batch of 8 (measured now: torch, float32,"
                f" {self.threads} threads)",
            ]
        )


def run(config: ModelsConfig) -> ModelList | ModelInfo | SegmentationInfo:
    """List the networks, or tell of one."""
    require("torch", "train", "networks")
    if config.action == "list":
        return _list(config.name)

    from gyrus.models.segmentation import is_segmentation

    assert config.name is not None
    return _segmentation_info(config) if is_segmentation(config.name) else _info(config)


def networks(
    action: str, name: str | None = None, **options: Any
) -> ModelList | ModelInfo | SegmentationInfo:
    """List the networks (``list``) or tell what one costs (``info``).

    Raises
    ------
    UsageError
        For an unknown name, or a size that the network cannot take.
    """
    return run(build_config(ModelsConfig, action=action, name=name, **options))


def _list(text: str | None) -> ModelList:
    from gyrus.models.catalogue import DOCUMENTED, describe
    from gyrus.models.registry import OWN, names, suggest
    from gyrus.models.segmentation.catalogue import describe_segmentation
    from gyrus.models.segmentation.registry import DOCUMENTED as FOR_MASKS

    every = names()
    for_masks = [name for name in FOR_MASKS if text is None or text.lower() in name.lower()]
    if text is None:
        found = [*OWN, *DOCUMENTED]
    else:
        found = [name for name in every if text.lower() in name.lower()]
        if not found and not for_masks:
            near = suggest(text)
            raise UsageError(
                f"no network has {text!r} in its name", fix=f"nearest: {', '.join(near)}" if near else None
            )
    counted = len(found) <= _MOST_COUNTED
    rows = tuple(Listed(**describe(name, count=counted)) for name in found)
    segmentation = tuple(ListedForMasks(**describe_segmentation(name)) for name in for_masks)
    return ModelList(rows, 0 if text is not None else len(every) - len(found), segmentation)


def _info(config: ModelsConfig) -> ModelInfo:
    import torch

    from gyrus.models import build, parts_of
    from gyrus.models.catalogue import describe
    from gyrus.models.costs import flops, inference_bytes, ms_per_image, parameters_of, training_bytes
    from gyrus.models.receptive_field import receptive_field

    assert config.name is not None
    size = config.image_size
    network = build(config.name, num_classes=2, image_size=size)
    listed = describe(config.name, count=False)
    field, beyond = receptive_field(network)
    return ModelInfo(
        name=config.name,
        family=listed["family"],
        weights=listed["weights"],
        image_size=size,
        fixed_size=network.fixed_size is not None,
        parameters=parameters_of(network),
        flops=flops(network, size),
        training_bytes=training_bytes(network, size, config.batch_size),
        batch_size=config.batch_size,
        inference_bytes=inference_bytes(network, size),
        receptive_field_px=field,
        sees_whole_picture=beyond,
        ms_per_image=ms_per_image(network, size, 1),
        ms_per_image_in_batch=ms_per_image(network, size, 8),
        threads=torch.get_num_threads(),
        parts=tuple(
            {"name": part.name, "parameters": parameters_of(part.module)} for part in parts_of(network)
        ),
        maps_exact=network.maps_exact,
        mean=network.mean,
        std=network.std,
    )


def _segmentation_info(config: ModelsConfig) -> SegmentationInfo:
    import torch

    from gyrus.models.costs import flops, inference_bytes, ms_per_image, parameters_of, training_bytes
    from gyrus.models.segmentation import build_segmentation
    from gyrus.models.segmentation.catalogue import told_of

    assert config.name is not None
    size = config.image_size
    network = build_segmentation(config.name, mask_classes=1, image_size=size)
    told = told_of(config.name)
    return SegmentationInfo(
        name=config.name,
        family=told.family,
        weights=told.weights,
        image_size=size,
        size_multiple=network.size_multiple,
        parameters=parameters_of(network),
        encoder_parameters=parameters_of(network.encoder),
        flops=flops(network, size),
        training_bytes=training_bytes(network, size, config.batch_size),
        batch_size=config.batch_size,
        inference_bytes=inference_bytes(network, size),
        ms_per_image=ms_per_image(network, size, 1),
        ms_per_image_in_batch=ms_per_image(network, size, 8),
        threads=torch.get_num_threads(),
        mean=network.mean,
        std=network.std,
    )


def _millions(count: int | None) -> str:
    return "—" if count is None else f"{count / 1e6:.2f} M"


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.3g}" for value in dict.fromkeys(values))
