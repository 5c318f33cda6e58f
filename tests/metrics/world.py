"""A tenant's facts out of thin air, and what every question about them should give.

The expectations share the catalog's formulas with the product and nothing else: parts are counted
here in plain Python, local time comes from zoneinfo.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from csapi.facts.business_hours import BUSINESS_KINDS
from csapi.facts.kinds import FORESEEN, NO_OUTCOME, VALUE_SCALE, Dimension, Kind
from csapi.facts.outcomes import (
    FROM_STATUS,
    SLA_METRIC_STEP,
    AssignmentOutcome,
    Box,
    CallOutcome,
    CommentOutcome,
    ContactOutcome,
    CriterionOutcome,
    CustomerOutcome,
    DeadlineOutcome,
    EffortOutcome,
    HandlingOutcome,
    HoldingOutcome,
    MessageOutcome,
    OpenStatus,
    PresenceOutcome,
    ReplyOutcome,
    RequestOutcome,
    ResolutionOutcome,
    ResponseOutcome,
    ReviewOutcome,
    RoutingOutcome,
    SearchOutcome,
    SentimentLabel,
    SessionOutcome,
    ShiftOutcome,
    SlaDecision,
    SlaMetric,
    StaffCostOutcome,
    VoteOutcome,
    WaitOutcome,
)
from csapi.metrics.formulas import Formula
from csapi.metrics.parts import (
    AGES,
    FILLED,
    LASTING,
    OF_RESOLVED,
    ON_TOPIC,
    Combo,
    Measure,
    Part,
)

Fact = dict[str, Any]
Key = tuple[str | None, ...]

TIMEZONE = "Europe/Berlin"
# The database's clock decides which days are recent. 210 days back, the clocks were changed.
NOW = datetime.now(UTC).replace(microsecond=0)
START = NOW - timedelta(days=210)
SLOT = timedelta(minutes=15)

OUTCOMES: Mapping[Kind, Sequence[int]] = {
    Kind.CONTACT: tuple(ContactOutcome),
    Kind.MESSAGE: tuple(MessageOutcome),
    Kind.RESOLUTION: tuple(ResolutionOutcome),
    Kind.RESPONSE: tuple(ResponseOutcome),
    Kind.REPLY_PAIR: tuple(ResponseOutcome),
    Kind.AGENT_ASSIGNED: tuple(AssignmentOutcome),
    Kind.TEAM_ASSIGNED: tuple(AssignmentOutcome),
    Kind.AWAITED: tuple(ReplyOutcome),
    Kind.ACKNOWLEDGED: tuple(ReplyOutcome),
    Kind.SOLVE_EFFORT: tuple(EffortOutcome),
    Kind.ROUTED: tuple(RoutingOutcome),
    Kind.TIME_IN_STATUS: tuple(WaitOutcome),
    Kind.BACKLOG: tuple(OpenStatus),
    Kind.OPEN_STATUS: tuple(
        one * FROM_STATUS + other for one, other in permutations([*OpenStatus][1:], 2)
    ),
    Kind.CALL: tuple(CallOutcome),
    Kind.CALL_FROM_START: tuple(CallOutcome),
    Kind.TALK: tuple(HandlingOutcome),
    Kind.HOLD: tuple(HandlingOutcome),
    Kind.AFTER_CALL_WORK: tuple(HandlingOutcome),
    Kind.HANDLE: tuple(HandlingOutcome),
    Kind.FEEDBACK_REQUEST: tuple(RequestOutcome),
    Kind.CSAT: tuple(Box),
    Kind.CES: tuple(Box),
    Kind.NPS: tuple(Box),
    Kind.FCR: tuple(Box),
    Kind.RATING_NORMALIZED: tuple(Box),
    Kind.FEEDBACK_COMMENT: tuple(CommentOutcome),
    Kind.SENTIMENT: tuple(SentimentLabel),
    Kind.QUALITY_REVIEW: tuple(ReviewOutcome),
    Kind.QUALITY_CRITERION: tuple(CriterionOutcome),
    Kind.TASK_ASSIGNED: tuple(HoldingOutcome),
    Kind.TASK_COMPLETED: tuple(DeadlineOutcome),
    Kind.PRESENCE: tuple(PresenceOutcome),
    Kind.PRESENCE_INTERVAL: tuple(PresenceOutcome),
    Kind.SHIFT: tuple(ShiftOutcome),
    Kind.SHIFT_INTERVAL: tuple(ShiftOutcome),
    Kind.SHIFT_ONLINE: tuple(ShiftOutcome),
    Kind.SHIFT_READY: tuple(ShiftOutcome),
    Kind.SHIFT_KEPT: tuple(ShiftOutcome),
    Kind.SHIFT_WORKED: tuple(ShiftOutcome),
    Kind.KB_SEARCH: tuple(SearchOutcome),
    Kind.KB_VOTE: tuple(VoteOutcome),
    Kind.SELF_SERVICE_SESSION: tuple(SessionOutcome),
    Kind.BOT_SESSION: tuple(SessionOutcome),
    Kind.IVR_SESSION: tuple(SessionOutcome),
    Kind.STAFF_COST: tuple(StaffCostOutcome),
    Kind.CUSTOMER: tuple(CustomerOutcome),
    Kind.SLA_DECISION: tuple(
        metric * SLA_METRIC_STEP + decision for metric in SlaMetric for decision in SlaDecision
    ),
    Kind.SLA_OVERSHOOT: tuple(SlaMetric),
    Kind.SLA_ACTIVE: tuple(SlaMetric),
}
TIMED = {
    Kind.CONTACT, Kind.FIRST_RESPONSE, Kind.RESOLUTION, Kind.CALL, Kind.TALK, Kind.HOLD,
    Kind.CALL_FROM_START,
    Kind.AFTER_CALL_WORK, Kind.HANDLE, Kind.RESPONSE, Kind.REPLY_PAIR, Kind.AGENT_RESPONSE,
    Kind.AGENT_ASSIGNED, Kind.AWAITED, Kind.ACKNOWLEDGED, Kind.SOLVE_EFFORT, Kind.TIME_IN_STATUS,
    Kind.SOLVED, Kind.TASK_COMPLETED, Kind.PRESENCE, Kind.PRESENCE_INTERVAL, Kind.SHIFT,
    Kind.SHIFT_INTERVAL, Kind.SHIFT_ONLINE, Kind.SHIFT_READY, Kind.SHIFT_KEPT, Kind.SHIFT_WORKED,
    Kind.WORK_SESSION,
    Kind.WORK_SESSION_INTERVAL,
    Kind.SELF_SERVICE_SESSION, Kind.BOT_SESSION, Kind.IVR_SESSION, Kind.SEARCH_SESSION,
    Kind.STAFF_COST, Kind.SLA_DECISION, Kind.SLA_OVERSHOOT, Kind.REOPEN, Kind.HUMAN_RESOLUTION,
    Kind.WAIT_DROPPED, Kind.OPEN_ENDED, Kind.OWED_ENDED,
}  # fmt: skip
COUNTING = {Kind.MESSAGE, Kind.SOLVE_EFFORT, Kind.INTERACTIONS, Kind.AGENTS_INVOLVED}
RATED = {Kind.CSAT, Kind.CES, Kind.NPS}
# Kind -> the lowest and the highest value; there may be none.
SCORED = {
    Kind.SENTIMENT: (-VALUE_SCALE, VALUE_SCALE),
    Kind.RATING_NORMALIZED: (0, VALUE_SCALE),
    Kind.QUALITY_REVIEW: (0, VALUE_SCALE),
    Kind.QUALITY_CRITERION: (0, VALUE_SCALE),
    Kind.STAFF_COST: (0, 30 * VALUE_SCALE),
    Kind.FIXED_COST: (0, 5 * VALUE_SCALE),
}
# What ratings of effort are on, on one channel and elsewhere; all of satisfaction are on the first.
SCALE_MARKS, ON_ANOTHER_SCALE = (2_004_006, 2_004_011), 301
# How old something was, in seconds.
AGED = {Kind.OPEN_TICKET, Kind.OPEN_ENDED, Kind.OWED, Kind.OWED_ENDED}
# Drawn apart, so that the others stay what they were.
LATER = (Kind.OWED, Kind.OWED_ENDED)
FLAGGED = {
    Kind.AGENT_ASSIGNED,
    Kind.CALL,
    Kind.SELF_SERVICE_SESSION,
    Kind.BOT_SESSION,
    Kind.IVR_SESSION,
}

AGENTS = {101: "ann", 102: "bob", 103: "cleo"}
TEAMS = {201: "north", 202: "south"}
CUSTOMERS = {901: "u1", 902: "u2", 903: "u3", 904: "u4"}
LABELS: Mapping[Dimension, Mapping[int, str]] = {
    Dimension.CHANNEL: {301: "email", 302: "phone"},
    Dimension.INBOX: {311: "support"},
    Dimension.QUEUE: {321: "q1", 322: "q2"},
    Dimension.TYPE: {331: "question", 332: "problem"},
    Dimension.TOPIC: {341: "refund", 342: "zollfrei", 343: "账单"},
    Dimension.PRIORITY: {351: "1", 352: "2"},
    Dimension.SEGMENT: {361: "vip"},
    Dimension.ATTR1: {371: "kim", 372: "lee"},
    Dimension.TAG: {381: "red", 382: "green", 383: "blue"},
    Dimension.CUSTOMER_TYPE: {391: "person", 392: "company"},
}
# What customers are now.
CUSTOMER_TYPES = {901: 391, 902: 392, 903: 391}
CUSTOMER_TAGS = {901: [381, 382], 902: [382], 903: [383]}
CUSTOM_NAME = "manager"

# Dimension of the API -> (column of facts, name of each member)
COLUMNS: Mapping[str, tuple[str, Mapping[int, str]]] = {
    "agent": ("actor_agent", AGENTS),
    "team": ("actor_team", TEAMS),
    "owner_agent": ("owner_agent", AGENTS),
    "owner_team": ("owner_team", TEAMS),
    "customer": ("customer", CUSTOMERS),
    **{
        label.name.lower(): (label.name.lower(), members)
        for label, members in LABELS.items()
        if label not in (Dimension.ATTR1, Dimension.TAG, Dimension.CUSTOMER_TYPE)
    },
    f"custom.{CUSTOM_NAME}": ("attr1", LABELS[Dimension.ATTR1]),
}

# Durations at, just under and just over the thresholds that metrics use.
EDGES = (0, 0, 4_999, 5_000, 5_001, 19_999, 20_000, 20_001, 299_999, 300_000, 300_001, 600_000)


def random_duration(chance: random.Random) -> tuple[int | None, int | None]:
    """Duration and negative duration: one of them at most."""
    draw = chance.random()
    if draw < 0.05:
        return None, None
    if draw < 0.08:
        return None, -chance.randint(1, 10_000)
    if draw < 0.3:
        return chance.choice(EDGES), None
    return int(10 ** chance.uniform(0, 9.6)), None


def random_business(chance: random.Random, kind: Kind, duration: int | None) -> int | None:
    """Business time, at most the duration; of some facts it is not known."""
    if kind not in BUSINESS_KINDS or duration is None or chance.random() < 0.1:
        return None
    return min(duration, chance.choice((0, 20_000, chance.randint(0, duration), duration)))


def random_tags(chance: random.Random) -> list[int] | None:
    """Most records have none; the others one or several."""
    members = sorted(LABELS[Dimension.TAG])
    found = sorted(chance.sample(members, chance.choice((0, 0, 0, 1, 1, 2, 3))))
    return found or None


def random_fact(chance: random.Random, kind: Kind, at: datetime) -> Fact:
    duration, negative = random_duration(chance) if kind in TIMED else (None, None)
    value = None
    if kind in COUNTING:
        value = chance.randint(1, 3) * VALUE_SCALE
    elif kind in (Kind.BACKLOG, Kind.CUSTOMER, Kind.SLA_ACTIVE):
        value = chance.choice((1, -1)) * VALUE_SCALE
    elif kind is Kind.OPEN_STATUS:
        value = VALUE_SCALE
    elif kind in AGED:
        value = chance.randint(0, 10**9) * 10
    elif kind in FLAGGED:
        value = chance.choice((None, 0, VALUE_SCALE))
    elif kind in RATED:
        value = chance.randint(1, 5) * VALUE_SCALE + chance.choice((0, 5_000))
    elif kind in SCORED:
        value = chance.choice((None, *(chance.randint(*SCORED[kind]) for _ in range(4))))
    fact = {
        "subject": uuid4(),
        "kind": int(kind),
        "ordinal": 0,
        "resource": 1,
        "outcome": int(chance.choice(OUTCOMES.get(kind, (NO_OUTCOME,)))),
        "definition_version": 1,
        "occurred_at": at,
        "duration_ms": duration,
        "gap_next_ms": random_duration(chance)[0],
        "negative_ms": negative,
        "business_ms": random_business(chance, kind, duration),
        "value": value,
        "tags": random_tags(chance),
        **{
            column: chance.choice([None, *members, *members])
            for column, members in COLUMNS.values()
        },
    }
    if kind in (Kind.CSAT, Kind.CES):
        is_other = kind is Kind.CES and fact["channel"] == ON_ANOTHER_SCALE
        fact["duration_ms"] = SCALE_MARKS[is_other]
    return fact


def random_facts(seed: int, count: int) -> list[Fact]:
    """Facts from START to NOW, a third of them in the last three days, and a few ahead of NOW.

    Ratings have become better, so that comparisons have something to decide.
    """
    chance = random.Random(seed)
    kinds = [kind for kind in Kind if kind not in LATER]
    span, recent = NOW - START, timedelta(days=3)
    facts = []
    subjects = [uuid4() for _ in range(count // 3)]
    for number in range(count):
        since, length = (NOW - recent, recent) if number % 3 == 0 else (START, span)
        at = since + timedelta(
            microseconds=chance.randrange(int(length / timedelta(microseconds=1)))
        )
        if number % 7 == 0:
            slot = at - (at - datetime(1970, 1, 1, tzinfo=UTC)) % SLOT
            at = slot if slot >= START else at
        kind = chance.choice(kinds)
        if kind in FORESEEN and chance.random() < 0.3:
            at = NOW + timedelta(seconds=chance.choice((0, 1, chance.randrange(100_000))))
        fact = random_fact(chance, kind, at)
        # Few customers, so that they come, go and come again.
        among = subjects[:25] if kind == Kind.CUSTOMER else subjects
        facts.append(fact | {"subject": chance.choice(among), "ordinal": number})
    facts += better_ratings(chance, subjects)
    facts += owed_facts(random.Random(seed), subjects)
    with_neighbors(facts)
    with_ends(facts)
    return with_next_channels(facts)


def better_ratings(chance: random.Random, subjects: Sequence[UUID]) -> list[Fact]:
    found = []
    for number, (days, ratings) in enumerate(((45, (4, 5)), (120, (1, 2))) * 60):
        at = NOW - timedelta(days=days + chance.uniform(-10, 10))
        fact = random_fact(chance, Kind.CSAT, at.replace(microsecond=0))
        value = chance.choice(ratings)
        box = Box.POSITIVE if value >= 4 else Box.NEGATIVE
        found.append(fact | {
            "value": value * VALUE_SCALE, "outcome": int(box), "ordinal": 100_000 + number,
            "subject": chance.choice(subjects),
        })  # fmt: skip
    return found


def owed_facts(chance: random.Random, subjects: Sequence[UUID]) -> list[Fact]:
    found = []
    for number in range(80):
        at = NOW - timedelta(seconds=chance.randrange(int((NOW - START).total_seconds())))
        fact = random_fact(chance, chance.choice(LATER), at)
        found.append(fact | {"subject": chance.choice(subjects), "ordinal": 200_000 + number})
    return found


def with_next_channels(facts: list[Fact]) -> list[Fact]:
    """Contacts with the channel of the same customer's next one."""
    following: dict[int, int | None] = {}
    contacts = [fact for fact in facts if fact["kind"] == Kind.CONTACT and fact["customer"]]
    for fact in sorted(contacts, key=lambda f: (f["occurred_at"], f["ordinal"]), reverse=True):
        fact["next_channel"] = following.get(fact["customer"])
        following[fact["customer"]] = fact["channel"]
    return [{"next_channel": None, **fact} for fact in facts]


