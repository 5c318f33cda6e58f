"""Statistics of counts, shares and means: intervals and tests. Pure; numbers in, numbers out.

Everything is two-sided, at 95 % unless a level is named. docs/decisions/0014 says what was chosen,
and why.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from statistics import NormalDist

LEVEL = 0.95
NORMAL = NormalDist()
Z = NORMAL.inv_cdf((1 + LEVEL) / 2)
# From so many expected in the smallest cell on, Fisher's test is the normal one for all purposes.
EXACT_EXPECTED = 25
# Events on both sides together up to which the binomial test is summed up.
EXACT_EVENTS = 1000
# Degrees of freedom from which on series are as good as what they stand for.
MANY = 200
NEGLIGIBLE = 1e-16
# Tables that are as likely as the one seen count as such, whatever the rounding.
TIE = 1 + 1e-7
Interval = tuple[float, float]
Odds = Callable[[int], float]


def wilson(successes: float, n: int) -> Interval:
    """The share behind `successes` of `n`, n > 0."""
    share, z2 = successes / n, Z * Z
    middle = share + z2 / (2 * n)
    reach = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low, high = ((middle - reach) / (1 + z2 / n), (middle + reach) / (1 + z2 / n))
    return (0.0 if successes == 0 else max(low, 0.0)), (1.0 if successes == n else min(high, 1.0))


def square_and_add(
    first: float, of_first: Interval, second: float, of_second: Interval
) -> Interval:
    """The difference `first` - `second` of two independent numbers, from the interval of each.

    Of Wilson's intervals this is Newcombe's method 10.
    """
    below = math.hypot(first - of_first[0], of_second[1] - second)
    above = math.hypot(of_first[1] - first, second - of_second[0])
    return first - second - below, first - second + above


def newcombe(first: float, of_first: int, second: float, of_second: int) -> Interval:
    """The difference of two shares."""
    return square_and_add(
        first / of_first,
        wilson(first, of_first),
        second / of_second,
        wilson(second, of_second),
    )


def poisson(count: int) -> Interval:
    """The expected number behind a count, by Byar's approximation of the exact interval."""
    low = 0.0
    if count:
        low = count * (1 - 1 / (9 * count) - Z / (3 * math.sqrt(count))) ** 3
    more = count + 1
    return max(low, 0.0), more * (1 - 1 / (9 * more) + Z / (3 * math.sqrt(more))) ** 3


def normal_p(z: float) -> float:
    """The chance of a deviation of at least |z|."""
    return math.erfc(abs(z) / math.sqrt(2))


def shares_p(first: int, of_first: int, second: int, of_second: int) -> float:
    """Whether two shares differ: Fisher's exact test, of large tables the pooled z-test."""
    total, hits = of_first + of_second, first + second
    smallest = min(of_first, of_second) * min(hits, total - hits) / total
    if smallest <= EXACT_EXPECTED:
        return fisher_p(first, of_first, second, of_second)
    pooled = hits / total
    spread = math.sqrt(pooled * (1 - pooled) * (1 / of_first + 1 / of_second))
    return normal_p((first / of_first - second / of_second) / spread)


