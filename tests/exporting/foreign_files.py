"""Files of weights as somebody else would save them: tiny networks of timm's, with heads of all kinds."""

import timm
import torch
from torch import nn

from gyrus.config import ExportConfig
from gyrus.exporting.foreign_file import read_foreign
from gyrus.exporting.foreign_network import foreign_network

SIZE = 64
CLASSES = ("pituitary", "glioma", "meningioma")  # not by name, as folders are often listed


def settled(model, size=SIZE):
    """Let BatchNorm see data once, so that the values stay of ordinary size."""
    with torch.no_grad():
        model.train()(torch.randn(8, 3, size, size))
    return model.eval()


def tiny(architecture="test_resnet", outputs=3, **options):
    torch.manual_seed(0)
    return timm.create_model(architecture, num_classes=outputs, **options)


def with_mlp(activation=nn.SELU, last=nn.LogSigmoid):
    """A network whose last layer was replaced by hidden layers, as tutorials do it."""
    model = tiny()
    width = model.fc.in_features
    model.fc = nn.Sequential(
        nn.Linear(width, 12), activation(), nn.Dropout(0.4),
        nn.Linear(12, 7), activation(), nn.Dropout(0.4),
        nn.Linear(7, 3), last(),
    )  # fmt: skip
    return model


def saved(model, path, **beside):
    """Save a state dict, or a checkpoint that holds one among other things."""
    torch.save({"state_dict": model.state_dict(), **beside} if beside else model.state_dict(), path)
    return path


def described(path, **options):
    return ExportConfig(
        source=path,
        **{"architecture": "test_resnet", "classes": CLASSES, "image_size": SIZE, **options},
    )


def taken(path, **options):
    return foreign_network(read_foreign(path), described(path, **options))
