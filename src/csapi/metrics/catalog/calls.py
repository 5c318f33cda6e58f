"""Calls: the queue and the handling."""

from dataclasses import replace
from typing import Any

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CallOutcome, HandlingOutcome, SessionOutcome
from csapi.metrics.catalog.vocabulary import (
    ACTOR,
    COHORT,
    EVENT,
    EXCLUDE_ZERO,
    HIGHER,
    INCLUDE_NEGATIVE,
    LOWER,
    NEUTRAL,
    OFF,
    Params,
    averaged,
    counted,
    milliseconds,
    ratio,
    threshold,
    within,
)
from csapi.metrics.formulas import Facts, Formula, mean_seconds, share
from csapi.metrics.metric import MergeClass, Metric, Param, ParamType, Unit

CALLS = Facts(Kind.CALL)
ANSWERED = Facts(Kind.CALL, (CallOutcome.ANSWERED,))
ABANDONED = Facts(Kind.CALL, (CallOutcome.ABANDONED,))
MENUS = Facts(Kind.IVR_SESSION)


def per_contact(kind: Kind) -> Facts:
    return Facts(kind, (HandlingOutcome.ONE_LEG, HandlingOutcome.ALL_LEGS))


def per_leg(kind: Kind) -> Facts:
    return Facts(kind, (HandlingOutcome.ONE_LEG, HandlingOutcome.LEG))


SHORT = Param(
    "short_abandon_seconds",
    ParamType.number,
    5,
    "An abandoned call is short when the caller left in under so many seconds.",
    minimum=0,
    maximum=3600,
)
SERVICE_LEVEL_VARIANTS = (
    "answered_only",
    "abandons_in_threshold_met",
    "abandons_after_threshold_missed",
    "short_abandons_met",
    "short_abandons_excluded",
    "all_abandons_missed",
)


CLOCK_START = Param(
    "clock_start",
    ParamType.choice,
    "queue_entry",
    "When the wait begins: at the queue, or where the contact started, such as in the phone menu. "
    "The latter is of calls alone whose source sends `started_at`.",
    choices=("queue_entry", "contact_start"),
)
STAGE = Param(
    "stage",
    ParamType.choice,
    "queue",
    "Where people gave up: in the queue; in the phone menu, of its sessions; or in either, of all "
    "who came to one of them (a session that was handed off is the call that came of it).",
    choices=("queue", "ivr", "any"),
)


OVER = Param(
    "over",
    ParamType.choice,
    "reported",
    "Which calls the mean is over: those that report hold time, zero included; or all that were "
    "handled, of which one without hold time had none. `exclude_zero` is of the former alone.",
    choices=("reported", "all"),
)


def hold_time(params: Params) -> Formula:
    reported = mean_seconds(
        per_contact(Kind.HOLD),
        exclude_zero=params[EXCLUDE_ZERO.name],
        include_negative=params[INCLUDE_NEGATIVE.name],
    )
    if params[OVER.name] == "reported":
        return reported
    handled = per_contact(Kind.HANDLE).count()
    return replace(reported, denominator=handled, n=handled, spread=None, exclude_zero=False)


def short_abandons(params: Params, abandoned: Facts = ABANDONED) -> Any:
    """Abandoned strictly sooner than the limit: durations are whole milliseconds."""
    return abandoned.within(milliseconds(params["short_abandon_seconds"]) - 1)


def service_level(params: Params) -> Formula:
    limit = milliseconds(params["threshold_seconds"])
    kind = Kind.CALL if params["clock_start"] == "queue_entry" else Kind.CALL_FROM_START
    those_answered, those_gone = (
        Facts(kind, (outcome,)) for outcome in (CallOutcome.ANSWERED, CallOutcome.ABANDONED)
    )
    in_time, answered = those_answered.within(limit), those_answered.count()
    abandoned, gone_in_time = those_gone.count(), those_gone.within(limit)
    short = short_abandons(params, those_gone)
    everyone = answered + abandoned
    numerator, denominator = {
        "answered_only": (in_time, answered),
        "abandons_in_threshold_met": (in_time + gone_in_time, everyone),
        "abandons_after_threshold_missed": (in_time, everyone - gone_in_time),
        "short_abandons_met": (in_time + short, everyone),
        "short_abandons_excluded": (in_time, everyone - short),
        "all_abandons_missed": (in_time, everyone),
    }[params["variant"]]
    return share(numerator, denominator, Facts(kind).negative())


