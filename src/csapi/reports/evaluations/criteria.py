"""What exactly to train: the criteria of an agent's quality reviews against those of peers."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.question import MemberGroup, Question
from csapi.reports.comparison import CompareTo
from csapi.reports.evaluations.findings import Criterion
from csapi.reports.evaluations.judging import Against, against, judge_of
from csapi.reports.evaluations.sides import AGENT, Sides
from csapi.reports.fillings import Group
from csapi.reports.merging import merged
from csapi.reports.read import Reading
from csapi.reports.schemas import MetricRequest
from csapi.reports.service import Snapshot, resolved
from csapi.reports.shape import dimension_value
from csapi.reports.telling import Teller
from csapi.reports.verdicts import comparison
from csapi.reports.work_params import WorkParams, query_of

# Of reviews the topic is the criterion.
CRITERION = MemberGroup("topic", DIMENSIONS["topic"])


@dataclass(frozen=True, slots=True)
class Criteria:
    """The scores of all agents by criterion."""

    question: Question
    reading: Reading


async def read_criteria(snapshot: Snapshot, wanted: WorkParams) -> Criteria:
    query = query_of(wanted, [MetricRequest(id="quality_criterion_score")])
    asked = await resolved(snapshot, query)
    question = replace(asked.question, groups=(AGENT, CRITERION))
    return Criteria(question, await snapshot.read(question))


def criteria_of(criteria: Criteria, agent: int, sides: Sides, now: datetime) -> list[Criterion]:
    """Each criterion that the agent was reviewed by and peers were, too, corrected for the number
    of criteria and of agents."""
    if sides.peers is None:
        return []
    question, reading = criteria.question, criteria.reading
    peers = {group.keys[0] for group in sides.peers.others}
    own: dict[int | None, Group] = {}
    others: dict[int | None, list[Group]] = defaultdict(list)
    for group in reading.groups:
        who, criterion = group.keys
        if who == agent:
            own[criterion] = group
        elif who in peers:
            others[criterion].append(group)
    judge = judge_of(question, question, reading, CompareTo.rest, now)
    teller = Teller(question, None, with_intervals=True)
    names = sorted(own.keys() & others.keys(), key=lambda each: (each is None, each or 0))
    found = [
        against(teller, judge, own[name], merged(question, others[name]), None) for name in names
    ]
    together = Against(
        [each.cells[0] for each in found], [each.assessed[0] for each in found], len(peers) + 1
    )
    (asked,) = question.metrics
    return [
        Criterion(
            dimension_value(CRITERION, name, reading).label,
            teller.value(0, own[name]),
            comparison(asked, cell, assessed, adjusted),
        )
        for name, cell, assessed, adjusted in zip(
            names, together.cells, together.assessed, together.corrected(), strict=True
        )
    ]
