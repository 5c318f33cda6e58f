"""What a file of words has to say."""

from collections.abc import Mapping
from dataclasses import dataclass

from csapi.facts.kinds import Dimension as Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The words of one language. members: by dimension and key, in small letters, what sources
    commonly say. states: what an agent is doing. month, quarter, week: patterns over `year` and
    `month` or `number`."""

    none: str
    unknown: str
    other: str
    all: str
    replies: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    month: str
    quarter: str
    week: str
    members: Mapping[Labels, Mapping[str, str]]
    states: Mapping[str, str]
    dimensions: Mapping[str, str]
    metrics: Mapping[str, str]
