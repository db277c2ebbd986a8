"""What an answer is worth where the disease is as rare as it really is.

A test set is rarely a sample of the clinic: its precision holds for its own share of patients only. From
sensitivity and specificity, Bayes' rule gives the predictive values at any prevalence that is stated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gyrus.metrics.intervals import Interval, Linear
from gyrus.metrics.quantiles import t_quantile


@dataclass(frozen=True, slots=True)
class PredictiveValues:
    """Chance that an answer is right, at one prevalence.

    Attributes
    ----------
    prevalence : float
        Share of the class among those examined, as stated.
    ppv, npv : Interval
        Of "it is this class", and of "it is not".
    """

    prevalence: float
    ppv: Interval
    npv: Interval


def predictive_values(
    sensitivity: Linear, specificity: Linear, prevalence: float, confidence: float = 0.95
) -> PredictiveValues:
    """Return positive and negative predictive value at a stated prevalence.

    The logit of either is that of the prevalence plus a logarithm of a likelihood ratio (Mercaldo, Lau and
    Zhou, 2007, there without clusters); one patient is added to both rates as for their own intervals, so
    that a specificity of 100 % in forty patients does not make a positive answer certain.

    Parameters
    ----------
    sensitivity, specificity : Linear
        Of one class, over the same groups.
    prevalence : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        When the prevalence is not between 0 and 1.
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence is {prevalence}; expected a share between 0 and 1")
    hit, alarm = sensitivity.value, 1 - specificity.value
    miss, clear = 1 - hit, specificity.value
    ppv = _share(hit * prevalence, alarm * (1 - prevalence))
    npv = _share(clear * (1 - prevalence), miss * prevalence)
    odds = math.log(prevalence / (1 - prevalence))
    return PredictiveValues(
        prevalence,
        _interval(ppv, odds, sensitivity, specificity, confidence),
        _interval(npv, -odds, specificity, sensitivity, confidence),
    )


def _interval(value: float, odds: float, hits: Linear, clears: Linear, confidence: float) -> Interval:
    """Return the interval of odds + log(hits) - log(1 - clears), taken back to a share."""
    clusters = min(hits.clusters, clears.clusters)
    if clusters < 2:
        return Interval(value, math.nan, math.nan, round(clusters))
    hit, hit_kept, hit_added = _shrunk(hits)
    clear, clear_kept, clear_added = _shrunk(clears)
    influence = hit_kept * hits.influence / hit + clear_kept * clears.influence / (1 - clear)
    spread = math.sqrt(
        float(influence @ influence) + (hit_added / hit) ** 2 + (clear_added / (1 - clear)) ** 2
    )
    freedom = max(min(hits.freedom, clears.freedom), 1.0)
    reach = t_quantile((1 + confidence) / 2, freedom) * spread
    centre = odds + math.log(hit) - math.log(1 - clear)
    low, high = (1 / (1 + math.exp(-min(max(at, -700.0), 700.0))) for at in (centre - reach, centre + reach))
    if math.isnan(value):  # never answered so: the rates still bound what it would be worth
        return Interval(value, math.nan, math.nan, round(clusters))
    return Interval(value, min(low, value), max(high, value), round(clusters))


def _shrunk(linear: Linear) -> tuple[float, float, float]:
    """Return a rate with one patient added, half right; how much the others still weigh; and its error."""
    kept = linear.clusters / (linear.clusters + 1)
    return kept * linear.value + (1 - kept) / 2, kept, 0.5 / (linear.clusters + 1)


def _share(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest > 0 else math.nan
