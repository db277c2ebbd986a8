"""What a batch becomes before the gate's network learns from it: more looks of brains, more foreign images.

Not a program: ``tools/gate_network.py`` uses it. No kind of picture is drawn here: foreign images are made
from those foreign ones that may be learned from, and from slices in pieces. Batches: (n, 1, 48, 48), 0 to 1.
"""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, max_pool2d

SIDE = 48
_WHITE = 24  # the pixel of that rank is white, as in gyrus.decision.brain_mri: 1 in 100
_DARK = 24.0 / 255.0
_TILES = (1, 2, 3, 4, 6, 8, 12, 16)


def whitened(batch: Tensor) -> Tensor:
    """Scale each image by its own white, as a thumbnail is."""
    white = batch.flatten(1).topk(_WHITE).values[:, -1].clamp_min(_DARK)
    return (batch / white[:, None, None, None]).clamp(0.0, 1.0)


def brains_seen_anew(batch: Tensor, rng: torch.Generator) -> Tensor:
    """Move, flip and brighten brains a little."""
    n = len(batch)
    flip = 1.0 - 2.0 * (_uniform(rng, n) < 0.5).float()
    batch = _moved(
        batch, turn=0.1 * _normal(rng, n), shift=0.05 * _normal(rng, n, 2), flip=flip, padding="zeros",
        scale=torch.exp(0.07 * _normal(rng, n)), stretch=torch.exp(0.07 * _normal(rng, n)),
    )  # fmt: skip
    gamma = torch.exp(0.25 * _normal(rng, n))
    return whitened(batch.clamp_min(0.0) ** gamma[:, None, None, None])


def foreign_seen_anew(batch: Tensor, rng: torch.Generator) -> Tensor:
    """Make other foreign images of foreign ones: near by or far off, turned, in other tones, two in one."""
    n = len(batch)
    turn = torch.where(_uniform(rng, n) < 0.4, 6.3 * _uniform(rng, n), 0.1 * _normal(rng, n))
    flip = 1.0 - 2.0 * (_uniform(rng, n) < 0.5).float()
    scale = torch.exp(-1.1 + 1.6 * _uniform(rng, n))  # below 1: a part of it, enlarged
    batch = _moved(
        batch, turn=turn, scale=scale, stretch=torch.exp(0.3 * _normal(rng, n)), flip=flip,
        shift=0.5 * _normal(rng, n, 2), padding=("zeros", "reflection", "border")[_one_of(rng, 3)],
    )  # fmt: skip
    batch = _where(_uniform(rng, n) < 0.5, _toned(batch, rng), batch)
    return whitened(_where(_uniform(rng, n) < 0.4, _joined(batch, batch.roll(1, 0), rng), batch))


def in_outlines(batch: Tensor, heads: Tensor) -> Tensor:
    """Show foreign images inside the outlines of heads, with black around."""
    inside = max_pool2d(heads, 3, 1, 1) > 0.12
    rows = inside.cummax(3).values & inside.flip(3).cummax(3).values.flip(3)
    return whitened(batch * rows)


def scattered(heads: Tensor, rng: torch.Generator) -> Tensor:
    """Cut heads into tiles, of one pixel to a third of the side, and lay them anew."""
    n, tile = len(heads), _TILES[_one_of(rng, len(_TILES))]
    across = SIDE // tile
    tiles = heads.reshape(n, across, tile, across, tile).transpose(2, 3).reshape(n, across * across, -1)
    order = _uniform(rng, n, across * across).argsort(1)
    laid = tiles.gather(1, order[:, :, None].expand_as(tiles))
    return laid.reshape(n, across, across, tile, tile).transpose(2, 3).reshape(n, 1, SIDE, SIDE)


def scrambled(heads: Tensor, rng: torch.Generator) -> Tensor:
    """Keep the strength of every frequency and draw its phase: a head's texture, and no head."""
    strength = torch.fft.rfft2(heads).abs()
    phase = torch.fft.rfft2(_normal(rng, *heads.shape)).angle()
    phase[..., 0, 0] = 0.0
    drawn = torch.fft.irfft2(torch.polar(strength, phase), s=(SIDE, SIDE))
    darkest = drawn.amin((1, 2, 3), keepdim=True)
    return whitened(_where(_uniform(rng, len(heads)) < 0.5, drawn, drawn - darkest).clamp_min(0.0))


def spoilt(heads: Tensor, others: Tensor, rng: torch.Generator) -> Tensor:
    """Lay something over heads: half through where it has contrast of its own, or over about half of each."""
    n = len(heads)
    bright = _where(others.mean((1, 2, 3)) < 0.25, 1.0 - others, others)
    through = (0.45 + 0.3 * _uniform(rng, n))[:, None, None, None]
    over = torch.where(_half_plane(n, rng), bright, heads)
    seen_through = (_uniform(rng, n) < 0.5) & (others.std((1, 2, 3)) > 0.2)
    return whitened(_where(seen_through, through * bright + (1 - through) * heads, over))


def _moved(
    batch: Tensor, *, turn: Tensor, scale: Tensor, stretch: Tensor, flip: Tensor, shift: Tensor, padding: str
) -> Tensor:
    cos, sin = torch.cos(turn), torch.sin(turn)
    rows = [cos * scale * stretch * flip, -sin * scale / stretch, shift[:, 0] * scale.clamp_max(1.0)]
    more = [sin * scale * stretch * flip, cos * scale / stretch, shift[:, 1] * scale.clamp_max(1.0)]
    matrix = torch.stack([torch.stack(rows, 1), torch.stack(more, 1)], 1)
    grid = affine_grid(matrix, list(batch.shape), align_corners=False)
    return grid_sample(batch, grid, padding_mode=padding, align_corners=False)


def _toned(batch: Tensor, rng: torch.Generator) -> Tensor:
    """Map grey values by a drawn curve; black may become white, or all of it black and white."""
    n, knots = len(batch), 5
    heights = _uniform(rng, n, knots + 1)
    place = (batch.flatten(1) * knots).clamp(0.0, knots - 1e-3)
    below = place.long()
    low, high = heights.gather(1, below), heights.gather(1, below + 1)
    curved = (low + (high - low) * (place - below)).reshape(batch.shape)
    cut = (batch > batch.mean((1, 2, 3), keepdim=True)).float()
    return _where(_uniform(rng, n) < 0.2, cut, curved)


def _joined(first: Tensor, second: Tensor, rng: torch.Generator) -> Tensor:
    """Lay two images over one another, or side by side."""
    n = len(first)
    way = (4 * _uniform(rng, n)).long()
    joined = _where(way == 0, 0.5 * (first + second), first * second)
    joined = _where(way == 2, torch.maximum(first, second), joined)
    return _where(way == 3, torch.where(_half_plane(n, rng), first, second), joined)


def _half_plane(n: int, rng: torch.Generator) -> Tensor:
    """Return (n, 1, 48, 48), true on one side of a drawn line near the middle."""
    along = torch.linspace(-1.0, 1.0, SIDE)
    angle, off = 6.3 * _uniform(rng, n, 1, 1), 0.3 * _normal(rng, n, 1, 1)
    return (torch.cos(angle) * along[:, None] + torch.sin(angle) * along[None, :] > off)[:, None]


def _where(chosen: Tensor, then: Tensor, other: Tensor) -> Tensor:
    return torch.where(chosen[:, None, None, None], then, other)


def _uniform(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=rng)


def _normal(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=rng)


def _one_of(rng: torch.Generator, count: int) -> int:
    return int(torch.randint(count, (1,), generator=rng))
