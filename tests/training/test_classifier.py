import math

import lightning
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.utils.data import DataLoader, TensorDataset

from gyrus.models import build
from gyrus.training import Classifier
from gyrus.training.classifier import balanced_weights, warmup_cosine
from gyrus.training.quiet import quiet


@given(st.integers(1, 500), st.floats(0, 600))
def test_the_schedule_rises_to_one_and_falls_towards_zero(total, warmup):
    values = [warmup_cosine(step, warmup, total) for step in range(total)]
    assert all(0.0 <= value <= 1.0 for value in values)
    peak = values.index(max(values))
    assert values[: peak + 1] == sorted(values[: peak + 1])
    assert values[peak:] == sorted(values[peak:], reverse=True)
    assert warmup_cosine(total, warmup, total) == pytest.approx(0.0, abs=1e-12)


def test_the_schedule_at_known_steps():
    assert warmup_cosine(0, 4, 24) == pytest.approx(1 / 5)
    assert warmup_cosine(4, 4, 24) == 1.0
    assert warmup_cosine(14, 4, 24) == pytest.approx(0.5)
    assert warmup_cosine(10**6, 4, math.inf) == 1.0


@given(st.lists(st.integers(0, 3), min_size=1, max_size=50).map(lambda rest: [0, 1, 2, 3, *rest]))
def test_balanced_weights_equal_scikit_learns(labels):
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    assert balanced_weights(labels, 4) == pytest.approx(expected.tolist())


def loader(n=24):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 2
    images = torch.randn(n, 3, 16, 16, generator=generator) + labels[:, None, None, None]
    return DataLoader(TensorDataset(images, labels), batch_size=8)


def test_a_plain_trainer_and_a_plain_loader_are_enough(tmp_path):
    torch.manual_seed(0)
    module = Classifier(build("improved_cnn", num_classes=2, image_size=16), learning_rate=3e-3)
    with quiet():
        trainer = lightning.Trainer(
            max_epochs=4,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
        )
        trainer.fit(module, loader(), loader())
    logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
    names = {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"}
    assert set(logged) == names
    assert logged["val_accuracy"] > 0.9


def test_a_plain_loop_without_lightning_is_enough():
    torch.manual_seed(0)
    module = Classifier(build("simple_cnn", num_classes=2, image_size=16))
    images, labels = next(iter(loader()))
    assert module(images).shape == (8, 2)
    assert labels.shape == (8,)


def test_norms_and_biases_are_spared_by_weight_decay():
    module = Classifier(build("improved_cnn", num_classes=2, image_size=16), weight_decay=0.3)
    module.trainer = lightning.Trainer(
        max_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    module.trainer.fit_loop.epoch_loop.max_steps = 1
    groups = module.configure_optimizers()["optimizer"].param_groups
    by_decay = {group["weight_decay"]: group["params"] for group in groups}
    assert set(by_decay) == {0.3, 0.0}
    assert all(parameter.ndim > 1 for parameter in by_decay[0.3])
    assert all(parameter.ndim == 1 for parameter in by_decay[0.0])


def test_class_weights_travel_with_the_device_and_not_with_the_checkpoint():
    module = Classifier(build("simple_cnn", num_classes=2, image_size=16), class_weights=[1.0, 3.0])
    assert "class_weights" not in module.state_dict()
    assert module.class_weights.tolist() == [1.0, 3.0]
