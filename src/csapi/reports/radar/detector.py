"""Whether something came more often than its own history explains. Pure; counts by day in, a
verdict out. The endpoint and the simulation (bench/radar.py) both ask here.

Everything is counted in blocks that are as long as the window and lie whole weeks before it, so
that all have the same days of the week. With y counts of one thing, o of all others, w the window
and b the blocks of the weeks before:

    usual    = max(o_w x (y_b + 1/2) / o_b, (y_b + 1/2) / blocks)
    expected = the largest of usual and of what the seasons say

The first of `usual` is the share of all, so that a peak of everything raises nothing; the second
the count itself, so that a day on which only few come raises nothing. A season is a block 50 to 53
weeks earlier, which holds the same days of both the solar and the Islamic year. One that stood out
of its own weeks before (of those before the window, where its own are unknown), by more than
SEASON_Z, raises what is expected: to its share, and by as
much as it then rose, both weighted with y_s / (y_s + SEASON_PRIOR).

The count is held against a negative binomial distribution with that mean and a variance of the
mean times `dispersion`: how far the blocks of the weeks before lay off what was expected of each,
drawn towards PRIOR + CV2 x mean with the weight of PRIOR_BLOCKS blocks.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Generic, TypeVar

from csapi.metrics.statistics import Interval, Z, holm, incomplete_beta

K = TypeVar("K")
Block = tuple[int, int]
WEEK = 7
BASE_DAYS, LEAST_BLOCKS = 56, 3
SEASONS = (350, 357, 364, 371)
SEASON_Z, SEASON_PRIOR = 2.0, 5.0
DISPERSION_BLOCKS = 26
PRIOR, CV2, PRIOR_BLOCKS = 1.2, 0.02, 6
# One block far off, an old issue or a season, says little about all the others.
LARGEST_Z2 = 9.0
LEAST_DISPERSION = 1.05
LEAST_COUNT, LEAST_RATIO, SIGNIFICANT = 5, 1.5, 0.05
# So long without any before it comes back.
SILENT_DAYS = 56
# So many days with anything have to be known before the window.
LEAST_HISTORY = 28


def step_of(window: int) -> int:
    """How many days lie between the starts of two blocks: whole weeks."""
    return WEEK * -(-window // WEEK)


def blocks_of(window: int) -> int:
    """How many blocks before a window are its weeks before."""
    return max(LEAST_BLOCKS, BASE_DAYS // step_of(window))


def base_days(window: int) -> int:
    return blocks_of(window) * step_of(window)


def history_days(window: int) -> int:
    """How many days before the window are looked at."""
    return SEASONS[-1] + base_days(window)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a window is held against. p_adjusted: corrected for all that was looked at."""

    count: int
    expected: float
    ratio: float
    ratio_ci95: Interval
    dispersion: float
    is_seasonal: bool
    silent_days: int | None
    p_value: float
    p_adjusted: float = 1.0

    @property
    def is_alarm(self) -> bool:
        is_much = self.count >= LEAST_COUNT and self.ratio >= LEAST_RATIO
        return is_much and self.p_adjusted < SIGNIFICANT

    @property
    def is_back(self) -> bool:
        """Whether there was none for long; whether ever before, others know."""
        return self.silent_days is None or self.silent_days >= SILENT_DAYS


@dataclass(frozen=True, slots=True)
class Usual:
    """A block with what is expected of it, and by how much the uncertainty of that widens its
    variance."""

    count: int
    others: int
    mean: float
    reach: float


def sums(counts: Sequence[int]) -> list[int]:
    return [0, *accumulate(counts)]


