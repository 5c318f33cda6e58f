"""Local times of an IANA zone to UTC, with daylight saving handled as the mapping says."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from csapi.connect.mapping.errors import CellError, MappingError

AMBIGUOUS = ("reject", "earlier", "later")
NONEXISTENT = ("reject", "forward", "backward")

_DAY = timedelta(days=1)


def load_zone(place: str, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{name!r} is not an IANA time zone such as Europe/Berlin or Asia/Riyadh"
        raise MappingError(place, message, name) from None


class LocalTimes:
    """`ambiguous` is for hours that occur twice, `nonexistent` for those that clocks skip."""

    def __init__(self, zone: ZoneInfo, ambiguous: str, nonexistent: str) -> None:
        self._zone = zone
        self._ambiguous = ambiguous
        self._nonexistent = nonexistent
        self._whole_days: dict[int, timedelta | None] = {}

    def utc(self, local: datetime) -> datetime:
        ordinal = local.toordinal()
        try:
            offset = self._whole_days[ordinal]
        except KeyError:
            offset = self._whole_days[ordinal] = self._offset_of_day(local)
        if offset is None:
            offset = self._offset_at(local)
        return self._shifted(local, offset)

    def midnight(self, day: date) -> datetime:
        """The first instant of a local day, also where clocks skip or repeat midnight."""
        start = datetime.combine(day, time.min)
        return self._shifted(start, self._offsets(start)[0])

    def moment(self, parsed: datetime | date) -> datetime:
        if not isinstance(parsed, datetime):
            return self.midnight(parsed)
        if parsed.tzinfo is None:
            return self.utc(parsed)
        return with_offset(parsed)

    def _offset_of_day(self, local: datetime) -> timedelta | None:
        """The offset that holds all day long, or None on a day when it changes."""
        start = datetime.combine(local.date(), time.min)
        hours = [start + timedelta(hours=hour) for hour in range(24)]
        last = datetime.combine(local.date(), time.max)
        found = {offset for moment in (*hours, last) for offset in self._offsets(moment)}
        return found.pop() if len(found) == 1 else None

    def _offsets(self, local: datetime) -> tuple[timedelta, timedelta]:
        first = local.replace(tzinfo=self._zone).utcoffset()
        second = local.replace(tzinfo=self._zone, fold=1).utcoffset()
        return first or timedelta(), second or timedelta()

    def _offset_at(self, local: datetime) -> timedelta:
        first, second = self._offsets(local)
        if first > second:
            return self._choose(local, self._ambiguous, "earlier", first, second)
        if first < second:
            return self._choose(local, self._nonexistent, "forward", first, second)
        return first

    def _choose(
        self, local: datetime, policy: str, takes_first: str, first: timedelta, second: timedelta
    ) -> timedelta:
        if policy == "reject":
            twice = takes_first == "earlier"
            code = "ambiguous_time" if twice else "nonexistent_time"
            what = "occurs twice" if twice else "does not exist"
            key, choice = (
                ("ambiguous", "earlier or later")
                if twice
                else ("nonexistent", "forward or backward")
            )
            reason = f"{local} {what} in {self._zone.key}; set {key} to {choice} to accept it"
            raise CellError(code, reason)
        return first if policy == takes_first else second

    @staticmethod
    def _shifted(local: datetime, offset: timedelta) -> datetime:
        try:
            return (local - offset).replace(tzinfo=UTC)
        except OverflowError:
            raise CellError("out_of_range", f"{local} is out of range") from None


def with_offset(parsed: datetime | date) -> datetime:
    """In UTC. A local time is refused: this is for mappings that name no zone."""
    if not isinstance(parsed, datetime) or parsed.tzinfo is None:
        reason = f"{parsed} has no offset, and the mapping names no zone"
        raise CellError("timezone_required", reason)
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        raise CellError("out_of_range", f"{parsed} is out of range") from None
