"""Distances and overlaps of masks, held against SciPy and MONAI."""

import numpy as np
import pytest
from scipy import ndimage

from gyrus.metrics.segmentation import measure_case, squared_distances, surface, surface_distances

SPACINGS = (None, (0.5, 0.5), (1.25, 0.4))


def blobs(rng, shape):
    """A smooth random mask, sometimes empty, sometimes full."""
    field = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    return field > np.quantile(field, rng.choice([0.5, 0.8, 0.95, 1.0]))


@pytest.mark.parametrize("spacing", SPACINGS)
def test_distances_are_those_of_scipy(spacing):
    rng = np.random.default_rng(1)
    for shape in ((1, 1), (1, 30), (30, 1), (17, 23), (40, 40)):
        for share in (0.005, 0.1, 0.9):
            mask = rng.random(shape) < share
            if not mask.any():
                mask[-1, 0] = True
            expected = ndimage.distance_transform_edt(~mask, sampling=spacing)
            np.testing.assert_allclose(np.sqrt(squared_distances(mask, spacing)), expected, atol=1e-12)


def test_distances_in_a_volume():
    mask = np.random.default_rng(2).random((9, 14, 11)) < 0.02
    spacing = (6.0, 0.5, 0.7)
    expected = ndimage.distance_transform_edt(~mask, sampling=spacing)
    np.testing.assert_allclose(np.sqrt(squared_distances(mask, spacing)), expected, atol=1e-12)


def test_an_empty_mask_is_infinitely_far():
    assert np.isinf(squared_distances(np.zeros((3, 4)))).all()
    assert squared_distances(np.zeros((0, 4))).shape == (0, 4)


@pytest.mark.parametrize(
    "spacing", [(1.0,), (1.0, 0.0), (1.0, float("nan")), (1.0, -2.0), (float("inf"), 1.0)]
)
def test_a_spacing_that_is_none_is_refused(spacing):
    with pytest.raises(ValueError, match="expected a finite number above 0"):
        squared_distances(np.ones((3, 3)), spacing)


def test_borders_are_those_of_scipy():
    rng = np.random.default_rng(3)
    for mask in (blobs(rng, (25, 31)) for _ in range(10)):
        np.testing.assert_array_equal(surface(mask), mask & ~ndimage.binary_erosion(mask))
    volume = rng.random((6, 7, 8)) < 0.7
    np.testing.assert_array_equal(surface(volume), volume & ~ndimage.binary_erosion(volume))


@pytest.mark.filterwarnings("ignore:.*has been deprecated:FutureWarning")  # within MONAI itself
@pytest.mark.parametrize("spacing", SPACINGS)
def test_border_distances_are_those_of_monai(spacing):
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    rng = np.random.default_rng(4)
    for _ in range(6):
        true, predicted = blobs(rng, (33, 29)), blobs(rng, (33, 29))
        if not true.any() or not predicted.any():
            continue
        both = [torch.from_numpy(mask[None, None].astype(np.float32)) for mask in (predicted, true)]
        options = {"include_background": True, "spacing": spacing}
        found = surface_distances(true, predicted, spacing)
        for percentile in (95, 100):
            theirs = metrics.compute_hausdorff_distance(*both, percentile=percentile, **options)
            assert found.hausdorff(percentile) == pytest.approx(float(theirs), rel=1e-5)
        theirs = metrics.compute_average_surface_distance(*both, symmetric=True, **options)
        assert found.average() == pytest.approx(float(theirs), rel=1e-5)
        theirs = metrics.compute_surface_dice(*both, class_thresholds=[1.0], **options)
        assert found.dice(1.0) == pytest.approx(float(theirs), rel=1e-5)
        (case,) = measure_case(true, predicted, 1, spacing=spacing, tolerance=1.0)
        assert case.dice == pytest.approx(float(metrics.compute_dice(*both)), rel=1e-6)
        assert case.iou == pytest.approx(float(metrics.compute_iou(*both)), rel=1e-6)


def test_the_two_ways_to_the_nearest_border_agree(monkeypatch):
    rng = np.random.default_rng(5)
    true, predicted = rng.random((40, 40)) < 0.3, rng.random((40, 40)) < 0.3
    by_pairs = surface_distances(true, predicted, (0.5, 2.0))
    monkeypatch.setitem(surface_distances.__globals__, "_PAIRS_AT_MOST", 0)
    by_transform = surface_distances(true, predicted, (0.5, 2.0))
    np.testing.assert_allclose(by_pairs.true, by_transform.true, atol=1e-12)
    np.testing.assert_allclose(by_pairs.predicted, by_transform.predicted, atol=1e-12)
