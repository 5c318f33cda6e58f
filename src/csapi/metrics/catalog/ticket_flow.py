"""Tickets: what came in, what was solved, what is left, and how much work it took."""

from csapi.facts.kinds import VALUE_SCALE, Kind
from csapi.facts.outcomes import (
    FROM_STATUS,
    AssignmentOutcome,
    EffortOutcome,
    HandlingOutcome,
    OpenStatus,
    RoutingOutcome,
    Told,
)
from csapi.metrics.catalog.vocabulary import (
    COHORT,
    EVENT,
    LOWER,
    OWNER,
    Params,
    counted,
    distinct,
    milliseconds,
    ratio,
)
from csapi.metrics.formulas import Facts, Formula, mean_value, share, value_sum
from csapi.metrics.metric import MergeClass, Metric, Param, ParamType, TimeBasis, Unit
from csapi.metrics.parts import Combo, Measure

SOLVES = Facts(Kind.RESOLUTION)
SOLVED = Facts(Kind.SOLVED)
EFFORT = Facts(Kind.SOLVE_EFFORT)
ONE_REPLY = Facts(Kind.SOLVE_EFFORT, (EffortOutcome.ONE,))
ROUTED = Facts(Kind.ROUTED)
BACKLOG = Facts(Kind.BACKLOG)
MESSAGE = Facts(Kind.MESSAGE)
GIVEN = Facts(Kind.AGENT_ASSIGNED)
REOPEN_WINDOW = Param(
    "window_days",
    ParamType.number,
    7,
    "A solve counts as reopened when that happened within so many days.",
    minimum=1,
    maximum=365,
)


STATUSES = Param(
    "statuses",
    ParamType.choice,
    "all",
    "Which open tickets: all, those of one status, or those whose status then is not known, since "
    "their source sends no changes of status and they were solved later. The others add up to all.",
    choices=("all", *(each.name.lower() for each in OpenStatus)),
)


def backlog(params: Params) -> Formula:
    chosen = params[STATUSES.name]
    balance = BACKLOG.balance() if chosen == "all" else in_status(OpenStatus[chosen.upper()])
    return Formula(numerator=balance, n=balance, numerator_scale=VALUE_SCALE, n_scale=VALUE_SCALE)


def in_status(status: OpenStatus) -> Combo:
    """What starts as that less what stops as that, with those who changed to it and from it."""
    held = Facts(Kind.BACKLOG, (status,)).balance()
    others = [each for each in OpenStatus if each not in (OpenStatus.UNKNOWN, status)]
    if status is OpenStatus.UNKNOWN:
        return held
    into = Facts(Kind.OPEN_STATUS, tuple(each * FROM_STATUS + status for each in others))
    out_of = Facts(Kind.OPEN_STATUS, tuple(status * FROM_STATUS + each for each in others))
    return held + into.balance() - out_of.balance()


def window_ms(params: Params) -> int:
    return milliseconds(86_400 * params[REOPEN_WINDOW.name])


def reopen_rate(params: Params) -> Formula:
    window = window_ms(params)
    return Formula(
        numerator=SOLVED.within(window),
        denominator=SOLVED.count(),
        n=SOLVED.count(),
        matures_ms=window,
    )


def work_mean(metric_id: str, label: str, facts: Facts, description: str, example: str) -> Metric:
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="sum / solves whose number is known",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.mean,
        attribution=OWNER,
        build=lambda _: mean_value(facts),
        example=example,
        pitfalls="Counted over the whole life of the ticket, not over the period.",
    )


