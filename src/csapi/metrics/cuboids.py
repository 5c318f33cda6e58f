"""Which groupings of facts are summarized, and for how long per slot. One list.

A cuboid's number is stored: once used it keeps its meaning for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from csapi.facts.tables import ATTRIBUTE_SLOTS
from csapi.metrics.zones import day_start, local_date

# A local day of the last few that has more facts gets slot rows of every cuboid; of a smaller one,
# facts are as quick to read, and several times cheaper to keep (docs/decisions/0009).
BUSY_DAY_FACTS = 20_000
SLOTTED_DAYS = 5


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
BUSY_CUBOIDS = tuple(cuboid for cuboid in CUBOIDS if not cuboid.keeps_slots_forever)


def kept(cuboids: Iterable[Cuboid], attribute_slots: Iterable[int]) -> tuple[Cuboid, ...]:
    """The cuboids that a tenant has: none about an attribute that it has not declared."""
    declared = {None, *attribute_slots}
    return tuple(cuboid for cuboid in cuboids if cuboid.attribute_slot in declared)


def covering(columns: frozenset[str]) -> Cuboid | None:
    """The smallest cuboid that has all the columns, or None: then facts answer."""
    fitting = [cuboid for cuboid in CUBOIDS if columns <= set(cuboid.columns)]
    return min(fitting, key=lambda cuboid: len(cuboid.columns), default=None)


def slotted_since(now: datetime, timezone: str) -> datetime:
    """Days from here on may get slot rows of every cuboid."""
    return day_start(timezone, local_date(timezone, now), -(SLOTTED_DAYS - 1))