def is_ahead(fact: Fact) -> bool:
    """Nobody who asks at NOW sees it yet."""
    return fact["kind"] in FORESEEN and fact["occurred_at"] >= NOW


def is_due(fact: Fact, within_ms: int) -> bool:
    """Begun before NOW, to be decided, and due soon."""
    if fact["occurred_at"] < NOW or fact["duration_ms"] is None or fact["gap_next_ms"] is None:
        return False
    one = timedelta(milliseconds=1)
    begun = fact["occurred_at"] - fact["duration_ms"] * one
    due = fact["occurred_at"] + fact["gap_next_ms"] * one
    return bool(begun < NOW and due <= NOW + within_ms * one)


def is_of(part: Part, fact: Fact) -> bool:
    return fact["kind"] == part.kind and (not part.outcomes or fact["outcome"] in part.outcomes)


MEASURES: Mapping[Measure, Callable[[Sequence[Fact]], int]] = {
    Measure.N: len,
    Measure.NEGATIVE_N: lambda facts: sum(fact["negative_ms"] is not None for fact in facts),
    Measure.NEGATIVE_SUM: lambda facts: sum(fact["negative_ms"] or 0 for fact in facts),
    Measure.DURATION_N: lambda facts: sum(fact["duration_ms"] is not None for fact in facts),
    Measure.DURATION_SUM: lambda facts: sum(fact["duration_ms"] or 0 for fact in facts),
    Measure.DURATION_ZERO_N: lambda facts: sum(fact["duration_ms"] == 0 for fact in facts),
    Measure.BUSINESS_N: lambda facts: sum(fact["business_ms"] is not None for fact in facts),
    Measure.BUSINESS_SUM: lambda facts: sum(fact["business_ms"] or 0 for fact in facts),
    Measure.BUSINESS_ZERO_N: lambda facts: sum(fact["business_ms"] == 0 for fact in facts),
    Measure.VALUE_N: lambda facts: sum(fact["value"] is not None for fact in facts),
    Measure.VALUE_SUM: lambda facts: sum(fact["value"] or 0 for fact in facts),
    Measure.BALANCE: lambda facts: sum(fact["value"] or 0 for fact in facts),
    # Of a range that starts before everything. Other cohorts: tests/metrics/cohorts.py.
    Measure.STARTED: lambda _: 0,
    Measure.STAYED: lambda _: 0,
    Measure.SUBJECTS: lambda facts: len({fact["subject"] for fact in facts}),
    Measure.CUSTOMERS: lambda facts: len({fact["customer"] for fact in facts} - {None}),
}


