"""Tickets: flow and speed."""

from dataclasses import replace

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import MessageOutcome, ReplyOutcome, ResolutionOutcome, Told
from csapi.metrics.catalog.vocabulary import (
    ACTOR,
    EVENT,
    EXCLUDE_ZERO,
    HIGHER,
    INCLUDE_NEGATIVE,
    LOWER,
    NEUTRAL,
    OFF,
    OWNER,
    STAYS_OPEN,
    Params,
    averaged,
    counted,
    milliseconds,
    ratio,
    threshold,
    within,
)
from csapi.metrics.formulas import Facts, Formula, mean_seconds, share, value_sum, within_share
from csapi.metrics.metric import MergeClass, Metric, Param, ParamType, Unit

CREATED, REOPENS = Facts(Kind.TICKET_CREATED), Facts(Kind.REOPEN)
FIRST_SOLVES = Facts(Kind.RESOLUTION, (ResolutionOutcome.ONLY, ResolutionOutcome.FIRST))
LAST_SOLVES = Facts(Kind.RESOLUTION, (ResolutionOutcome.ONLY, ResolutionOutcome.LAST))


SAME_UPDATE = Param(
    "exclude_same_update",
    ParamType.flag,
    OFF,
    "Leave out reopenings at the very instant of the solve: one update did both.",
)


BUCKET = Param(
    "bucket",
    ParamType.choice,
    "reply",
    "Which instant decides the bucket: that of the reply, for the work of a day, or that of the "
    "ticket's creation, for what became of the tickets of a day.",
    choices=("reply", "creation"),
)


def first_response_time(params: Params) -> Formula:
    by_reply = params[BUCKET.name] == "reply"
    mean = mean_seconds(
        Facts(Kind.FIRST_RESPONSE) if by_reply else Facts(Kind.AWAITED, (ReplyOutcome.ANSWERED,)),
        exclude_zero=params[EXCLUDE_ZERO.name],
        include_negative=params[INCLUDE_NEGATIVE.name],
    )
    return mean if by_reply else replace(mean, stays_open=STAYS_OPEN)


def first_response_within(params: Params) -> Formula:
    if params[BUCKET.name] == "reply":
        return within_share(Facts(Kind.FIRST_RESPONSE), params["threshold_seconds"])
    limit = milliseconds(params["threshold_seconds"])
    awaited = Facts(Kind.AWAITED)
    answered, unanswered = (Facts(Kind.AWAITED, (each,)) for each in ReplyOutcome)
    # In business hours as in no_reply_rate: without a reply, only tickets with hours in force.
    timed = (answered.measured() + unanswered.measured()).in_business_hours()
    by_hours = share(answered.within(limit).in_business_hours(), timed, awaited.negative())
    by_clock = share(
        answered.within(limit), awaited.count() - awaited.negative(), awaited.negative(), limit
    )
    return replace(by_clock, business=replace(by_hours, stays_open=STAYS_OPEN))


def reopenings(params: Params) -> Formula:
    found = REOPENS.count()
    if params[SAME_UPDATE.name]:
        found -= REOPENS.measured() - REOPENS.measured(exclude_zero=True)
    return Formula(numerator=found, n=REOPENS.count(), needs=Told.STATUSES)


def requests_per_day(_: Params) -> Formula:
    return Formula(numerator=CREATED.count(), denominator=CREATED.days(), n=CREATED.count())


def messages(
    metric_id: str,
    label: str,
    outcome: MessageOutcome,
    description: str,
    needs: Told | None = None,
) -> Metric:
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
        build=lambda _: replace(value_sum(facts), needs=needs),
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
    Metric(
        id="requests_per_day",
        label="Requests per day",
        description="Tickets created per calendar day of the range: days without any count, too.",
        formula_text="tickets created / calendar days",
        unit=Unit.COUNT,
        direction=NEUTRAL,
        time_basis=EVENT,
        merge_class=MergeClass.mean,
        attribution=OWNER,
        build=requests_per_day,
        example="30 tickets on 6 of 10 days give 3, not 5. By hour of the day: what an average day "
        "brings in that hour; by day of the week: an average Monday.",
        pitfalls="Every day that the row touches counts as a whole one, today and days to come, "
        "too: end the range with yesterday.",
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
        needs=Told.MESSAGES,
    ),
    Metric(
        id="first_response_time",
        label="First response time",
        description="From the customer's first message to the first public reply by a person, in "
        "the bucket of the reply. Without messages, from the creation of the ticket.",
        formula_text="sum of durations / number of known durations",
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.mean,
        attribution=ACTOR,
        build=first_response_time,
        example="Durations of 60 s and 120 s give 90 s with n = 2; one of 100 of 60 s and two of "
        "600 s give 70.59 s, not the mean of the two means.",
        pitfalls="Tickets without a reply are not in it: read it beside the tickets created. By "
        "creation, recent tickets may still be answered, and an agent is the ticket's owner then.",
        params=(BUCKET, EXCLUDE_ZERO, INCLUDE_NEGATIVE),
    ),
    ratio(
        "first_response_within_rate",
        "First responses within the threshold",
        first_response_within,
        "The share of first replies by a person that came within `threshold_seconds`; by creation, "
        "the share of customers' tickets that got one within it.",
        formula_text="first replies <= threshold / known first response times",
        example="Of 10 s, 20 s and 30 s, two are within 20 s: 2 / 3. With a fourth ticket that "
        "nobody answered, by creation: 2 / 4.",
        params=(threshold(3600), BUCKET),
        pitfalls="Exactly the threshold counts as within. By creation, tickets without a reply "
        "count as not within; recent ones may still be answered, and an agent is the ticket's "
        "owner then.",
    ),
    counted(
        "ticket_resolutions",
        "Resolutions",
        Facts(Kind.RESOLUTION),
        "Times that a ticket became solved. A ticket that was reopened counts again.",
        direction=HIGHER,
        attribution=OWNER,
    ),
    Metric(
        id="tickets_reopened",
        label="Reopened",
        description="Times that a solved ticket stopped being solved.",
        formula_text="count",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.additive,
        attribution=OWNER,
        build=reopenings,
        example="A ticket solved and reopened twice counts 2; n counts all reopenings.",
        pitfalls="Only sources that send status changes have it. How many different tickets that "
        "were is reopened_tickets.",
        params=(SAME_UPDATE,),
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
