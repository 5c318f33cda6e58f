"""The detector of the radar: pure, on counts by day."""

import random
from collections.abc import Sequence

import pytest

from csapi.metrics.statistics import poisson
from csapi.reports.radar.detector import (
    Detector,
    Verdict,
    at_least_p,
    base_days,
    history_days,
    promising,
)
from csapi.reports.radar.emerging import Days, Text, emerging, named_by, terms_of
from csapi.reports.radar.renames import predecessors

WINDOW = 7
LENGTH = history_days(WINDOW) + WINDOW


def steady(each: int, days: int = LENGTH) -> list[int]:
    return [each] * days


def judged(counts: Sequence[int], totals: Sequence[int], family: int = 1) -> Verdict:
    return Detector[str](totals, WINDOW).verdicts({"it": counts}, family)["it"]


def test_what_comes_as_always_is_no_news() -> None:
    verdict = judged(steady(3), steady(30))
    assert (verdict.count, verdict.is_alarm, verdict.is_seasonal) == (21, False, False)
    assert verdict.expected == pytest.approx(21, rel=0.01)
    assert verdict.p_value > 0.3


def test_more_of_one_thing_is() -> None:
    counts, totals = steady(3), steady(30)
    counts[-WINDOW:], totals[-WINDOW:] = [9] * WINDOW, [36] * WINDOW
    verdict = judged(counts, totals)
    assert verdict.is_alarm
    assert verdict.ratio == pytest.approx(3, rel=0.02)
    assert verdict.ratio_ci95[0] < 3 < verdict.ratio_ci95[1]


def test_a_peak_of_everything_is_no_news() -> None:
    counts, totals = steady(3), steady(30)
    counts[-WINDOW:], totals[-WINDOW:] = [9] * WINDOW, [90] * WINDOW
    verdict = judged(counts, totals)
    assert not verdict.is_alarm
    assert verdict.ratio == pytest.approx(1, rel=0.02)


def test_a_feast_on_which_only_some_come_is_no_news() -> None:
    totals = steady(30)
    totals[-WINDOW:] = [5] * WINDOW
    verdict = judged(steady(3), totals)
    assert not verdict.is_alarm
    assert verdict.expected == pytest.approx(21, rel=0.03)


@pytest.mark.parametrize("year", [354, 365])
def test_a_season_of_either_year_is_no_news(year: int) -> None:
    """The Islamic year is eleven days shorter."""
    counts, totals = steady(3), steady(30)
    for day in range(10):
        for place in (LENGTH - 10 + day, LENGTH - 10 + day - year):
            counts[place] = 9
    verdict = judged(counts, totals)
    assert (verdict.is_alarm, verdict.is_seasonal) == (False, True)
    counts[-WINDOW:] = [40] * WINDOW
    assert judged(counts, totals).is_alarm


def test_a_season_without_anything_between_is_no_return() -> None:
    counts = steady(0)
    for place in (LENGTH - 7, LENGTH - 7 - 357):
        counts[place : place + 7] = [6] * 7
    verdict = judged(counts, steady(30))
    assert (verdict.is_alarm, verdict.is_back) == (False, True)
    counts = steady(0)
    counts[-WINDOW:] = [6] * 7
    assert judged(counts, steady(30)).is_alarm


def test_days_of_the_week_are_held_against_each_other() -> None:
    """One day is looked at: of a thing that comes on this day alone."""
    days = history_days(1) + 1
    counts = [10 if (days - 1 - place) % 7 == 0 else 0 for place in range(days)]
    verdict = Detector[str](steady(30, days), 1).verdicts({"it": counts})["it"]
    assert verdict.expected == pytest.approx(10, rel=0.02)
    assert not verdict.is_alarm