TICKET_FLOW_METRICS = (
    Metric(
        id="backlog_open",
        label="Open tickets",
        description="Tickets that are neither solved nor closed at the end of the bucket, by what "
        "they were then.",
        formula_text="open at the start + created + reopened - solved",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=TimeBasis.state,
        merge_class=MergeClass.stock,
        attribution=OWNER,
        build=backlog,
        params=(STATUSES,),
        example="Two open on Monday evening, one more opened and both of the first solved on "
        "Tuesday: 2 on Monday, 1 on Tuesday. If one of the two waited for its customer, 1 pending "
        "on Monday.",
        pitfalls="Adds up over teams or channels at the same instant, never over time. The team "
        "of an agent's ticket is the one at the last change of the ticket. A source that says "
        "solved without an instant leaves the ticket out.",
    ),
    Metric(
        id="net_flow",
        label="Net flow",
        description="The change of open tickets: opened and reopened, less solved.",
        formula_text="created + reopened - solved",
        unit=Unit.COUNT,
        direction=LOWER,
        time_basis=EVENT,
        merge_class=MergeClass.additive,
        attribution=OWNER,
        build=lambda _: value_sum(BACKLOG),
        example="10 created, 1 reopened and 8 solved give 3.",
        pitfalls="By team, agent, topic or priority tickets that move in and out count, too, so "
        "that it is always the change of backlog_open. n counts the changes.",
    ),
    ratio(
        "reopen_rate",
        "Reopen rate",
        reopen_rate,
        "Solves that were undone within `window_days`, in the bucket of the solve.",
        formula_text="solves reopened within the window / solves",
        example="Of 20 solves 3 were reopened in 7 days: 0.15.",
        direction=LOWER,
        basis=COHORT,
        attribution=OWNER,
        params=(REOPEN_WINDOW,),
        pitfalls="Recent solves may still be reopened: see mature_through. Only sources that send "
        "status changes are in it.",
    ),
    ratio(
        "one_touch_rate",
        "One-touch rate",
        lambda _: share(ONE_REPLY.count(), EFFORT.count()),
        "Solves that took exactly one public reply by a person.",
        formula_text="solves after one reply / solves whose replies are known",
        example="Of 4 solves, after 0, 1, 1 and 3 replies: 0.5.",
        basis=COHORT,
        attribution=OWNER,
        pitfalls="A solve without any reply is not one-touch.",
    ),
    work_mean(
        "replies_per_resolution",
        "Replies per resolution",
        EFFORT,
        "Public replies by people up to a solve.",
        "Solves after 1 and after 3 replies give 2.",
    ),
    work_mean(
        "interactions_per_ticket",
        "Interactions per ticket",
        Facts(Kind.INTERACTIONS),
        "Public messages of people of both sides up to a ticket's last solve.",
        "Tickets with 2 and with 6 messages give 4.",
    ),
    work_mean(
        "agents_per_ticket",
        "Agents per ticket",
        Facts(Kind.AGENTS_INVOLVED),
        "How many different agents replied up to a ticket's last solve.",
        "Tickets answered by one and by three agents give 2.",
    ),
    counted(
        "transfers",
        "Transfers",
        Facts(Kind.AGENT_ASSIGNED, (AssignmentOutcome.TRANSFER,)),
        "Times that a ticket went from one agent to another, counted for the one who got it.",
        direction=LOWER,
        needs=Told.ASSIGNMENTS,
    ),
    counted(
        "team_transfers",
        "Team transfers",
        Facts(Kind.TEAM_ASSIGNED, (AssignmentOutcome.TRANSFER,)),
        "Times that a ticket went from one team to another, counted for the one that got it.",
        direction=LOWER,
        needs=Told.ASSIGNMENTS,
    ),
    ratio(
        "misroute_rate",
        "Misrouted",
        lambda _: share(Facts(Kind.ROUTED, (RoutingOutcome.MISROUTED,)).count(), ROUTED.count()),
        "Tickets that were moved to another team or topic before the first reply by a person.",
        formula_text="tickets moved before the first reply / tickets with a history",
        example="3 of 20 tickets were moved before anybody replied: 0.15.",
        direction=LOWER,
        basis=COHORT,
        attribution=OWNER,
        pitfalls="Only tickets with events are in it.",
    ),
    distinct(
        "tickets_active",
        "Active tickets",
        MESSAGE,
        Measure.SUBJECTS,
        "Different tickets with at least one message.",
    ),
    distinct(
        "tickets_solved",
        "Tickets solved",
        SOLVES,
        Measure.SUBJECTS,
        "Different tickets that were solved, whatever became of them later.",
    ),
    distinct(
        "reopened_tickets",
        "Tickets that were reopened",
        Facts(Kind.REOPEN),
        Measure.SUBJECTS,
        "Different tickets that were reopened, however often.",
        needs=Told.STATUSES,
    ),
    distinct(
        "conversations_handled",
        "Conversations handled",
        Facts(Kind.AGENT_RESPONSE),
        Measure.SUBJECTS,
        "Different tickets that an agent replied to, and calls that an agent had a part in.",
        more=(Facts(Kind.HANDLE, (HandlingOutcome.ONE_LEG, HandlingOutcome.LEG)),),
        pitfalls="Two agents on one ticket handled it both: agents do not add up to the total. "
        "Being assigned is not handling. Calls whose handling time is not known are not in it.",
        needs=Told.MESSAGES,
    ),
    ratio(
        "handled_share_of_assigned",
        "Handled of those assigned",
        lambda _: Formula(
            numerator=GIVEN.value(),
            denominator=GIVEN.rated(),
            n=GIVEN.rated(),
            numerator_scale=VALUE_SCALE,
        ),
        "The share of assignments after which that agent replied on the ticket, in the bucket of "
        "the assignment.",
        formula_text="assignments with a later reply by the agent so far / assignments to agents",
        example="Given to Kim, who handed it on without a word, and to Lee, who replied: Kim "
        "0 / 1, Lee 1 / 1.",
        basis=COHORT,
        pitfalls="Recent assignments may still be handled. Only tickets with messages are in it.",
    ),
)
