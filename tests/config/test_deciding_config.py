"""An operating point is named as a whole; shares are shares; a bundle to be made has a name of its own."""

import pytest

from gyrus.config import CalibrateConfig, CrossvalConfig, EvaluateConfig, TrainConfig
from gyrus.config.build import build
from gyrus.errors import UsageError


def test_classes_may_be_given_in_one_word_or_in_several():
    config = TrainConfig(source="x", positive=("glioma, meningioma", "pituitary"), min_sensitivity=0.98)
    assert config.positives == ("glioma", "meningioma", "pituitary")
    assert config.promises == (("sensitivity", 0.98),)
    assert config.deciding_given == ["--positive", "--min-sensitivity"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positive": ("glioma",)}, "no rate is asked for"),
        ({"min_specificity": 0.9}, "no class counts as positive"),
        ({"positive": ("a,a",), "min_sensitivity": 0.9}, "positive names a more than once"),
        ({"min_sensitivity": 1.0, "positive": ("a",)}, "min_sensitivity is 1.0; expected a share"),
        ({"conformal_level": 0.95, "conformal_method": "none"}, "no sets are asked for"),
        ({"conformal_level": 0.9, "conformal_method": "none"}, "no sets are asked for"),
        ({"conformal_promise": "about", "conformal_method": "none"}, "leave out --conformal-promise"),
        ({"conformal_level": 90.0}, "conformal_level is 90.0; expected a share"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        build(TrainConfig, source="x", **options)


def test_a_fold_leaves_to_the_pool_what_needs_many_patients():
    config = CrossvalConfig(
        source="x", positive=("glioma",), min_sensitivity=0.98, calibration="vector", conformal_level=0.95
    )
    fold = config.of_fold(1, folds=5, repeat=0)
    assert (fold.positive, fold.min_sensitivity, fold.calibration) == ((), None, "auto")
    assert CrossvalConfig(source="x", calibration="none").of_fold(0, folds=5, repeat=0).calibration == "none"


def test_evaluate_fits_nothing_unless_asked():
    assert EvaluateConfig(source="x").deciding_given == []
    assert EvaluateConfig(source="x", calibration="auto").deciding_given == ["--calibration"]


def test_the_new_bundle_must_be_new_and_a_bundle(tmp_path):
    with pytest.raises(UsageError, match="expected the name of a bundle"):
        build(CalibrateConfig, source="x", data="y", out=tmp_path / "new.zip")
    (tmp_path / "new.gyrus").write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists already"):
        build(CalibrateConfig, source="x", data="y", out=tmp_path / "new.gyrus")
