"""Too few people or bad distribution: the rule. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from csapi.metrics.concentration import gini, top_share
from csapi.reports.staffing.diagnosis_schemas import (
    AgentLoad,
    CannotTell,
    LoadSpread,
    StaffedHours,
    StaffingFinding,
    StaffingVerdict,
)
from csapi.reports.staffing.measuring import SECONDS_PER_HOUR
from csapi.reports.staffing.planning import Plan
from csapi.reports.staffing.schemas import StaffingInputs
from csapi.reports.staffing.telling import LEAST_CONTACTS
from csapi.reports.staffing.what_if import Measured

# Present over required hours below this is too few people.
ENOUGH_HOURS = 0.95
# Missing over required hours above this is bad distribution in time.
MISSING = 0.1
# A Gini coefficient of handling against presence above this is bad distribution across agents.
UNEVEN = 0.15
LEAST_AGENTS, LEAST_HOURS, SHOWN_AGENTS, TOP = 3, 1.0, 100, 0.2
# Half an agent off, up or down, is what rounding makes.
OFF_BY = 0.5


@dataclass(frozen=True, slots=True)
class Ledger:
    """Agents required and present by interval; None: it cannot be said who is required."""

    required: Sequence[float | None]
    present: Sequence[float]
    seconds: float

    @classmethod
    def of(cls, plan: Plan) -> "Ledger":
        required = [None if each is None else each.agents for each in plan.required]
        return cls(required, [each or 0.0 for each in plan.agents], plan.rules.seconds)

    def is_under(self, place: int) -> bool:
        required = self.required[place]
        return required is not None and required - self.present[place] >= OFF_BY

    def hours(self) -> StaffedHours:
        """Of the intervals in which both are known; null where there is none."""
        pairs = [
            (required, present)
            for required, present in zip(self.required, self.present, strict=True)
            if required is not None
        ]
        under = sum(required - present >= OFF_BY for required, present in pairs)
        over = sum(present - required >= OFF_BY for required, present in pairs)
        hour = self.seconds / SECONDS_PER_HOUR
        return StaffedHours(
            required=sum(required for required, _ in pairs) * hour if pairs else None,
            present=sum(self.present) * hour,
            missing=sum(max(one - other, 0.0) for one, other in pairs) * hour if pairs else None,
            spare=sum(max(other - one, 0.0) for one, other in pairs) * hour if pairs else None,
            intervals=len(pairs),
            under=under,
            over=over,
            under_share=under / len(pairs) if pairs else None,
            over_share=over / len(pairs) if pairs else None,
        )


def load_spread(agents: Sequence[AgentLoad]) -> LoadSpread:
    there = [each for each in agents if each.present_hours >= LEAST_HOURS]
    pairs = [(each.present_hours, each.handling_hours) for each in there]
    is_told = len(there) >= LEAST_AGENTS
    return LoadSpread(
        agents=len(agents),
        gini=gini(pairs) if is_told else None,
        top_fifth_share=top_share(pairs, TOP) if is_told else None,
        data=list(agents[:SHOWN_AGENTS]),
    )


def judged(
    ledger: Ledger, load: LoadSpread, measured: Measured, inputs: StaffingInputs
) -> tuple[StaffingVerdict, list[CannotTell], list[StaffingFinding]]:
    """The verdict, what is missing for one, and what each hangs on."""
    hours = ledger.hours()
    missing = [*lacking(ledger, hours, measured, inputs)]
    covered = hours.present / hours.required if hours.required else None
    short = (hours.missing or 0.0) / hours.required if hours.required else None
    findings = [
        finding(StaffingVerdict.too_few_people, covered, ENOUGH_HOURS, is_above=False),
        finding(StaffingVerdict.bad_distribution_in_time, short, MISSING),
        finding(StaffingVerdict.bad_distribution_across_agents, load.gini, UNEVEN),
    ]
    if missing:
        return StaffingVerdict.cannot_tell, missing, findings
    held = [each.verdict for each in findings if each.holds]
    return held[0] if held else StaffingVerdict.enough, [], findings


def finding(
    verdict: StaffingVerdict, value: float | None, threshold: float, *, is_above: bool = True
) -> StaffingFinding:
    holds = value is not None and (value > threshold if is_above else value < threshold)
    return StaffingFinding(verdict=verdict, holds=holds, value=value, threshold=threshold)


def lacking(
    ledger: Ledger, hours: StaffedHours, measured: Measured, inputs: StaffingInputs
) -> list[CannotTell]:
    found = []
    if measured.people.present is None:
        found.append(CannotTell.no_presence)
    if inputs.handle_seconds.value is None:
        found.append(CannotTell.no_handle_time)
    if measured.work.contacts < LEAST_CONTACTS:
        found.append(CannotTell.too_few_contacts)
    if None in ledger.required or not hours.required:
        found.append(CannotTell.no_requirement)
    return found
