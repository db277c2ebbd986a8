"""Your own training loop on gyrus's data: no ``fit``, nothing hidden.

A synthetic cohort is written, its images are divided so that no patient stands on two sides, and a small
network is trained twice: by a plain PyTorch loop, and by ``lightning.Trainer``. Run it with

    python examples/own_loop.py
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path

# First of all: gyrus sets OMP_WAIT_POLICY, which torch reads once, when it is loaded. Without it torch's
# threads spin while they wait, and on a busy machine this script takes minutes instead of seconds.
import gyrus

# isort: split
import lightning
import torch
from torch.utils.data import DataLoader

from gyrus.config.optimising import OptimisationOptions
from gyrus.config.options import SplitOptions
from gyrus.data import scan
from gyrus.models import build
from gyrus.phantom import Phantom, write_cohort
from gyrus.training import Classifier, ImageDataModule, ImageDataset

IMAGE_SIZE = 64
EPOCHS = 6


def main() -> None:
    """Write the cohort, divide it, train twice."""
    print(f"gyrus {gyrus.__version__}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        cohort = write_cohort(
            Path(folder) / "cohort", Phantom(subjects=96, slices_per_subject=2, image_size=96)
        )
        manifest = scan(cohort, progress=False).manifest

        options = SplitOptions(val_fraction=0.25, cal_fraction=0.0, test_fraction=0.25, seed=0)
        data = ImageDataModule(manifest, image_size=IMAGE_SIZE, batch_size=16, split_options=options)
        for split, counts in sorted(data.manifest.counts().items()):
            print(f"{split:>5}: {counts}")

        print("\na plain PyTorch loop")
        train = ImageDataset(data.manifest, "train", image_size=IMAGE_SIZE)
        val = ImageDataset(data.manifest, "val", image_size=IMAGE_SIZE)
        plain_loop(train, val)

        print("\nlightning.Trainer")
        lightning_loop(data)


def plain_loop(train: ImageDataset, val: ImageDataset) -> None:
    """Train by hand: an optimiser, a loss, two loaders."""
    torch.manual_seed(0)
    network = build("improved_cnn", num_classes=len(train.classes), image_size=IMAGE_SIZE)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    train_loader = DataLoader(train, batch_size=16, shuffle=True)
    val_loader = DataLoader(val, batch_size=64)
    for epoch in range(EPOCHS):
        network.train()
        for images, labels in train_loader:
            loss = torch.nn.functional.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            right = sum(int((network(images).argmax(1) == labels).sum()) for images, labels in val_loader)
        print(f"epoch {epoch + 1}: validation accuracy {right / len(val):.1%}")


def lightning_loop(data: ImageDataModule) -> None:
    """Train with Lightning: our module and data module in your Trainer."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated.*")  # inside Lightning
    torch.manual_seed(0)
    network = build("improved_cnn", num_classes=len(data.classes), image_size=IMAGE_SIZE)
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    options = OptimisationOptions(optimizer="adamw", learning_rate=1e-3)
    trainer.fit(Classifier(network, options), datamodule=data)
    print({name: float(f"{float(value):.3g}") for name, value in sorted(trainer.callback_metrics.items())})


if __name__ == "__main__":
    main()
