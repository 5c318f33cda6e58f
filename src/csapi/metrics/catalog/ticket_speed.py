"""Tickets: how long who waited for whom."""

from dataclasses import replace
from typing import Any

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import AssignmentOutcome, ReplyOutcome, ResponseOutcome, WaitOutcome
from csapi.metrics.catalog.vocabulary import (
    ACTOR,
    COHORT,
    EVENT,
    EXCLUDE_ZERO,
    INCLUDE_NEGATIVE,
    LOWER,
    OWNER,
    STAYS_OPEN,
    Params,
    averaged,
    milliseconds,
    ratio,
    threshold,
    within,
)
from csapi.metrics.formulas import Facts, Formula, mean_seconds, share
from csapi.metrics.metric import MergeClass, Metric, Param, ParamType, Unit
from csapi.metrics.parts import Combo

AWAITED = Facts(Kind.AWAITED)
ACKNOWLEDGED = Facts(Kind.ACKNOWLEDGED)
PAIRING = Param(
    "pairing",
    ParamType.choice,
    "run",
    "What a reply is measured from: the first message of the run that it ends, or the one message "
    "that it names in `in_reply_to`.",
    choices=("run", "in_reply_to"),
)
REPLY_WINDOW = Param(
    "window_hours",
    ParamType.number,
    24,
    "A ticket counts as unanswered when no person replied within so many hours.",
    minimum=0,
    maximum=8760,
)
BY_HOURS = (
    "In business hours a ticket without any reply counts as unanswered at once: when its window is "
    "over depends on schedules to come."
)


def responses(params: Params, *outcomes: ResponseOutcome) -> Facts:
    kind = Kind.RESPONSE if params[PAIRING.name] == "run" else Kind.REPLY_PAIR
    return Facts(kind, outcomes)


def response_time(*outcomes: ResponseOutcome) -> Any:
    return lambda params: mean_seconds(
        responses(params, *outcomes),
        exclude_zero=params[EXCLUDE_ZERO.name],
        include_negative=params[INCLUDE_NEGATIVE.name],
    )


def response_metric(
    metric_id: str, label: str, description: str, *outcomes: ResponseOutcome, **more: Any
) -> Metric:
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="sum of (reply - first unanswered message) / replies",
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=EVENT,
        attribution=ACTOR,
        build=response_time(*outcomes),
        params=(PAIRING, EXCLUDE_ZERO, INCLUDE_NEGATIVE),
        **more,
    )


def reply_window_ms(params: Params) -> int:
    return milliseconds(3600 * params[REPLY_WINDOW.name])


def unanswered(params: Params) -> Formula:
    window = reply_window_ms(params)
    late, never, known = unanswered_in_hours(window)
    return Formula(
        numerator=AWAITED.count() - AWAITED.within(window) - AWAITED.negative(),
        n=AWAITED.count(),
        matures_ms=window,
        business=Formula(numerator=late + never, n=known, stays_open=STAYS_OPEN),
    )


def unanswered_in_hours(window: int) -> tuple[Combo, Combo, Combo]:
    """By business hours: tickets answered later, those never answered, and all of which that is
    known. A ticket without hours in force is in none of them."""
    answered, never_answered = (Facts(Kind.AWAITED, (each,)) for each in ReplyOutcome)
    timed = answered.measured().in_business_hours()
    never = never_answered.measured().in_business_hours()
    late = timed - answered.within(window).in_business_hours()
    return late, never, timed + never + AWAITED.negative()


def no_reply_rate(params: Params) -> Formula:
    window = reply_window_ms(params)
    formula = unanswered(params)
    late, never, known = unanswered_in_hours(window)
    return Formula(
        numerator=formula.numerator,
        denominator=AWAITED.count(),
        n=AWAITED.count(),
        matures_ms=formula.matures_ms,
        business=replace(share(late + never, known), stays_open=STAYS_OPEN),
    )


def status_time(metric_id: str, label: str, outcome: WaitOutcome, description: str) -> Metric:
    return averaged(
        metric_id,
        label,
        Facts(Kind.TIME_IN_STATUS, (outcome,)),
        description,
        attribution=OWNER,
        pitfalls="Known once a ticket is solved, and only of sources that send status changes. "
        "Tickets that were never in such a status are not in it. In business hours, by the "
        "schedule of the team that owned it in each part of that time.",
    )


