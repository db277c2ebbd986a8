from pathlib import Path

import pytest
import torch

from gyrus.config.stages import Stage
from gyrus.data.manifest import Manifest, Row
from gyrus.errors import UsageError
from gyrus.models import build
from gyrus.training import recipes
from gyrus.training.recipe_notes import idle_with_recipe
from gyrus.training.recipes import recipe_of, training_patients
from gyrus.training.stage_runs import rate_of

WEIGHTS = Path("w.safetensors")


def manifest_of(patients, images_each=2, known=True):
    rows = tuple(
        Row(image_id=f"{p}-{i}", path="x.png", label="a", subject_id=f"p{p}" if known else "", split="train")
        for p in range(patients)
        for i in range(images_each)
    )
    other = Row(image_id="v", path="x.png", label="a", subject_id="v", split="val")
    return Manifest(rows=(*rows, other), root=Path())


@pytest.mark.parametrize(
    ("patients", "name"),
    [(3, "head"), (19, "head"), (20, "two-stage"), (99, "two-stage"), (100, "upper"), (150, "upper")],
)
def test_auto_decides_by_training_patients_and_says_why(config, network, patients, name):
    recipe = recipe_of(config(weights=WEIGHTS), manifest_of(patients), network)
    assert recipe.name == name
    assert f"{patients} patients" in recipe.why


@pytest.fixture(scope="module")
def network():
    return build("improved_cnn", num_classes=3, image_size=32)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"views": 0}, "without cached features"),
        ({"mixup": 0.2, "progressive": True}, "--mixup and --progressive would do nothing"),
        ({"architecture": "simple_cnn"}, "no finer parts"),
    ],
    ids=str,
)
def test_auto_trains_everything_where_the_upper_parts_alone_save_nothing(config, network, options, said):
    if "architecture" in options:  # a trunk that cannot be cut
        network = None
    recipe = recipe_of(config(weights=WEIGHTS, **options), manifest_of(100), network)
    assert recipe.name == "full"
    assert "100 patients" in recipe.why
    assert said in recipe.why


def test_auto_trains_everything_on_a_gpu(config, network, monkeypatch):
    monkeypatch.setattr(recipes, "pick_device", lambda asked: torch.device("cuda"))
    recipe = recipe_of(config(weights=WEIGHTS), manifest_of(100), network)
    assert recipe.name == "full"
    assert "was measured on a CPU, and this is cuda" in recipe.why


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"recipe": "head"}, "--epochs is not used by the recipe head: --head-epochs is the head's"),
        ({"recipe": "full", "head_epochs": 3, "views": 2}, "--head-epochs is not used by the recipe full"),
        ({"recipe": "full", "views": 2}, "--views is not used by the recipe full: nothing is frozen"),
        ({"recipe": "two-stage", "head_epochs": 3, "views": 2, "learning_rate": 0.1}, None),
    ],
    ids=str,
)
def test_lengths_that_a_recipe_has_no_use_for_are_told(config, options, said):
    asked = config(weights=WEIGHTS, epochs=5, **options)
    recipe = recipe_of(asked, manifest_of(3))
    found = " ".join(idle_with_recipe(asked, recipe.name, recipe.stages))
    assert (said or "") in found
    assert said is not None or not found


def test_a_file_tells_its_lengths_itself(config, tmp_path):
    text = "[[stage]]\nfree='all'\nepochs=1\nlearning_rate=0.1\n"
    (tmp_path / "mine.toml").write_text(text)
    asked = config(recipe=str(tmp_path / "mine.toml"), epochs=5, patience=3, learning_rate=0.2)
    recipe = recipe_of(asked, manifest_of(3))
    assert idle_with_recipe(asked, recipe.name, recipe.stages) == (
        "--epochs is not used by the recipe mine.toml: the file tells it stage by stage.",
        "--patience is not used by the recipe mine.toml: the file tells it stage by stage.",
        "--learning-rate is not used by the recipe mine.toml: every stage has its own.",
    )


def test_auto_without_weights_trains_everything(config):
    recipe = recipe_of(config(epochs=7, patience=None), manifest_of(3))
    assert recipe.name == "scratch"
    assert [(stage.free, stage.epochs, stage.patience) for stage in recipe.stages] == [(("all",), 7, None)]


def test_images_without_a_patient_are_counted_by_group():
    assert training_patients(manifest_of(4, images_each=3)) == (4, "patients")
    assert training_patients(manifest_of(4, images_each=3, known=False)) == (
        12,
        "patients or separate images",
    )


def test_two_stages_have_lengths_and_rates_of_their_own(config):
    options = config(recipe="two-stage", weights=WEIGHTS, epochs=5, head_epochs=30)
    head, last = recipe_of(options, manifest_of(3)).stages
    assert (head.free, head.epochs, last.free, last.epochs) == (("head",), 30, ("last-block",), 5)
    assert (rate_of(head, options), rate_of(last, options)) == (1e-3, 5e-4)
    asked = config(recipe="two-stage", weights=WEIGHTS, learning_rate=0.1)
    assert rate_of(head, asked) == rate_of(last, asked) == 0.1
    assert rate_of(Stage(name="x", free=("all",), epochs=1, learning_rate=0.2), asked) == 0.2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"recipe": "two-stages"}, "did you mean 'two-stage'"),
        ({"recipe": "scratch", "weights": WEIGHTS}, "starting weights are given"),
        ({"recipe": "head"}, "has random weights"),
        ({"recipe": "absent.toml"}, "cannot be read"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(config, options, said):
    with pytest.raises(UsageError, match=said):
        recipe_of(config(**options), manifest_of(3))


FILE = """
[[stage]]
name = "head"
free = "head"
epochs = 3

[[stage]]
free = ["block3", "head"]
epochs = 2
trunk_factor = 0.1
layer_decay = 0.8
freeze_norms = true
"""


def test_a_file_is_a_recipe(config, tmp_path):
    (tmp_path / "mine.toml").write_text(FILE)
    recipe = recipe_of(config(recipe=str(tmp_path / "mine.toml")), manifest_of(3))
    assert recipe.name == "mine.toml"
    assert recipe.stages[0] == Stage(name="head", free=("head",), epochs=3)
    assert recipe.stages[1] == Stage(
        name="stage 2",
        free=("block3", "head"),
        epochs=2,
        trunk_factor=0.1,
        layer_decay=0.8,
        freeze_norms=True,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"no \[\[stage\]\]"),
        ("stage = 3", r"no \[\[stage\]\]"),
        ("[[stage]]\nfree='head'\nepochs=1\n[other]", "has other"),
        ("[[stage]", "is no TOML"),
        ("[[stage]]\nfree = []\nepochs = 1", "stage 1: .*frees nothing"),
        ("[[stage]]\nfree = 'head'\nepochs = 0", "stage 1: epochs is 0"),
        ("[[stage]]\nfree = 'head'\nepochs = 1\nfreee = 1", "stage 1: unknown option 'freee'.*'free'"),
        ("[[stage]]\nfree = ['all', 'head']\nepochs = 1", "frees 'all' and more"),
        ("[[stage]]\nepochs = 1", "stage 1: .*free"),
        ("[[stage]]\nname='a'\nfree='all'\nepochs=1\n" * 2, "one name"),
    ],
)
def test_a_mistake_in_a_file_names_file_and_stage(config, tmp_path, text, said):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        recipe_of(config(recipe=str(path)), manifest_of(3))
    assert caught.value.path == str(path)
