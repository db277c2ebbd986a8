"""How ``tools/gate_*.py`` train the gate's network: what its batches hold, and how it becomes NumPy."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch")
TOOLS = Path(__file__).resolve().parents[2] / "tools"


class Tools(NamedTuple):
    batches: ModuleType
    mixing: ModuleType
    network: ModuleType
    pools: ModuleType


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.syspath_prepend(str(TOOLS))
    return Tools(*(importlib.import_module(f"gate_{name}") for name in Tools._fields))


@pytest.fixture
def heads() -> torch.Tensor:
    return torch.rand((6, 1, 48, 48), generator=torch.Generator().manual_seed(0))


def test_the_trained_network_is_what_numpy_applies(tools: Tools, heads: torch.Tensor) -> None:
    torch.manual_seed(1)
    net = tools.network.network()
    for _ in range(3):  # moves the norms away from where they start
        net(heads + 0.3)
    with torch.no_grad():
        wanted = net.eval()(heads)[:, 0].numpy()
    got = tools.network.as_step(net).scores(heads[:, 0].numpy())
    assert np.ptp(wanted) > 0.01
    np.testing.assert_allclose(got, wanted, atol=0.002)  # weights are kept in float16


@pytest.mark.parametrize("without", [(), ("leaves",), ("scattered", "scrambled")])
def test_half_of_a_batch_is_brains_whatever_is_left_out(tools: Tools, without: tuple[str, ...]) -> None:
    numbers = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return numbers.random((*shape, 48, 48), dtype=np.float32)

    pools = tools.pools.Pools(
        cheng={0: some(4, 2), 1: some(4, 2)}, phantom=some(4),
        foreign={"leaves": some(3), "text": some(5)}, shuffled={0: some(4), 1: some(4)},
    )  # fmt: skip
    batches = tools.batches.Batches(pools, (1,), without, steps=2, seed=0)
    first, second = batches
    for images, wanted in (first, second):
        assert images.shape == (128, 1, 48, 48)
        assert wanted.sum() == 64
        assert images.min() >= 0
        assert images.max() <= 1
    assert not torch.equal(first[0], second[0])
    again = next(iter(tools.batches.Batches(pools, (1,), without, steps=2, seed=0)))
    assert torch.equal(first[0], again[0])


def test_what_is_left_out_is_not_learned_from(tools: Tools) -> None:
    black = np.zeros((8, 48, 48), np.float32)
    white = np.ones((8, 48, 48), np.float32)
    pools = tools.pools.Pools(
        cheng={0: black[:, None]}, phantom=black, foreign={"text": white, "blank": black}, shuffled={0: black}
    )
    with_text, without = (
        tools.batches.Batches(pools, (0,), left, steps=4, seed=0) for left in ((), ("text",))
    )
    assert max(float(images[64:88].mean()) for images, _ in with_text) > 0.1  # the plain ones
    assert max(float(images[64:88].mean()) for images, _ in without) < 0.05


def test_a_head_in_pieces_keeps_its_grey_values_and_a_scrambled_one_its_size(
    tools: Tools, heads: torch.Tensor
) -> None:
    rng = torch.Generator().manual_seed(0)
    for _ in range(8):
        laid = tools.mixing.scattered(heads, rng)
        assert not torch.equal(laid, heads)
        assert torch.equal(laid.flatten(1).sort(1).values, heads.flatten(1).sort(1).values)
    drawn = tools.mixing.scrambled(heads, rng)
    assert drawn.shape == heads.shape
    assert (drawn.amax((1, 2, 3)) == 1).all()


def test_white_is_what_one_pixel_in_a_hundred_reaches(tools: Tools, heads: torch.Tensor) -> None:
    from gyrus.decision.brain_mri import thumbnail

    bytes_ = (heads[0, 0] * 180).to(torch.uint8)
    as_tensor = tools.mixing.whitened(bytes_[None, None].float() / 255.0)
    np.testing.assert_allclose(as_tensor[0, 0].numpy(), thumbnail(bytes_.numpy()), atol=1e-6)
