"""SLA targets: met, missed and by how much, and those that are still to be decided."""

from csapi.facts.kinds import VALUE_SCALE, Kind
from csapi.facts.outcomes import SLA_METRIC_STEP, SlaDecision, SlaMetric
from csapi.metrics.catalog.vocabulary import (
    ACTOR,
    EVENT,
    EXCLUDE_ZERO,
    HIGHER,
    LOWER,
    NEUTRAL,
    OWNER,
    Params,
    milliseconds,
)
from csapi.metrics.formulas import Facts, Formula, count, mean_seconds, share
from csapi.metrics.metric import MergeClass, Metric, Param, ParamType, TimeBasis, Unit

ALL = "all"
TARGETS = {each.name.lower(): each for each in SlaMetric}
TARGET = Param(
    "target",
    ParamType.choice,
    ALL,
    "Which targets: of all metrics together, or of one.",
    choices=(ALL, *TARGETS),
)
WITHIN = Param(
    "within_seconds",
    ParamType.number,
    14_400,
    "Due within so many seconds after the end of the range.",
    minimum=1,
    maximum=31_536_000,
)
WHOSE = (
    "By agent or team a breach is the assignee's at that instant, whether or not anybody replies "
    "later; a target that is met is whoever's reply met it, else the assignee's."
)
APPLIED = (
    "The target is that of the policy and priority of that moment: what changes later does not "
    "change it."
)


def chosen(params: Params) -> list[SlaMetric]:
    return [each for name, each in TARGETS.items() if params[TARGET.name] in (ALL, name)]


def decided(params: Params, *decisions: SlaDecision) -> Facts:
    outcomes = (
        metric * SLA_METRIC_STEP + decision for metric in chosen(params) for decision in decisions
    )
    return Facts(Kind.SLA_DECISION, tuple(outcomes))


def about(kind: Kind, params: Params) -> Facts:
    return Facts(kind, tuple(int(metric) for metric in chosen(params)))


def attainment(params: Params) -> Formula:
    met = decided(params, SlaDecision.MET)
    either = decided(params, SlaDecision.MET, SlaDecision.BREACHED)
    return share(met.count(), either.count())


def active(params: Params) -> Formula:
    balance = about(Kind.SLA_ACTIVE, params).balance()
    return Formula(numerator=balance, n=balance, numerator_scale=VALUE_SCALE, n_scale=VALUE_SCALE)


def at_risk(params: Params) -> Formula:
    due = decided(params, *SlaDecision).due(milliseconds(params[WITHIN.name]))
    return Formula(numerator=due, n=due)


SLA_METRICS = (
    Metric(
        id="sla_attainment_rate",
        label="SLA attainment",
        description="The share of the decided targets that were met. A target is decided when it "
        "is fulfilled or when it is due, whichever comes first.",
        formula_text="targets met / (targets met + targets breached)",
        unit=Unit.SHARE,
        direction=HIGHER,
        time_basis=EVENT,
        merge_class=MergeClass.ratio,
        attribution=ACTOR,
        build=attainment,
        example="Three replies in time, one too late, one message whose reply is overdue and one "
        "ticket that was closed without a reply: 3 / 5 = 0.6.",
        pitfalls=f"Without a policy it is null, not 1. {APPLIED} A ticket that is closed without a "
        f"reply ends its target undecided. {WHOSE}",
        params=(TARGET,),
    ),
    Metric(
        id="sla_breaches",
        label="SLA breaches",
        description="Targets that were not fulfilled when they were due, at that instant.",
        formula_text="count of targets breached",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.additive,
        attribution=ACTOR,
        build=lambda params: count(decided(params, SlaDecision.BREACHED)),
        example="Due at 12:00, answered at 15:00: 1 at 12:00, also for who asks at 12:30.",
        pitfalls=f"{APPLIED} {WHOSE} Exactly at the target is in time.",
        params=(TARGET,),
    ),
    Metric(
        id="sla_breach_overshoot",
        label="SLA overshoot",
        description="By how much breached targets were missed, at their fulfilment, by the clock "
        "of the target.",
        formula_text="sum of time beyond the target / breached targets that were fulfilled",
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.mean,
        attribution=ACTOR,
        build=lambda params: mean_seconds(
            about(Kind.SLA_OVERSHOOT, params), exclude_zero=params[EXCLUDE_ZERO.name]
        ),
        example="Due at 12:00 and at 13:00, answered at 15:00 and at 13:30: 6,300 s with n = 2.",
        pitfalls="What is still unanswered is not in it, nor what was closed without a reply. By "
        "agent or team it is that of whoever replied. Business and calendar targets are added up "
        "as they are.",
        params=(TARGET, EXCLUDE_ZERO),
    ),
    Metric(
        id="sla_active",
        label="SLA targets active",
        description="Targets that apply and are not decided yet at the end of the bucket.",
        formula_text="targets begun - targets decided",
        unit=Unit.COUNT,
        direction=NEUTRAL,
        time_basis=TimeBasis.state,
        merge_class=MergeClass.stock,
        attribution=OWNER,
        build=active,
        example="Two messages wait, a third is overdue: 2.",
        pitfalls="An overdue target is decided: it is a breach, not active. Adds up over teams or "
        "channels at the same instant, never over time. A ticket usually has several targets.",
        params=(TARGET,),
    ),
    Metric(
        id="sla_at_risk",
        label="SLA targets at risk",
        description="Active targets at the end of the range, or now where that comes first, that "
        "are due within `within_seconds` from then on.",
        formula_text="count of active targets whose remaining time is at most within_seconds",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=TimeBasis.state,
        merge_class=MergeClass.stock,
        attribution=OWNER,
        build=at_risk,
        example="At 12:00 three replies are due at 12:30, 13:00 and 17:00: within 3,600 s 2.",
        pitfalls="It takes no time dimension. For an end that is past, due is when the target was "
        "due in the end, and the agent is who decided it. While a requester wait target is paused, "
        "it is not due.",
        params=(TARGET, WITHIN),
    ),
)
