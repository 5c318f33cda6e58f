"""From names on the wire to the integers that facts and summaries hold."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

import msgspec

from csapi.facts.kinds import Dimension
from csapi.facts.tables import ATTRIBUTE_SLOTS
from csapi.facts.wire import normalized

Ref = tuple[int, str, str]
NO_ATTRIBUTES: tuple[None, ...] = (None,) * ATTRIBUTE_SLOTS


class Entity(IntEnum):
    """References to records: their surrogates live in the table of the record."""

    AGENT = 101
    TEAM = 102
    CUSTOMER = 103


class Lookup:
    """Answers from what is known; notes what is missing and answers 0 for it.

    A row that was built while something was missing is built again after it was resolved.
    erasures: how many there were when these names were learned.
    """

    __slots__ = ("attributes", "erasures", "known", "missing")

    def __init__(
        self, known: dict[Ref, int], attributes: dict[str, int], erasures: int = 0
    ) -> None:
        self.known = known
        self.attributes = attributes
        self.erasures = erasures
        self.missing: set[Ref] = set()

    @property
    def version(self) -> int:
        """Of what is known of the tenant. Attributes and erasures only ever become more."""
        return len(self.attributes) + self.erasures

    def _find(self, ref: Ref) -> int:
        found = self.known.get(ref)
        if found is None:
            self.missing.add(ref)
            return 0
        return found

    def label(self, dimension: int, key: str | None) -> int | None:
        return None if key is None else self._find((dimension, "", normalized(key)))

    def tags(self, keys: Sequence[str]) -> str | None:
        """The members as an array literal, each once and in order; None where there is none."""
        if not keys:
            return None
        members = {self.label(Dimension.TAG, key) or 0 for key in keys}
        return "{" + ",".join(map(str, sorted(members))) + "}"

    def agent(self, source: str, key: str | None) -> int | None:
        return self._record(Entity.AGENT, source, key)

    def team(self, source: str, key: str | None) -> int | None:
        return self._record(Entity.TEAM, source, key)

    def customer(self, source: str, key: str | None) -> int | None:
        return self._record(Entity.CUSTOMER, source, key)

    def _record(self, entity: Entity, source: str, key: str | None) -> int | None:
        return None if key is None else self._find((entity, normalized(source), normalized(key)))

    def custom(self, values: dict[str, Any]) -> tuple[int | None, ...]:
        """The members of declared attributes, by slot."""
        if not values or not self.attributes:
            return NO_ATTRIBUTES
        slots: list[int | None] = [None] * ATTRIBUTE_SLOTS
        for name, value in values.items():
            slot = self.attributes.get(name)
            if slot is not None and value is not None:
                slots[slot - 1] = self.label(Dimension.ATTR1 + slot - 1, attribute_text(value))
        return tuple(slots)


def attribute_text(value: str | float | bool) -> str:  # noqa: FBT001  a JSON scalar
    """How a custom value reads as a member; the same text as ->> gives of the stored item."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def milliseconds(later: datetime, earlier: datetime) -> int:
    """later - earlier in whole milliseconds, exact (no float), rounded towards zero."""
    gap = later - earlier
    total = (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds
    return total // 1000 if total >= 0 else -(-total // 1000)
