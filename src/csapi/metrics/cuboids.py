"""Which groupings of facts are summarized, and for how long per slot. One list.

A cuboid's number is stored: once used it keeps its meaning for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from csapi.facts.tables import ATTRIBUTE_SLOTS
from csapi.metrics.zones import day_start, local_date

# Slot rows of every cuboid are there for readers for so many local days, today included.
RECENT_DAYS = 3
# Writers keep them longer: clocks differ, and a day is read until the last of its readers is done.
WRITTEN_DAYS = RECENT_DAYS + 2


@dataclass(frozen=True, slots=True)
class Cuboid:
    """Facts grouped by one or two columns; members are key1, key2, or 0 where there is none."""

    number: int
    columns: tuple[str, ...]
    keeps_slots_forever: bool = False

    @property
    def attribute_slot(self) -> int | None:
        """The custom attribute that it needs, if it is about one."""
        names = [name for name in self.columns if name.startswith("attr")]
        return int(names[0].removeprefix("attr")) if names else None


TOTAL = Cuboid(1, (), keeps_slots_forever=True)
CUBOIDS: tuple[Cuboid, ...] = (
    TOTAL,
    Cuboid(2, ("actor_agent",)),
    Cuboid(3, ("actor_team",)),
    Cuboid(4, ("channel",)),
    Cuboid(5, ("queue",)),
    Cuboid(6, ("topic",)),
    Cuboid(7, ("type",)),
    Cuboid(8, ("priority",)),
    Cuboid(9, ("inbox",)),
    Cuboid(10, ("segment",)),
    Cuboid(11, ("owner_agent",)),
    Cuboid(12, ("owner_team",)),
    Cuboid(13, ("actor_team", "channel")),
    Cuboid(14, ("topic", "channel")),
    Cuboid(15, ("actor_agent", "channel")),
    *(Cuboid(20 + slot, (f"attr{slot}",)) for slot in range(1, ATTRIBUTE_SLOTS + 1)),
)
SLOT_CUBOIDS = tuple(cuboid for cuboid in CUBOIDS if cuboid.keeps_slots_forever)


def kept(cuboids: Iterable[Cuboid], attribute_slots: Iterable[int]) -> tuple[Cuboid, ...]:
    """The cuboids that a tenant has: none about an attribute that it has not declared."""
    declared = {None, *attribute_slots}
    return tuple(cuboid for cuboid in cuboids if cuboid.attribute_slot in declared)


def covering(columns: frozenset[str]) -> Cuboid | None:
    """The smallest cuboid that has all the columns, or None: then facts answer."""
    fitting = [cuboid for cuboid in CUBOIDS if columns <= set(cuboid.columns)]
    return min(fitting, key=lambda cuboid: len(cuboid.columns), default=None)


def slots_read_since(now: datetime, timezone: str) -> datetime:
    """From here on, readers may rely on slot rows of every cuboid."""
    return day_start(timezone, local_date(timezone, now), -(RECENT_DAYS - 1))


def slots_written_since(now: datetime, timezone: str) -> datetime:
    """From here on, a rebuilt slot needs rows of every cuboid; slots before it, of SLOT_CUBOIDS."""
    return day_start(timezone, local_date(timezone, now), -(WRITTEN_DAYS - 1))
