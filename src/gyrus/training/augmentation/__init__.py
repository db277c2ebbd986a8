"""Augmentation of whole batches on their device: policies are data; drawing and applying are apart."""

from gyrus.training.augmentation.applying import apply, apply_to_masks
from gyrus.training.augmentation.describing import describe, describe_policy
from gyrus.training.augmentation.drawing import Drawn, draw
from gyrus.training.augmentation.lesions import part_lost
from gyrus.training.augmentation.mixing import (
    Mixed,
    Mixing,
    apply_mixed,
    draw_mixed,
    mix,
    mixing_of,
    soft_targets,
)
from gyrus.training.augmentation.policies import POLICIES, Policy, doubts, policy_of

__all__ = [
    "POLICIES",
    "Drawn",
    "Mixed",
    "Mixing",
    "Policy",
    "apply",
    "apply_mixed",
    "apply_to_masks",
    "describe",
    "describe_policy",
    "doubts",
    "draw",
    "draw_mixed",
    "mix",
    "mixing_of",
    "part_lost",
    "policy_of",
    "soft_targets",
]
