"""Small samples drawn towards their peers: the published formulas, by hand and by simulation."""

import random

import pytest

from csapi.metrics.formulas import Formula
from csapi.metrics.parts import Combo
from csapi.metrics.sampling import Sample, SampleKind
from csapi.metrics.shrinkage import Drawing, Prior, prior_of, size_of

PLAIN = Formula(numerator=Combo(()), denominator=Combo(()), n=Combo(()))


def share(hits: int, n: int) -> Sample:
    return Sample(hits, n, n)


def mean(*values: int) -> Sample:
    return Sample(sum(values), len(values), len(values), sum(each * each for each in values))


def shares(*samples: tuple[int, int]) -> Prior:
    found = prior_of(SampleKind.SHARE, PLAIN, [share(*each) for each in samples])
    assert found is not None
    return found


def drawn(prior: Prior, hits: int, n: int) -> float:
    return prior.drawn(hits / n, n)


def test_the_formula_of_shares_by_hand() -> None:
    prior = shares((95, 100), (80, 100), (60, 100), (2, 2))
    # m = 237 / 302, S = 6.1971, n0 = 302 - 30004 / 302, rho = (S / (m (1 - m)) - 3) / (n0 - 3).
    assert (prior.drawing, prior.members) == (Drawing.beta_binomial, 4)
    assert prior.mean == pytest.approx(237 / 302)
    between = 100 * sum((each - 237 / 302) ** 2 for each in (0.95, 0.8, 0.6))
    between += 2 * (1 - 237 / 302) ** 2
    rho = (between / (237 / 302 * 65 / 302) - 3) / (302 - 30_004 / 302 - 3)
    assert prior.weight == pytest.approx(1 / rho - 1)
    assert drawn(prior, 2, 2) == pytest.approx((2 + (1 / rho - 1) * 237 / 302) / (2 + 1 / rho - 1))


def test_two_lucky_ratings_do_not_lead() -> None:
    table = [(95, 100), (80, 100), (60, 100), (2, 2)]
    prior = shares(*table)
    ranked = sorted(table, key=lambda each: -drawn(prior, *each))
    assert ranked[0] == (95, 100)
    assert drawn(prior, 95, 100) < 0.95


def test_a_few_members_who_differ_by_luck_are_not_taken_at_their_word() -> None:
    assert shares((2, 2), (0, 2)).weight == 4


def test_members_who_are_alike_rank_at_the_mean() -> None:
    prior = shares((50, 100), (51, 100), (2, 2))
    assert prior.weight is None
    assert drawn(prior, 2, 2) == drawn(prior, 50, 100) == pytest.approx(103 / 202)
    assert shares((5, 5), (9, 9)).weight is None


def test_means_are_drawn_by_the_variance_within() -> None:
    samples = [mean(10, 20, 30), mean(40, 50, 60), mean(200)]
    prior = prior_of(SampleKind.MEAN, PLAIN, samples)
    assert prior is not None
    # 4 degrees of freedom within: sigma2 = (200 + 200) / 4.
    middle = 410 / 7
    between = 3 * (20 - middle) ** 2 + 3 * (50 - middle) ** 2 + (200 - middle) ** 2
    apart = (between - 2 * 100) / (7 - 19 / 7)
    assert prior.mean == pytest.approx(middle)
    assert prior.weight == max(100 / apart, 4)
    assert size_of(PLAIN, samples[0]) == 3


def test_rates_are_drawn_by_their_counts() -> None:
    hours = Formula(Combo(()), Combo(()), Combo(()), denominator_scale=3_600_000)
    samples = [
        Sample(300, 360_000_000, 300),
        Sample(100, 360_000_000, 100),
        Sample(9, 3_600_000, 9),
    ]
    prior = prior_of(SampleKind.RATE, hours, samples)
    assert prior is not None
    assert (prior.drawing, prior.mean) == (Drawing.gamma_poisson, 409 / 201)
    assert prior.weight is not None
    # Nine contacts in the only hour: between the mean and nine.
    assert 2 < prior.drawn(9, 1) < 6
    assert prior.drawn(3, 100) == pytest.approx(3, abs=0.05)


def test_what_is_not_drawn() -> None:
    alone = [share(1, 2)]
    assert prior_of(SampleKind.SHARE, PLAIN, alone) is None
    assert prior_of(SampleKind.SHARE, PLAIN, [*alone, share(0, 0)]) is None
    assert prior_of(SampleKind.COUNT, PLAIN, [share(1, 2), share(2, 3)]) is None
    assert prior_of(None, PLAIN, [share(1, 2), share(2, 3)]) is None
    unsquared = [Sample(10, 2, 2), Sample(20, 2, 2)]
    assert prior_of(SampleKind.MEAN, PLAIN, unsquared) is None


def test_drawn_values_are_nearer_to_the_truth() -> None:
    """200 agents whose true shares are Beta(8, 2), with 1 to 40 ratings each."""
    chance = random.Random(5)
    truth = [chance.betavariate(8, 2) for _ in range(200)]
    sizes = [chance.randint(1, 40) for _ in truth]
    hits = [sum(chance.random() < p for _ in range(n)) for p, n in zip(truth, sizes, strict=True)]
    prior = shares(*zip(hits, sizes, strict=True))
    assert prior.weight == pytest.approx(10, rel=0.5)
    own = sum((x / n - p) ** 2 for x, n, p in zip(hits, sizes, truth, strict=True))
    ranked = sum((drawn(prior, x, n) - p) ** 2 for x, n, p in zip(hits, sizes, truth, strict=True))
    assert ranked < 0.7 * own
