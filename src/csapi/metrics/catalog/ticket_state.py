"""Tickets: what is open and who waits at an instant, and what ended for good."""

from typing import Any

from csapi.facts.kinds import Kind
from csapi.metrics.catalog.vocabulary import (
    COHORT,
    LOWER,
    NEUTRAL,
    OWNER,
    Params,
    averaged,
    counted,
    milliseconds,
    threshold,
    within,
)
from csapi.metrics.formulas import Facts, Formula, Survival, mean_age
from csapi.metrics.metric import MergeClass, Metric, TimeBasis, Unit

OPEN = Facts(Kind.OPEN_TICKET)
WAITING = Facts(Kind.WAITING)
OWED = Facts(Kind.OWED)
AWAITED = Facts(Kind.AWAITED)
HUMAN = Facts(Kind.HUMAN_RESOLUTION)

AT_INSTANT = (
    "It is that of the end of the range, or of now where the range reaches further, and of all "
    "that lasts then, however long before the range it began. In business hours, by the schedule "
    "of the team that owns it then."
)


def aged(
    metric_id: str, label: str, facts: Facts, description: str, *, pitfalls: str = "", **more: Any
) -> Metric:
    """How long what lasts at the end of a bucket has lasted."""
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=TimeBasis.state,
        attribution=OWNER,
        build=lambda _: mean_age(facts),
        pitfalls=f"{AT_INSTANT} {pitfalls}".strip(),
        **more,
    )


def surviving(params: Params) -> Formula:
    return survival(Survival(milliseconds(params["threshold_seconds"])))


def survival(survival: Survival) -> Formula:
    known = AWAITED.count() - AWAITED.negative()
    return Formula(
        numerator=known - AWAITED.measured(),
        denominator=known,
        n=known,
        negative=AWAITED.negative(),
        survival=survival,
    )


CENSORED = (
    "By Kaplan and Meier: a ticket without a reply counts for as long as it has waited so far, or "
    "until it was solved without one, and not as if it were answered or never to be."
)
NO_FRACTION = (
    "The value is not numerator / denominator: those are the tickets without a reply so far, and "
    "all tickets. Computed from every single wait, without bins."
)

