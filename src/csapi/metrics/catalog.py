"""THE list of metrics. One entry each; validation, SQL, endpoints, documentation and the laws in
tests/metrics all derive from it."""

from collections.abc import Mapping
from typing import Any

from csapi.facts.kinds import (
    Box,
    CallOutcome,
    ContactOutcome,
    HandlingOutcome,
    Kind,
    MessageOutcome,
    RequestOutcome,
    ResolutionOutcome,
)
from csapi.metrics.formulas import (
    Attribution,
    Direction,
    Facts,
    Formula,
    MergeClass,
    Metric,
    Param,
    ParamType,
    TimeBasis,
    Unit,
    count,
    mean_seconds,
    mean_value,
    share,
    value_sum,
    within_share,
)

Params = Mapping[str, Any]
OFF = False

EVENT, COHORT = TimeBasis.event, TimeBasis.cohort
HIGHER, LOWER, NEUTRAL = (
    Direction.higher_is_better,
    Direction.lower_is_better,
    Direction.neutral,
)
ACTOR, OWNER, SURVEY = Attribution.actor, Attribution.owner_then, Attribution.survey_snapshot


CALLS = Facts(Kind.CALL)
ANSWERED = Facts(Kind.CALL, (CallOutcome.ANSWERED,))
ABANDONED = Facts(Kind.CALL, (CallOutcome.ABANDONED,))
IDENTIFIED = Facts(Kind.CONTACT, (ContactOutcome.IDENTIFIED,))
FIRST_SOLVES = Facts(Kind.RESOLUTION, (ResolutionOutcome.ONLY, ResolutionOutcome.FIRST))
LAST_SOLVES = Facts(Kind.RESOLUTION, (ResolutionOutcome.ONLY, ResolutionOutcome.LAST))
CSAT = Facts(Kind.CSAT)


def per_contact(kind: Kind) -> Facts:
    return Facts(kind, (HandlingOutcome.ONE_LEG, HandlingOutcome.ALL_LEGS))


def per_leg(kind: Kind) -> Facts:
    return Facts(kind, (HandlingOutcome.ONE_LEG, HandlingOutcome.LEG))


def threshold(default: int) -> Param:
    return Param(
        "threshold_seconds",
        ParamType.number,
        default,
        "At or under so many seconds counts.",
        minimum=0,
        maximum=31_536_000,
    )


SHORT = Param(
    "short_abandon_seconds",
    ParamType.number,
    5,
    "An abandoned call is short when the caller left in under so many seconds.",
    minimum=0,
    maximum=3600,
)
EXCLUDE_ZERO = Param("exclude_zero", ParamType.flag, OFF, "Leave out durations of exactly zero.")
INCLUDE_NEGATIVE = Param(
    "include_negative",
    ParamType.flag,
    OFF,
    "Take negative durations into the mean, as some tools do. Percentiles stay without them.",
)
WINDOW_HOURS = Param(
    "window_hours",
    ParamType.number,
    None,
    "How many hours back a contact is a repeat; beats window_days.",
    minimum=1,
    maximum=8760,
)
WINDOW_DAYS = Param(
    "window_days",
    ParamType.number,
    7,
    "How many days back a contact is a repeat.",
    minimum=1,
    maximum=365,
)
SERVICE_LEVEL_VARIANTS = (
    "answered_only",
    "abandons_in_threshold_met",
    "abandons_after_threshold_missed",
    "short_abandons_met",
    "short_abandons_excluded",
    "all_abandons_missed",
)


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def short_abandons(params: Params) -> Any:
    """Abandoned strictly sooner than the limit: durations are whole milliseconds."""
    return ABANDONED.within(milliseconds(params["short_abandon_seconds"]) - 1)


def service_level(params: Params) -> Formula:
    limit = milliseconds(params["threshold_seconds"])
    in_time, answered, abandoned = ANSWERED.within(limit), ANSWERED.count(), ABANDONED.count()
    gone_in_time = ABANDONED.within(limit)
    short = short_abandons(params)
    everyone = answered + abandoned
    numerator, denominator = {
        "answered_only": (in_time, answered),
        "abandons_in_threshold_met": (in_time + gone_in_time, everyone),
        "abandons_after_threshold_missed": (in_time, everyone - gone_in_time),
        "short_abandons_met": (in_time + short, everyone),
        "short_abandons_excluded": (in_time, everyone - short),
        "all_abandons_missed": (in_time, everyone),
    }[params["variant"]]
    return share(numerator, denominator, CALLS.negative())


