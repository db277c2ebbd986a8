"""The policies: for each kind of picture how far it may be changed and still be what its label says.

A policy is data. The reasons stand in ``docs/reference/augmentation.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gyrus.config.augmenting import AugmentationOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How far each parameter may go; what is not named is left alone.

    Attributes
    ----------
    name : str
        As the option ``--augmentation`` takes it.
    mirror_left_right, mirror_up_down : bool
        Half of the images are mirrored.
    quarter_turns : bool
        0, 90, 180 or 270 degrees, each as often; without interpolation.
    rotation_deg : float
        To either side, about the centre.
    shift : float
        Along each axis to either side, as a share of the side.
    scale : float
        Enlarged or reduced by up to this share.
    gamma : float
        Largest absolute natural logarithm of the exponent.
    contrast, brightness : float
        Factor of the distance from the image's mean, and of all intensities, to either side of 1.
    window : float
        Each end of the intensity window moves by up to this share of the window, to either side.
    saturation, white_balance : float
        Factor of the distance from grey; factors of red and of blue; to either side of 1. Colour only.
    hue_deg : float
        Turn of the hue to either side. Colour only.
    stain : float
        Factors of haematoxylin and of eosin, to either side of 1. Colour only.
    bias_field : float
        Largest change of the intensity by a smooth field across the image, as a share.
    noise : float
        Largest standard deviation of the noise; intensities go from 0 to 1.
    noise_kind : {"additive", "magnitude"}
        Gaussian; or of the magnitude of a complex signal, as in MR images.
    erasing : float
        Share of the images in which a rectangle is erased.
    outside : {"black", "mirror"}
        What comes in from outside the picture.
    """

    name: str
    mirror_left_right: bool = False
    mirror_up_down: bool = False
    quarter_turns: bool = False
    rotation_deg: float = 0.0
    shift: float = 0.0
    scale: float = 0.0
    gamma: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    window: float = 0.0
    saturation: float = 0.0
    white_balance: float = 0.0
    hue_deg: float = 0.0
    stain: float = 0.0
    bias_field: float = 0.0
    noise: float = 0.0
    noise_kind: Literal["additive", "magnitude"] = "additive"
    erasing: float = 0.0
    outside: Literal["black", "mirror"] = "black"

    @property
    def of_colour_only(self) -> tuple[str, ...]:
        """Names of the parts that do nothing to a grey image."""
        return tuple(name for name in _COLOUR_PARTS if getattr(self, name))

    @property
    def changes_nothing(self) -> bool:
        """Whether every image is left as it is."""
        return self == Policy(name=self.name, noise_kind=self.noise_kind, outside=self.outside)


_COLOUR_PARTS = ("saturation", "white_balance", "hue_deg", "stain")
_SIDES_MEAN = {
    "brain-mri": "left and right mean something in a brain, and a mirrored copy is what the audit looks for",
    "chest-xray": "a mirrored chest has its heart on the right",
    "ct": "a mirrored slice has its organs on the other side",
    "retina": "a mirrored retina is the other eye",
}

POLICIES: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy(
            name="brain-mri",
            rotation_deg=12.0,
            shift=0.05,
            scale=0.10,
            gamma=0.20,
            contrast=0.15,
            brightness=0.10,
            bias_field=0.50,
            noise=0.03,
            noise_kind="magnitude",
        ),
        Policy(
            name="chest-xray",
            rotation_deg=7.0,
            shift=0.05,
            scale=0.08,
            gamma=0.15,
            contrast=0.15,
            brightness=0.10,
            noise=0.02,
        ),
        Policy(name="ct", window=0.05),
        Policy(
            name="pathology",
            mirror_left_right=True,
            mirror_up_down=True,
            quarter_turns=True,
            saturation=0.10,
            white_balance=0.03,
            stain=0.20,
        ),
        Policy(
            name="retina",
            rotation_deg=10.0,
            shift=0.04,
            scale=0.08,
            gamma=0.15,
            contrast=0.15,
            brightness=0.10,
            saturation=0.15,
            white_balance=0.08,
        ),
        Policy(
            name="natural",
            mirror_left_right=True,
            rotation_deg=5.0,
            shift=0.10,
            scale=0.10,
            contrast=0.20,
            brightness=0.20,
            saturation=0.20,
            hue_deg=8.0,
            outside="mirror",
        ),
        Policy(name="digits", rotation_deg=10.0, shift=0.08, scale=0.10),
        Policy(name="none"),
    )
}


def policy_of(options: AugmentationOptions) -> Policy:
    """Return the policy that is asked for, with the mirrors and the erasing that are added to it."""
    policy = POLICIES[options.augmentation]
    if options.flips:
        policy = replace(policy, mirror_left_right=True)
    return replace(policy, erasing=options.erasing)


def doubts(options: AugmentationOptions, color: Literal["grey", "rgb"]) -> tuple[str, ...]:
    """Return what deserves a second thought, in sentences: parts without effect, mirrors that mean something.

    Parameters
    ----------
    options : AugmentationOptions
        As asked for.
    color : {"grey", "rgb"}
        How the images are read.
    """
    policy = POLICIES[options.augmentation]
    found = []
    if color == "grey" and policy.of_colour_only:
        found.append(
            f"The images are read as grey, so these parts of the augmentation {policy.name} do nothing: "
            f"{', '.join(policy.of_colour_only)}. For colour give --color rgb."
        )
    if options.flips and policy.name in _SIDES_MEAN:
        found.append(f"--flips mirrors half of the images; {_SIDES_MEAN[policy.name]}.")
    if policy.mirror_left_right and options.flips:
        found.append(f"--flips changes nothing: the augmentation {policy.name} mirrors anyway.")
    return tuple(found)
