"""Quantiles against SciPy."""

import pytest
from scipy import stats

from gyrus.metrics.quantiles import normal_quantile, t_probability, t_quantile


@pytest.mark.parametrize("freedom", [1, 1.3, 2, 5.5, 19, 208, 1e4])
@pytest.mark.parametrize("probability", [0.001, 0.2, 0.5, 0.6, 0.9, 0.975, 0.9995])
def test_student_equals_scipy(probability, freedom):
    assert t_quantile(probability, freedom) == pytest.approx(
        stats.t.ppf(probability, freedom), rel=1e-6, abs=1e-12
    )


def test_normal_equals_scipy():
    assert normal_quantile(0.975) == pytest.approx(stats.norm.ppf(0.975), rel=1e-12)


@pytest.mark.parametrize(("probability", "freedom"), [(0, 5), (1, 5), (0.9, 0.5)])
def test_out_of_range_is_refused(probability, freedom):
    with pytest.raises(ValueError, match="out of range"):
        t_quantile(probability, freedom)


@pytest.mark.parametrize("freedom", [0.5, 1, 1.3, 2, 5.5, 19, 208, 1e4])
def test_chances_equal_scipy_and_invert_the_quantiles(freedom):
    for value in (-9.0, -3.0, -1.0, -0.01, 0.0, 0.5, 4.0):
        assert t_probability(value, freedom) == pytest.approx(stats.t.cdf(value, freedom), rel=1e-9)
    if freedom >= 2:
        assert t_probability(t_quantile(0.975, freedom), freedom) == pytest.approx(0.975, rel=1e-9)


def test_chances_need_freedom():
    with pytest.raises(ValueError, match="above 0"):
        t_probability(1.0, 0.0)
