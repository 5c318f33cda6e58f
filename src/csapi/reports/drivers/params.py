"""What can be asked of drivers, as query parameters."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.reports.ordering import Name
from csapi.reports.work_params import Values, WorkParams


class DriverLevel(StrEnum):
    """Topics as they were, or the main topics above them now."""

    topic = "topic"
    main_topic = "main_topic"


class DriverView(StrEnum):
    """By severity, or by what a machine might take over."""

    severity = "severity"
    automation_candidates = "automation_candidates"


LEVELS = {DriverLevel.topic: "topic", DriverLevel.main_topic: "topic.parent"}


class TopicParams(WorkParams, kw_only=True):
    """Which contacts, and what a topic is."""

    segment: Annotated[Values, Meta(description="Customers of these segments alone")] = (
        msgspec.field(default_factory=list)
    )
    level: Annotated[DriverLevel, Meta(description="What a driver is")] = DriverLevel.topic

    @property
    def dimension(self) -> str:
        return LEVELS[self.level]


class DriverParams(TopicParams, kw_only=True):
    """Which contacts, and how severity weighs."""

    weight: Annotated[
        Annotated[list[Name], Meta(max_length=5)],
        Meta(
            description="name:weight, such as `contacts:1`, of contacts, customers, "
            "dissatisfaction, handling, growth; what is not named weighs nothing. If absent 3, 2, "
            "3, 1 and 1"
        ),
    ] = msgspec.field(default_factory=list)


class DriversParams(DriverParams, kw_only=True):
    """How many drivers, by what."""

    top: Annotated[int, Meta(ge=1, le=100, description="So many of them")] = 10
    view: Annotated[DriverView, Meta(description="By what they are chosen and sorted")] = (
        DriverView.severity
    )


class OneDriverParams(DriverParams, kw_only=True):
    """What one driver is split by."""

    by: Annotated[
        Name | None,
        Meta(description="A dimension, such as `tag`, `segment`, `inbox` or `custom.<name>`"),
    ] = None
    top: Annotated[int, Meta(ge=1, le=100, description="So many members of it")] = 20
