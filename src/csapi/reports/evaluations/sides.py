"""What one agent is held against: the questions, all of one snapshot.

An agent's team are those who were in the agent's teams at some time of the range, with all their
work; the team against its past is the work that was done for it. Peers are those who worked on the
agent's channels, with their work there and what names no channel, such as presence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import asyncpg

from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.question import Condition, MemberGroup, Question, Test
from csapi.metrics.words import ALL_WORDS
from csapi.reports.apart import read_apart
from csapi.reports.fillings import Group, hidden_in
from csapi.reports.layouts import DimensionValue
from csapi.reports.merging import merged
from csapi.reports.narrowing import narrowed
from csapi.reports.read import Reading, read_names
from csapi.reports.service import Snapshot
from csapi.reports.shape import dimension_value, ordered, total

AGENT, TEAM, CHANNEL = (
    MemberGroup(each, DIMENSIONS[each]) for each in ("agent", "team", "channel")
)

# The teams of an agent in the range, everybody who was in one of them then, and all bots.
PEOPLE = """
WITH lately AS MATERIALIZED (
  SELECT agent, team FROM agent_teams
  WHERE tenant_id = $1 AND valid_from < $4 AND valid_to > $3
)
SELECT
  (SELECT array_agg(DISTINCT team) FROM lately WHERE agent = $2) AS teams,
  (SELECT array_agg(DISTINCT agent) FROM lately
   WHERE team IN (SELECT team FROM lately WHERE agent = $2)) AS members,
  (SELECT array_agg(surrogate) FROM agents WHERE tenant_id = $1 AND is_bot) AS bots"""


@dataclass(frozen=True, slots=True)
class People:
    """Surrogates: the agent's teams, who else is in them, and bots, who are nobody's peers."""

    teams: tuple[int, ...]
    members: tuple[int, ...]
    bots: frozenset[int]


async def read_people(
    connection: asyncpg.Connection, tenant_id: UUID, agent: int, start: datetime, end: datetime
) -> People:
    row = await connection.fetchrow(PEOPLE, tenant_id, agent, start, end)
    bots = frozenset(row["bots"] or ())
    others = set(row["members"] or ()) - {agent} - bots
    return People(tuple(sorted(row["teams"] or ())), tuple(sorted(others)), bots)


def among(group: MemberGroup, members: Sequence[int]) -> Condition:
    """Of one of the members; 0 stands for none at all."""
    return Condition(test=Test(group.dimension, tuple(members)))


@dataclass(frozen=True, slots=True)
class Side:
    """Others as one, from each of them; question: what was asked of them."""

    question: Question
    reading: Reading
    others: Sequence[Group]

    def whole(self, own: Group) -> Group:
        """What is hidden of one of them or of `own` is hidden of all: the rest can be asked for."""
        hidden = hidden_in([own, *self.others])
        return replace(merged(self.question, self.others), hidden=hidden)


@dataclass(frozen=True, slots=True)
class Sides:
    """An agent's own numbers and what they are held against. None: there is no such side."""

    question: Question
    own: Group
    reading: Reading
    past: Group
    past_question: Question
    past_reading: Reading
    team: Side | None
    team_now: Group | None
    team_past: Group | None
    peers: Side | None
    teams: Sequence[DimensionValue]
    channels: Sequence[DimensionValue]


async def read_sides(
    snapshot: Snapshot,
    agent: int,
    people: People,
    asked: Question,
    before: Question,
    work: Question,
) -> Sides:
    """asked, before: the metrics in the range and in the one before it. work: what shows on which
    channel somebody works."""
    members = (agent, *people.members)
    question = replace(asked, groups=(AGENT,))
    reading = await read_apart(snapshot, narrowed(question, among(AGENT, members)))
    groups = {group.keys[0]: group for group in reading.groups}
    past_question = narrowed(before, among(AGENT, [agent]))
    past_reading = await read_apart(snapshot, past_question)
    team = team_now = team_past = None
    teams: list[DimensionValue] = []
    if people.teams:
        others = [group for key, group in groups.items() if key != agent]
        team = Side(question, reading, others)
        by_team = narrowed(asked, among(TEAM, people.teams))
        team_now = only(by_team, await read_apart(snapshot, by_team))
        team_past_question = narrowed(before, among(TEAM, people.teams))
        team_past = only(team_past_question, await read_apart(snapshot, team_past_question))
        teams = await named(snapshot, TEAM, people.teams)
    peers, channels = await read_peers(snapshot, agent, people, question, work)
    return Sides(
        question=question,
        own=groups.get(agent) or reading.nothing(question, (agent,)),
        reading=reading,
        past=only(past_question, past_reading),
        past_question=past_question,
        past_reading=past_reading,
        team=team,
        team_now=team_now,
        team_past=team_past,
        peers=peers,
        teams=teams,
        channels=channels,
    )


def only(question: Question, reading: Reading) -> Group:
    """The one group of a question without dimensions."""
    (group,) = ordered(question, reading)
    return group


async def read_peers(
    snapshot: Snapshot, agent: int, people: People, question: Question, work: Question
) -> tuple[Side | None, list[DimensionValue]]:
    """The others on the agent's channels, and these."""
    by_channel = replace(work, groups=(AGENT, CHANNEL), with_totals=False)
    reading = await snapshot.read(by_channel)
    working = [group for group in reading.groups if has_work(by_channel, group)]
    own = {group.keys[1] for group in working if group.keys[0] == agent}
    if not own:
        return None, []
    others = {group.keys[0] for group in working if group.keys[1] in own}
    others -= {agent, None, *people.bots}
    there = [*(each or 0 for each in own), 0]
    chosen = Condition(every=(among(CHANNEL, there), among(AGENT, [each or 0 for each in others])))
    found = await read_apart(snapshot, narrowed(question, chosen))
    named_by = replace(by_channel, groups=(CHANNEL,))
    channels = [
        dimension_value(CHANNEL, group.keys[0], reading)
        for group in ordered(named_by, replace(reading, groups=[nobody(each) for each in own]))
    ]
    return Side(question, found, found.groups), channels


def has_work(question: Question, group: Group) -> bool:
    return any(total(places.n, group.parts) for places in question.places)


def nobody(member: int | None) -> Group:
    """A member without numbers, to be named."""
    return Group((member,), (), {})


async def named(
    snapshot: Snapshot, group: MemberGroup, members: Sequence[int]
) -> list[DimensionValue]:
    """Members as they are told."""
    groups = [nobody(each) for each in members]
    names = await read_names(snapshot.connection, snapshot.desk.tenant_id, [group], groups)
    words = ALL_WORDS[snapshot.desk.language]
    unknown = ("unknown", words.catalog.unknown)
    found: dict[str, str | None] = dict(names.get((group.id, each), unknown) for each in members)
    return [
        DimensionValue(
            key=key,
            label=words.member(group.dimension.labels, key) if label is None else label,
            start=None,
            end=None,
        )
        for key, label in sorted(found.items(), key=lambda each: each[0])
    ]
