"""One agent: fixed questions to the engine, against past, team and peers, from one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from csapi.kit.problems import Problem
from csapi.kit.turns import aside
from csapi.metrics.metric import Unit
from csapi.metrics.sampling import MINIMUM_N
from csapi.metrics.statistics import LEVEL
from csapi.metrics.words import ALL_WORDS
from csapi.reports.cautions import cautions
from csapi.reports.evaluations.comments import read_comments
from csapi.reports.evaluations.criteria import Criteria, criteria_of, read_criteria
from csapi.reports.evaluations.directory import Agent, read_agent, read_presence
from csapi.reports.evaluations.findings import findings
from csapi.reports.evaluations.judging import Judged, judged
from csapi.reports.evaluations.medians import as_own, median_of
from csapi.reports.evaluations.own_words import self_evaluations_within
from csapi.reports.evaluations.ranked import column_of
from csapi.reports.evaluations.schemas import (
    AgentEvaluation,
    AgentPresence,
    EvaluatedMetric,
    EvaluationSides,
    EvaluationStatistics,
    Finding,
    PastSide,
    PeerSide,
    RatingCount,
    TeamSide,
)
from csapi.reports.evaluations.sides import (
    AGENT,
    Sides,
    among,
    read_people,
    read_sides,
)
from csapi.reports.meta import add_currency, meta_of
from csapi.reports.narrowing import narrowed, with_filters
from csapi.reports.ranking import Rows
from csapi.reports.schemas import (
    FilterNode,
    FilterOp,
    MetricRequest,
    Query,
    QueryMeta,
)
from csapi.reports.service import (
    Desk,
    Snapshot,
    resolved,
    slowness_told,
    snapshot_of,
)
from csapi.reports.shape import dimension_value, ordered
from csapi.reports.telling import Teller
from csapi.reports.work_params import PREVIOUS, WorkParams, query_of, told_by_parameter

REPLIES = MetricRequest(id="response_time", as_="replies", agg="count")
METRICS = (
    "conversations_handled",
    "first_response_time",
    "agent_first_response_time",
    "response_time",
    "slowest_response_time",
    "messages_out",
    REPLIES,
    "ticket_resolutions",
    "full_resolution_time",
    "reopen_rate",
    "csat_score",
    "csat_bottom_2_box",
    "rating_average",
    "first_contact_resolution_rate",
    "average_handle_time_per_leg",
    "average_work_session_time",
    "gap_between_contacts",
    "contacts_handled_per_hour",
    "occupancy",
    "utilization",
    "shift_presence_rate",
    "tasks_assigned",
    "tasks_completed",
    "task_completion_rate",
    "quality_score",
    "staff_cost",
    "cost_per_contact",
)
# What shows on which channels somebody works.
WORK = (
    "messages_out",
    "first_response_time",
    "ticket_resolutions",
    "calls_answered",
    "average_handle_time_per_leg",
)


def requested(metrics: Sequence[str | MetricRequest]) -> list[MetricRequest]:
    return [MetricRequest(id=each) if isinstance(each, str) else each for each in metrics]


@dataclass(frozen=True, slots=True)
class Told:
    """What is read of an agent besides the sides."""

    presence: AgentPresence
    ratings: list[RatingCount]
    criteria: Criteria
    meta: QueryMeta


async def evaluation(
    desk: Desk, agent_id: UUID, wanted: WorkParams, *, with_comments: bool, is_own: bool = False
) -> AgentEvaluation:
    """is_own: as the agent may see it. Raises Problem for what cannot be asked, and where there is
    no such agent."""
    async with snapshot_of(desk) as snapshot:
        agent = await read_agent(snapshot.connection, desk.tenant_id, agent_id)
        if agent is None:
            raise Problem("not_found", "There is no such agent for this key.")
        with slowness_told(), told_by_parameter("/from"):
            query = query_of(wanted, requested(METRICS), compare=PREVIOUS)
            asked = await resolved(snapshot, query)
            if asked.target is None:
                raise AssertionError(query)
            work = await resolved(snapshot, query_of(wanted, requested(WORK)))
            period = asked.question.period
            people = await read_people(
                snapshot.connection, desk.tenant_id, agent.surrogate, period.start, period.end
            )
            before = asked.target.question
            sides = await read_sides(
                snapshot, agent.surrogate, people, asked.question, before, work.question
            )
            told = await read_told(snapshot, agent, wanted, query, sides, asked.warnings)
            comments = written = None
            if with_comments:
                comments = list(await read_comments(snapshot, asked.question, agent.surrogate))
            if with_comments or is_own:
                written = await self_evaluations_within(
                    snapshot.connection, desk.tenant_id, agent.id, period
                )
    found = await aside(judged, sides, desk.now)
    metrics, stand_out = await aside(worked_out, sides, found, told, agent, desk)
    whole = AgentEvaluation(
        agent=agent.told,
        presence=told.presence,
        sides=told_sides(sides),
        metrics=metrics,
        ratings=told.ratings,
        comments=comments,
        self_evaluations=written,
        findings=stand_out,
        statistics=EvaluationStatistics(
            level=LEVEL,
            minimum_n=MINIMUM_N,
            agents_tested=1 if sides.peers is None else len(sides.peers.others) + 1,
        ),
        as_of=desk.now,
        meta=told.meta,
    )
    return as_own(whole) if is_own else whole


async def read_told(
    snapshot: Snapshot,
    agent: Agent,
    wanted: WorkParams,
    query: Query,
    sides: Sides,
    warnings: Sequence[str],
) -> Told:
    desk, connection = snapshot.desk, snapshot.connection
    name = f"{agent.source}:{agent.external_id}"
    only = FilterNode(dimension="agent", op=FilterOp.is_in, values=[name])
    rows = Rows(sides.question, replace(sides.reading, groups=[sides.own]), [sides.own])
    warnings = [*warnings, *cautions(sides.question)]
    meta = meta_of(with_filters(query, only), rows, None, warnings, desk.now)
    readings = [sides.past_reading, *([] if sides.peers is None else [sides.peers.reading])]
    meta.exact = meta.exact and all(each.is_exact for each in readings)
    await add_currency(connection, desk.tenant_id, sides.question, meta)
    presence = await read_presence(snapshot, [agent])
    return Told(
        presence=presence[agent.id],
        ratings=await read_ratings(snapshot, agent.surrogate, wanted),
        criteria=await read_criteria(snapshot, wanted),
        meta=meta,
    )


async def read_ratings(snapshot: Snapshot, agent: int, wanted: WorkParams) -> list[RatingCount]:
    """How many of each there are."""
    asked = await resolved(
        snapshot, query_of(wanted, requested(["rating_distribution"]), ["rating"])
    )
    question = narrowed(asked.question, among(AGENT, [agent]))
    reading = await snapshot.read(question)
    (group,), teller = question.groups, Teller(question, None, with_intervals=False)
    found = []
    for each in ordered(question, reading):
        cell, rating = teller.value(0, each), dimension_value(group, each.keys[0], reading)
        if cell.value is not None and rating.key is not None:
            found.append(RatingCount(rating=rating.key, count=int(cell.value)))
    return found


def worked_out(
    sides: Sides, found: Judged, told: Told, agent: Agent, desk: Desk
) -> tuple[list[EvaluatedMetric], list[Finding]]:
    """Every metric against every side, and what stands out."""
    question, words = sides.question, ALL_WORDS[desk.language]
    teller = Teller(question, None, with_intervals=True)
    cells = [teller.value(place, sides.own) for place in range(len(question.metrics))]
    peers = () if sides.peers is None else sides.peers.others
    metrics = []
    for place, (asked, places) in enumerate(zip(question.metrics, question.places, strict=True)):
        column = column_of(asked, places, [sides.own, *peers])
        metrics.append(
            EvaluatedMetric(
                id=asked.name,
                label=words.catalog.replies
                if asked.name == REPLIES.as_
                else words.metric(asked.metric),
                unit=Unit.COUNT if asked.agg == "count" else asked.metric.unit,
                direction=asked.metric.direction,
                value=column.ranked(sides.own, cells[place]),
                past=found.past[place],
                team=None if found.team is None else found.team[place],
                peers=None if found.peers is None else found.peers[place],
                team_median=median_of(asked, places, sides.team, sides.own),
                peers_median=median_of(asked, places, sides.peers, sides.own),
            )
        )
    criteria = criteria_of(told.criteria, agent.surrogate, sides, desk.now)
    (criterion,) = told.criteria.question.metrics
    return metrics, findings(question, cells, found, criterion, criteria)


def told_sides(sides: Sides) -> EvaluationSides:
    past = sides.past_question.period
    team = peers = None
    if sides.team is not None:
        team = TeamSide(teams=list(sides.teams), agents=len(sides.team.others))
    if sides.peers is not None:
        peers = PeerSide(channels=list(sides.channels), agents=len(sides.peers.others))
    return EvaluationSides(past=PastSide(start=past.start, end=past.end), team=team, peers=peers)
