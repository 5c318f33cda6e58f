"""What things of a run are called in another language than the one it was asked in. Pure.

A run keeps labels as they were. What the tenant has named stays; words of the catalog are said in
the language of the reader.
"""

from datetime import date

from csapi.kit.language import Language
from csapi.metrics.catalog import METRICS
from csapi.metrics.dimensions import DIMENSIONS, TIME_PREFIX
from csapi.metrics.periods import Bucket, TimeGrain
from csapi.metrics.words import ALL_WORDS
from csapi.reports.layouts import DimensionValue
from csapi.reports.papers.words import ALL_PAPER_WORDS
from csapi.reports.schemas import ColumnInfo, MetricRequest


class Labels:
    """Labels in `language` of what was told in another one."""

    def __init__(self, told: Language, language: Language) -> None:
        self.told, self.words = ALL_WORDS[told], ALL_WORDS[language]
        self.is_same = told is language

    def metric(self, asked: MetricRequest, column: ColumnInfo) -> str:
        metric = METRICS.get(asked.id)
        is_ours = metric is not None and column.label == self.told.metric(metric)
        label = self.words.metric(metric) if metric is not None and is_ours else column.label
        return label if asked.agg is None else f"{label} ({asked.agg})"

    def dimension(self, name: str) -> str:
        if name.startswith(TIME_PREFIX):
            grain = TimeGrain(name.removeprefix(TIME_PREFIX))
            return ALL_PAPER_WORDS[self.words.language].choice("time", grain.value)
        found = DIMENSIONS.get(name)
        return name if found is None else self.words.dimension(found)

    def member(self, name: str, member: DimensionValue) -> str:
        if self.is_same:
            return member.label
        if name.startswith(TIME_PREFIX):
            return self.bucket(TimeGrain(name.removeprefix(TIME_PREFIX)), member)
        told, words = self.told.catalog, self.words.catalog
        if member.key is None:
            return words.none if member.label == told.none else member.label
        found = DIMENSIONS.get(name)
        labels = None if found is None else found.labels
        if member.label == told.unknown:
            return words.unknown
        if member.label == self.told.member(labels, member.key):
            return self.words.member(labels, member.key)
        return member.label

    def bucket(self, grain: TimeGrain, member: DimensionValue) -> str:
        label, key = member.label, member.key or ""
        if grain is TimeGrain.week and date.fromisoformat(key).isoweekday() == 1:
            week = date.fromisoformat(key).isocalendar()
            label = f"{week.year}-W{week.week:02}"
        return self.words.bucket(grain, Bucket(key, label, member.start, member.end))
