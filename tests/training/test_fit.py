import csv
import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from gyrus.errors import DataError, UsageError
from gyrus.models import build, load_weights
from gyrus.runs import RunFolder
from gyrus.training import Classifier, fit
from gyrus.training.batches import Look, SplitPixels, prepare
from gyrus.training.fit import pick_device
from gyrus.training.metrics_log import COLUMNS


@pytest.fixture
def fitted(bar_data, run, config):
    return fit(*bar_data, config(epochs=4), run, progress=False)


def files_of(folder: Path):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_it_learns_and_keeps_the_best_epoch(fitted, bar_data, run):
    manifest, pixels = bar_data
    assert fitted.classes == ("low", "middle", "top")
    best = min(fitted.history, key=lambda row: row["val_loss"])
    assert fitted.best_epoch == best["epoch"]
    assert best["val_accuracy"] == 1.0
    # the network that is handed out is the one of that epoch: its validation loss, computed here anew
    split = SplitPixels(manifest, "val", pixels)
    batch = split[np.arange(len(split))]
    look = Look(fitted.network.mean, fitted.network.std, policy=None, channels_last=False)
    assert not fitted.network.training
    with torch.no_grad():
        logits = fitted.network(prepare(batch, look, seed=0, epoch=None))
    loss = functional.cross_entropy(logits, batch.labels)
    assert loss.item() == pytest.approx(best["val_loss"], rel=1e-4)


def test_nothing_but_metrics_and_checkpoints_is_left(fitted, run, tmp_path):
    assert files_of(run.path) == ["checkpoints/best.ckpt", "checkpoints/resume.ckpt", "metrics.csv"]
    assert fitted.checkpoint == run.checkpoints / "best.ckpt"
    assert not (Path.cwd() / "lightning_logs").exists()


def test_metrics_have_one_whole_row_an_epoch(fitted, run):
    with run.metrics.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert {row.pop("stage") for row in rows} == {"scratch"}
    assert all(float(value) >= 0 for row in rows for value in row.values())
    for row, kept in zip(rows, fitted.history, strict=True):
        assert float(row["val_loss"]) == pytest.approx(kept["val_loss"], rel=1e-5)
    assert float(rows[0]["train_loss"]) > float(rows[-1]["train_loss"])


def test_the_learning_rate_rises_and_falls(fitted):
    rates = [row["learning_rate"] for row in fitted.history]
    assert rates[0] < rates[1]
    assert rates[1] > rates[2] > rates[3]
    assert max(rates) <= fitted.learning_rate == 1e-3


def test_the_same_seed_gives_the_same_bits(bar_data, tmp_path, config):
    results = []
    for number, seed in enumerate((3, 3, 4)):
        torch.manual_seed(number)  # what ran before does not matter
        run = RunFolder(tmp_path / str(number)).create()
        results.append(fit(*bar_data, config(epochs=2, seed=seed, dropout=0.3), run, progress=False))
    first, second, other = (result.network.state_dict() for result in results)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
    strip = [[{**row, "seconds": 0} for row in result.history] for result in results]
    assert strip[0] == strip[1] != strip[2]


def test_the_checkpoint_is_lightnings_and_starts_another_network(fitted, bar_data, config):
    content = torch.load(fitted.checkpoint, weights_only=True)
    assert {"state_dict", "epoch", "pytorch-lightning_version"} <= set(content)
    other = build("improved_cnn", num_classes=3, image_size=32)
    assert load_weights(other, fitted.checkpoint).head_loaded
    for name, tensor in fitted.network.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(tensor, other.state_dict()[name])


def test_a_run_starts_from_given_weights(bar_data, fitted, tmp_path, config):
    run = RunFolder(tmp_path / "second").create()
    options = config(
        recipe="full", epochs=1, weights=fitted.checkpoint, warmup_epochs=0.0, learning_rate=1e-6
    )
    again = fit(*bar_data, options, run, progress=False)
    assert again.weights.head_loaded
    assert again.history[0]["val_accuracy"] == 1.0


def test_patience_stops_early(bar_data, run, config):
    # at this rate nothing is learnt after the first epochs, so the loss soon stops falling
    result = fit(*bar_data, config(epochs=40, patience=1, learning_rate=0.02), run, progress=False)
    assert result.stopped_early
    assert len(result.history) < 40
    assert result.best_epoch == len(result.history) - 1


def test_a_loss_that_is_no_number_ends_the_run_with_the_reason(bar_data, run, config):
    with pytest.raises(UsageError, match=r"the loss became (nan|inf) in epoch \d+, step \d+") as caught:
        fit(*bar_data, config(epochs=5, learning_rate=1e30, warmup_epochs=0.0), run, progress=False)
    assert "--learning-rate" in caught.value.fix


def test_a_validation_loss_that_is_never_a_number_is_an_error(bar_data, run, config, monkeypatch):
    def broken(self, batch, batch_idx):
        self.log_dict({"val_loss": float("nan"), "val_accuracy": 0.0}, batch_size=len(batch[1]))

    monkeypatch.setattr(Classifier, "validation_step", broken)
    with pytest.raises(UsageError, match="validation loss was no number in any of 2 epochs"):
        fit(*bar_data, config(architecture="simple_cnn", epochs=2), run, progress=False)


