import lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

from gyrus.config.optimising import OptimisationOptions
from gyrus.models import build
from gyrus.training import Classifier
from gyrus.training.quiet import quiet


def loader(n=24):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 2
    images = torch.randn(n, 3, 16, 16, generator=generator) + labels[:, None, None, None]
    return DataLoader(TensorDataset(images, labels), batch_size=8)


def test_a_plain_trainer_and_a_plain_loader_are_enough(tmp_path):
    torch.manual_seed(0)
    module = Classifier(
        build("improved_cnn", num_classes=2, image_size=16), OptimisationOptions(learning_rate=3e-3)
    )
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
    module = Classifier(
        build("improved_cnn", num_classes=2, image_size=16), OptimisationOptions(weight_decay=0.3)
    )
    module.trainer = lightning.Trainer(
        max_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    module.trainer.fit_loop.epoch_loop.max_steps = 1
    groups = module.configure_optimizers().param_groups
    by_decay = {group["weight_decay"]: group["params"] for group in groups}
    assert set(by_decay) == {0.3, 0.0}
    assert all(parameter.ndim > 1 for parameter in by_decay[0.3])
    assert all(parameter.ndim == 1 for parameter in by_decay[0.0])


def test_what_is_still_stays_in_evaluation_mode():
    network = build("improved_cnn", num_classes=2, image_size=16)
    module = Classifier(network, still=[network.features]).train()
    assert not network.features.training
    assert network.head.training
    assert "features" not in dict(module.named_children())
