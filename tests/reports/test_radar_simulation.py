"""The radar on made-up tenants: a few of those that `python -m bench radar` measures."""

from bench.radar import START, WATCHED, YEAR, Seen, alarms_of, term_delay, topic_delay
from bench.simulated import LANGUAGES, Tenant

FIRST = (WATCHED - START).days


def test_topics_that_grow_are_seen() -> None:
    tenants = [Tenant(seed, START, FIRST + YEAR) for seed in range(4)]
    fivefold = Seen([topic_delay(each, FIRST, 5) for each in tenants])
    assert fivefold.rate == 1
    assert fivefold.delay is not None
    assert fivefold.delay <= 7


def test_a_year_with_seasons_raises_hardly_an_alarm() -> None:
    """Looked at once a week; the sale, Ramadan and the feast are in it. Without what the detector
    knows of seasons there would be thirty, with plain chance in place of its dispersion four."""
    tenants = [Tenant(seed, START, FIRST + YEAR) for seed in range(3)]
    alarms = sum(
        len(alarms_of(each.totals, each.topics, end))
        for each in tenants
        for end in range(FIRST + 7, FIRST + YEAR, 7)
    )
    assert alarms <= 3


def test_words_that_grow_are_seen_in_all_languages() -> None:
    for language in LANGUAGES:
        delay = term_delay(1, language, 5)
        assert delay is not None, language
        assert delay <= 14
