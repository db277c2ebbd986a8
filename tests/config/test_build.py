from pathlib import Path

import pytest

from gyrus.config import DemoConfig, PredictConfig, SplitOptions, TrainConfig
from gyrus.config.build import build, nearest
from gyrus.errors import UsageError


def test_text_becomes_paths_and_defaults_stand():
    config = build(TrainConfig, source="data", learning_rate=1, subjects="patients.csv")
    assert config.source == Path("data")
    assert config.subjects == Path("patients.csv")
    assert config.learning_rate == 1.0
    assert config.split == "auto"


def test_one_file_or_many():
    assert build(PredictConfig, files="a.png", model="m").files == (Path("a.png"),)
    assert build(PredictConfig, files=Path("a.png"), model="m").files == (Path("a.png"),)
    assert build(PredictConfig, files=["a.png", Path("b.png")], model="m").files == (
        Path("a.png"),
        Path("b.png"),
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epohcs": 3}, "did you mean 'epochs'"),
        ({"split": "repiar"}, "auto, repair, new"),
        ({"epochs": "3"}, "expected int"),
        ({"epochs": True}, "expected int"),
        ({"epochs": 0}, "at least 1"),
        ({"learning_rate": -1.0}, "above 0"),
        ({"learning_rate": float("nan")}, "above 0"),
        ({"learning_rate": float("inf")}, "above 0"),
        ({"weight_decay": -0.1}, "from 0 on"),
        ({"warmup_epochs": -1.0}, "from 0 on"),
        ({"patience": 0}, "above 0"),
        ({"patience": -3}, "above 0"),
        ({"join_classes": 3}, "one str or several"),
        ({"dropout": 1.0}, "share from 0"),
        ({"fold": 5}, "0 to 4"),
        ({"test_fraction": 0.9}, "leave nothing"),
        ({"allow_leak": " "}, "needs a reason"),
        ({"weights": "w.safetensors", "pretrained": True}, "exclude each other"),
    ],
)
def test_wrong_options_say_what_is_expected(options, words):
    with pytest.raises(UsageError, match=words):
        build(TrainConfig, source="data", **options)


def test_no_patience_is_never():
    assert build(TrainConfig, source="data", patience=None).patience is None


def test_a_value_that_is_long_is_cut():
    with pytest.raises(UsageError, match="expected Path") as caught:
        build(PredictConfig, files=[list(range(10_000))], model="m")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("options", [{"subjects": 3}, {"epochs": 0}, {"image_size": 8}, {"seed": -1}])
def test_a_demo_that_cannot_end_is_refused(options):
    with pytest.raises(UsageError, match="at least"):
        build(DemoConfig, out="demo", **options)


def test_a_missing_option_is_named():
    with pytest.raises(UsageError, match="source"):
        build(TrainConfig)


def test_split_options_alone_are_checked_too():
    with pytest.raises(UsageError):
        SplitOptions(folds=1)


def test_nearest_is_silent_when_nothing_is_near():
    assert nearest("zzz", ["train", "audit"]) == ""
