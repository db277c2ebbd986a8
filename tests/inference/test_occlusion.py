"""Occlusion: what covering a part costs is laid where the part was."""

from types import SimpleNamespace

import numpy as np
import pytest

from gyrus.inference.occlusion import occlusion_maps, passes


def network(task="classify"):
    """Logit 0 is the sum of the upper left sixteenth, logit 1 that of the lower right one; 2 is constant."""

    def run(squares):
        assert squares.dtype == np.float32
        left, right = squares[:, 0, :8, :8].sum((1, 2)), squares[:, 0, 24:, 24:].sum((1, 2))
        return {"logits": np.stack([left, right, np.zeros(len(squares))], axis=1).astype(np.float32) / 50}

    return SimpleNamespace(run_network=run, task=task, runs=run)


SQUARE = np.zeros((1, 1, 32, 32), np.float32)
SQUARE[0, 0, :8, :8] = SQUARE[0, 0, 24:, 24:] = 1


@pytest.mark.parametrize("task", ["classify", "multilabel"])
def test_the_map_is_hot_where_the_class_comes_from(task):
    fake = network(task)
    maps = occlusion_maps(fake, SQUARE, fake.run_network(SQUARE)["logits"][0], 4)
    assert maps.shape == (3, 4, 4)
    assert np.unravel_index(maps[0].argmax(), (4, 4)) == (0, 0)
    assert np.unravel_index(maps[1].argmax(), (4, 4)) == (3, 3)
    if task == "multilabel":
        # all four windows over the corner take its whole sum, but for the mean that they put there
        lost = (64 - 64 * SQUARE.mean()) / 50
        assert maps[0][0, 0] == pytest.approx(lost, rel=1e-5)
        assert maps[0][3, 3] == pytest.approx(0, abs=1e-6)
        assert not maps[2].any()
    else:
        assert maps[0][3, 3] < 0  # what speaks for another class speaks against this one


def test_as_many_passes_as_are_said():
    fake, seen = network(), []
    real = fake.run_network
    fake.run_network = lambda squares: (seen.append(len(squares)), real(squares))[1]
    occlusion_maps(fake, SQUARE, real(SQUARE)["logits"][0], 7)
    assert sum(seen) == passes(7) == 64
    assert max(seen) <= 16


def test_a_flat_image_has_a_flat_map():
    fake, flat = network(), np.full((1, 1, 32, 32), 0.3, np.float32)
    maps = occlusion_maps(fake, flat, fake.run_network(flat)["logits"][0], 5)
    np.testing.assert_allclose(maps, 0, atol=1e-6)
