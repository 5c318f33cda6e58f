"""Teams, agents and customers: who the facts are about. Names stay here, apart from facts."""

from enum import StrEnum
from typing import Annotated

import msgspec

from csapi.facts.kinds import Dimension
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


class Customer(Record):
    """A customer, as the source of the tickets and calls names it."""

    source_updated_at: UtcDatetime | None = None
    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    company: Text | None = None
    segment: Key | None = None
    locale: Key | None = None
    country: Key | None = None
    custom: Custom = {}
    deleted: bool = False


def check_memberships(agent: Agent) -> tuple[str, str, str] | None:
    """Memberships must not overlap: at any instant an agent belongs to one team."""
    if agent.team is not None and agent.memberships:
        return "/memberships", "invalid_value", "Give team or memberships, not both."
    end = None
    for index, period in enumerate(
        sorted(agent.memberships, key=lambda each: (each.from_ is not None, each.from_))
    ):
        if period.from_ and period.to and period.to <= period.from_:
            return "/memberships", "invalid_value", "A membership must end after it starts."
        if index and (end is None or period.from_ is None or period.from_ < end):
            return "/memberships", "invalid_value", "Memberships overlap."
        end = period.to
    return None


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


def customer_row(customer: Customer, lookup: Lookup) -> tuple[object, ...]:
    segment = None if customer.deleted else customer.segment
    return (customer.name, lookup.label(Dimension.SEGMENT, segment))


CUSTOMERS = RecordKind(
    name="customers",
    table="customers",
    item=Customer,
    columns=(Column("name", "text"), Column("segment", "integer")),
    row=customer_row,
    instants=(),
    returning=("surrogate", "old.segment IS DISTINCT FROM new.segment AS segment_moved"),
)