@dataclass(frozen=True)
class Blocks:
    """Counts of one thing by day, and the running sum of everything; the window is the last days of
    them. Days without anything at all are unknown."""

    counts: Sequence[int]
    whole: Sequence[int]
    window: int

    @cached_property
    def _sums(self) -> list[int]:
        return sums(self.counts)

    @cached_property
    def _known(self) -> dict[int, Block | None]:
        return {}

    def at(self, shift: int) -> Block | None:
        """The count and that of all others so many days before the window; None: unknown."""
        if shift not in self._known:
            self._known[shift] = self._at(shift)
        return self._known[shift]

    def _at(self, shift: int) -> Block | None:
        end = len(self.counts) - shift
        start = end - self.window
        if start < 0 or self.whole[end] == self.whole[start]:
            return None
        count = self._sums[end] - self._sums[start]
        return count, self.whole[end] - self.whole[start] - count

    def before(self, shift: int) -> tuple[int, int, int]:
        """The count, that of the others, and the blocks, of the weeks before a block."""
        step, count, others, blocks = step_of(self.window), 0, 0, 0
        for earlier in range(shift + step, shift + step * (blocks_of(self.window) + 1), step):
            block = self.at(earlier)
            if block is not None:
                count, others, blocks = count + block[0], others + block[1], blocks + 1
        return count, others, blocks

    def usual(self, shift: int) -> Usual | None:
        """What the weeks before let one expect of a block; None: one of them is unknown."""
        block, (count, others, blocks) = self.at(shift), self.before(shift)
        if block is None or not blocks:
            return None
        by_count = (count + 0.5) / blocks
        if not others:
            # What was everything cannot be a larger part.
            return Usual(*block, max(by_count, block[0]), 1 + 1 / blocks)
        by_share = block[1] * (count + 0.5) / others
        return Usual(*block, max(by_count, by_share), 1 + block[1] / others)

    def seasons(self, now: Usual) -> Iterator[float]:
        """What the same days a year before let one expect, where they stood out."""
        for shift in SEASONS:
            block = self.at(shift)
            if block is None:
                continue
            count, others = block
            then = self.usual(shift)
            usual = now.mean * others / now.others if then is None and now.others else now.mean
            reach = now.reach
            if then is not None:
                usual, reach = then.mean, then.reach
            if (count - usual) <= SEASON_Z * math.sqrt(usual * reach * PRIOR):
                continue
            weight = count / (count + SEASON_PRIOR)
            by_share = now.others * count / others if others else float(count)
            yield now.mean + weight * (by_share - now.mean)
            yield now.mean * (1 + weight * (count / max(usual, 1.0) - 1))

    def dispersion(self, expected: float) -> float:
        """The variance of a block over its mean."""
        found = []
        for number in range(1, DISPERSION_BLOCKS + 1):
            usual = self.usual(number * step_of(self.window))
            if usual is not None:
                off = (usual.count - usual.mean) ** 2 / (usual.mean * usual.reach)
                found.append(min(off, LARGEST_Z2))
        prior = PRIOR_BLOCKS * (PRIOR + CV2 * expected)
        return max((sum(found) + prior) / (len(found) + PRIOR_BLOCKS), LEAST_DISPERSION)

    @property
    def silent_days(self) -> int | None:
        """Since when there was none, up to the window; None: never before."""
        before = self.counts[: len(self.counts) - self.window]
        return next((n for n, each in enumerate(reversed(before)) if each), None)

    def verdict(self) -> Verdict | None:
        """None: nothing is known before the window, or in it."""
        usual = self.usual(0)
        if usual is None:
            return None
        count, expected = usual.count, max([usual.mean, *self.seasons(usual)])
        dispersion = self.dispersion(expected)
        ratio = count / expected
        return Verdict(
            count=count,
            expected=expected,
            ratio=ratio,
            ratio_ci95=ratio_interval(ratio, count, self.before(0)[0], dispersion),
            dispersion=dispersion,
            is_seasonal=expected > usual.mean,
            silent_days=self.silent_days,
            p_value=at_least_p(count, expected, dispersion * usual.reach),
        )


def at_least_p(count: int, mean: float, dispersion: float) -> float:
    """The chance of so many or more, under a negative binomial distribution whose variance is
    `dispersion` times its mean."""
    if count <= 0:
        return 1.0
    return incomplete_beta(count, mean / (dispersion - 1), 1 - 1 / dispersion)


def ratio_interval(ratio: float, count: int, before: int, dispersion: float) -> Interval:
    """The 95 % interval of a ratio of two counts, on its logarithm."""
    reach = Z * math.sqrt(dispersion * (1 / (count + 0.5) + 1 / (before + 0.5)))
    return ratio * math.exp(-reach), ratio * math.exp(reach)


@dataclass(frozen=True)
class Detector(Generic[K]):
    """What is counted together: all by day, and how many days at the end are the window."""

    totals: Sequence[int]
    window: int

    @property
    def known_days(self) -> int:
        """Days before the window since anything was counted."""
        before = self.totals[: len(self.totals) - self.window]
        first = next((place for place, each in enumerate(before) if each), len(before))
        return len(before) - first

    def verdicts(self, series: Mapping[K, Sequence[int]], family: int = 0) -> dict[K, Verdict]:
        """Of each thing that can be judged. family: among so many these were chosen, if more."""
        if self.known_days < LEAST_HISTORY:
            return {}
        found: dict[K, Verdict] = {}
        whole = sums(self.totals)
        for key, counts in series.items():
            verdict = Blocks(counts, whole, self.window).verdict()
            if verdict is not None:
                found[key] = verdict
        unseen = max(0, family - len(found))
        adjusted = holm([*(each.p_value for each in found.values()), *[1.0] * unseen])
        return {
            key: replace(verdict, p_adjusted=p_adjusted)
            for (key, verdict), p_adjusted in zip(found.items(), adjusted, strict=False)
        }


def promising(
    counts: Mapping[K, float], before: Mapping[K, float], total: float, total_before: float
) -> list[K]:
    """What has enough in the window to be looked at, the most surprising first. `before` is of the
    weeks before; all of it is what is corrected for."""
    share = total / total_before if total_before else 0.0

    def surprise(key: K) -> float:
        usual = before.get(key, 0.0) * share
        return (counts[key] - usual) / math.sqrt(usual + 1)

    eligible = [key for key, count in counts.items() if count >= LEAST_COUNT]
    return sorted(eligible, key=lambda key: (-surprise(key), str(key)))
