"""Every language has every word, and keys stay keys."""

from typing import Any

import pytest

from csapi.facts.kinds import Dimension as Labels
from csapi.facts.presence import PresenceState
from csapi.kit.language import Language
from csapi.metrics.catalog import METRICS
from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.periods import TimeGrain, buckets, explicit_period
from csapi.metrics.words import ALL_WORDS, CATALOGS, ENGLISH

OTHERS = [language for language in Language if language is not Language.en]


@pytest.mark.parametrize("language", OTHERS)
def test_metrics_and_dimensions_are_all_named(language: Language) -> None:
    catalog = CATALOGS[language]
    assert catalog.metrics.keys() == METRICS.keys()
    assert catalog.dimensions.keys() == DIMENSIONS.keys()
    assert len(set(catalog.metrics.values())) == len(METRICS)


@pytest.mark.parametrize("language", Language)
def test_members_are_all_named(language: Language) -> None:
    catalog, english = CATALOGS[language], CATALOGS[Language.en]
    assert catalog.members.keys() == english.members.keys()
    for labels, members in catalog.members.items():
        assert members.keys() == english.members[labels].keys()
    assert catalog.states.keys() == {state.value for state in PresenceState}
    assert (len(catalog.weekdays), len(catalog.months)) == (7, 12)
    words: list[Any] = [catalog.none, catalog.unknown, catalog.other, catalog.all]
    words += [*catalog.weekdays, *catalog.months, *catalog.states.values()]
    for each in (catalog.metrics, catalog.dimensions, *catalog.members.values()):
        words += each.values()
    assert all(word and word == word.strip() for word in words)


@pytest.mark.parametrize(
    ("grain", "labels"),
    [
        (TimeGrain.month, ("January 2026", "يناير 2026", "2026年1月")),
        (TimeGrain.quarter, ("Q1 2026", "الربع 1، 2026", "2026年第1季度")),
        (TimeGrain.week, ("Week 1, 2026", "الأسبوع 1، 2026", "2026年第1周")),
        (TimeGrain.day_of_week, ("Monday", "الاثنين", "星期一")),
        (TimeGrain.hour_of_day, ("00:00", "00:00", "00:00")),
        (TimeGrain.day, ("2026-01-01",) * 3),
        (TimeGrain.year, ("2026",) * 3),
    ],
)
def test_buckets(grain: TimeGrain, labels: tuple[str, ...]) -> None:
    first = buckets(grain, explicit_period("2026-01-01", "2026-02-01", "UTC"))[0]
    assert tuple(words.bucket(grain, first) for words in ALL_WORDS.values()) == labels


def test_what_nobody_knows_is_what_it_is() -> None:
    assert ENGLISH.member(Labels.CHANNEL, "Phone") == "Phone"
    assert ENGLISH.member(Labels.CHANNEL, "fax machine") == "fax machine"
    assert ENGLISH.member(Labels.QUEUE, "phone") == "phone"
    assert ENGLISH.member(None, "phone") == "phone"
