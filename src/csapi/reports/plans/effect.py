"""Whether a plan worked: its metric before and after its first day."""

from functools import partial

from csapi.kit.problems import Problem
from csapi.metrics.zones import local_date
from csapi.reports.goals.checks import check_metric
from csapi.reports.plans.aims import in_aim
from csapi.reports.plans.schemas import ComparedWith, EffectParams, NewPlan, PlanAim, PlanEffect
from csapi.reports.schemas import FilterNode
from csapi.reports.service import Desk, Snapshot
from csapi.reports.uplift.measuring import measured
from csapi.reports.uplift.schemas import UpliftReason
from csapi.reports.uplift.trial import Trial


def beside(aim: PlanAim) -> FilterNode | None:
    """The work that a plan's is held against; None of a plan that is held against its past."""
    if aim.compare.to is ComparedWith.segment:
        return aim.compare.filters
    if aim.compare.to is ComparedWith.seasonal or aim.filters is None:
        return None
    others = FilterNode(not_=aim.filters)
    among = aim.compare.filters
    return others if among is None else FilterNode(and_=[among, others])


def trial_of(plan: NewPlan, wanted: EffectParams, desk: Desk) -> Trial:
    """Of a plan that has not begun there are weeks before today."""
    today = local_date(desk.timezone, desk.now)
    start = today if plan.starts_on is None else min(plan.starts_on, today)
    return Trial(
        metric=plan.aim.metric,
        inside=plan.aim.filters,
        outside=beside(plan.aim),
        has_outside=plan.aim.compare.to is not ComparedWith.seasonal,
        before_until=start,
        after_from=start,
        after_until=plan.ends_on,
        before_weeks=wanted.weeks_before,
        most_after=wanted.weeks_after,
        timezone=desk.timezone,
        today=today,
    )


async def effect_in(
    snapshot: Snapshot, id_: str, plan: NewPlan, wanted: EffectParams
) -> PlanEffect:
    """Raises Problem where the metric or a filter of the plan can no longer be asked."""
    trial = trial_of(plan, wanted, snapshot.desk)
    try:
        metric = await check_metric(snapshot, trial.before(trial.inside))
    except Problem as problem:
        raise in_aim(problem) from None
    make = partial(
        PlanEffect,
        plan_id=id_,
        compare=plan.aim.compare.to,
        starts_on=plan.starts_on,
        ends_on=plan.ends_on,
    )
    found = await measured(snapshot, trial, metric, make)
    if plan.starts_on is None or plan.starts_on > trial.today:
        found.reason = UpliftReason.not_started
    return found
