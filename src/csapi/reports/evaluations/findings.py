"""What stands out of an evaluation, and whether it is the agent's own or the system's. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from csapi.metrics.metric import Unit
from csapi.metrics.question import Asked, Question
from csapi.reports.comparison import Comparison, Verdict
from csapi.reports.evaluations.judging import Judged
from csapi.reports.evaluations.schemas import Finding, FindingAgainst, FindingKind
from csapi.reports.schemas import MetricValue

WORDS = {
    FindingAgainst.peers: "that of peers on the same channels",
    FindingAgainst.own_past: "the agent's own in the range before",
    FindingAgainst.team_past: "the team's in the range before",
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion of quality reviews: the agent's score, and that of peers."""

    name: str
    value: MetricValue
    peers: Comparison


def findings(
    question: Question,
    own: Sequence[MetricValue],
    found: Judged,
    asked_criterion: Asked,
    criteria: Sequence[Criterion],
) -> list[Finding]:
    """In the order of the metrics: against peers, of the team, then of the agent's own past."""
    told: list[Finding] = []
    for place, asked in enumerate(question.metrics):
        told += of_metric(asked, own[place], found, place)
    for each in criteria:
        kind = of_peers(each.peers)
        if kind is not None:
            told += finding(
                kind, asked_criterion, each.value, each.peers, FindingAgainst.peers, each.name
            )
    return told


def of_peers(compared: Comparison | None) -> FindingKind | None:
    """Whether a difference from peers is one, and which."""
    if compared is None:
        return None
    kinds = {
        Verdict.improved: FindingKind.excels,
        Verdict.worsened: FindingKind.needs_training,
    }
    return None if compared.verdict is None else kinds.get(compared.verdict)


def of_metric(asked: Asked, own: MetricValue, found: Judged, place: int) -> Iterator[Finding]:
    peers = None if found.peers is None else found.peers[place]
    kind = of_peers(peers)
    if kind is not None and peers is not None:
        yield from finding(kind, asked, own, peers, FindingAgainst.peers)
    team_past = None if found.team_past is None else found.team_past[place]
    is_systemic = team_past is not None and team_past.verdict is Verdict.worsened
    if is_systemic and team_past is not None and found.team_now is not None:
        now = found.team_now[place]
        yield from finding(FindingKind.systemic, asked, now, team_past, FindingAgainst.team_past)
    past = found.past[place]
    if past.verdict is Verdict.worsened and not is_systemic:
        yield from finding(FindingKind.declined, asked, own, past, FindingAgainst.own_past)


def finding(
    kind: FindingKind,
    asked: Asked,
    cell: MetricValue,
    other: Comparison,
    against: FindingAgainst,
    criterion: str | None = None,
) -> Iterator[Finding]:
    """None where something of it is not known."""
    if cell.value is None or other.value is None or other.p_adjusted is None:
        return
    yield Finding(
        kind=kind,
        metric=asked.name,
        criterion=criterion,
        against=against,
        value=cell.value,
        n=cell.n,
        other_value=other.value,
        other_n=other.n,
        p_adjusted=other.p_adjusted,
        reason=reason_of(asked, cell, other, against, criterion),
    )


def reason_of(
    asked: Asked,
    cell: MetricValue,
    other: Comparison,
    against: FindingAgainst,
    criterion: str | None,
) -> str:
    """A finding in words."""
    unit = " s" if asked.metric.unit is Unit.SECONDS and asked.agg != "count" else ""
    name = asked.metric.label if criterion is None else f"{asked.metric.label} ({criterion})"
    return (
        f"{name}: {cell.value:.4g}{unit} (n = {cell.n}), against {WORDS[against]}: "
        f"{other.value:.4g}{unit} (n = {other.n}); p = {other.p_adjusted:.2g} after correction"
    )