def test_what_always_varies_a_lot_needs_more() -> None:
    rng, totals = random.Random("calm"), steady(300)
    wild = [rng.choice((0, 12)) if place // 7 % 2 else 6 for place in range(LENGTH)]
    counts, totals = steady(6), steady(300)
    wild = [(2, 10)[place // WINDOW % 2] for place in range(LENGTH)]
    wild[-WINDOW:] = counts[-WINDOW:] = [12] * WINDOW
    calm, unsteady = judged(counts, totals), judged(wild, totals)
    assert unsteady.dispersion > 2 * calm.dispersion
    assert unsteady.p_value > calm.p_value


def test_all_that_was_looked_at_is_corrected_for() -> None:
    counts, totals = steady(3), steady(30)
    counts[-WINDOW:] = [6] * WINDOW
    alone, among = judged(counts, totals), judged(counts, totals, family=1000)
    assert among.p_adjusted == pytest.approx(min(1, 1000 * alone.p_adjusted))
    assert (alone.is_alarm, among.is_alarm) == (True, False)


def test_a_month_of_history_is_needed() -> None:
    totals = [0] * (LENGTH - WINDOW - 27) + [30] * (27 + WINDOW)
    assert Detector[str](totals, WINDOW).verdicts({"it": steady(3)}) == {}
    assert Detector[str]([30, *totals[1:]], WINDOW).verdicts({"it": steady(3)})


def test_the_tail_is_that_of_the_distribution() -> None:
    """Close to Poisson's where nothing varies more than by chance: Byar's upper end of 95 %."""
    low, _ = poisson(20)
    assert at_least_p(20, low, 1.0001) == pytest.approx(0.025, abs=0.001)
    # 1 - (1 + 3)**-2 x (1 + 2 x 3 / 4): of mean 6 and variance 24 two or more.
    assert at_least_p(2, 6, 4) == pytest.approx(1 - 1 / 16 - 2 * (1 / 16) * (3 / 4))
    assert at_least_p(0, 6, 4) == 1


def test_the_most_surprising_are_looked_at_first() -> None:
    counts = {"a": 10.0, "b": 10.0, "c": 4.0, "d": 100.0}
    before = {"a": 80.0, "d": 800.0}
    assert promising(counts, before, 124, 992) == ["b", "a", "d"]


def days_of(*spans: tuple[int, int]) -> list[int]:
    """As many a day until before each day, from the start."""
    found: list[int] = []
    for until, count in spans:
        found += [count] * (until - len(found))
    return found


def test_a_topic_that_goes_on_under_another_name_is_its_successor() -> None:
    ended = days_of((LENGTH - 5, 3), (LENGTH, 0))
    begun = days_of((LENGTH - 5, 0), (LENGTH, 3))
    grown = days_of((LENGTH - 5, 0), (LENGTH, 12))
    found = predecessors(begun, 15, {"old": ended}, WINDOW, is_new=True)
    assert found == ["old"]
    assert predecessors(grown, 60, {"old": ended}, WINDOW, is_new=True) == []
    late = days_of((LENGTH - 2, 0), (LENGTH, 8))
    assert predecessors(late, 16, {"old": ended}, WINDOW, is_new=True) == []
    other = days_of((LENGTH - 4, 2), (LENGTH, 0))
    both = predecessors(begun, 23, {"old": ended, "other": other}, WINDOW, is_new=True)
    assert both == ["old", "other"]
    into = days_of((LENGTH - 5, 2), (LENGTH, 5))
    assert predecessors(into, 15, {"old": ended}, WINDOW, is_new=False) == ["old"]


def written(words: str, day: int, number: int, topic: int | None = None) -> Text:
    return Text(number, day, f"p{number}", topic, terms_of(words.split()))


def said(*issues: tuple[str, int, int | None]) -> list[Text]:
    """Ten texts a day about this and that, then issues in the window: words, how many, topic."""
    first = LENGTH - WINDOW - base_days(WINDOW)
    texts = [
        written(f"order number{number % 5} late", day, 10 * day + number, number % 3)
        for day in range(first, LENGTH)
        for number in range(10)
    ]
    for words, count, topic in issues:
        start = 10 * LENGTH + len(texts)
        texts += [written(words, LENGTH - 1 - n % WINDOW, start + n, topic) for n in range(count)]
    return sorted(texts, key=lambda each: (each.day, each.place))


DAYS = Days(LENGTH, WINDOW)


def test_words_that_come_up_are_one_finding() -> None:
    found = emerging(said(("apple pay declined", 8, None)), DAYS)
    (term,) = found.terms
    assert term.term in {"apple pay", "pay declined"}
    assert "declined" in term.also
    assert (len(term.texts), term.people_before) == (8, 0)
    assert found.tested > 5


def test_what_a_topic_covers_is_not_listed() -> None:
    assert emerging(said(("apple pay declined", 8, 1)), DAYS).terms == []
    names = named_by([["pay", "with", "apple"], ["declined", "pay", "apple"]])
    assert emerging(said(("apple pay declined", 8, None)), DAYS, names).terms == []


def test_what_most_bear_is_covered_if_it_is_told_itself() -> None:
    texts = said(("apple pay declined", 5, 1), ("apple pay declined", 3, None))
    assert emerging(texts, DAYS).terms
    assert emerging(texts, DAYS, told=frozenset({1})).terms == []
    assert emerging(texts, DAYS, told=frozenset({2})).terms


def test_what_few_people_write_is_not_listed() -> None:
    texts = said(("apple pay declined", 8, None))
    alone = [
        Text(each.place, each.day, "p", each.topic, each.terms) if "pay" in each.terms else each
        for each in texts
    ]
    assert emerging(alone, DAYS).terms == []
    assert emerging(texts, DAYS, least_people=9).terms == []
    assert emerging(texts, DAYS, least_people=8).terms


def test_words_of_the_same_days_a_year_before_are_no_news() -> None:
    season = [written("ramadan hours", LENGTH - WINDOW - 357 + n % 14, n) for n in range(60)] + [
        written("order late", LENGTH - WINDOW - 357 + n % 14, 100 + n) for n in range(140)
    ]
    now = said(("ramadan hours", 25, None))
    assert emerging(now, DAYS).terms
    assert emerging([*season, *now], DAYS).terms == []