# Measure -> the gaps of which one at least is within the threshold.
HELD_AGAINST = {
    Measure.WITHIN_N: ("duration_ms",),
    Measure.NEXT_WITHIN_N: ("gap_next_ms",),
    Measure.SWITCHED_WITHIN_N: ("gap_next_ms",),
    Measure.BUSINESS_WITHIN_N: ("business_ms",),
    Measure.EITHER_WITHIN_N: ("duration_ms", "gap_next_ms"),
}


def ages_at(kind: Kind, facts: Iterable[Fact], when: datetime) -> list[int]:
    """How long what lasts at an instant has lasted, in ms."""
    found = []
    for fact in facts:
        since, until = fact["occurred_at"], None
        if fact["kind"] in LASTING[kind]:
            if fact["duration_ms"] is None:
                continue
            until = since
            since -= timedelta(milliseconds=fact["duration_ms"])
        elif fact["kind"] != kind:
            continue
        if since < when and (until is None or when <= until):
            gap = Decimal((when - since) // timedelta(microseconds=1)) / 1000
            whole = int(gap.quantize(Decimal(1), ROUND_HALF_UP))
            found.append(whole + (fact["value"] or 0) // 10)
    return found


@dataclass(frozen=True)
class Around:
    """What a row is held against: its instant, its calendar days, the facts of all members."""

    at: datetime = NOW
    days: int = 0
    whole: Sequence[Fact] = ()


HERE = Around()


def filled_in(part: Part, facts: Sequence[Fact], around: Around) -> int:
    if part.measure is Measure.DAYS:
        return around.days
    if part.measure is Measure.WHOLE_N:
        return sum(is_of(part, fact) for fact in around.whole)
    # No schedule is known here: there is no business time.
    ages = [] if part.measure in AGES.values() else ages_at(part.kind, facts, around.at)
    return sum(ages) if part.measure is Measure.AGE_SUM else len(ages)


def with_neighbors(facts: Sequence[Fact]) -> None:
    """Note of each contact how far the same customer's next and previous one on its topic are."""
    contacts = [fact for fact in facts if fact["kind"] == Kind.CONTACT and fact["customer"]]
    contacts.sort(key=lambda fact: (fact["occurred_at"], fact["ordinal"], fact["subject"]))
    for name, ordered in (("next", contacts), ("previous", contacts[::-1])):
        for place, fact in enumerate(ordered):
            fact[name] = next(
                (
                    abs(each["occurred_at"] - fact["occurred_at"])
                    for each in ordered[place + 1 :]
                    if each["customer"] == fact["customer"]
                    and fact["topic"] in (None, each["topic"])
                ),
                None,
            )


def with_ends(facts: Sequence[Fact]) -> None:
    """Note of each fact whether a person handled its record and whether that is resolved."""
    seen: dict[UUID, set[Kind]] = defaultdict(set)
    for fact in facts:
        is_call = fact["kind"] == Kind.CALL
        if not is_call or (fact["outcome"] == CallOutcome.ANSWERED and fact["value"] != 0):
            seen[fact["subject"]].add(Kind(fact["kind"]))
    for fact in facts:
        kinds = seen[fact["subject"]]
        fact["is_resolved"] = Kind.CALL in kinds or {Kind.CLOSED, Kind.FIRST_RESPONSE} <= kinds


def is_repeated(part: Part, fact: Fact) -> bool:
    limit, is_next = part.threshold_ms or 0, part.measure is Measure.NEXT_ON_TOPIC_N
    gap, neighbor = fact[ON_TOPIC[part.measure]], fact.get("next" if is_next else "previous")
    if gap is None or neighbor is None:
        return False
    return bool(gap <= limit and neighbor <= timedelta(milliseconds=limit))


def part_of(part: Part, facts: Sequence[Fact], around: Around) -> int:
    matching = [fact for fact in facts if is_of(part, fact)]
    if part.measure is Measure.DUE_N:
        return sum(is_due(fact, part.threshold_ms or 0) for fact in matching)
    if part.measure in FILLED:
        return filled_in(part, facts, around)
    matching = [fact for fact in matching if not is_ahead(fact)]
    if part.measure in OF_RESOLVED:
        resolved = [fact for fact in matching if fact["is_resolved"]]
        return part_of(replace(part, measure=OF_RESOLVED[part.measure]), resolved, around)
    if part.measure is Measure.SWITCHED_WITHIN_N:
        matching = [fact for fact in matching if fact["next_channel"] != fact["channel"]]
    if names := HELD_AGAINST.get(part.measure):
        limit = part.threshold_ms
        assert limit is not None
        gaps = [[fact[name] for name in names] for fact in matching]
        return sum(any(gap is not None and gap <= limit for gap in each) for each in gaps)
    if part.measure in ON_TOPIC:
        return sum(is_repeated(part, fact) for fact in matching)
    return MEASURES[part.measure](matching)


def total(combo: Combo, facts: Sequence[Fact], around: Around) -> int:
    return sum(sign * part_of(part, facts, around) for sign, part in combo.terms)


def expected_cell(formula: Formula, facts: Sequence[Fact], around: Around = HERE) -> dict[str, Any]:
    """value, n, numerator, denominator and excluded, as the answer should have them."""
    if formula.one_scale is not None:
        counted = [fact for fact in facts if fact["kind"] == formula.one_scale.kind]
        if len({fact["duration_ms"] for fact in counted}) > 1:
            none = dict.fromkeys(("value", "numerator", "denominator"))
            return {**none, "n": len(counted), "excluded": 0}
    numerator = total(formula.numerator, facts, around)
    denominator: float | None = None
    if formula.denominator is not None:
        denominator = total(formula.denominator, facts, around)
    value: float | None
    if denominator is None:
        value = numerator / formula.numerator_scale
    else:
        scales = formula.numerator_scale, formula.denominator_scale
        value = numerator * scales[1] / (scales[0] * denominator) if denominator else None
    return {
        "value": value,
        "n": total(formula.n, facts, around) // formula.n_scale,
        "numerator": numerator / formula.numerator_scale,
        "denominator": None if denominator is None else denominator / formula.denominator_scale,
        "excluded": 0 if formula.negative is None else total(formula.negative, facts, around),
    }


def member_of(dimension: str) -> Callable[[Fact], str | None]:
    column, names = COLUMNS[dimension]
    return lambda fact: None if fact[column] is None else names[fact[column]]


def local(zone: str) -> Callable[[Fact], datetime]:
    return lambda fact: fact["occurred_at"].astimezone(ZoneInfo(zone))


TIME_KEYS: Mapping[str, Callable[[datetime], str]] = {
    "15min": lambda at: at.replace(
        minute=at.minute // 15 * 15, second=0, microsecond=0
    ).isoformat(),
    "hour": lambda at: at.replace(minute=0, second=0, microsecond=0).isoformat(),
    "day": lambda at: at.date().isoformat(),
    "week": lambda at: (at.date() - timedelta(days=at.weekday())).isoformat(),
    "month": lambda at: at.date().replace(day=1).isoformat(),
    "quarter": lambda at: at.date().replace(month=(at.month - 1) // 3 * 3 + 1, day=1).isoformat(),
    "year": lambda at: at.date().replace(month=1, day=1).isoformat(),
    "hour_of_day": lambda at: str(at.hour),
    "day_of_week": lambda at: str(at.isoweekday()),
}


def key_of(dimension: str, zone: str) -> Callable[[Fact], str | None]:
    if not dimension.startswith("time:"):
        return member_of(dimension)
    name, at = TIME_KEYS[dimension.removeprefix("time:")], local(zone)
    return lambda fact: name(at(fact))


def grouped(facts: Iterable[Fact], dimensions: Sequence[str], zone: str) -> dict[Key, list[Fact]]:
    names = [key_of(dimension, zone) for dimension in dimensions]
    groups: dict[Key, list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[tuple(name(fact) for name in names)].append(fact)
    return groups


def fact_rows(tenant_id: UUID, facts: Iterable[Fact]) -> tuple[list[str], list[tuple[Any, ...]]]:
    columns = ["tenant_id", *random_fact(random.Random(0), Kind.CALL, START)]
    return columns, [(tenant_id, *(fact[name] for name in columns[1:])) for fact in facts]
