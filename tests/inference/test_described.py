"""A bundle whose graph and card tell different things is refused; heat maps follow the card's geometry."""

import numpy as np
import pytest

import tiny_bundle
from gyrus.bundles import Bundle
from gyrus.errors import BundleError
from gyrus.exporting.preprocess_graph import preprocess_graph
from gyrus.imaging.geometry import Geometry
from gyrus.inference import Predictor, make_self_test, self_test
from gyrus.inference.described import check_preprocessing

SIDE = tiny_bundle.SIZE
RANDOM = np.random.default_rng(0)


def slice_with_head(height=90, width=50):
    image = np.zeros((height, width, 1), np.uint8)
    head = image[12:-20, 7:-5]
    head[...] = RANDOM.integers(40, 200, head.shape)
    return image


IMAGES = [slice_with_head(), slice_with_head(40, 111), np.zeros((33, 21, 1), np.uint8)]
CHOICES = [
    {"resize": mode, "brain_crop": head, "normalize": normalize}
    for mode in ("squash", "pad", "crop")
    for head in (False, True)
    for normalize in ("auto", "per-image")
]


def bundle(graph, card):
    preprocess = preprocess_graph(
        geometry=Geometry(SIDE, graph["resize"], graph["brain_crop"]), channels_in=1,
        mean=[tiny_bundle.MEAN], std=[tiny_bundle.STD], per_image=graph["normalize"] == "per-image",
    )  # fmt: skip
    members = {**tiny_bundle.members(), "preprocess.onnx": preprocess}
    return Bundle(card=tiny_bundle.card(**card), members=members, digest="")


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: " ".join(map(str, choice.values())))
def test_a_card_that_tells_the_truth_passes_and_every_other_one_fails(choice):
    for told in CHOICES:
        made = bundle(choice, told)
        if told == choice:
            check_preprocessing(made, IMAGES)
        else:
            with pytest.raises(BundleError, match=r"does not prepare images as the card says: up to"):
                check_preprocessing(made, IMAGES)


def test_another_mean_or_size_is_found():
    with pytest.raises(BundleError, match="grey levels apart"):
        check_preprocessing(bundle(CHOICES[0], {**CHOICES[0], "mean": [0.45]}), IMAGES)
    with pytest.raises(BundleError, match=r"it gives \(1, 1, 32, 32\); the card says \(1, 1, 48, 48\)"):
        check_preprocessing(bundle(CHOICES[0], {**CHOICES[0], "image_size_px": 48}), IMAGES)


def test_the_self_test_looks_at_it():
    made = bundle(CHOICES[4], CHOICES[4])
    images = {f"phantom-{number}": image for number, image in enumerate(IMAGES)}
    graphs = made.members["preprocess.onnx"], made.members["network.onnx"]
    tests = make_self_test(made.card, *graphs, images)
    assert self_test(Bundle(made.card, {**made.members, **tests}, "")).cases == 3
    lying = tiny_bundle.card(**CHOICES[6])
    with pytest.raises(BundleError, match="does not prepare images as the card says"):
        self_test(Bundle(lying, {**made.members, **tests}, ""))


def test_a_map_lies_over_the_image_and_not_over_the_square():
    made = bundle(CHOICES[4], CHOICES[4])  # pad
    image = IMAGES[1]
    answer = Predictor(made).predict([image])[0]
    assert answer.maps.shape[1:] == (4, 4)
    heat = answer.heat()
    assert heat.shape == image.shape[:2]
    raw = answer.maps[answer.classes.index(answer.label)]
    # 40 x 111 fits as 12 x 32: rows 10 to 21 of the square, cells 1 and 2 of the map
    assert heat.min() >= raw.min() - 1e-5
    assert heat.max() <= raw.max() + 1e-5
    assert heat[:, 55].mean() == pytest.approx(raw[1:3, 1:3].mean(), abs=0.25 * float(np.ptp(raw)))
    cropped = Predictor(bundle(CHOICES[2], CHOICES[2])).predict([image])[0].heat()
    assert not cropped[:12].any()
    assert not cropped[-20:].any()


def test_a_bundle_from_before_there_was_a_choice_answers_as_it_did():
    made = bundle(CHOICES[0], CHOICES[0])
    old = dict(made.card)
    old["input"] = {name: value for name, value in old["input"].items()
                    if name not in ("resize", "brain_crop", "normalize")}  # fmt: skip
    former = Bundle(old, made.members, "")
    check_preprocessing(former, IMAGES)
    assert Predictor(former).predict(IMAGES[:1])[0].heat().shape == (4, 4)
