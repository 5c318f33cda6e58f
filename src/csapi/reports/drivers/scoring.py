"""Topics with their numbers, and how severe each is. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from msgspec import UNSET

from csapi.reports.drivers.reading import Cells, Drivers, nothing
from csapi.reports.drivers.schemas import (
    Driver,
    DriverNumbers,
    HandlingValue,
    Severity,
    SeverityPart,
    ShareValue,
    Trend,
)
from csapi.reports.drivers.severity import Amounts, Part, severity, weights_in_force
from csapi.reports.schemas import MetricValue


def id_of(key: str) -> str:
    """The key of a topic as a piece of a path: `~` and `/` as JSON pointers write them."""
    return key.replace("~", "~0").replace("/", "~1")


def key_of(driver_id: str) -> str:
    return driver_id.replace("~1", "/").replace("~0", "~")


def share_of(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def coverage_of(whole: float | None, without: float | None) -> ShareValue:
    """The share of all that has a topic; without: what has none. None: one of them is hidden."""
    if whole is None or without is None:
        return ShareValue(value=None, numerator=0, denominator=0)
    part = whole - without
    return ShareValue(value=share_of(part, whole), numerator=part, denominator=whole)


def growth_of(contacts: MetricValue) -> float | None:
    """By how much there is more than in the range before; None: one of them is hidden."""
    before = 0 if contacts.compare is UNSET else contacts.compare.value
    return None if contacts.value is None or before is None else max(0.0, contacts.value - before)


@dataclass(frozen=True)
class Scored:
    """All topics that were read, and the weights that were asked for."""

    found: Drivers
    asked_weights: Mapping[str, float]

    @cached_property
    def keys(self) -> list[str]:
        return [key for key in self.found.rows if key is not None]

    def cells(self, key: str | None) -> Cells:
        nowhere = {name: nothing(name) for name in self.found.totals}
        return self.found.rows.get(key, nowhere)

    def amounts(self, cells: Cells) -> Amounts:
        return Amounts(
            contacts=cells["contacts"].value,
            customers=cells["customers"].value,
            dissatisfaction=cells["dissatisfied"].numerator,
            handling=cells["handling"].value,
            growth=growth_of(cells["contacts"]),
        )

    @cached_property
    def whole(self) -> Amounts:
        """What all have together; of growth, what those that grew have grown by."""
        found = self.amounts(self.found.totals)
        grown = (growth_of(cells["contacts"]) for cells in self.found.rows.values())
        return Amounts(
            found.contacts,
            found.customers,
            found.dissatisfaction,
            found.handling,
            sum(each or 0 for each in grown),
        )

    @cached_property
    def weights(self) -> dict[str, float]:
        return weights_in_force(self.asked_weights, self.whole)

    @cached_property
    def parts(self) -> dict[str, dict[str, Part]]:
        return {
            key: severity(self.amounts(self.cells(key)), self.whole, self.weights)
            for key in self.keys
        }

    def severity_of(self, key: str) -> float:
        return sum(each.contribution for each in self.parts[key].values())

    @cached_property
    def ranked(self) -> list[str]:
        """The severest first; of equals those with more contacts, then by key."""
        return sorted(
            self.keys,
            key=lambda key: (
                -self.severity_of(key),
                -(self.amounts(self.cells(key)).contacts or 0),
                key,
            ),
        )

    @cached_property
    def places(self) -> dict[str, int]:
        return {key: place for place, key in enumerate(self.ranked, start=1)}

    def handling(self, cells: Cells) -> HandlingValue:
        handling, staff_cost = cells["handling"], self.found.totals["staff_cost"]
        share = share_of(handling.value, self.whole.handling)
        cost = staff_cost.value if staff_cost.n else None
        return HandlingValue(
            seconds=handling.value,
            calls=handling.n,
            seconds_per_call=share_of(handling.value, handling.n),
            share=share,
            cost=None if share is None or cost is None else share * cost,
        )

    def numbers(self, cells: Cells) -> DriverNumbers:
        contacts = cells["contacts"]
        return DriverNumbers(
            contacts=contacts,
            share=share_of(contacts.value, self.whole.contacts),
            customers=cells["customers"],
            dissatisfied=cells["dissatisfied"],
            handling=self.handling(cells),
        )

    def about(self) -> dict[str, Any]:
        """What answers say of all topics, whichever they show."""
        found, period = self.found, self.found.period
        return {
            "tag_coverage": self.coverage(),
            "drivers": len(self.keys),
            "weights": self.weights,
            "currency": found.currency,
            "start": period.start,
            "end": period.end,
            "timezone": period.timezone,
            "meta": found.meta,
        }

    def coverage(self) -> ShareValue:
        """How many contacts have a topic, among all."""
        return coverage_of(self.whole.contacts, self.cells(None)["contacts"].value)

    def driver(self, key: str, trend: Trend) -> Driver:
        cells, parts = self.cells(key), self.parts[key]
        numbers = self.numbers(cells)
        return Driver(
            driver_id=id_of(key),
            topic=key,
            label=self.found.labels.get(key, key),
            departments=list(self.found.departments.get(key, ())),
            severity=Severity(
                value=self.severity_of(key),
                rank=self.places[key],
                parts={
                    name: SeverityPart(
                        share=each.share, weight=each.weight, contribution=each.contribution
                    )
                    for name, each in parts.items()
                },
            ),
            contacts=numbers.contacts,
            share=numbers.share,
            customers=numbers.customers,
            dissatisfied=numbers.dissatisfied,
            handling=numbers.handling,
            trend=trend,
        )
