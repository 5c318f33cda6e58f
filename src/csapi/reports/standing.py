"""What a tenant has settled for its reports, kept for a few seconds by each process.

One statement reads it all. Every answer names the parameters that it was computed by, so that one
from before a change, within those seconds, says so itself.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

import asyncpg
import msgspec

from csapi.facts.kinds import Kind
from csapi.kit.kept import keep
from csapi.metrics.periods import WeekStart
from csapi.metrics.variants import Settled

KEPT_SECONDS = 5.0
MOST_TENANTS = 10_000
LATEST_TICKETS = 100

READ_WEIGHTS = """
SELECT json_build_array(drivers, evaluations)::text FROM weight_settings WHERE tenant_id = $1"""
READ = f"""
SELECT
  (SELECT json_agg(json_build_object('metric', metric, 'valid_from', valid_from, 'params', params)
                   ORDER BY metric, valid_from)::text
   FROM metric_settings WHERE tenant_id = $1) AS settled,
  (SELECT smallest_group FROM privacy_settings WHERE tenant_id = $1) AS smallest_group,
  ({READ_WEIGHTS}) AS weights,
  (SELECT json_agg(json_build_object(
     'id', id, 'match', match, 'title', content->'title', 'target', content->'target',
     'starts_on', starts_on, 'due_on', due_on, 'status', status, 'status_at', status_at)
     ORDER BY due_on, id DESC)::text
   FROM goals WHERE tenant_id = $1 AND starts_on <= (now() AT TIME ZONE 'UTC')::date + 1
     AND due_on >= (now() AT TIME ZONE 'UTC')::date - 1) AS goals,
  (SELECT bit_and(outcome) FROM (
     SELECT outcome FROM facts WHERE tenant_id = $1 AND kind = {Kind.TICKET_CREATED}
     ORDER BY occurred_at DESC LIMIT {LATEST_TICKETS}) AS latest) AS untold,
  (SELECT week_starts_on FROM tenant_settings WHERE tenant_id = $1) AS week_starts_on"""


class StoredSetting(msgspec.Struct, frozen=True):
    """An entry as the statement gives it."""

    metric: str
    valid_from: date
    params: dict[str, object]


class StandingGoal(msgspec.Struct, frozen=True):
    """A goal under way. match: what it is about (goals/matching.py)."""

    id: str
    match: str
    title: str
    target: float
    starts_on: date
    due_on: date
    status: str
    status_at: datetime


DECODER = msgspec.json.Decoder(list[StoredSetting])
GOALS_DECODER = msgspec.json.Decoder(list[StandingGoal])


Weights = Mapping[str, float]
WEIGHTS_DECODER = msgspec.json.Decoder(tuple[dict[str, float], dict[str, float]])


@dataclass(frozen=True, slots=True)
class TenantWeights:
    """By name, for drivers and for evaluations; none where a tenant has settled nothing."""

    drivers: Weights = field(default_factory=dict)
    evaluations: Weights = field(default_factory=dict)


def weights_of(text: str | None) -> TenantWeights:
    return TenantWeights() if text is None else TenantWeights(*WEIGHTS_DECODER.decode(text))


@dataclass(frozen=True, slots=True)
class Standing:
    """settled: by metric, in the order of their days. smallest_group: numbers about fewer customers
    are hidden. untold: what all of the latest tickets come without (facts/kinds.py, Told).
    weights: by which drivers and agents are ranked. goals: those whose days it may be in some zone,
    the first to be due first. week_start: of weeks, where a question does not say."""

    settled: Mapping[str, tuple[Settled, ...]] = field(default_factory=dict)
    smallest_group: int | None = None
    untold: int = 0
    weights: TenantWeights = field(default_factory=TenantWeights)
    goals: tuple[StandingGoal, ...] = ()
    week_start: WeekStart = WeekStart.monday


async def read_standing(connection: asyncpg.Connection, tenant_id: UUID) -> Standing:
    row = await connection.fetchrow(READ, tenant_id)
    settled: dict[str, tuple[Settled, ...]] = {}
    for each in DECODER.decode(row["settled"] or "[]"):
        entry = Settled(each.valid_from, each.params)
        settled[each.metric] = (*settled.get(each.metric, ()), entry)
    weights = weights_of(row["weights"])
    goals = tuple(GOALS_DECODER.decode(row["goals"] or "[]"))
    week_start = WeekStart(row["week_starts_on"] or WeekStart.monday)
    return Standing(settled, row["smallest_group"], row["untold"] or 0, weights, goals, week_start)


class Standings:
    """Those of the tenants that asked last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, tuple[float, Standing]] = OrderedDict()

    async def of(self, connection: asyncpg.Connection, tenant_id: UUID) -> Standing:
        """The tenant's standing. `connection` is in a transaction of the tenant."""
        clock = time.monotonic()
        kept = self._kept.get(tenant_id)
        if kept is not None and clock - kept[0] < KEPT_SECONDS:
            return kept[1]
        found = await read_standing(connection, tenant_id)
        keep(self._kept, tenant_id, (clock, found), most=MOST_TENANTS)
        return found

    def forget(self, tenant_id: UUID) -> None:
        self._kept.pop(tenant_id, None)