def abandonment_rate(params: Params) -> Formula:
    if params["include_short"]:
        return share(ABANDONED.count(), CALLS.count())
    short = short_abandons(params)
    return share(ABANDONED.count() - short, CALLS.count() - short)


def repeat_window_ms(params: Params) -> int:
    hours = params["window_hours"]
    return milliseconds(3600 * hours if hours is not None else 86_400 * params["window_days"])


def resolution_rate(params: Params) -> Formula:
    base = ANSWERED if params["of"] == "answered" else CALLS
    return Formula(
        numerator=base.value(), denominator=base.rated(), n=base.rated(), numerator_scale=10_000
    )


def counted(
    metric_id: str,
    label: str,
    facts: Facts,
    description: str,
    *,
    direction: Direction = NEUTRAL,
    basis: TimeBasis = EVENT,
    attribution: Attribution = ACTOR,
    pitfalls: str = "",
    more: tuple[Facts, ...] = (),
    by_rating: bool = False,
) -> Metric:
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="count",
        unit=Unit.COUNT,
        direction=direction,
        time_basis=basis,
        merge_class=MergeClass.additive,
        attribution=attribution,
        build=lambda _: count(facts, *more),
        example="Three of them in the range give 3; none gives 0.",
        pitfalls=pitfalls,
        by_rating=by_rating,
    )


def averaged(
    metric_id: str,
    label: str,
    facts: Facts,
    description: str,
    *,
    basis: TimeBasis = EVENT,
    attribution: Attribution = ACTOR,
    pitfalls: str = "",
    zero: Param = EXCLUDE_ZERO,
) -> Metric:
    """A mean duration in seconds; percentiles and extremes of the same durations come with it."""
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="sum of durations / number of known durations",
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=basis,
        merge_class=MergeClass.mean,
        attribution=attribution,
        build=lambda params: mean_seconds(
            facts,
            exclude_zero=params[zero.name],
            include_negative=params[INCLUDE_NEGATIVE.name],
        ),
        example="Durations of 60 s and 120 s give 90 s with n = 2; one of 100 of 60 s and two of "
        "600 s give 70.59 s, not the mean of the two means.",
        pitfalls=pitfalls,
        params=(zero, INCLUDE_NEGATIVE),
    )


def within(
    metric_id: str,
    label: str,
    facts: Facts,
    default: int,
    *,
    basis: TimeBasis = EVENT,
    attribution: Attribution = ACTOR,
) -> Metric:
    return Metric(
        id=metric_id,
        label=label,
        description="The share of the durations that are at or under `threshold_seconds`.",
        formula_text="durations <= threshold / known durations",
        unit=Unit.SHARE,
        direction=HIGHER,
        time_basis=basis,
        merge_class=MergeClass.ratio,
        attribution=attribution,
        build=lambda params: within_share(facts, params["threshold_seconds"]),
        example="Of 10 s, 20 s and 30 s, two are within 20 s: 2 / 3.",
        pitfalls="Exactly the threshold counts as within.",
        params=(threshold(default),),
    )


def ratio(
    metric_id: str,
    label: str,
    build: Any,
    description: str,
    *,
    formula_text: str,
    example: str,
    direction: Direction = HIGHER,
    basis: TimeBasis = EVENT,
    attribution: Attribution = ACTOR,
    params: tuple[Param, ...] = (),
    pitfalls: str = "",
    caution_by_agent: str = "",
) -> Metric:
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text=formula_text,
        unit=Unit.SHARE,
        direction=direction,
        time_basis=basis,
        merge_class=MergeClass.ratio,
        attribution=attribution,
        build=build,
        example=example,
        pitfalls=pitfalls,
        params=params,
        caution_by_agent=caution_by_agent,
    )


