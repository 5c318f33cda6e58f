"""What the work costs, by the cost book."""

from csapi.facts.kinds import VALUE_SCALE, Kind
from csapi.facts.outcomes import StaffCostOutcome
from csapi.metrics.catalog.vocabulary import (
    ACTOR,
    HIGHER,
    INTERVAL,
    LOWER,
    NEUTRAL,
    PIECES,
    Params,
    ratio,
    time_share,
)
from csapi.metrics.catalog.work import HANDLED
from csapi.metrics.formulas import Facts, Formula
from csapi.metrics.metric import MergeClass, Metric, Param, ParamType, TimeBasis, Unit

PAID = Facts(Kind.STAFF_COST)
RATED = Facts(Kind.STAFF_COST, (StaffCostOutcome.SHIFT, StaffCostOutcome.PRESENCE))
FIXED = Facts(Kind.FIXED_COST)

WHAT_IS_PAID = (
    "Paid shifts are paid; within 12 hours of a shift of the agent nothing else is. Where an agent "
    "has no shift, presence is paid that is not offline. Planned shifts count, too."
)
COSTS = Param(
    "costs",
    ParamType.choice,
    "all",
    "What counts as cost: everything, or the time of agents alone.",
    choices=("all", "staff"),
)


def cost_per_contact(params: Params) -> Formula:
    spent = RATED.value()
    if params[COSTS.name] == "all":
        spent += FIXED.value()
    return Formula(numerator=spent, denominator=HANDLED, n=HANDLED, numerator_scale=VALUE_SCALE)


COST_METRICS = (
    Metric(
        id="staff_cost",
        label="Staff cost",
        description="Paid time, each piece at the hourly rate in force then: of the agent, else of "
        "the team that the agent was in, else the default one.",
        formula_text="sum of paid time x hourly rate",
        unit=Unit.MONEY,
        direction=NEUTRAL,
        time_basis=INTERVAL,
        merge_class=MergeClass.additive,
        attribution=ACTOR,
        build=lambda _: Formula(
            numerator=RATED.value(), n=RATED.rated(), numerator_scale=VALUE_SCALE
        ),
        example="A paid shift of 8 h at 25 an hour: 200, of which 100 before noon if half of it "
        "was.",
        pitfalls=f"{WHAT_IS_PAID} Paid time without any rate costs nothing here: see "
        "staff_cost_coverage_rate. Shifts have no channel. n counts pieces of 15 minutes at most.",
    ),
    Metric(
        id="fixed_cost",
        label="Fixed cost",
        description="The monthly costs of the cost book, spread evenly over the time of each "
        "month, nights and weekends included.",
        formula_text="sum of monthly cost x share of the month",
        unit=Unit.MONEY,
        direction=NEUTRAL,
        time_basis=INTERVAL,
        merge_class=MergeClass.additive,
        attribution=ACTOR,
        build=lambda _: Formula(
            numerator=FIXED.value(), n=FIXED.count(), numerator_scale=VALUE_SCALE
        ),
        example="9,300 a month is 300 for each day of March.",
        pitfalls="It is nobody's: by agent, team or channel all of it is in (none). What is left "
        "of this month counts, too, if the range reaches that far. n counts pieces of 15 minutes.",
    ),
    Metric(
        id="cost_per_contact",
        label="Cost per contact",
        description="Staff cost and fixed cost, per contact that a person handled: answered "
        "inbound calls, and tickets at their first response.",
        formula_text="(paid time x hourly rate + fixed cost) / contacts handled",
        unit=Unit.MONEY,
        direction=LOWER,
        time_basis=TimeBasis.event,
        merge_class=MergeClass.mean,
        attribution=ACTOR,
        build=cost_per_contact,
        example="200 for a shift and 300 of fixed cost on a day with 40 contacts handled: 12.5.",
        pitfalls="Abandoned calls, outbound calls and what bots solve are not in the denominator. "
        "By agent or team it is staff cost alone: fixed cost is in (none). By channel it needs "
        f"presence that names its channel. {WHAT_IS_PAID}",
        params=(COSTS,),
        caution_by_agent="fixed cost is nobody's, so it is in (none)",
    ),
    ratio(
        "staff_cost_coverage_rate",
        "Staff cost coverage",
        lambda _: time_share(RATED.duration(), PAID.duration(), PAID.count()),
        "The share of the paid time for which the cost book has a rate.",
        formula_text="paid time with a rate / paid time",
        example="Two shifts of 8 h, a rate for one of the agents and no default: 0.5.",
        direction=HIGHER,
        basis=INTERVAL,
        pitfalls=f"Below 1, costs are higher than they look. {PIECES}",
    ),
)
