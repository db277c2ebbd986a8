"""What a verb refuses, it refuses at once: before anything is read for minutes, written, or looked at."""

import shutil

import pytest

import gyrus
from gyrus.bundles import read_bundle, rewrite_card
from gyrus.errors import BundleError, DataError, LeakageError, UsageError
from gyrus.phantom import Faults, Phantom, write_cohort
from gyrus.runs import RunFolder

SMALL = {"architecture": "simple_cnn", "image_size": 32, "epochs": 1, "precision": "float32"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty working folder with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GYRUS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def unread(monkeypatch):
    """Fail where data are read."""

    def read(*_, **__):
        raise AssertionError("the data were read first")

    monkeypatch.setattr("gyrus.verbs.train.prepare", read)
    monkeypatch.setattr("gyrus.verbs.audit.prepare", read)


def test_a_run_folder_that_is_taken(cohort, place, unread):
    (place / "run").mkdir()
    (place / "run" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="never overwritten"):
        gyrus.train(cohort, out=place / "run")


def test_weights_that_are_none(cohort, place, unread):
    (place / "w.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="safetensors"):
        gyrus.train(cohort, weights=place / "w.csv", out=place / "run", **SMALL)
    assert not (place / "run").exists()


def test_weights_of_another_architecture(cohort, place, unread):
    from safetensors.torch import save_file

    from gyrus.models import build

    save_file(build("improved_cnn", num_classes=4).state_dict(), place / "w.safetensors")
    with pytest.raises(DataError, match="not weights of simple_cnn"):
        gyrus.train(cohort, weights=place / "w.safetensors", out=place / "run", **SMALL)
    assert not (place / "run").exists()


def test_weights_that_are_a_folder(cohort, place, unread):
    with pytest.raises(DataError, match="is no file"):
        gyrus.train(cohort, weights=place, out=place / "run", **SMALL)


def test_a_part_that_the_network_does_not_have(cohort, place, unread):
    text = "[[stage]]\nfree = 'all'\nepochs = 1\n[[stage]]\nfree = ['blok3', 'head']\nepochs = 1\n"
    (place / "mine.toml").write_text(text)
    options = {**SMALL, "architecture": "improved_cnn"}
    with pytest.raises(UsageError, match="frees 'blok3', which improved_cnn does not have") as caught:
        gyrus.train(cohort, recipe="mine.toml", out=place / "run", **options)
    assert "did you mean 'block3'" in str(caught.value)
    assert not (place / "run").exists()


def test_pictures_mixed_where_none_is_seen(cohort, place, unread):
    from safetensors.torch import save_file

    from gyrus.models import build

    save_file(build("simple_cnn", num_classes=4, image_size=32).state_dict(), place / "w.safetensors")
    options = {**SMALL, "weights": place / "w.safetensors", "recipe": "head", "mixup": 0.2}
    with pytest.raises(UsageError, match="--mixup needs pictures"):
        gyrus.train(cohort, out=place / "run", **options)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("ful", "did you mean 'full'"),
        ("absent.toml", "No such file"),
        ("head", "random weights"),
        ("broken.toml", "is no TOML"),
    ],
)
def test_a_recipe_that_is_none(cohort, place, unread, recipe, said):
    (place / "broken.toml").write_text("[[stage]")
    with pytest.raises(UsageError, match=said):
        gyrus.train(cohort, recipe=recipe, out=place / "run", **SMALL)
    assert not (place / "run").exists()


def test_an_image_size_of_a_slip_of_the_finger(cohort, place, unread):
    with pytest.raises(UsageError, match="at most 8192"):
        gyrus.train(cohort, **{**SMALL, "image_size": 224224})
    with pytest.raises(UsageError, match="at most 8192"):
        gyrus.networks("info", "simple_cnn", image_size=224224)


def test_one_logit_for_more_than_two_classes(cohort, place):
    with pytest.raises(UsageError, match="for two classes; there are 4"):
        gyrus.train(cohort, binary_output="one", out=place / "run", **SMALL)
    assert not (place / "run").exists()


def test_more_folds_than_patients_is_said_in_short(cohort, place):
    with pytest.raises(DataError, match="for 300 folds\n"):
        gyrus.crossval(cohort, folds=300, out=place / "run", **SMALL)


def test_going_on_with_a_folder_that_does_not_exist(cohort, place, unread):
    with pytest.raises(UsageError, match="does not exist"):
        gyrus.train(cohort, resume=place / "absent", **SMALL)


def test_an_image_size_that_the_network_cannot_take(cohort, place, unread):
    with pytest.raises(UsageError, match="mobilenetv2_100 needs at least 32"):
        gyrus.train(cohort, architecture="mobilenetv2_100", image_size=16, out=place / "run")
    assert not (place / "run").exists()


def test_no_validation_images(cohort, place):
    with pytest.raises(UsageError, match="val_fraction is 0") as caught:
        gyrus.train(cohort, val_fraction=0.0, out=place / "run", **SMALL)
    assert "--val-fraction" in str(caught.value)
    assert not (place / "run").exists()


def test_a_look_at_a_test_set_that_is_none(cohort, place):
    with pytest.raises(UsageError, match="test_fraction is 0"):
        gyrus.train(cohort, test_fraction=0.0, test=True, out=place / "run", **SMALL)
    assert sorted(entry.name for entry in place.iterdir()) == ["cache"]