def messages(metric_id: str, label: str, outcome: MessageOutcome, description: str) -> Metric:
    facts = Facts(Kind.MESSAGE, (outcome,))
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="sum of messages",
        unit=Unit.COUNT,
        direction=NEUTRAL,
        time_basis=EVENT,
        merge_class=MergeClass.additive,
        attribution=ACTOR,
        build=lambda _: value_sum(facts),
        example="Two messages on one ticket and one on another give 3.",
        pitfalls="Of a source that only sends totals, all messages of a ticket count at its start "
        "or at its first reply; n is then the number of tickets.",
    )


TICKET_METRICS = (
    counted(
        "tickets_created",
        "Tickets created",
        Facts(Kind.TICKET_CREATED),
        "Tickets by the instant at which the source says they were created. Test tickets, spam "
        "and merged tickets do not count.",
        attribution=OWNER,
        pitfalls="By agent: the one who owns the ticket, not the one who opened it.",
    ),
    counted(
        "contacts",
        "Contacts",
        Facts(Kind.CONTACT),
        "Times that a person turned to us: tickets opened by customers and inbound calls.",
        attribution=OWNER,
    ),
    messages(
        "messages_in", "Messages in", MessageOutcome.INBOUND, "Public messages from customers."
    ),
    messages(
        "messages_out",
        "Messages out",
        MessageOutcome.OUTBOUND,
        "Public messages from people on our side. Notes, bots and automatic replies are apart.",
    ),
    messages(
        "auto_replies",
        "Automatic replies",
        MessageOutcome.AUTO_REPLY,
        "Public messages from bots, the system or automation. They never stop a response clock.",
    ),
    averaged(
        "first_response_time",
        "First response time",
        Facts(Kind.FIRST_RESPONSE),
        "From the customer's first message to the first public reply by a person, in the bucket of "
        "the reply. Without messages, from the creation of the ticket.",
        pitfalls="Tickets without a reply are not in it: read it beside the tickets created.",
    ),
    within(
        "first_response_within_rate",
        "First responses within the threshold",
        Facts(Kind.FIRST_RESPONSE),
        3600,
    ),
    counted(
        "ticket_resolutions",
        "Resolutions",
        Facts(Kind.RESOLUTION),
        "Times that a ticket became solved. A ticket that was reopened counts again.",
        direction=HIGHER,
        attribution=OWNER,
    ),
    counted(
        "tickets_reopened",
        "Reopened",
        Facts(Kind.REOPEN),
        "Times that a solved ticket stopped being solved.",
        direction=LOWER,
        attribution=OWNER,
        pitfalls="Only sources that send status changes have it.",
    ),
    averaged(
        "first_resolution_time",
        "First resolution time",
        FIRST_SOLVES,
        "From the creation of a ticket to its first solve, in the bucket of that solve.",
        attribution=OWNER,
    ),
    averaged(
        "full_resolution_time",
        "Full resolution time",
        LAST_SOLVES,
        "From the creation of a ticket to its last solve so far, in the bucket of that solve.",
        attribution=OWNER,
        pitfalls="It moves when a ticket is reopened and solved again.",
    ),
    within(
        "first_resolution_within_rate",
        "First resolutions within the threshold",
        FIRST_SOLVES,
        86_400,
        attribution=OWNER,
    ),
    within(
        "full_resolution_within_rate",
        "Full resolutions within the threshold",
        LAST_SOLVES,
        86_400,
        attribution=OWNER,
    ),
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
        "unless `include_short`.",
        formula_text="(abandoned - short) / (offered - short)",
        example="100 offered, 12 abandoned, 2 of them short: 10 / 98; with include_short 12 / 100.",
        direction=LOWER,
        basis=COHORT,
        params=(
            Param("include_short", ParamType.flag, OFF, "Count short abandons, too."),
            SHORT,
        ),
        pitfalls="By agent it means something only where unanswered calls are routed to an agent.",
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
        ),
        pitfalls="Calls that flowed out or became a callback are in neither side.",
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
    averaged(
        "average_hold_time",
        "Average hold time",
        per_contact(Kind.HOLD),
        "The mean time on hold of an answered call, over the calls that report hold time.",
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
    within("talk_within_rate", "Talk within the threshold", per_contact(Kind.TALK), 300),
    within("handle_within_rate", "Handled within the threshold", per_contact(Kind.HANDLE), 600),
)

