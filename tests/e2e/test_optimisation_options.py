"""Options of optimisation and balance from the command line to config.json and the card."""

import json

import pytest

from gyrus import train
from gyrus.bundles import read_bundle
from gyrus.errors import UsageError

from .conftest import gyrus

BASE = (
    "--architecture", "simple_cnn", "--image-size", "32", "--batch-size", "8", "--epochs", "2",
    "--precision", "float32", "--json",
)  # fmt: skip
SETS = {
    "momentum": {
        "optimizer": "sgd", "schedule": "one-cycle", "momentum": 0.8, "clip_norm": 1.0, "sampler": "balanced",
        "loss": "focal", "focal_gamma": 1.5,
    },
    "average": {
        "optimizer": "rmsprop", "schedule": "plateau", "plateau_patience": 0, "ema": 0.99,
        "class_weights": "effective", "effective_beta": 0.9, "label_smoothing": 0.1,
    },
    "found": {
        "optimizer": "adam", "schedule": "constant", "find_rate": True, "minority_augmentation": True,
        "class_weights": "glioma=2,meningioma=1,no_tumor=1,pituitary=1",
    },
    "one logit": {"binary_output": "one", "join_classes": ["tumour=glioma,meningioma,pituitary"]},
}  # fmt: skip


def flags(options):
    for name, value in options.items():
        yield f"--{name.replace('_', '-')}"
        if value is not True:
            yield from value if isinstance(value, list) else [str(value)]


@pytest.mark.soak
@pytest.mark.parametrize("name", SETS)
def test_a_run_with_these_options(name, workplace):
    options = SETS[name]
    out = workplace / "runs" / f"options-{name.replace(' ', '-')}"
    done = gyrus("train", "cohort", "--out", out, *BASE, *flags(options), cwd=workplace)
    assert done.returncode == 0, done.stderr
    written = json.loads((out / "config.json").read_text())
    assert {key: written[key] for key in options} == options
    told = read_bundle(out / "model.gyrus").card["provenance"]["optimisation"]
    shared = [key for key in told if key in options and key != "class_weights"]
    assert {key: told[key] for key in shared} == {key: options[key] for key in shared}
    found = json.loads(done.stdout)["found_rates"]
    if name == "found":
        assert told["class_weights"] == {"glioma": 2.0, "meningioma": 1.0, "no_tumor": 1.0, "pituitary": 1.0}
        assert list(found) == ["learning-rate.png"]
        assert (out / "learning-rate.png").is_file()
        assert (out / "learning-rate.svg").is_file()
        assert told["learning_rates"] == {"scratch": found["learning-rate.png"]}
        assert "Suggested learning rate" in done.stderr
    else:
        assert found == {}
    if name == "one logit":
        assert told["loss"] == "binary cross-entropy"
        assert set(told["class_weights"]) == {"no_tumor", "tumour"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"class_weights": "1,2"}, "has 2 numbers; there are 4 classes: glioma, meningioma"),
        ({"class_weights": "gliom=1"}, "did you mean 'glioma'"),
    ],
)
def test_weights_that_do_not_fit_leave_no_run_folder(options, words, workplace):
    out = workplace / "runs" / "refused"
    with pytest.raises(UsageError, match=words):
        train(workplace / "cohort", out=out, architecture="simple_cnn", image_size=32, **options)
    assert not out.exists()
