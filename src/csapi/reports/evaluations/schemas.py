"""Evaluations on the wire."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from csapi.facts.presence import PresenceState
from csapi.facts.wire import Survey
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.metric import Direction, Unit
from csapi.metrics.shrinkage import Drawing
from csapi.reports.comparison import Comparison
from csapi.reports.evaluations.own_words import SelfEvaluation
from csapi.reports.layouts import DimensionValue
from csapi.reports.schemas import MetricValue, QueryMeta, QueryPage


class RankedValue(MetricValue, kw_only=True, gc=False):
    """A value, and beside it what to rank by: of shares, means and rates the value drawn towards
    that of all agents, the more the fewer observations it has. `value` itself is not drawn."""

    rank_value: float | None


class PriorInfo(msgspec.Struct, kw_only=True):
    """What the values of a column are drawn to: rank_value = (size x value + weight x mean) /
    (size + weight), where size is the value's denominator. `weight` is in its unit; null: agents
    differ no more than chance brings, and all rank at the mean."""

    drawing: Drawing
    mean: float
    weight: float | None
    agents: Annotated[int, Meta(description="Agents with a value, which it is estimated from")]


class EvaluatedAgent(msgspec.Struct, kw_only=True):
    """An agent of the directory."""

    id: str
    source: str
    external_id: str
    name: str | None
    active: bool


class AgentPresence(msgspec.Struct, kw_only=True):
    """The agent at this moment, as GET /v1/agents/presence has it."""

    state: PresenceState | None
    state_label: str | None
    state_since: UtcDatetime | None
    last_seen_at: UtcDatetime | None
    last_action_at: UtcDatetime | None


class CompositePart(msgspec.Struct, kw_only=True):
    """What a column brings to a composite: weight x score. `score`: how many standard deviations
    the rank value is better than the mean of all agents, at most 3 either way; null without one."""

    weight: Annotated[float, Meta(description="Its share of all weights")]
    score: float | None
    contribution: float


class Composite(msgspec.Struct, kw_only=True):
    """The sum of the contributions. `covered`: the share of the weights that have a value; the rest
    counts as the mean."""

    value: float | None
    covered: float
    parts: dict[str, CompositePart]


class AgentRow(msgspec.Struct, kw_only=True):
    """One agent, idle or not."""

    agent: EvaluatedAgent
    presence: AgentPresence
    metrics: dict[str, RankedValue]
    composite: Composite | UnsetType = UNSET


class EvaluationPage(msgspec.Struct, kw_only=True):
    """Agents with their numbers. `totals` are of all work, that of nobody, of bots and of deleted
    agents included. `priors`: by column, null where values are ranked as they are."""

    data: list[AgentRow]
    totals: dict[str, MetricValue]
    priors: dict[str, PriorInfo | None]
    as_of: UtcDatetime
    page: QueryPage
    meta: QueryMeta


class MedianOfAgents(msgspec.Struct, kw_only=True):
    """The median of the values that others have, and how many have one."""

    value: float
    agents: int


class EvaluatedMetric(msgspec.Struct, kw_only=True):
    """A number of an agent, and what it is held against: the agent's own past, the rest of the
    team, the rest of all agents on the same channels. Null where there is no such side.

    Of counts and sums `team` and `peers` have the mean of an agent there, and no test. The medians
    are of the same others, each agent once; null where none has a value. In GET /v1/me/evaluation
    `team` and `peers` are null, and so are the medians of fewer than three others and of money.
    """

    id: str
    label: str
    unit: Unit
    direction: Direction
    value: RankedValue
    past: Comparison
    team: Comparison | None
    peers: Comparison | None
    team_median: MedianOfAgents | None
    peers_median: MedianOfAgents | None


class RatingCount(msgspec.Struct, kw_only=True):
    """How many satisfaction ratings were this one."""

    rating: str
    count: int


class FeedbackComment(msgspec.Struct, kw_only=True):
    """What a customer wrote, with the rating that it came with."""

    id: str
    source: str
    external_id: str
    survey: Survey
    rating: float
    responded_at: UtcDatetime
    comment: str
    ticket: str | None
    call: str | None


class FindingKind(StrEnum):
    """excels, needs_training: significantly better or worse than peers, so the agent's own.
    declined: worse than the agent's own past, while the team is not. systemic: the whole team is
    worse than its past, so no one agent's."""

    excels = "excels"
    needs_training = "needs_training"
    declined = "declined"
    systemic = "systemic"


class FindingAgainst(StrEnum):
    """What it is held against."""

    peers = "peers"
    own_past = "own_past"
    team_past = "team_past"


class Finding(msgspec.Struct, kw_only=True):
    """What stands out after correction for all comparisons. `value` is the agent's, of systemic
    ones the team's; `other_value` what it is held against. `criterion`, of quality reviews alone:
    which one. In GET /v1/me/evaluation what would tell of others is null."""

    kind: FindingKind
    metric: str
    criterion: str | None
    against: FindingAgainst
    value: float | None
    n: int | None
    other_value: float | None
    other_n: int | None
    p_adjusted: float | None
    reason: str


class PastSide(msgspec.Struct, kw_only=True):
    """The range before."""

    start: UtcDatetime
    end: UtcDatetime


class TeamSide(msgspec.Struct, kw_only=True):
    """The teams that the agent is in during the range, and how many others are."""

    teams: list[DimensionValue]
    agents: int


class PeerSide(msgspec.Struct, kw_only=True):
    """The channels that the agent works on, and how many others work on them."""

    channels: list[DimensionValue]
    agents: int


class EvaluationSides(msgspec.Struct, kw_only=True):
    """What the agent is held against. Null: in no team; no work on any channel."""

    past: PastSide
    team: TeamSide | None
    peers: PeerSide | None


class EvaluationStatistics(msgspec.Struct, kw_only=True):
    """How the tests are corrected: Holm's method over the metrics of a side, and of peers also for
    each of the `agents_tested` who could be looked at in the same way."""

    level: float
    minimum_n: int
    agents_tested: int


class AgentEvaluation(msgspec.Struct, kw_only=True):
    """One agent. `comments`: the latest 20 of the range; `self_evaluations`: the latest 20 that are
    about some of it. Both are null for a key without records:read."""

    agent: EvaluatedAgent
    presence: AgentPresence
    sides: EvaluationSides
    metrics: list[EvaluatedMetric]
    ratings: list[RatingCount]
    comments: list[FeedbackComment] | None
    self_evaluations: list[SelfEvaluation] | None
    findings: list[Finding]
    statistics: EvaluationStatistics
    as_of: UtcDatetime
    meta: QueryMeta
