"""The gate's network in torch: what :mod:`gyrus.decision.brain_mri` applies in NumPy, trained.

Not a program: ``tools/train_gate.py`` and ``benchmarks/gate.py`` use it.
"""

import numpy as np
import torch
from gate_batches import HALF, Batches
from gate_pools import Pools
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gyrus.decision.brain_mri import BrainMri, brain_mri_of

CHANNELS = (8, 24, 32)
HIDDEN = 32
STEPS = 2500
BATCH = 2 * HALF
RATE = 5e-3


def network() -> nn.Sequential:
    """Return the network for (n, 1, 48, 48) with fresh weights; the norms are folded into what is applied."""
    layers: list[nn.Module] = []
    for before, after, side in zip((1, *CHANNELS[:-1]), CHANNELS, (5, 3, 3), strict=True):
        layers += [
            nn.Conv2d(before, after, side, stride=2, padding=side // 2, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    features = CHANNELS[-1] * 36
    head = [nn.Flatten(), nn.Dropout(0.3), nn.Linear(features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1)]
    return nn.Sequential(*layers, *head)


def train(
    pools: Pools, *, train_folds: tuple[int, ...], without: tuple[str, ...] = (), seed: int = 0
) -> nn.Sequential:
    """Train on the slices of some folds, the phantom, and all foreign sources but ``without``."""
    torch.manual_seed(seed)
    net = network()
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for images, wanted in Batches(pools, train_folds, without, STEPS, seed):
        loss = binary_cross_entropy_with_logits(net(images)[:, 0], wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    return net.eval()


def as_step(net: nn.Sequential, threshold: float = 0.0) -> BrainMri:
    """Return the trained network as the NumPy step; its flattened features are laid as NumPy's are."""
    arrays = {}
    convolutions = [layer for layer in net if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in net if isinstance(layer, nn.BatchNorm2d)]
    for number, (convolution, norm) in enumerate(zip(convolutions, norms, strict=True)):
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        arrays[f"conv{number}_weight"] = convolution.weight * factor[:, None, None, None]
        arrays[f"conv{number}_bias"] = norm.bias - norm.running_mean * factor
    hidden, last = (layer for layer in net if isinstance(layer, nn.Linear))
    # torch flattens (channels, rows, columns), NumPy (rows, columns, channels)
    laid = hidden.weight.reshape(HIDDEN, CHANNELS[-1], 6, 6).permute(0, 2, 3, 1).reshape(HIDDEN, -1)
    arrays |= {"hidden_weight": laid, "hidden_bias": hidden.bias}
    arrays |= {"last_weight": last.weight, "last_bias": last.bias}
    numbers = {name: value.detach().numpy().astype(np.float16) for name, value in arrays.items()}
    return brain_mri_of(numbers, threshold)