def test_evaluating_a_test_set_that_is_none_is_no_look(run, place):
    copied = shutil.copytree(run.path, place / "runs" / "copied")
    manifest = copied / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",test,", ",cal,"))
    with pytest.raises(DataError, match="'test'"):
        gyrus.evaluate(copied, test=True)
    assert not RunFolder(copied).ledger.exists()


@pytest.mark.parametrize("what", ["bundle", "manifest"])
def test_a_bundle_of_another_run_is_not_measured_on_this_one(run, place, what):
    """It may have been trained on these very images."""
    copied = RunFolder(shutil.copytree(run.path, place / "runs" / "copied"))
    if what == "bundle":
        data = read_bundle(copied.bundle).card["data"]
        rewrite_card(copied.bundle, data={**data, "fingerprint": "0" * 64})
    else:
        text = copied.manifest.read_text()
        copied.manifest.write_text(text.replace(",train,", ",test,", 1))
    with pytest.raises(BundleError, match="was not trained on the division"):
        gyrus.evaluate(copied.path, test=True)
    assert not copied.ledger.exists()


@pytest.mark.filterwarnings("ignore:undefined, therefore NaN")  # one epoch teaches nothing
def test_a_reason_is_stamped_where_there_is_a_leak_only(place):
    write_cohort(place / "sound", Phantom(subjects=24, slices_per_subject=2, image_size=48))
    result = gyrus.train("sound", allow_leak="just in case", **SMALL)
    assert result.verdict == "clean"
    assert "just in case" not in result.run.audit.read_text()
    assert "just in case" not in gyrus.bundle("info", result.run.path).to_text()
    assert "Gone on all the same" not in result.run.report.read_text()


def test_a_leak_is_refused_before_anything_is_written(place):
    write_cohort(
        place / "leaking",
        Phantom(subjects=24, slices_per_subject=2, image_size=48),
        Faults(shared_subjects=1),
        split="subject",
    )
    with pytest.raises(LeakageError, match="1 patient stands"):
        gyrus.train("leaking", **SMALL)
    assert sorted(entry.name for entry in place.iterdir()) == ["cache", "leaking"]


@pytest.mark.parametrize("name", ["manifest.csv", "audit.json"])
def test_an_audit_does_not_write_over_files_of_others(cohort, place, unread, name):
    """The folder of a run holds both, and the one of a data set its manifest."""
    (place / "mine").mkdir()
    (place / "mine" / name).write_text("mine")
    with pytest.raises(UsageError, match=name):
        gyrus.audit(cohort, out=place / "mine")
    assert (place / "mine" / name).read_text() == "mine"


def test_an_audit_does_not_write_into_the_data(cohort, place, unread):
    """Its manifest would be taken for that of the data, and images added later would be missed."""
    shutil.copytree(cohort, place / "data")
    (place / "data" / "manifest.csv").unlink()
    with pytest.raises(UsageError, match="data themselves"):
        gyrus.audit("data", out=place / "data")
    with pytest.raises(UsageError, match="data themselves"):
        gyrus.audit("data", out="data/../data")


def test_an_audit_is_written_anew(cohort, place):
    gyrus.audit(cohort, out=place / "audit")
    before = (place / "audit" / "manifest.csv").read_bytes()
    gyrus.audit(cohort, out=place / "audit")
    assert (place / "audit" / "manifest.csv").read_bytes() == before


def test_a_demo_leaves_the_folder_of_others_alone(cohort, place):
    shutil.copytree(cohort, place / "mine")
    before = sorted(path.name for path in (place / "mine").iterdir())
    with pytest.raises(UsageError, match="no demo's folder"):
        gyrus.demo("mine", subjects=16)
    assert sorted(path.name for path in (place / "mine").iterdir()) == before


def test_a_demo_in_a_file(place):
    (place / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="a demo is a folder"):
        gyrus.demo(place / "mine.txt")
    assert (place / "mine.txt").read_text() == "mine"


def test_a_demo_that_was_interrupted_begins_anew(place, monkeypatch):
    """The next call draws the whole cohort; it neither takes the half for it nor asks for another folder."""

    def interrupted(folder, phantom):
        folder.mkdir(parents=True)
        (folder / "half.png").write_bytes(b"")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("gyrus.verbs.demo.write_cohort", interrupted)
        with pytest.raises(KeyboardInterrupt):
            gyrus.demo("demo", subjects=16)
    monkeypatch.setattr("gyrus.verbs.demo.train_verb.train_as", lambda config: config.source)
    with pytest.raises(AttributeError):  # what stands in for the training returns no run
        gyrus.demo("demo", subjects=16)
    assert (place / "demo" / "cohort" / "manifest.csv").is_file()
    assert not (place / "demo" / "cohort" / "half.png").exists()
    assert not (place / "demo" / "cohort.part").exists()


def test_folds_without_a_fold_are_said_to_be_unused(cohort, place, caplog):
    with caplog.at_level("INFO", logger="gyrus"), pytest.raises(UsageError, match="nothing to look at"):
        gyrus.train(cohort, folds=7, test_fraction=0.0, test=True, **SMALL)
    assert "--folds 7 is not used" in caplog.text
