"""One agent's numbers against others: tests, corrected, and what stands out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

import msgspec

from csapi.metrics.counterparts import Alignment
from csapi.metrics.question import Asked, Places, Question
from csapi.reports.comparing import Beside, Paired
from csapi.reports.comparison import CompareTo, Comparison, VerdictReason
from csapi.reports.evaluations.sides import Side, Sides
from csapi.reports.fillings import Group
from csapi.reports.read import Reading
from csapi.reports.resolve_compare import Target
from csapi.reports.schemas import MetricValue
from csapi.reports.telling import Teller
from csapi.reports.verdicts import NOTHING, Assessment, Judge, comparison, corrected


def judge_of(
    question: Question, other: Question, reading: Reading, to: CompareTo, now: datetime
) -> Judge:
    """Tests groups of a question against groups of another one of the same metrics."""
    target = Target(to, other, Alignment.position)
    return Judge(question, Beside(target, reading, Paired({}, {}), {}), now)


def is_sum(asked: Asked, places: Places) -> bool:
    """Whether the value of several agents is what they have together."""
    if asked.agg is not None:
        return asked.agg in ("sum", "count")
    return places.denominator is None and places.extreme is None and not asked.formula.survival


def per_agent(cell: MetricValue, agents: int) -> MetricValue:
    """The mean of agents, of what they have together."""
    if cell.value is None or not agents:
        return cell
    return msgspec.structs.replace(
        cell, value=cell.value / agents, numerator=cell.value, denominator=agents
    )


@dataclass(frozen=True, slots=True)
class Against:
    """One side: what each metric has there, and how the two differ, before it is corrected."""

    cells: Sequence[MetricValue]
    assessed: Sequence[Assessment]
    # How many could be looked at in the same way.
    looks: int = 1

    def told(self, question: Question) -> list[Comparison]:
        adjusted = self.corrected()
        return [
            comparison(asked, cell, assessed, p_value)
            for asked, cell, assessed, p_value in zip(
                question.metrics, self.cells, self.assessed, adjusted, strict=True
            )
        ]

    def corrected(self) -> list[float | None]:
        """By Holm's method over the metrics, and by Bonferroni's over the looks: together the
        chance that any of all these tests is wrong stays below 0.05."""
        return [
            None if each is None else min(1.0, each * self.looks)
            for each in corrected(self.assessed)
        ]


def against(
    teller: Teller, judge: Judge, own: Group, other: Group, agents: int | None, looks: int = 1
) -> Against:
    """The numbers of `own` against those of `other`, which are those of so many agents together;
    agents None: of as many as `own` is."""
    question = teller.question
    own, other = replace(own, keys=()), replace(other, keys=())
    cells, assessed = [], []
    for place, (asked, places) in enumerate(zip(question.metrics, question.places, strict=True)):
        mine, theirs = teller.value(place, own), teller.value(place, other)
        found = judge.pair(asked, places, (own, mine), (other, theirs))
        if agents is not None and is_sum(asked, places):
            theirs = per_agent(theirs, agents)
            found = apart(mine, theirs)
        cells.append(theirs)
        assessed.append(found)
    return Against(cells, assessed, looks)


def apart(mine: MetricValue, theirs: MetricValue) -> Assessment:
    """How far a count is from the mean of an agent: a difference without a test."""
    if mine.value is None or theirs.value is None:
        return NOTHING
    usual = Fraction(theirs.numerator or 0) / Fraction(theirs.denominator or 1)
    delta = Fraction(mine.value) - usual
    relative = delta / abs(usual) if usual else None
    return Assessment(delta, relative, None, VerdictReason.not_comparable)


@dataclass(frozen=True, slots=True)
class Judged:
    """An agent against every side, and the team against its past; by the place of the metric."""

    past: list[Comparison]
    team: list[Comparison] | None
    peers: list[Comparison] | None
    team_past: list[Comparison] | None
    # What the team has now.
    team_now: list[MetricValue] | None


def judged(sides: Sides, now: datetime) -> Judged:
    question = sides.question
    teller = Teller(question, None, with_intervals=True)

    def of_past(own: Group, other: Group) -> list[Comparison]:
        judge = judge_of(
            question, sides.past_question, sides.past_reading, CompareTo.previous_period, now
        )
        return against(teller, judge, own, other, None).told(question)

    def of_others(side: Side | None, *, as_peers: bool) -> list[Comparison] | None:
        if side is None or not side.others:
            return None
        judge = judge_of(question, side.question, side.reading, CompareTo.rest, now)
        looks = len(side.others) + 1 if as_peers else 1
        whole = side.whole(sides.own)
        return against(teller, judge, sides.own, whole, len(side.others), looks).told(question)

    team_past = team_now = None
    if sides.team_now is not None and sides.team_past is not None:
        team_past = of_past(sides.team_now, sides.team_past)
        team_now = [teller.value(place, sides.team_now) for place in range(len(question.metrics))]
    return Judged(
        past=of_past(sides.own, sides.past),
        team=of_others(sides.team, as_peers=False),
        peers=of_others(sides.peers, as_peers=True),
        team_past=team_past,
        team_now=team_now,
    )
