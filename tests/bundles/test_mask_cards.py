import pytest

import tiny_masks
from gyrus.bundles import check_card, decode_bundle, encode_bundle
from gyrus.errors import BundleError

ENERGY = {"method": "energy", "threshold": 0.5}


@pytest.mark.parametrize("options", [{}, {"several": True}, {"joint": True}])
def test_a_segmentation_is_a_bundle_like_any(options):
    bundle = decode_bundle(tiny_masks.bundle_bytes(**options))
    assert bundle.card["task"] == "segment"
    assert bundle.card["outputs"]["activation"] == ("softmax" if options.get("several") else "sigmoid")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"task": "classify"}, "segmentation: is not known"),
        ({"classes": []}, "classes"),
        ({"calibration": {"method": "temperature"}}, "calibration"),
        ({"outputs": {"maps": "exact", "embedding": True, "activation": "sigmoid"}}, "outputs.maps"),
        ({"outputs": {"maps": "none", "embedding": True, "activation": "softmax"}}, "outputs.activation"),
        ({"gate": {"version": 1, "brain_mri": None, "distribution": ENERGY}}, "gate.distribution.method"),
        ({"segmentation": None}, "segmentation"),
        ({"segmentation": {"kind": "binary"}}, "postprocess: is missing"),
        ({"segmentation": tiny_masks.segmentation(threshold=1.0)}, "threshold"),
        ({"segmentation": tiny_masks.segmentation(unit="cm2")}, "unit"),
        ({"segmentation": tiny_masks.segmentation(min_size=-1)}, "min_size"),
        ({"segmentation": tiny_masks.segmentation() | {"kind": "values"}}, "segmentation.values"),
        ({"segmentation": tiny_masks.segmentation() | {"picture_classes": ["b", "a"]}}, "picture_classes"),
        ({"segmentation": tiny_masks.segmentation() | {"windows": 1.0}}, "windows"),
        ({"segmentation": tiny_masks.segmentation() | {"mirrored": 1}}, "mirrored"),
        ({"segmentation": tiny_masks.segmentation(chosen_on={"split": "val"})}, "chosen_on"),
    ],
)
def test_a_field_that_does_not_fit_is_named(change, told):
    with pytest.raises(BundleError) as caught:
        check_card({**tiny_masks.card(), **change})
    assert told in "\n".join(caught.value.details)


def test_a_classifier_needs_two_classes():
    card = {name: value for name, value in tiny_masks.card().items() if name != "segmentation"}
    with pytest.raises(BundleError) as caught:
        check_card({**card, "task": "classify"})
    assert "classes: has 1 classes" in "\n".join(caught.value.details)


def test_a_graph_with_other_planes_is_refused():
    members = {
        "preprocess.onnx": tiny_masks.preprocess_model(),
        "network.onnx": tiny_masks.network_model(several=True),
    }
    with pytest.raises(BundleError) as caught:
        encode_bundle(members, tiny_masks.card())
    assert "mask_logits" in "\n".join(caught.value.details)