def test_one_such_epoch_is_not_the_best(bar_data, run, config, monkeypatch):
    whole = Classifier.validation_step

    def sometimes(self, batch, batch_idx):
        if self.current_epoch == 1:
            batch = (torch.full_like(batch[0], float("nan")), batch[1])
        whole(self, batch, batch_idx)

    monkeypatch.setattr(Classifier, "validation_step", sometimes)
    result = fit(*bar_data, config(architecture="simple_cnn", epochs=3), run, progress=False)
    assert [row["val_loss"] == row["val_loss"] for row in result.history] == [True, False, True]
    assert result.best_epoch in (1, 3)
    assert all(tensor.isfinite().all() for tensor in result.network.state_dict().values())


def test_ctrl_c_arrives_as_such_and_works_again_afterwards(bar_data, run, config, monkeypatch, capfd):
    def pressed(self, numbers):
        raise KeyboardInterrupt

    monkeypatch.setattr(SplitPixels, "__getitem__", pressed)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(*bar_data, config(architecture="simple_cnn", epochs=1), run, progress=True)
    assert signal.getsignal(signal.SIGINT) is before


def test_lightnings_own_loading_works(fitted):
    module = Classifier.load_from_checkpoint(
        fitted.checkpoint, network=build("improved_cnn", num_classes=3, image_size=32)
    )
    assert torch.equal(module.network.head.weight, fitted.network.head.weight)


def test_bf16_trains_too(bar_data, run, config):
    result = fit(
        *bar_data, config(architecture="simple_cnn", precision="bf16", epochs=2), run, progress=False
    )
    assert result.precision.dtype == "bf16"
    assert all(parameter.dtype == torch.float32 for parameter in result.network.parameters())
    assert result.history[-1]["train_loss"] < result.history[0]["train_loss"]


def test_auto_measures_once_and_remembers(bar_data, tmp_path, config):
    options = config(architecture="simple_cnn", precision="auto", epochs=1, cache_dir=tmp_path / "cache")
    sources = []
    for number in range(2):
        run = RunFolder(tmp_path / str(number)).create()
        sources.append(fit(*bar_data, options, run, progress=False).precision.source)
    assert sources == ["measured", "remembered"]
    assert len(json.loads((tmp_path / "cache" / "precision.json").read_text())) == 1


def test_every_epoch_sees_every_image_once_in_an_order_of_its_own(bar_data, run, config, monkeypatch):
    seen = {"train": [], "val": []}
    take = SplitPixels.__getitem__

    def spy(self, numbers):
        seen["train" if len(self) == 48 else "val"].append(numbers)
        return take(self, numbers)

    monkeypatch.setattr(SplitPixels, "__getitem__", spy)
    fit(*bar_data, config(architecture="simple_cnn", epochs=2), run, progress=False)
    epochs = np.concatenate(seen["train"]).reshape(2, 48)
    assert np.array_equal(np.sort(epochs, axis=1), [np.arange(48)] * 2)
    assert not np.array_equal(*epochs)
    assert np.array_equal(np.concatenate(seen["val"]), np.tile(np.arange(15), 2))


def test_the_bar_tells_each_epoch_on_stderr(bar_data, run, config, capsys):
    fit(*bar_data, config(architecture="simple_cnn", epochs=2), run, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "epoch 1/2  train loss" in captured.err
    assert "epoch 2/2  train loss" in captured.err
    assert "val loss" in captured.err


def test_silence_is_silent(bar_data, run, config, capfd):
    fit(*bar_data, config(architecture="simple_cnn", epochs=1), run, progress=False)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_cuda_asked_for_and_absent_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="no CUDA GPU"):
        pick_device("cuda")
    assert pick_device("auto") == pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("absent", "said"), [("val", "'val' has no images"), ("train", "'train' has no images")]
)
def test_an_empty_split_is_refused(bar_data, run, config, absent, said):
    manifest, pixels = bar_data
    without = manifest.with_rows(row for row in manifest if row.split != absent)
    with pytest.raises(DataError, match=said):
        fit(without, pixels, config(), run, progress=False)


def test_a_class_absent_from_training_is_named(bar_data, run, config):
    manifest, pixels = bar_data
    without = manifest.with_rows(row for row in manifest if (row.split, row.label) != ("train", "top"))
    with pytest.raises(DataError, match="no training image of: top"):
        fit(without, pixels, config(), run, progress=False)


def test_one_class_alone_is_refused(bar_data, run, config):
    manifest, pixels = bar_data
    alone = manifest.with_rows(row for row in manifest if row.label == "top")
    with pytest.raises(DataError, match="one class only: top"):
        fit(alone, pixels, config(), run, progress=False)


def test_a_cache_of_another_size_is_refused(bar_data, run, config):
    with pytest.raises(DataError, match="32 pixels; image_size is 64"):
        fit(*bar_data, config(image_size=64), run, progress=False)


def test_labels_follow_the_names_and_not_the_order_of_rows(bar_data, run, config):
    manifest, pixels = bar_data
    turned = manifest.with_rows(reversed(manifest.rows))
    result = fit(turned, pixels, config(epochs=1), run, progress=False)
    assert result.classes == ("low", "middle", "top")
