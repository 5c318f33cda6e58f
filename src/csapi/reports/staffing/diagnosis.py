"""The diagnosis: who was required for what came, who was there, and how evenly they were busy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from csapi.facts.schedule import WEEKDAYS
from csapi.kit.turns import aside
from csapi.metrics.periods import Period, RangePreset
from csapi.metrics.staffing import Demand, StaffingModel
from csapi.metrics.zones import local_date
from csapi.reports.layouts import DimensionValue
from csapi.reports.schemas import (
    MetricRequest,
    QueryAnswer,
    QueryTime,
    TimeRange,
)
from csapi.reports.service import Desk, slowness_told, snapshot_of
from csapi.reports.staffing.asking import Asker, history_of
from csapi.reports.staffing.busy_hours import busy_hours, read_hours
from csapi.reports.staffing.diagnosis_schemas import (
    AgentLoad,
    DiagnosedInterval,
    Diagnosis,
    DiagnosisParams,
)
from csapi.reports.staffing.forecast import channel_of
from csapi.reports.staffing.measuring import (
    AVAILABLE,
    HANDLING,
    SECONDS_PER_HOUR,
)
from csapi.reports.staffing.planning import (
    closed,
    filled_targets,
    money_of,
    open_slots,
    plan_of,
    rules_of,
    total_of,
)
from csapi.reports.staffing.schemas import PHONE
from csapi.reports.staffing.telling import cautions
from csapi.reports.staffing.verdicts import Ledger, judged, load_spread
from csapi.reports.staffing.what_if import (
    Measured,
    inputs_of,
    measured_of,
    model_of,
    read_channel,
    shown,
)
from csapi.reports.staffing.what_if_schemas import WhatIfChannel
from csapi.reports.work_params import filter_of, told_by_parameter

ANSWERED, SESSIONS = MetricRequest(id="calls_answered"), MetricRequest(id="work_sessions")


@dataclass(frozen=True, slots=True)
class Row:
    """An interval of the range. `place`: in the week."""

    place: int
    arrivals: float
    present: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that was read."""

    channel: WhatIfChannel
    wanted: DiagnosisParams
    period: Period
    measured: Measured
    agents: QueryAnswer
    contacts: QueryAnswer
    hours: QueryAnswer | None


async def diagnose(desk: Desk, wanted: DiagnosisParams) -> Diagnosis:
    """From one snapshot. Raises Problem for what cannot be asked."""
    channel = channel_of(wanted)
    is_open = wanted.from_ is None and wanted.to is None and wanted.preset is None
    preset = RangePreset.last_30_days if is_open else wanted.preset
    time = QueryTime(
        range=TimeRange(from_=wanted.from_, to=wanted.to, preset=preset), timezone=wanted.timezone
    )
    with told_by_parameter("/channel"):
        period = await history_of(desk, time)
    async with snapshot_of(desk) as snapshot:
        asker = Asker(snapshot, period)
        with slowness_told():
            measured = await read_channel(asker, channel, wanted.interval)
            agents, contacts = await read_agents(asker, channel, measured)
            hours = await read_hours(asker, channel, measured)
        question = Question(channel, wanted, period, measured, agents, contacts, hours)
        # Within the tenant's turn: long work of one must not keep others waiting.
        return await aside(diagnosed, question, asker)


async def read_agents(
    asker: Asker, channel: WhatIfChannel, measured: Measured
) -> tuple[QueryAnswer, QueryAnswer]:
    """Time and contacts by agent."""
    named = {} if measured.people.is_shared else {"channel": [channel.channel]}
    times = await asker.ask(
        [HANDLING, AVAILABLE], filter_of({"team": channel.team, **named}), ["agent"]
    )
    metric = ANSWERED if channel.channel == PHONE else SESSIONS
    own = filter_of({"team": channel.team, "channel": [channel.channel]})
    return times, await asker.ask([metric], own, ["agent"])


def rows_of(measured: Measured, timezone: str) -> list[Row]:
    """The intervals of the range from where presence is known."""
    interval, people = measured.interval, measured.people
    found: dict[tuple[date, int], list[int]] = {}
    for place, bucket in enumerate(measured.work.buckets):
        found.setdefault((local_date(timezone, bucket.start), bucket.slot), []).append(place)
    rows = []
    for (day, slot), places in found.items():
        present = None
        if people.present is not None:
            known = [people.present[each] for each in places]
            own = [each for each in known if each is not None]
            present = sum(own) / len(own) if own and len(own) == len(known) else None
        arrivals = sum(measured.work.arrivals[each] for each in places)
        rows.append(Row(day.weekday() * interval.slots + slot, arrivals, present))
    first = next((n for n, each in enumerate(rows) if each.present is not None), len(rows))
    return [each for each in rows[first:] if each.present is not None]