FEEDBACK_METRICS = (
    ratio(
        "csat_score",
        "CSAT",
        lambda _: share(Facts(Kind.CSAT, (Box.POSITIVE,)).count(), CSAT.count()),
        "Satisfied ratings (top-2-box: 4 and 5 of 5) among all satisfaction ratings.",
        formula_text="ratings in the top two boxes / ratings",
        example="18 ratings of 4 or 5 among 21 give 0.857.",
        attribution=SURVEY,
        pitfalls="Read it with the response rate and the number of contacts handled.",
    ),
    ratio(
        "csat_bottom_2_box",
        "Dissatisfied ratings",
        lambda _: share(Facts(Kind.CSAT, (Box.NEGATIVE,)).count(), CSAT.count()),
        "Dissatisfied ratings (bottom-2-box: 1 and 2 of 5) among all satisfaction ratings.",
        formula_text="ratings in the bottom two boxes / ratings",
        example="2 ratings of 1 or 2 among 21 give 0.095.",
        direction=LOWER,
        attribution=SURVEY,
    ),
    Metric(
        id="rating_average",
        label="Average rating",
        description="The mean satisfaction rating on the survey's own scale.",
        formula_text="sum of ratings / ratings",
        unit=Unit.SCORE,
        direction=HIGHER,
        time_basis=EVENT,
        merge_class=MergeClass.mean,
        attribution=SURVEY,
        build=lambda _: mean_value(CSAT),
        example="Ratings of 5, 4 and 3 give 4.",
        pitfalls="Surveys on different scales must not be averaged together: filter them apart.",
    ),
    counted(
        "rating_distribution",
        "Ratings",
        CSAT,
        "How many satisfaction ratings there are; with the dimension `rating`, how many of each.",
        attribution=SURVEY,
        by_rating=True,
    ),
    counted(
        "feedback_requests",
        "Feedback requests",
        Facts(Kind.FEEDBACK_REQUEST),
        "Requests for feedback by the instant at which they were sent.",
        basis=COHORT,
        attribution=SURVEY,
    ),
    counted(
        "feedback_responses",
        "Feedback responses",
        CSAT,
        "Answers to surveys of any kind, by the instant of the answer.",
        direction=HIGHER,
        attribution=SURVEY,
        more=(Facts(Kind.CES), Facts(Kind.NPS)),
    ),
    ratio(
        "feedback_response_rate",
        "Feedback response rate",
        lambda _: share(
            Facts(Kind.FEEDBACK_REQUEST, (RequestOutcome.ANSWERED,)).count(),
            Facts(Kind.FEEDBACK_REQUEST).count(),
        ),
        "Requests that were answered among those sent, in the bucket of the request.",
        formula_text="requests answered so far / requests sent",
        example="Of 40 requests sent in January, 10 answered by now: 0.25, also if the answers "
        "came in February.",
        basis=COHORT,
        attribution=SURVEY,
        pitfalls="Recent requests may still be answered.",
    ),
    Metric(
        id="repeat_contacts",
        label="Repeat contacts",
        description="Contacts of a known customer within the window after the same customer's "
        "previous one.",
        formula_text="contacts whose gap to the previous one <= window",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.additive,
        attribution=OWNER,
        build=lambda params: Formula(
            numerator=IDENTIFIED.within(repeat_window_ms(params)), n=IDENTIFIED.count()
        ),
        example="Calls on Monday, Tuesday and three weeks later: one repeat within 7 days.",
        pitfalls="Contacts without a customer can be no repeat; n counts those with one.",
        params=(WINDOW_HOURS, WINDOW_DAYS),
    ),
    ratio(
        "repeat_contact_rate",
        "Repeat contact rate",
        lambda params: share(IDENTIFIED.within(repeat_window_ms(params)), IDENTIFIED.count()),
        "Repeat contacts among the contacts of known customers.",
        formula_text="repeat contacts / contacts of known customers",
        example="Calls on Monday, Tuesday and three weeks later: 1 / 3 within 7 days.",
        direction=LOWER,
        attribution=OWNER,
        params=(WINDOW_HOURS, WINDOW_DAYS),
    ),
)

METRICS: dict[str, Metric] = {
    metric.id: metric for metric in (*TICKET_METRICS, *CALL_METRICS, *FEEDBACK_METRICS)
}
