"""What things are called, in each language: a file for each, and nothing else knows words.

English names of metrics and dimensions are those of their own entries. What a tenant has named
itself keeps its name in every language. Keys are never translated.
"""

from collections.abc import Mapping

from csapi.facts.kinds import Dimension as Labels
from csapi.kit.language import Language
from csapi.metrics.dimensions import Dimension
from csapi.metrics.metric import Metric
from csapi.metrics.periods import Bucket, TimeGrain
from csapi.metrics.words import ar, en, zh_hans
from csapi.metrics.words.catalog import Catalog

CATALOGS: Mapping[Language, Catalog] = {
    Language.en: en.CATALOG,
    Language.ar: ar.CATALOG,
    Language.zh_hans: zh_hans.CATALOG,
}


class Words:
    """Labels in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.catalog = CATALOGS[language]

    def metric(self, metric: Metric) -> str:
        return self.catalog.metrics.get(metric.id, metric.label)

    def dimension(self, dimension: Dimension) -> str:
        return self.catalog.dimensions.get(dimension.id, dimension.label)

    def member(self, labels: Labels | None, key: str) -> str:
        """What a member is called that nobody has described."""
        if labels is None:
            return key
        return self.catalog.members.get(labels, {}).get(key.lower(), key)

    def bucket(self, grain: TimeGrain, bucket: Bucket) -> str:
        """What a time bucket is called: by name where it has one, else as it is written."""
        catalog = self.catalog
        if grain is TimeGrain.day_of_week:
            return catalog.weekdays[int(bucket.key) - 1]
        if grain is TimeGrain.month:
            month = catalog.months[int(bucket.key[5:7]) - 1]
            return catalog.month.format(month=month, year=bucket.key[:4])
        if grain is TimeGrain.quarter:
            quarter = (int(bucket.key[5:7]) + 2) // 3
            return catalog.quarter.format(number=quarter, year=bucket.key[:4])
        if grain is TimeGrain.week:
            year, is_numbered, number = bucket.label.partition("-W")
            if is_numbered:
                return catalog.week.format(number=int(number), year=year)
        return bucket.label


ALL_WORDS = {language: Words(language) for language in Language}
ENGLISH = ALL_WORDS[Language.en]
