"""The gate's network in torch: what :mod:`gyrus.decision.brain_mri` applies in NumPy, trained.

Not a program: ``tools/train_gate.py`` and ``benchmarks/gate.py`` use it.
"""

import numpy as np
import torch
from gate_pools import FOLDS, Pools
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gyrus.decision.brain_mri import BrainMri, brain_mri_of

CHANNELS = (12, 24, 32)
HIDDEN = 32
STEPS = 4000
BATCH = 128
RATE = 2e-3
FALSE_REFUSALS = 0.015  # of held-out patients' slices, four of five of them with drawn changes


def network() -> nn.Sequential:
    """Return the network for (n, 1, 48, 48) with fresh weights."""
    first, second, third = CHANNELS
    return nn.Sequential(
        nn.Conv2d(1, first, 5, stride=2, padding=2), nn.ReLU(),
        nn.Conv2d(first, second, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(second, third, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(third * 36, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1),
    )  # fmt: skip


def train(
    pools: Pools,
    *,
    train_folds: tuple[int, ...],
    without: tuple[str, ...] = (),
    seed: int = 0,
    device: str = "cpu",
) -> nn.Sequential:
    """Train on the slices of some folds, the phantom, and all foreign sources but ``without``."""
    torch.manual_seed(seed)
    brain = [pools.cheng[fold].reshape(-1, 48, 48) for fold in train_folds] + [pools.phantom]
    foreign = {name: value for name, value in pools.foreign.items() if name not in without}
    foreign["shuffled"] = np.concatenate([pools.shuffled[fold] for fold in train_folds])
    parts = [np.concatenate(brain), *foreign.values()]
    # brain and foreign weigh the same; each foreign source by the square root of its size
    shares = np.sqrt([len(part) for part in parts[1:]])
    weights = [0.5 / len(parts[0]), *(0.5 * shares / shares.sum() / [len(part) for part in parts[1:]])]
    chances = np.repeat(weights, [len(part) for part in parts])
    images = torch.from_numpy(np.concatenate(parts))[:, None].to(device)
    wanted = (torch.arange(len(images)) < len(parts[0])).float().to(device)
    drawn = np.random.default_rng(seed).choice(len(images), (STEPS, BATCH), p=chances / chances.sum())
    return _fitted(network().to(device), images, wanted, torch.from_numpy(drawn).to(device)).cpu().eval()


def _fitted(
    net: nn.Sequential, images: torch.Tensor, wanted: torch.Tensor, draws: torch.Tensor
) -> nn.Sequential:
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=len(draws))
    for drawn in draws:
        batch = images[drawn]
        one = (len(batch), 1, 1, 1)
        batch = batch * (0.75 + 0.35 * torch.rand(one, device=batch.device))
        batch = batch + 0.03 * torch.rand(one, device=batch.device) * torch.randn_like(batch)
        loss = binary_cross_entropy_with_logits(net(batch.clamp(0, 1))[:, 0], wanted[drawn])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    return net


def as_step(net: nn.Sequential, threshold: float = 0.0) -> BrainMri:
    """Return the trained network as the NumPy step; its flattened features are laid as NumPy's are."""
    layers = [layer for layer in net if isinstance(layer, nn.Conv2d | nn.Linear)]
    names = (*(f"conv{number}" for number in range(len(CHANNELS))), "hidden", "last")
    arrays = {}
    for name, layer in zip(names, layers, strict=True):
        weight = layer.weight.detach()
        if name == "hidden":  # torch flattens (channels, rows, columns), NumPy (rows, columns, channels)
            weight = weight.reshape(HIDDEN, CHANNELS[-1], 6, 6).permute(0, 2, 3, 1).reshape(HIDDEN, -1)
        arrays[f"{name}_weight"] = weight.numpy().astype(np.float16)
        arrays[f"{name}_bias"] = layer.bias.detach().numpy().astype(np.float16)
    return brain_mri_of(arrays, threshold)


def threshold_of(step: BrainMri, pools: Pools, fold: int) -> float:
    """Return the score below which the stated share of a held-out fold's slices lies."""
    scores = step.scores(pools.cheng[fold].reshape(-1, 48, 48))
    return float(np.quantile(scores, FALSE_REFUSALS))


def folds_for(test: int) -> tuple[tuple[int, ...], int]:
    """Return the folds to train on and the one for the threshold, given the one to test on."""
    held = (test + 1) % FOLDS
    return tuple(fold for fold in range(FOLDS) if fold not in (test, held)), held
