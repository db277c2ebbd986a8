import numpy as np
import pytest

from gyrus.pages.rate_plot import rate_plot, write_rate_pictures

RATES = (10.0 ** np.linspace(-6, 0, 50)).tolist()
LOSSES = [*np.linspace(1.1, 0.4, 45), 1, 5, 50, 500, 5000]


def test_pictures_are_written_and_repeat_bit_for_bit(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        png, svg = write_rate_pictures(RATES, LOSSES, LOSSES, 1.2e-3, tmp_path / folder)
    assert (png.name, svg.name) == ("learning-rate.png", "learning-rate.svg")
    assert png.read_bytes()[:4] == b"\x89PNG"
    assert "suggested: 0.0012" in svg.read_text()
    for name in ("learning-rate.png", "learning-rate.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_explosion_does_not_flatten_the_rest():
    (axes,) = rate_plot(RATES, LOSSES, LOSSES, 1.2e-3).axes
    low, high = axes.get_ylim()
    assert low < 0.4
    assert 1.1 < high < 3
    assert axes.get_xscale() == "log"
    assert axes.lines[-1].get_xdata()[0] == pytest.approx(1.2e-3)


def test_a_flat_loss_can_be_drawn():
    (axes,) = rate_plot([1e-6, 1e-5], [0.7, 0.7], [0.7, 0.7], 1e-5).axes
    assert axes.get_ylim()[0] < 0.7 < axes.get_ylim()[1]
