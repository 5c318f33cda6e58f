"""People's time: presence and shifts.

The time of presence is wall-clock time: at every moment an agent is in one state at most.
"""

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import PresenceOutcome, ShiftOutcome
from csapi.metrics.catalog.vocabulary import (
    ACTOR,
    EXCLUDE_ZERO,
    INCLUDE_NEGATIVE,
    INTERVAL,
    LOWER,
    NEUTRAL,
    PIECES,
    Params,
    counted,
    lasted,
    ratio,
    time_share,
)
from csapi.metrics.formulas import MS_PER_SECOND, Facts, Formula, mean_seconds
from csapi.metrics.metric import MergeClass, Metric, Param, ParamType, TimeBasis, Unit

STATES = tuple(PresenceOutcome)
ONLINE = Facts(
    Kind.PRESENCE, tuple(state for state in STATES if state is not PresenceOutcome.OFFLINE)
)
AVAILABLE = Facts(Kind.PRESENCE, (PresenceOutcome.AVAILABLE,))
HANDLING = Facts(Kind.PRESENCE, (PresenceOutcome.HANDLING, PresenceOutcome.AFTER_CALL_WORK))
NOT_HANDLING = Facts(Kind.PRESENCE, tuple(set(ONLINE.outcomes) - set(HANDLING.outcomes)))
SCHEDULED = Facts(Kind.SHIFT)
PAID = (ShiftOutcome.PAID,)

ONE_STATE = (
    "Where presence of an agent overlaps, the record that started last counts. A record without "
    "an end lasts to the agent's next one, and counts nothing while there is none, or if that is "
    "more than 31 days later."
)
AS_SENT = "Shifts are counted as sent: two that overlap both count, unpaid ones, too."
IN_SHIFTS = "Time outside of shifts is not looked at."

STATE = Param(
    "state",
    ParamType.choice,
    "available",
    "Which state.",
    choices=tuple(state.name.lower() for state in STATES),
)
IDLE = Param(
    "idle",
    ParamType.choice,
    "available",
    "The time in the state `available`, or all time online that is neither handling nor after-call "
    "work.",
    choices=("available", "not_handling"),
)
OF = Param(
    "of",
    ParamType.choice,
    "scheduled",
    "All shifts, or the paid ones alone.",
    choices=("scheduled", "paid"),
)
SCHEDULE = Param(
    "schedule",
    ParamType.choice,
    "shifts",
    "What was planned: work throughout the shifts, or what their `activity` says. A break, a "
    "meeting and training are kept in the state of that name, everything else by being available "
    "or handling.",
    choices=("shifts", "activities"),
)


def over(*choices: str) -> Param:
    return Param(
        "denominator", ParamType.choice, choices[0], "What it is a share of.", choices=choices
    )


def state_of(params: Params) -> tuple[PresenceOutcome]:
    return (PresenceOutcome[params["state"].upper()],)


def occupancy(params: Params) -> Formula:
    if params["denominator"] == "logged_in":
        whole, n = ONLINE.duration(), ONLINE.count()
    else:
        whole = HANDLING.duration() + AVAILABLE.duration()
        n = HANDLING.count() + AVAILABLE.count()
    return time_share(HANDLING.duration(), whole, n)


def utilization(params: Params) -> Formula:
    whole = ONLINE if params["denominator"] == "logged_in" else SCHEDULED
    return time_share(HANDLING.duration(), whole.duration(), whole.count())


def shift_presence_rate(params: Params) -> Formula:
    outcomes = PAID if params["of"] == "paid" else ()
    shifts = Facts(Kind.SHIFT, outcomes)
    return time_share(
        Facts(Kind.SHIFT_ONLINE, outcomes).duration(), shifts.duration(), shifts.count()
    )


def adherence(params: Params) -> Formula:
    outcomes = PAID if params["of"] == "paid" else ()
    shifts = Facts(Kind.SHIFT, outcomes)
    kept = Facts(Kind.SHIFT_READY, outcomes).duration()
    if params["schedule"] == "activities":
        kept += Facts(Kind.SHIFT_KEPT, outcomes).duration()
        kept -= Facts(Kind.SHIFT_WORKED, outcomes).duration()
    return time_share(kept, shifts.duration(), shifts.count())


def gap_between_contacts(params: Params) -> Formula:
    idle = AVAILABLE if params[IDLE.name] == "available" else NOT_HANDLING
    spells = Facts(Kind.PRESENCE_INTERVAL, (PresenceOutcome.HANDLING,)).count()
    return Formula(
        numerator=idle.duration(),
        denominator=spells,
        n=spells,
        numerator_scale=MS_PER_SECOND,
    )


def shrinkage(_: Params) -> Formula:
    paid, ready = Facts(Kind.SHIFT, PAID), Facts(Kind.SHIFT_READY, PAID)
    return time_share(paid.duration() - ready.duration(), paid.duration(), paid.count())


