from dataclasses import asdict
from pathlib import Path

import pytest
from drawn_by_hand import fixed

from gyrus.config.augmenting import AugmentationOptions
from gyrus.errors import UsageError
from gyrus.training.augmentation import POLICIES, describe, describe_policy, doubts, draw, policy_of


def test_the_option_names_the_policies():
    from typing import get_args, get_type_hints

    assert set(get_args(get_type_hints(AugmentationOptions)["augmentation"])) == set(POLICIES)
    assert all(policy.name == name for name, policy in POLICIES.items())


def test_sides_are_kept_by_every_policy_of_a_picture_that_has_sides():
    mirrored = {
        name for name, policy in POLICIES.items() if policy.mirror_left_right or policy.mirror_up_down
    }
    assert mirrored == {"pathology", "natural"}
    assert {name for name, policy in POLICIES.items() if policy.quarter_turns} == {"pathology"}


def test_ct_is_window_jitter_only():
    changed = {
        name for name, value in asdict(POLICIES["ct"]).items() if value and name not in ("name", "outside")
    }
    assert changed - {"noise_kind"} == {"window"}


@pytest.mark.parametrize("name", POLICIES)
def test_flips_and_erasing_are_added_to_any_policy(name):
    policy = policy_of(AugmentationOptions(augmentation=name, flips=True, erasing=0.25))
    assert policy.mirror_left_right
    assert policy.erasing == 0.25
    assert policy_of(AugmentationOptions(augmentation=name)) == POLICIES[name]


def test_doubts_are_said():
    assert doubts(AugmentationOptions(), "grey") == ()
    assert (
        "heart on the right" in doubts(AugmentationOptions(augmentation="chest-xray", flips=True), "grey")[0]
    )
    (grey,) = doubts(AugmentationOptions(augmentation="pathology"), "grey")
    assert "saturation, white_balance, stain" in grey
    assert "--color rgb" in grey
    assert doubts(AugmentationOptions(augmentation="pathology"), "rgb") == ()
    assert "mirrors anyway" in doubts(AugmentationOptions(augmentation="natural", flips=True), "rgb")[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mixup": -0.1}, "mixup is -0.1"),
        ({"cutmix": float("nan")}, "cutmix is nan"),
        ({"mixup": 99.0}, "expected an alpha up to 16"),
        ({"erasing": 1.0}, "erasing is 1.0; expected a share"),
    ],
)
def test_bad_numbers_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        AugmentationOptions(**options)


def test_words_name_what_is_done_and_nothing_else():
    import numpy as np

    assert describe_policy(POLICIES["none"]) == "nothing is changed"
    assert describe_policy(POLICIES["ct"]) == "window ends ±5 %"
    assert "rotation ±12°" in describe_policy(POLICIES["brain-mri"])
    assert describe(fixed(), 0) == ()
    assert describe(fixed(rotation_deg=-3.2, gamma=1.1, noise=0.02), 0) == (
        "-3°",
        "gamma 1.10",
        "noise 2.0 %",
    )
    for policy in POLICIES.values():
        lines = describe(draw(0, 0, np.arange(1), policy), 0)
        assert all(lines)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=list(POLICIES))
def test_the_page_tells_the_ranges_as_they_are(policy):
    page = Path(__file__).parents[3] / "docs" / "reference" / "augmentation.md"
    rows = [
        line
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{policy.name}`")
    ]
    assert len(rows) == 1
    assert rows[0].split("|")[2].strip() == describe_policy(policy)
