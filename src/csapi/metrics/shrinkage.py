"""Small samples drawn towards their peers, for ranking alone: empirical Bayes. Pure.

    rank_value = (size x value + weight x mean) / (size + weight)

`size` is what a value is made of: ratings of a share, durations of a mean, hours of a rate. `mean`
is that of all peers together. `weight` says how many observations of the peers a member is given
along: the more alike the members are, the more. It comes from the members themselves, by moments.
With sizes s, values v, mean m, N = sum s, n0 = N - (sum s^2) / N, S = sum s (v - m)^2, k members:

- shares, beta-binomial: rho = (S / (m (1 - m)) - (k - 1)) / (n0 - (k - 1)), weight = 1 / rho - 1
- means, normal: tau2 = (S - (k - 1) sigma2) / n0, weight = sigma2 / tau2, where sigma2 is the
  variance within members, pooled
- rates, gamma-Poisson: tau2 = (S - (k - 1) m) / n0, weight = m / tau2

Where members differ no more than chance brings, the weight has no end: all rank at the mean. It is
never under what Wilson's interval gives along, four observations (of rates, the time of four), so
that a few members who differ by luck are not taken at their word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from csapi.metrics.formulas import Formula
from csapi.metrics.sampling import Sample, SampleKind

LEAST_OBSERVATIONS = 4


class Drawing(StrEnum):
    """What the members are taken to come from."""

    beta_binomial = "beta_binomial"
    normal = "normal"
    gamma_poisson = "gamma_poisson"


DRAWINGS = {
    SampleKind.SHARE: Drawing.beta_binomial,
    SampleKind.MEAN: Drawing.normal,
    SampleKind.RATE: Drawing.gamma_poisson,
}


@dataclass(frozen=True, slots=True)
class Prior:
    """What members are drawn to. mean and weight are in the units of the value and of its
    denominator; weight None: without end. members: how many it was estimated from."""

    drawing: Drawing
    mean: float
    weight: float | None
    members: int

    def drawn(self, value: float, size: float) -> float:
        """The value to rank by of a member of this size."""
        if self.weight is None:
            return self.mean
        return (size * value + self.weight * self.mean) / (size + self.weight)


@dataclass(frozen=True, slots=True)
class _Member:
    size: float
    value: float
    # Sum of squared distances from the own mean.
    within: float


def prior_of(kind: SampleKind | None, formula: Formula, samples: Sequence[Sample]) -> Prior | None:
    """What samples of one metric are drawn to; None where they are not drawn: of fewer than two
    members, and of what is no share, mean or rate."""
    drawing = None if kind is None else DRAWINGS.get(kind)
    counted = [each for each in samples if each.denominator]
    if drawing is None or len(counted) < 2:
        return None
    if drawing is Drawing.normal and any(each.squares is None for each in counted):
        return None
    members = [_member(formula, each) for each in counted]
    whole = sum(each.size for each in members)
    mean = sum(each.size * each.value for each in members) / whole
    effective = whole - sum(each.size**2 for each in members) / whole
    between = sum(each.size * (each.value - mean) ** 2 for each in members)
    weigh = {
        Drawing.beta_binomial: _of_shares,
        Drawing.normal: _of_means,
        Drawing.gamma_poisson: _of_rates,
    }[drawing]
    weight = weigh(members, mean, effective, between)
    if weight is not None:
        least = LEAST_OBSERVATIONS
        weight = max(weight, least / mean if drawing is Drawing.gamma_poisson else least)
    return Prior(drawing, mean, weight, len(members))


def size_of(formula: Formula, sample: Sample) -> float:
    return (sample.denominator or 0) / formula.denominator_scale


def _member(formula: Formula, sample: Sample) -> _Member:
    size, above, n = size_of(formula, sample), sample.numerator, sample.denominator or 1
    within = 0.0
    if sample.squares is not None:
        # From whole sums: nothing cancels.
        within = (n * sample.squares - above * above) / (n * formula.numerator_scale**2)
    return _Member(size, above / formula.numerator_scale / size, within)


def _of_shares(
    members: Sequence[_Member], mean: float, effective: float, between: float
) -> float | None:
    fewer, spread = len(members) - 1, mean * (1 - mean)
    if spread <= 0 or effective <= fewer:
        return None
    rho = (between / spread - fewer) / (effective - fewer)
    return None if rho <= 0 else max(1 / rho - 1, 0.0)


def _of_means(
    members: Sequence[_Member], mean: float, effective: float, between: float
) -> float | None:
    del mean
    free = sum(each.size for each in members) - len(members)
    within = sum(each.within for each in members) / free if free > 0 else 0.0
    apart = (between - (len(members) - 1) * within) / effective if effective > 0 else 0.0
    return None if apart <= 0 else within / apart


def _of_rates(
    members: Sequence[_Member], mean: float, effective: float, between: float
) -> float | None:
    apart = (between - (len(members) - 1) * mean) / effective if effective > 0 else 0.0
    return None if apart <= 0 else mean / apart