PRESENCE_METRICS = (
    lasted(
        "agent_online_time",
        "Agent online time",
        lambda _: ONLINE,
        "The time that agents were in any state but `offline`.",
        pitfalls=ONE_STATE,
    ),
    lasted(
        "agent_available_time",
        "Agent available time",
        lambda _: AVAILABLE,
        "The time that agents were ready for the next contact.",
        pitfalls=ONE_STATE,
    ),
    lasted(
        "agent_handling_time",
        "Agent handling time",
        lambda _: HANDLING,
        "The time that agents were in the states `handling` and `after_call_work`.",
        pitfalls=f"Contacts handled at the same time are one time. {ONE_STATE}",
    ),
    lasted(
        "agent_state_time",
        "Agent time in a state",
        lambda params: Facts(Kind.PRESENCE, state_of(params)),
        "The time that agents were in the state `state`.",
        params=(STATE,),
        pitfalls=ONE_STATE,
    ),
    Metric(
        id="average_agent_state_time",
        label="Average time in a state",
        description="The mean length of presence in the state `state`, in the bucket of its end.",
        formula_text="sum of durations / number of presence records that ended",
        unit=Unit.SECONDS,
        direction=NEUTRAL,
        time_basis=TimeBasis.event,
        merge_class=MergeClass.mean,
        attribution=ACTOR,
        build=lambda params: mean_seconds(
            Facts(Kind.PRESENCE_INTERVAL, state_of(params)),
            exclude_zero=params[EXCLUDE_ZERO.name],
            include_negative=params[INCLUDE_NEGATIVE.name],
        ),
        example="Breaks of 15 and 25 minutes give 1,200 s with n = 2.",
        pitfalls="A state that a source sends in two records has two lengths. What later presence "
        "covers of a record does not count, so it may be zero.",
        params=(STATE, EXCLUDE_ZERO, INCLUDE_NEGATIVE),
    ),
    ratio(
        "occupancy",
        "Occupancy",
        occupancy,
        "The share of handling (after-call work included) in the time of handling and waiting for "
        "the next contact; with `logged_in`, in all time online, breaks and meetings included.",
        formula_text="handling / (handling + available)",
        example="6 h handling, 2 h available, 1 h break: 0.75; with logged_in 0.67.",
        direction=NEUTRAL,
        basis=INTERVAL,
        params=(over("handling_plus_available", "logged_in"),),
        pitfalls=f"High is not good for long: above 0.85 people tire. {PIECES}",
    ),
    Metric(
        id="gap_between_contacts",
        label="Gap between contacts",
        description="The time online that passes without a contact, for each contact: from the end "
        "of one to the start of the next. What counts as such time is `idle`.",
        formula_text="idle time online / spells of handling that ended",
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=TimeBasis.interval,
        merge_class=MergeClass.mean,
        attribution=ACTOR,
        build=gap_between_contacts,
        example="Handling until 10:00, available until 10:04, a break until 10:10, available until "
        "10:12, handling until 10:30: 360 s; with not_handling, the break included, 720 s.",
        pitfalls="Contacts are what a source reports as the state `handling`; one that reports "
        f"several contacts as one spell has one gap for them. {ONE_STATE}",
        params=(IDLE,),
    ),
)

SHIFT_METRICS = (
    lasted(
        "scheduled_time",
        "Scheduled time",
        lambda _: SCHEDULED,
        "The time of all shifts.",
        pitfalls=f"{AS_SENT} Planned shifts count, too: a range may end in the future.",
    ),
    lasted(
        "paid_time",
        "Paid time",
        lambda _: Facts(Kind.SHIFT, PAID),
        "The time of paid shifts.",
        pitfalls="Shifts are counted as sent: two that overlap both count.",
    ),
    counted(
        "shifts",
        "Shifts",
        Facts(Kind.SHIFT_INTERVAL),
        "Shifts by their end.",
        pitfalls="Planned shifts count, too.",
    ),
    ratio(
        "utilization",
        "Utilization",
        utilization,
        "The share of the scheduled time that was spent handling contacts, after-call work "
        "included; with `logged_in`, the share of the time online.",
        formula_text="handling / scheduled",
        example="6 h handling in a shift of 8 h of which 7.5 h online: 0.75; with logged_in 0.8.",
        basis=INTERVAL,
        params=(over("scheduled", "logged_in"),),
        pitfalls="Handling outside of shifts counts, so it can be above 1. By channel it needs "
        f"`logged_in`: shifts have no channel. {AS_SENT} {PIECES}",
    ),
    ratio(
        "shift_presence_rate",
        "Presence during the shift",
        shift_presence_rate,
        "The share of the scheduled time in which the same agent was online.",
        formula_text="online within shifts / scheduled",
        example="A shift from 9:00 to 17:00, online from 9:12 to 18:00: 7.8 h / 8 h = 0.975.",
        basis=INTERVAL,
        params=(OF,),
        pitfalls=f"{IN_SHIFTS} {AS_SENT} What is left of a shift today counts as not present. "
        f"{PIECES}",
    ),
    ratio(
        "adherence",
        "Adherence",
        adherence,
        "The share of the scheduled time in which the same agent was available or handling; with "
        "`activities`, in which the agent did what was planned.",
        formula_text="available or handling within shifts / scheduled",
        example="A shift of 8 h, of which 6.8 h available, handling or in after-call work: 0.85. "
        "If 0.5 h of it is sent as a shift of its own with the activity break and kept as one: "
        "with activities 7.3 / 8 = 0.9125.",
        basis=INTERVAL,
        params=(OF, SCHEDULE),
        pitfalls=f"{IN_SHIFTS} {AS_SENT} Unless `activities`, a shift is taken as work throughout: "
        "send planned breaks and meetings as the gaps between shifts, or as unpaid shifts with "
        "`of` paid. An activity is that of a whole shift: send one for each. What is left of a "
        f"shift today counts as not adhered. {PIECES}",
    ),
    ratio(
        "shrinkage",
        "Shrinkage",
        shrinkage,
        "The share of the paid time in which the agent was neither available nor handling.",
        formula_text="(paid - available or handling within paid shifts) / paid",
        example="8 h paid, 5.5 h of them handling, in after-call work or available: 0.3125.",
        direction=LOWER,
        basis=INTERVAL,
        pitfalls=f"{IN_SHIFTS} Without presence everything is shrinkage. What is left of a shift "
        f"today counts as shrinkage. {PIECES}",
    ),
)

PEOPLE_METRICS = (*PRESENCE_METRICS, *SHIFT_METRICS)
