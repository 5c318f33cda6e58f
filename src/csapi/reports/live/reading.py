"""The questions about now, asked in one snapshot."""

from dataclasses import dataclass

from csapi.metrics.periods import RangePreset, preset_period
from csapi.metrics.words import ALL_WORDS
from csapi.reports.agents_now import IS_ACTIVE, days_before, now_of, state_of
from csapi.reports.live.schemas import AgentsInState, LiveParams, LiveReport, LiveRow
from csapi.reports.schemas import (
    MetricRequest,
    Query,
    QueryAnswer,
    QueryTime,
    TimeRange,
)
from csapi.reports.service import Desk, Snapshot, answer_on, slowness_told, snapshot_of
from csapi.reports.work_params import filter_of

TODAY = (
    "contacts",
    "tickets_created",
    "ticket_resolutions",
    "messages_in",
    "messages_out",
    "calls_offered",
    "calls_answered",
    "calls_abandoned",
    "service_level",
    "average_speed_of_answer",
    "csat_score",
)
NOW = (
    "backlog_open",
    "tickets_waiting",
    "current_longest_wait",
    "unanswered_tickets",
)
AT_RISK = ("sla_active", "sla_at_risk")
QUEUES = (
    "calls_offered",
    "calls_answered",
    "calls_abandoned",
    "service_level",
    "average_speed_of_answer",
    "longest_queue_wait",
)
CHANNELS = ("contacts", "contact_mix", "backlog_open", "tickets_waiting", "current_longest_wait")
TYPES = ("contacts", "contact_mix")
MOST_MEMBERS = 100

IN_STATES = f"""
SELECT state, count(*) AS agents FROM ({now_of(f"NOT is_deleted AND {IS_ACTIVE}")}) AS present
GROUP BY state ORDER BY state"""


def question(wanted: LiveParams, metrics: tuple[str, ...], dimension: str | None = None) -> Query:
    return Query(
        metrics=[MetricRequest(id=each) for each in metrics],
        time=QueryTime(range=TimeRange(preset=RangePreset.today), timezone=wanted.timezone),
        dimensions=[] if dimension is None else [dimension],
        filters=filter_of({"team": wanted.team, "channel": wanted.channel, "inbox": wanted.inbox}),
    )


@dataclass(slots=True)
class Asker:
    """Asks in a snapshot, and keeps what answers say of themselves."""

    snapshot: Snapshot
    wanted: LiveParams
    answers: list[QueryAnswer]

    async def ask(self, metrics: tuple[str, ...], dimension: str | None = None) -> QueryAnswer:
        found = await answer_on(self.snapshot, question(self.wanted, metrics, dimension))
        self.answers.append(found)
        return found

    async def rows(self, metrics: tuple[str, ...], dimension: str) -> list[LiveRow]:
        """By member, those with most of the first metric first."""
        found = await self.ask(metrics, dimension)
        rows = [
            LiveRow(member=row.dimensions[dimension], metrics=row.metrics) for row in found.data
        ]
        rows.sort(key=lambda row: (-(row.metrics[metrics[0]].value or 0), row.member.key or ""))
        return rows[:MOST_MEMBERS]


async def live(desk: Desk, wanted: LiveParams) -> LiveReport:
    """Raises Problem for what cannot be asked."""
    zone = wanted.timezone or desk.timezone
    with slowness_told():
        async with snapshot_of(desk) as snapshot:
            asker = Asker(snapshot, wanted, [])
            whole = (await asker.ask((*TODAY, *NOW))).data[0].metrics
            at_risk = await asker.ask(AT_RISK)
            queues = await asker.rows(QUEUES, "queue")
            channels = await asker.rows(CHANNELS, "channel")
            types = await asker.rows(TYPES, "type")
            # Presence has none of the dimensions that a filter may name.
            agents = [] if desk.only is not None else await agents_of(snapshot)
    metas = [each.meta for each in asker.answers]
    times = [each.data_through for each in metas if each.data_through is not None]
    return LiveReport(
        as_of=desk.now,
        timezone=zone,
        start=preset_period(RangePreset.today, zone, desk.now).start,
        today={name: whole[name] for name in TODAY},
        now={name: whole[name] for name in NOW} | at_risk.data[0].metrics,
        queues=queues,
        channels=channels,
        types=types,
        agents=agents,
        columns={name: column for meta in metas for name, column in meta.columns.items()},
        exact=all(each.exact for each in metas),
        pending_buckets=max(each.pending_buckets for each in metas),
        pending_subjects=max(each.pending_subjects for each in metas),
        data_through=max(times, default=None),
    )


async def agents_of(snapshot: Snapshot) -> list[AgentsInState]:
    desk = snapshot.desk
    rows = await snapshot.connection.fetch(
        IN_STATES, desk.tenant_id, desk.now, days_before(desk.now)
    )
    words = ALL_WORDS[desk.language]
    states = [(*state_of(row["state"], words), row["agents"]) for row in rows]
    return [
        AgentsInState(state=state, label=label, agents=agents) for state, label, agents in states
    ]