TICKET_STATE_METRICS = (
    aged(
        "backlog_age",
        "Age of open tickets",
        OPEN,
        "How long ago the tickets that are open at the end of the bucket were created. With `agg` "
        "max, `record` is the oldest of them.",
        formula_text="sum of (end of the bucket - creation) / open tickets",
        merge_class=MergeClass.mean,
        example="Two open tickets, created 2 and 6 days before: 345,600 s with n = 2, and with max "
        "518,400 s and the second ticket.",
        pitfalls="n is backlog_open at the same instant.",
    ),
    aged(
        "current_wait",
        "Current wait",
        WAITING,
        "How long the customers who wait for a reply at the end of the bucket have waited: since "
        "the first message that nobody answered, on tickets that are not solved.",
        formula_text="sum of (end of the bucket - first unanswered message) / tickets waiting",
        merge_class=MergeClass.mean,
        example="One customer wrote 10 minutes ago and again just now, another 50 minutes ago: "
        "1,800 s with n = 2.",
        pitfalls="Response times hold only waits that ended: read both. A message after the last "
        "solve that did not reopen the ticket is no wait. By agent or team a wait that has ended "
        "since is whose reply ended it; `owner_agent` and `owner_team` are the owner's throughout.",
    ),
    aged(
        "current_longest_wait",
        "Longest current wait",
        WAITING,
        "The longest of the waits at the end of the bucket; `record` is the ticket.",
        formula_text="longest wait that has not ended",
        merge_class=MergeClass.extreme,
        default_agg="max",
        example="One customer wrote 10 minutes ago, another 3 days ago: 259,200 s and that ticket.",
    ),
    aged(
        "requester_wait_time_in_flight",
        "Requester wait time so far",
        OWED,
        "The time that tickets which are in a status in which we owe something (new, open, on "
        "hold) at the end of the bucket have spent in such statuses until then.",
        formula_text="sum of the time in new, open and on hold until the end of the bucket / "
        "tickets in such a status then",
        merge_class=MergeClass.mean,
        example="A ticket was open for 2 hours, pending for a day and is open again for 1 hour: "
        "10,800 s.",
        pitfalls="requester_wait_time holds only tickets that were solved: read both. Tickets "
        "that are pending are not in it. Tickets with milestones and without status changes, of "
        "which that is not known, are not in it either. Agent, team, topic and priority are those "
        "at the start of the status.",
    ),
    Metric(
        id="tickets_waiting",
        label="Tickets waiting for us",
        description="Tickets on which a customer waits for a reply at the end of the bucket.",
        formula_text="tickets with an unanswered message that are not solved",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=TimeBasis.state,
        merge_class=MergeClass.stock,
        attribution=OWNER,
        build=lambda _: Formula(numerator=WAITING.aged(), n=WAITING.aged()),
        example="Of 10 open tickets 4 wait for the customer: 6.",
        pitfalls="It is that of the end of the range, or of now where the range reaches further. "
        "Adds up over teams or channels at the same instant, never over time.",
    ),
    counted(
        "waits_dropped",
        "Solved without a reply",
        Facts(Kind.WAIT_DROPPED),
        "Tickets whose customer wrote, got no reply by a person since, and saw the ticket solved.",
        direction=LOWER,
        attribution=OWNER,
    ),
    Metric(
        id="still_waiting_rate",
        label="Still waiting after the threshold",
        description="The share of tickets of customers that wait for the first reply longer than "
        f"`threshold_seconds`. {CENSORED}",
        formula_text="product of (waiting - replied) / waiting over all waits up to the threshold",
        unit=Unit.SHARE,
        direction=LOWER,
        time_basis=COHORT,
        merge_class=MergeClass.survival,
        attribution=OWNER,
        build=surviving,
        example="Replies after 1 h and 5 h, one ticket waiting for 2 h, one for 9 h: after 4 h "
        "3 / 4 = 0.75 still wait; after 6 h, 3 / 4 x 1 / 2 = 0.375.",
        pitfalls=NO_FRACTION,
        params=(threshold(86_400),),
    ),
    Metric(
        id="median_wait",
        label="Median wait for the first reply",
        description=f"The time after which half of the tickets of customers have a reply. "
        f"{CENSORED}",
        formula_text="first instant at which at most half of the waits last",
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=COHORT,
        merge_class=MergeClass.survival,
        attribution=OWNER,
        build=lambda _: survival(Survival()),
        example="Replies after 1 h and 5 h, one ticket waiting for 2 h, one for 9 h: 18,000 s, "
        "while the median of the replies alone is 3 h.",
        pitfalls=f"Null while more than half of the tickets still wait. {NO_FRACTION}",
    ),
    counted(
        "tickets_closed",
        "Tickets closed",
        Facts(Kind.CLOSED),
        "Tickets whose last solve stands: not reopened since, in the bucket of that solve.",
        direction=NEUTRAL,
        basis=COHORT,
        attribution=OWNER,
        pitfalls="A reopening takes the ticket out again, also from a month that is over: it is as "
        "of now. For work done see ticket_resolutions.",
    ),
    averaged(
        "resolution_time_ex_bot",
        "Resolution time without the bot",
        HUMAN,
        "From the first moment that a person had to do with a ticket to its last solve, in the "
        "bucket of that solve: the first assignment to an agent or the first public reply by a "
        "person, whichever came first.",
        attribution=OWNER,
        pitfalls="What only a bot handled is not in it. A bot that is assigned tickets as an agent "
        "counts as a person.",
    ),
    within(
        "resolution_ex_bot_within_rate",
        "Resolved without the bot within the threshold",
        HUMAN,
        86_400,
        attribution=OWNER,
    ),
)
