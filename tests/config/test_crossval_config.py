from dataclasses import asdict

import pytest

from gyrus.config import CrossvalConfig, TrainConfig
from gyrus.config.build import build
from gyrus.errors import UsageError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fold": 2}, "train DATA --fold 2"),
        ({"test": True}, "every fold anyway"),
        ({"resume": "runs/x"}, "goes on by itself"),
        ({"show_augmentation": True}, "train DATA --show-augmentation"),
        ({"repeats": 0}, "at least 1"),
        ({"jobs": 0}, "at least 1"),
        ({"folds": 1}, "at least 2"),
        ({"epochs": 0}, "at least 1"),  # every check of a training holds
    ],
)
def test_what_makes_no_sense_is_refused(options, words):
    with pytest.raises(UsageError, match=words):
        build(CrossvalConfig, source="data", **options)


def test_a_fold_has_the_options_of_a_training_with_that_fold():
    config = build(CrossvalConfig, source="data", epochs=3, seed=5, folds=4, repeats=2, out="o", json=True)
    fold = config.of_fold(3, folds=4, repeat=1)
    assert type(fold) is TrainConfig
    alone = build(TrainConfig, source="data", epochs=3, seed=6, folds=4, fold=3, test=True)
    assert asdict(fold) == asdict(alone)


def test_it_has_every_option_of_a_training(capsys):
    from gyrus.cli import main

    def options(verb):
        assert main([verb, "--help"]) == 0
        shown = capsys.readouterr().out
        return {word.strip("│ ,") for word in shown.split() if word.strip("│ ").startswith("--")}

    own = {"--fold", "--test", "--resume", "--show-augmentation"}
    assert options("train") - options("crossval") == own
    assert options("crossval") - options("train") == {"--jobs", "--repeats"}
