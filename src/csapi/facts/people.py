"""Teams and agents: who did the work. Names stay here, apart from facts."""

from enum import StrEnum
from typing import Annotated

import msgspec

from csapi.facts.effective import check_periods
from csapi.facts.lookup import Lookup
from csapi.facts.resource import Column, RecordKind
from csapi.facts.wire import Custom, Key, Record, Text
from csapi.kit.quantities import UtcDatetime


class Team(Record):
    """A team of agents."""

    source_updated_at: UtcDatetime | None = None
    name: Text | None = None
    custom: Custom = {}
    deleted: bool = False


class AgentKind(StrEnum):
    """Work by a bot is kept apart from work by people."""

    human = "human"
    bot = "bot"


class TeamMembership(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The team that an agent belonged to from `from` until before `to`; null is open-ended."""

    team: Key
    from_: UtcDatetime | None = msgspec.field(name="from", default=None)
    to: UtcDatetime | None = None


Memberships = Annotated[list[TeamMembership], msgspec.Meta(max_length=1_000)]


class Agent(Record):
    """An agent. `team` holds for all time; `memberships` say who belonged where, and when."""

    source_updated_at: UtcDatetime | None = None
    name: Text | None = None
    email: Text | None = None
    kind: AgentKind = AgentKind.human
    active: bool = True
    team: Key | None = None
    memberships: Memberships = []
    custom: Custom = {}
    deleted: bool = False


def check_memberships(agent: Agent) -> tuple[str, str, str] | None:
    """Memberships must not overlap: at any instant an agent belongs to one team."""
    if agent.team is not None and agent.memberships:
        return "/memberships", "invalid_value", "Give team or memberships, not both."
    return check_periods(agent.memberships, "memberships")


def agent_row(agent: Agent, lookup: Lookup) -> tuple[object, ...]:
    for team in (agent.team, *(each.team for each in agent.memberships)):
        lookup.team(agent.source, team)
    return (agent.name, agent.kind is AgentKind.bot)


TEAMS = RecordKind(
    name="teams",
    table="teams",
    item=Team,
    columns=(Column("name", "text"),),
    row=lambda team, _lookup: (team.name,),
    instants=(),
)

AGENTS = RecordKind(
    name="agents",
    table="agents",
    item=Agent,
    columns=(Column("name", "text"), Column("is_bot", "boolean")),
    row=agent_row,
    instants=(),
    checks=(check_memberships,),
    returning=("surrogate",),
)