def abandonment_rate(params: Params) -> Formula:
    gone, everyone = ABANDONED.count(), CALLS.count()
    if not params["include_short"]:
        gone, everyone = gone - short_abandons(params), everyone - short_abandons(params)
    in_menu = Facts(Kind.IVR_SESSION, (SessionOutcome.ABANDONED,)).count()
    if params["stage"] == "ivr":
        return share(in_menu, MENUS.count())
    if params["stage"] == "any":
        went_on = Facts(Kind.IVR_SESSION, (SessionOutcome.HANDED_OFF,)).count()
        return share(gone + in_menu, everyone + MENUS.count() - went_on)
    return share(gone, everyone)


def resolution_rate(params: Params) -> Formula:
    base = ANSWERED if params["of"] == "answered" else CALLS
    return Formula(
        numerator=base.value(), denominator=base.rated(), n=base.rated(), numerator_scale=10_000
    )


CALL_METRICS = (
    counted(
        "calls_offered",
        "Calls offered",
        CALLS,
        "Inbound calls that entered the queue, in the bucket of that instant.",
        basis=COHORT,
    ),
    counted(
        "calls_answered",
        "Calls answered",
        ANSWERED,
        "Offered calls that an agent answered.",
        direction=HIGHER,
        basis=COHORT,
    ),
    counted(
        "calls_abandoned",
        "Calls abandoned",
        ABANDONED,
        "Offered calls whose caller left before an answer, short ones included.",
        direction=LOWER,
        basis=COHORT,
    ),
    Metric(
        id="calls_short_abandoned",
        label="Short abandons",
        description="Abandoned calls whose caller left in under `short_abandon_seconds`.",
        formula_text="abandoned with wait < short_abandon_seconds",
        unit=Unit.COUNT,
        direction=NEUTRAL,
        time_basis=COHORT,
        merge_class=MergeClass.additive,
        attribution=ACTOR,
        build=lambda params: Formula(numerator=short_abandons(params), n=ABANDONED.count()),
        example="Waits of 2 s and 5 s before hanging up: with the limit of 5 s one is short.",
        pitfalls="Exactly the limit is not short.",
        params=(SHORT,),
    ),
    counted(
        "calls_flowed_out",
        "Calls flowed out",
        Facts(Kind.CALL, (CallOutcome.FLOWED_OUT,)),
        "Offered calls that left the queue for another one.",
        basis=COHORT,
    ),
    ratio(
        "abandonment_rate",
        "Abandonment rate",
        abandonment_rate,
        "The share of offered calls that were abandoned. Short abandons are left out of both sides "
        "unless `include_short`; phone menus know no short ones.",
        formula_text="(abandoned - short) / (offered - short)",
        example="100 offered, 12 abandoned, 2 of them short: 10 / 98; with include_short 12 / 100.",
        direction=LOWER,
        basis=COHORT,
        params=(
            Param("include_short", ParamType.flag, OFF, "Count short abandons, too."),
            SHORT,
            STAGE,
        ),
        pitfalls="By agent it means something only where unanswered calls are routed to an agent: "
        "otherwise every agent has 0, and all of it is with nobody; answers warn of it. Phone "
        "menus have no agent at all.",
        caution_by_agent="unanswered calls count only where the source routed them to an agent",
    ),
    ratio(
        "service_level",
        "Service level",
        service_level,
        "The share of calls answered within `threshold_seconds` of entering the queue. What "
        "becomes of abandoned calls is the `variant`.",
        formula_text="answered within the threshold / (answered + abandoned after the threshold)",
        example="1000 answered, 860 of them in 20 s; 60 abandoned, 20 of them in 20 s, 10 in 5 s: "
        "answered_only 86.00 %, abandons_in_threshold_met 83.02 %, "
        "abandons_after_threshold_missed 82.69 %, short_abandons_met 82.08 %, "
        "short_abandons_excluded 81.90 %, all_abandons_missed 81.13 %.",
        basis=COHORT,
        params=(
            threshold(20),
            Param(
                "variant",
                ParamType.choice,
                "abandons_after_threshold_missed",
                "What abandoned calls count as.",
                choices=SERVICE_LEVEL_VARIANTS,
            ),
            SHORT,
            CLOCK_START,
        ),
        pitfalls="Calls that flowed out or became a callback are in neither side. By agent, "
        "abandoned calls count only where they are routed to one.",
        caution_by_agent="abandoned calls count only where the source routed them to an agent",
    ),
    averaged(
        "average_speed_of_answer",
        "Average speed of answer",
        ANSWERED,
        "The mean wait of answered calls, those that never queued included (wait 0) unless "
        "`queued_only`.",
        basis=COHORT,
        zero=Param("queued_only", ParamType.flag, OFF, "Only calls that waited at all."),
        pitfalls="It improves when people give up: show it with the abandonment rate.",
    ),
    averaged(
        "average_abandon_time",
        "Average time to abandon",
        ABANDONED,
        "The mean wait of callers who left before an answer.",
        basis=COHORT,
    ),
    Metric(
        id="calls_resolved",
        label="Calls resolved",
        description="Calls that the source flags as resolved.",
        formula_text="sum of the flag",
        unit=Unit.COUNT,
        direction=HIGHER,
        time_basis=COHORT,
        merge_class=MergeClass.additive,
        attribution=ACTOR,
        build=lambda _: Formula(numerator=CALLS.value(), n=CALLS.rated(), numerator_scale=10_000),
        example="Two calls flagged true and one false give 2 with n = 3.",
        pitfalls="Self-declared. n counts the calls that carry the flag at all.",
    ),
    ratio(
        "resolution_rate",
        "Resolution rate",
        resolution_rate,
        "The share of calls that the source flags as resolved.",
        formula_text="resolved / answered (or offered)",
        example="90 resolved of 100 answered of 120 offered: 0.9, or 0.75 of offered.",
        pitfalls="Calls without the flag are on neither side: a source that sends none gives null.",
        basis=COHORT,
        params=(
            Param(
                "of",
                ParamType.choice,
                "answered",
                "What the resolved calls are a share of.",
                choices=("answered", "offered"),
            ),
        ),
    ),
    averaged(
        "average_talk_time",
        "Average talk time",
        per_contact(Kind.TALK),
        "The mean time in conversation of an answered call, all its legs together.",
        pitfalls="By agent, a transferred call is its first agent's: see the per-leg metric.",
    ),
    Metric(
        id="average_hold_time",
        label="Average hold time",
        description="The mean time on hold of an answered call, over the calls that report hold "
        "time or over all calls whose handling is known.",
        formula_text="sum of hold times / calls",
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.mean,
        attribution=ACTOR,
        build=hold_time,
        example="Holds of 60 s and 120 s, and a third handled call that reports none: 90 s over "
        "the two, 60 s over all three.",
        pitfalls="Over the calls that were on hold at all: `exclude_zero`.",
        params=(OVER, EXCLUDE_ZERO, INCLUDE_NEGATIVE),
    ),
    averaged(
        "average_after_call_work",
        "Average after-call work",
        per_contact(Kind.AFTER_CALL_WORK),
        "The mean time of work after an answered call, over the calls that report it.",
    ),
    averaged(
        "average_handle_time",
        "Average handle time",
        per_contact(Kind.HANDLE),
        "Talk, hold and after-call work of an answered call together.",
        pitfalls="By agent, a transferred call is its first agent's: see the per-leg metric.",
    ),
    averaged(
        "average_handle_time_per_leg",
        "Average handle time per leg",
        per_leg(Kind.HANDLE),
        "Talk, hold and after-call work of one agent's part of a call.",
    ),
    averaged(
        "average_talk_time_per_leg",
        "Average talk time per leg",
        per_leg(Kind.TALK),
        "The time in conversation of one agent's part of a call.",
    ),
    ratio(
        "transfer_rate",
        "Transfer rate",
        lambda _: share(
            Facts(Kind.HANDLE, (HandlingOutcome.ALL_LEGS,)).count(),
            per_contact(Kind.HANDLE).count(),
        ),
        "Handled calls that more than one agent had a part in.",
        formula_text="calls with several legs / calls handled",
        example="3 of 20 handled calls have two legs: 0.15.",
        direction=LOWER,
        pitfalls="Only calls whose handling time is known are in it.",
    ),
    Metric(
        id="longest_queue_wait",
        label="Longest wait in the queue",
        description="The longest wait of an offered call, answered or not.",
        formula_text="longest wait",
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=COHORT,
        merge_class=MergeClass.extreme,
        attribution=ACTOR,
        build=lambda _: mean_seconds(CALLS),
        example="Waits of 10 s, 30 s and 240 s give 240 s with n = 3.",
        pitfalls="A call that still waits is not in it.",
        default_agg="max",
    ),
    within("talk_within_rate", "Talk within the threshold", per_contact(Kind.TALK), 300),
    within("handle_within_rate", "Handled within the threshold", per_contact(Kind.HANDLE), 600),
)
