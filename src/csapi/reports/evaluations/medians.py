"""What is usual among others: the median of agents, each of them once. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median

from csapi.metrics.catalog import METRICS
from csapi.metrics.composed import ComposedFormula
from csapi.metrics.metric import Unit
from csapi.metrics.question import Asked, Places
from csapi.reports.evaluations.schemas import (
    AgentEvaluation,
    EvaluatedMetric,
    Finding,
    FindingAgainst,
    FindingKind,
    MedianOfAgents,
)
from csapi.reports.evaluations.sides import Side
from csapi.reports.fillings import Group
from csapi.reports.shape import are_scales_mixed, metric_value, ratio, total

# Of fewer others a median would tell an agent what a colleague has.
FEWEST_OTHERS = 3
Metrics = Mapping[str, EvaluatedMetric]
WORDS = {
    FindingKind.excels: "significantly better than peers on the same channels",
    FindingKind.needs_training: "significantly worse than peers on the same channels",
    FindingKind.systemic: "the work done for the team is significantly worse than in the range "
    "before: not one agent's",
}


def median_of(asked: Asked, places: Places, side: Side | None, own: Group) -> MedianOfAgents | None:
    """The median of a metric. What is hidden of one on the side is hidden of all; of values on
    several scales there is none."""
    if side is None or asked.name in own.hidden:
        return None
    if are_scales_mixed(asked, places, own, *side.others):
        return None
    if any(asked.name in each.hidden for each in side.others):
        return None
    values = known_values(asked, places, side.others)
    return MedianOfAgents(value=median(values), agents=len(values)) if values else None


def known_values(asked: Asked, places: Places, groups: Sequence[Group]) -> list[float]:
    values = (value_alone(asked, places, group) for group in groups)
    return [value for value in values if value is not None]


def value_alone(asked: Asked, places: Places, group: Group) -> float | None:
    """The value as metric_value has it. A quotient is divided at once: a side can be a thousand
    agents of thirty metrics, and what else there is to tell of each takes most of the time."""
    is_quotient = (
        places.denominator is not None
        and places.told is None
        and not places.scales
        and asked.agg is None
        and asked.formula.survival is None
        and not isinstance(asked.formula, ComposedFormula)
        and asked.name not in group.hidden
    )
    if not is_quotient or places.denominator is None:
        return metric_value(asked, places, group).value
    parts = group.parts
    return ratio(asked.formula, total(places.numerator, parts), total(places.denominator, parts))


def as_own(found: AgentEvaluation) -> AgentEvaluation:
    """An evaluation as the agent may see it: of others there are medians alone.

    Parts and means of others could be subtracted from those of another range, with which what one
    colleague did comes out; the value that one ranks by has the mean of all in it.
    """
    for each in found.metrics:
        each.value.rank_value = None
        each.team = each.peers = None
        each.team_median = told(each, each.team_median)
        each.peers_median = told(each, each.peers_median)
    metrics = {each.id: each for each in found.metrics}
    found.findings = [
        own_finding(each, metrics) for each in found.findings if is_told(each, metrics)
    ]
    return found


def is_told(finding: Finding, metrics: Metrics) -> bool:
    """Whether enough others are behind a finding for it to tell of none of them."""
    if finding.against is FindingAgainst.own_past:
        return True
    metric = metrics["quality_score" if finding.criterion is not None else finding.metric]
    if finding.against is FindingAgainst.team_past:
        return metric.team_median is not None
    return metric.peers_median is not None


def told(metric: EvaluatedMetric, found: MedianOfAgents | None) -> MedianOfAgents | None:
    if found is None or found.agents < FEWEST_OTHERS or metric.unit is Unit.MONEY:
        return None
    return found


def own_finding(finding: Finding, metrics: Metrics) -> Finding:
    """A finding in words, without the numbers of others."""
    if finding.against is FindingAgainst.own_past:
        return finding
    if finding.criterion is not None:
        name = f"{METRICS[finding.metric].label} ({finding.criterion})"
    else:
        name = metrics[finding.metric].label
    is_teams = finding.against is FindingAgainst.team_past
    return Finding(
        kind=finding.kind,
        metric=finding.metric,
        criterion=finding.criterion,
        against=finding.against,
        value=None if is_teams else finding.value,
        n=None if is_teams else finding.n,
        other_value=None,
        other_n=None,
        p_adjusted=None,
        reason=f"{name}: {WORDS[finding.kind]}",
    )