TICKET_SPEED_METRICS = (
    response_metric(
        "response_time",
        "Response time",
        "How long a customer waits for a reply, over every reply: from the first message that "
        "nobody had answered to the next public reply by a person, in the bucket of the reply.",
        merge_class=MergeClass.mean,
        example="Replies after 6 and after 8 minutes give 420 s with n = 2. A customer who writes "
        "twice before the reply waited since the first of the two.",
        pitfalls="First replies are in it: next_response_time is without them. Messages that were "
        "never answered are not: see unanswered_tickets.",
    ),
    response_metric(
        "next_response_time",
        "Next response time",
        "The same for replies after a ticket's first one.",
        ResponseOutcome.NEXT,
        merge_class=MergeClass.mean,
        example="A first reply after 60 s and later ones after 100 s and 200 s give 150 s.",
        pitfalls="A ticket that was answered once only is not in it.",
    ),
    response_metric(
        "slowest_response_time",
        "Slowest response",
        "The longest that a customer waited for a reply.",
        merge_class=MergeClass.extreme,
        default_agg="max",
        example="Waits of 60 s and 900 s give 900 s with n = 2.",
        pitfalls="A wait that has not ended is not in it.",
    ),
    within("response_within_rate", "Replies within the threshold", Facts(Kind.RESPONSE), 3600),
    within(
        "next_response_within_rate",
        "Next replies within the threshold",
        Facts(Kind.RESPONSE, (ResponseOutcome.NEXT,)),
        3600,
    ),
    within(
        "agent_first_response_within_rate",
        "Agents' first replies within the threshold",
        Facts(Kind.AGENT_RESPONSE),
        3600,
    ),
    within(
        "assignment_within_rate",
        "Assigned within the threshold",
        Facts(Kind.AGENT_ASSIGNED, (AssignmentOutcome.FIRST,)),
        3600,
    ),
    averaged(
        "agent_first_response_time",
        "Agent's first response time",
        Facts(Kind.AGENT_RESPONSE),
        "An agent's own clock: from the later of the assignment and the first unanswered message "
        "to the agent's first reply on that ticket.",
        pitfalls="The wait in the queue before is the team's: see first_response_time.",
    ),
    averaged(
        "time_to_assignment",
        "Time to assignment",
        Facts(Kind.AGENT_ASSIGNED, (AssignmentOutcome.FIRST,)),
        "From the creation of a ticket to the first agent that it was given to.",
        pitfalls="Tickets that nobody was given are not in it.",
    ),
    status_time(
        "requester_wait_time",
        "Requester wait time",
        WaitOutcome.REQUESTER,
        "The time that a ticket spent in statuses in which we owe something (new, open, on hold) "
        "until its last solve, in the bucket of that solve.",
    ),
    status_time(
        "agent_wait_time",
        "Agent wait time",
        WaitOutcome.AGENT,
        "The time that a ticket spent waiting for its customer (pending) until its last solve.",
    ),
    status_time(
        "on_hold_time",
        "On-hold time",
        WaitOutcome.ON_HOLD,
        "The time that a ticket spent on hold until its last solve.",
    ),
    Metric(
        id="unanswered_tickets",
        label="Unanswered tickets",
        description="Tickets of customers that no person replied to within `window_hours` of the "
        "first message, in the bucket of their creation.",
        formula_text="tickets - tickets with a first reply within the window",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=COHORT,
        merge_class=MergeClass.additive,
        attribution=OWNER,
        build=unanswered,
        example="Of 10 tickets 6 were answered in 24 h, 3 later and 1 never: 4.",
        pitfalls="Tickets younger than the window may still be answered: see mature_through. "
        + BY_HOURS,
        params=(REPLY_WINDOW,),
    ),
    ratio(
        "no_reply_rate",
        "No-reply rate",
        no_reply_rate,
        "Unanswered tickets among the tickets of customers.",
        formula_text="unanswered tickets / tickets of customers",
        example="4 of 10 tickets without a reply in 24 h: 0.4.",
        direction=LOWER,
        basis=COHORT,
        attribution=OWNER,
        params=(REPLY_WINDOW,),
        pitfalls=f"Response times are blind to tickets without a reply: read both. {BY_HOURS}",
    ),
    ratio(
        "auto_acknowledgement_rate",
        "Automatic acknowledgements",
        lambda params: share(
            ACKNOWLEDGED.within(milliseconds(params["threshold_seconds"])),
            ACKNOWLEDGED.count(),
            matures_ms=milliseconds(params["threshold_seconds"]),
        ),
        "Tickets of customers with an automatic public message within the threshold.",
        formula_text="tickets acknowledged within the threshold / tickets of customers",
        example="9 of 10 tickets acknowledged in 60 s: 0.9.",
        basis=COHORT,
        attribution=OWNER,
        params=(threshold(60),),
        pitfalls="Only tickets with events are in it: sources without them give null.",
    ),
)