def fisher_p(first: int, of_first: int, second: int, of_second: int) -> float:
    """All tables with the same margins that are at most as likely as this one."""
    hits = first + second
    least, most = max(0, hits - of_second), min(hits, of_first)

    def odds(at: int) -> float:
        """How much likelier the next table is than the one at `at`."""
        return (hits - at) * (of_first - at) / ((at + 1) * (of_second - hits + at + 1))

    mode = min(max((hits + 1) * (of_first + 1) // (of_first + of_second + 2), least), most)
    return at_most_as_likely(first, least, mode, most, odds)


def counts_p(first: int, second: int) -> float:
    """Whether two counts differ: given their sum, each event is on either side with chance 1/2."""
    total = first + second
    if total > EXACT_EVENTS:
        return normal_p((first - second) / math.sqrt(total))

    def odds(at: int) -> float:
        return (total - at) / (at + 1)

    return at_most_as_likely(first, 0, total // 2, total, odds)


def rates_p(first: int, exposure: int, second: int, other_exposure: int) -> float:
    """Whether two counts per exposure differ."""
    total, share = first + second, exposure / (exposure + other_exposure)
    if total > EXACT_EVENTS:
        spread = math.sqrt(total * share * (1 - share))
        return normal_p((first - total * share) / spread)

    def odds(at: int) -> float:
        return (total - at) / (at + 1) * exposure / other_exposure

    mode = min(int((total + 1) * share), total)
    return at_most_as_likely(first, 0, mode, total, odds)


def at_most_as_likely(seen: int, least: int, mode: int, most: int, odds: Odds) -> float:
    """The share of outcomes that are at most as likely as `seen`, of a distribution with one mode.

    odds: how much likelier each outcome's next one is. Summed outwards from the mode, until nothing
    is left to add.
    """
    weights = {mode: 1.0}
    weights.update(_outwards(mode, most, 1, odds))
    weights.update(_outwards(mode, least, -1, odds))
    limit = weights.get(seen, 0.0) * TIE
    rare = math.fsum(weight for weight in weights.values() if weight <= limit)
    return min(rare / math.fsum(weights.values()), 1.0)


def _outwards(mode: int, end: int, step: int, odds: Odds) -> Iterator[tuple[int, float]]:
    weight, at = 1.0, mode
    while at != end and weight > NEGLIGIBLE:
        weight *= odds(at) if step > 0 else 1 / odds(at - 1)
        at += step
        yield at, weight


def variance(n: int, total: int, squares: int) -> float:
    """The sample variance from whole sums; n > 1. Nothing cancels: it divides once."""
    return (n * squares - total * total) / (n * (n - 1))


def mean_reach(n: int, spread: float) -> float:
    """Half the interval of a mean of n values with the variance `spread`; n > 1."""
    return t_quantile(n - 1) * math.sqrt(spread / n)


def welch(first: Sequence[float], second: Sequence[float]) -> tuple[float, Interval]:
    """The p-value and the interval of the difference of two means, each (n, mean, variance).

    Two constants that differ do so for certain.
    """
    (n1, mean1, spread1), (n2, mean2, spread2) = first, second
    of_first, of_second = spread1 / n1, spread2 / n2
    delta, error2 = mean1 - mean2, of_first + of_second
    if error2 <= 0:
        return (0.0 if delta else 1.0), (delta, delta)
    freedom = error2**2 / (of_first**2 / (n1 - 1) + of_second**2 / (n2 - 1))
    error = math.sqrt(error2)
    reach = t_quantile(freedom) * error
    return t_p(delta / error, freedom), (delta - reach, delta + reach)


def t_p(t: float, freedom: float) -> float:
    """The chance of a deviation of at least |t| under Student's distribution.

    Of many degrees of freedom by Abramowitz and Stegun 26.7.8, to five digits and more.
    """
    if freedom > MANY:
        return normal_p(t * (1 - 1 / (4 * freedom)) / math.sqrt(1 + t * t / (2 * freedom)))
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


@lru_cache(maxsize=4096)
def t_quantile(freedom: float, level: float = LEVEL) -> float:
    """How far the middle `level` of Student's distribution reaches: the t of an interval.

    From the series in 1 / freedom (Abramowitz and Stegun 26.7.5), then Newton's steps on t_p.
    """
    z = NORMAL.inv_cdf((1 + level) / 2)
    z2 = z * z
    if freedom < 2:
        # The series is of no use there. Of freedom 1 exact, and on the safe side of the root.
        t = math.tan(math.pi * level / 2)
    else:
        t = z * (
            1
            + (z2 + 1) / (4 * freedom)
            + ((5 * z2 + 16) * z2 + 3) / (96 * freedom**2)
            + (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * freedom**3)
        )
    if freedom > MANY:
        return t
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    for _ in range(20):
        density = scale / math.sqrt(freedom * math.pi)
        density *= (1 + t * t / freedom) ** (-(freedom + 1) / 2)
        step = (t_p(t, freedom) - (1 - level)) / (2 * density)
        t = max(t + step, t / 2)
        if abs(step) < 1e-10 * t:
            break
    return t


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function, by its continued fraction (Lentz's way)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    found = d
    for m in range(1, 1000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return found


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number, by Holm's method, in the given order.

    The chance that any of those below 0.05 is there by accident stays below 0.05, however the
    comparisons hang together.
    """
    adjusted, reached = [0.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, place in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = reached
    return adjusted


def holm_of_known(p_values: Sequence[float | None]) -> list[float | None]:
    """The same; None stays None and counts for nothing."""
    adjusted = iter(holm([each for each in p_values if each is not None]))
    return [None if each is None else next(adjusted) for each in p_values]
