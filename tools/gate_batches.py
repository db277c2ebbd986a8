"""Batches to train the gate's network on: half of them brains, the other half foreign.

Not a program: ``tools/gate_network.py`` uses it.
"""

from collections.abc import Iterator

import numpy as np
import torch
from gate_mixing import brains_seen_anew, foreign_seen_anew, in_outlines, scattered, scrambled, spoilt
from gate_pools import Pools
from torch import Tensor

HALF = 64
MADE = {"plain": 30, "anew": 18, "outlined": 4, "scattered": 5, "scrambled": 4, "spoilt": 3}
"""Of the foreign half: as they lie there, made from them, or from slices (:mod:`gate_mixing`)."""


class Batches:
    """An iterable of (images, wanted): (128, 1, 48, 48) and (128,), 1 for a brain.

    Parameters
    ----------
    pools : Pools
    folds : tuple of int
        Cheng's folds to learn from.
    without : tuple of str
        Foreign sources to leave out; of :data:`MADE` "scattered" and "scrambled" can be left out too.
    steps, seed : int
    """

    def __init__(
        self, pools: Pools, folds: tuple[int, ...], without: tuple[str, ...], steps: int, seed: int
    ) -> None:
        heads = [pools.cheng[fold].reshape(-1, 48, 48) for fold in folds]
        foreign = {name: value for name, value in pools.foreign.items() if name not in without}
        foreign["shuffled"] = np.concatenate([pools.shuffled[fold] for fold in folds])
        self._brains = torch.from_numpy(np.concatenate([*heads, pools.phantom]))[:, None]
        self._foreign = torch.from_numpy(np.concatenate(list(foreign.values())))[:, None]
        # a source weighs as the square root of its size
        chances = np.concatenate([np.full(len(value), len(value) ** -0.5) for value in foreign.values()])
        draws = np.random.default_rng(seed)
        self._of_brains = torch.from_numpy(draws.integers(0, len(self._brains), (steps, HALF)))
        self._of_heads = torch.from_numpy(draws.integers(0, sum(map(len, heads)), (steps, HALF)))
        self._of_foreign = torch.from_numpy(
            draws.choice(len(self._foreign), (steps, HALF), p=chances / chances.sum())
        )
        self._made = {name: count for name, count in MADE.items() if name not in without}
        self._made["anew"] += HALF - sum(self._made.values())
        self._rng = torch.Generator().manual_seed(seed)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        wanted = (torch.arange(2 * HALF) < HALF).float()
        for brains, heads, foreign in zip(self._of_brains, self._of_heads, self._of_foreign, strict=True):
            batch = torch.cat([self._brain_half(brains), self._foreign_half(foreign, self._brains[heads])])
            yield self._dimmed(batch), wanted

    def _brain_half(self, chosen: Tensor) -> Tensor:
        brains = self._brains[chosen]
        return torch.cat([brains[: HALF // 2], brains_seen_anew(brains[HALF // 2 :], self._rng)])

    def _foreign_half(self, chosen: Tensor, heads: Tensor) -> Tensor:
        made, rng = self._made, self._rng
        plain, others = self._foreign[chosen].split([made["plain"], HALF - made["plain"]])
        anew = foreign_seen_anew(others[: made["anew"] + made["outlined"] + made["spoilt"]], rng)
        alone, inside, over = anew.split([made["anew"], made["outlined"], made["spoilt"]])
        outlines, under = heads[: len(inside)], heads[-len(over) :]
        parts = [plain, alone, in_outlines(inside, outlines), spoilt(under, over, rng)]
        for name, make in (("scattered", scattered), ("scrambled", scrambled)):
            if name in made:
                heads = heads.roll(HALF // 4, 0)
                parts.append(make(heads[: made[name]], rng))
        return torch.cat(parts)

    def _dimmed(self, batch: Tensor) -> Tensor:
        """Change brightness a little, and add a little noise."""
        light, grain = torch.rand((2, len(batch), 1, 1, 1), generator=self._rng)
        noise = torch.randn(batch.shape, generator=self._rng)
        return (batch * (0.75 + 0.35 * light) + 0.03 * grain * noise).clamp(0.0, 1.0)
