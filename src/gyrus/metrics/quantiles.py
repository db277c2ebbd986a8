"""Quantiles of the normal and of Student's distribution, without SciPy."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution."""
    return NormalDist().inv_cdf(probability)


def t_probability(value: float, freedom: float) -> float:
    """Return the chance that Student's t is at most ``value``.

    Half an incomplete beta function of freedom / 2 and 1/2, by its continued fraction (NIST Digital Library
    of Mathematical Functions, 8.17.22) on the side of the mean where that converges.

    Parameters
    ----------
    value : float
    freedom : float
        Degrees of freedom, above 0; need not be whole.

    Returns
    -------
    float
        Within 1e-9 of SciPy's, relative; small chances too.
    """
    if not freedom > 0:
        raise ValueError(f"degrees of freedom are {freedom}; expected a number above 0")
    square = value * value
    at, rest = freedom / (freedom + square), square / (freedom + square)
    if at < (freedom / 2 + 1) / (freedom / 2 + 2.5):
        tail = 0.5 * _incomplete_beta(at, rest, freedom / 2, 0.5)
    else:
        tail = 0.5 - 0.5 * _incomplete_beta(rest, at, 0.5, freedom / 2)
    return tail if value < 0 else 1 - tail


@lru_cache(maxsize=4096)
def t_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t distribution.

    With t = sqrt(freedom) tan(a), the density becomes proportional to cos(a) ** (freedom - 1), smooth on a
    bounded interval: it is integrated by Gauss and Legendre and inverted by Newton.

    Parameters
    ----------
    probability : float
        Between 0 and 1.
    freedom : float
        Degrees of freedom, at least 1; need not be whole.

    Returns
    -------
    float
        Within 1e-6 of SciPy's, relative (1e-9 from two degrees of freedom on).
    """
    if not 0 < probability < 1 or freedom < 1:
        raise ValueError(f"probability {probability} or degrees of freedom {freedom} out of range")
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    scale = _scale(freedom)
    wanted = probability - 0.5
    # the normal quantile lies below, and from below Newton climbs a concave curve without overshooting
    angle = math.atan(normal_quantile(probability) / math.sqrt(freedom))
    for _ in range(100):
        at = 0.5 * angle * (_NODES + 1)
        mass = scale * 0.5 * angle * float(_WEIGHTS @ np.cos(at) ** (freedom - 1))
        step = (wanted - mass) / (scale * math.cos(angle) ** (freedom - 1))
        angle += step
        if abs(step) <= 1e-15 * angle:
            break
    return math.sqrt(freedom) * math.tan(angle)


def _scale(freedom: float) -> float:
    """Return what makes the density over the angle integrate to one."""
    return math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)


def _incomplete_beta(at: float, rest: float, first: float, second: float) -> float:
    """Return the regularised incomplete beta function at ``at`` = 1 - ``rest``."""
    if at <= 0:
        return 0.0
    log_scale = math.lgamma(first + second) - math.lgamma(first) - math.lgamma(second)
    front = math.exp(log_scale + first * math.log(at) + second * math.log(rest))
    # evaluated forwards by Lentz's method: two ratios whose product is the next correction
    fraction, above, below = 1.0, 1.0, 0.0
    for step in range(1, 400):
        half = step // 2
        if step % 2:
            term = -(first + half) * (first + second + half) * at
            term /= (first + 2 * half) * (first + 2 * half + 1)
        else:
            term = half * (second - half) * at / ((first + step - 1) * (first + step))
        below = 1 / (1 + term * below)
        above = 1 + term / above
        fraction *= above * below
        if abs(above * below - 1) < 1e-15:
            break
    return front / (first * fraction)