def diagnosed(question: Question, asker: Asker) -> Diagnosis:
    channel, measured, wanted = question.channel, question.measured, question.wanted
    model = model_of(channel)
    targets = filled_targets(channel.targets, model)
    inputs = inputs_of(channel, measured, channel.given)
    week = measured.week
    is_open = open_slots(None, week, [each.arrivals for each in week], model, wanted.interval)
    rows = rows_of(measured, question.period.timezone)
    given = channel.given.handle_seconds
    demands = [
        Demand(each.arrivals, given or week[each.place].handle_seconds or 0.0) for each in rows
    ]
    # Whoever cannot wait is somebody to be there for, whenever they come.
    waits = model is StaffingModel.deferred
    opened = [is_open[each.place] or (each.arrivals > 0 and not waits) for each in rows]
    rules = rules_of(model, targets, inputs, wanted.interval, is_cycle=False)
    plan = plan_of(
        closed(demands, opened),
        [each.present for each in rows],
        rules,
        is_known=inputs.handle_seconds.value is not None,
    )
    ledger = Ledger.of(plan)
    load = load_spread(agent_loads(question))
    verdict, missing, findings = judged(ledger, load, measured, inputs)
    return Diagnosis(
        channel=channel.channel,
        model=model,
        interval=wanted.interval,
        verdict=verdict,
        cannot_tell=missing,
        findings=findings,
        hours=ledger.hours(),
        load=load,
        targets=targets,
        inputs=inputs,
        modelled=total_of(plan, plan.present, money_of(inputs)),
        measured=measured_of(measured),
        busiest_hours=busy_hours(question.hours, channel, measured, wanted.top),
        intervals=diagnosed_week(rows, ledger, question),
        warnings=list(cautions(plan, measured.work, measured.people, inputs, measured.weeks)),
        meta=asker.meta(),
    )


def agent_loads(question: Question) -> list[AgentLoad]:
    """The busiest first. Time that nobody is named for is nobody's."""
    metric = ANSWERED.id if question.channel.channel == PHONE else SESSIONS.id
    counts = {
        row.dimensions["agent"].key: row.metrics[metric].value for row in question.contacts.data
    }
    found = []
    for row in question.agents.data:
        agent: DimensionValue = row.dimensions["agent"]
        handling = row.metrics[HANDLING.id].value or 0.0
        present = handling + (row.metrics[AVAILABLE.id].value or 0.0)
        if agent.key is None or not present:
            continue
        contacts = counts.get(agent.key, 0.0)
        found.append(
            AgentLoad(
                agent=agent,
                present_hours=present / SECONDS_PER_HOUR,
                handling_hours=handling / SECONDS_PER_HOUR,
                occupancy=handling / present,
                contacts=contacts,
                contacts_per_hour=None
                if contacts is None
                else contacts / (present / SECONDS_PER_HOUR),
            )
        )
    return sorted(found, key=lambda each: (-(each.occupancy or 0), each.agent.key or ""))


def diagnosed_week(
    rows: Sequence[Row], ledger: Ledger, question: Question
) -> list[DiagnosedInterval]:
    """The range as one week, those intervals alone in which anything came or anybody was there."""
    interval = question.wanted.interval
    places: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        places.setdefault(row.place, []).append(number)
    found = []
    for place in sorted(places):
        own = places[place]
        required = [ledger.required[each] for each in own]
        present = [rows[each].present or 0.0 for each in own]
        arrivals = sum(rows[each].arrivals for each in own)
        known = [each for each in required if each is not None]
        if not arrivals and not any(present) and not any(known):
            continue
        weekday, slot = divmod(place, interval.slots)
        is_known = len(known) == len(own)
        found.append(
            DiagnosedInterval(
                day=WEEKDAYS[weekday],
                from_=shown(slot, interval),
                to=shown(slot + 1, interval),
                occurrences=len(own),
                contacts=arrivals / len(own),
                required_agents=sum(known) / len(own) if is_known else None,
                present_agents=sum(present) / len(own),
                under_share=sum(ledger.is_under(each) for each in own) / len(own)
                if is_known
                else None,
            )
        )
    return found
