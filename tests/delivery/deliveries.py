"""Anything that a source may send about a few tickets, calls and people, in any order."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from tests.delivery.deliveries_customers import customer_items, merge_items
from tests.delivery.deliveries_reference import annotation_items, cost_items, topic_items
from tests.delivery.deliveries_self_service import (
    article_items,
    form_items,
    session_items,
    visit_items,
)
from tests.delivery.lab import Item
from tests.delivery.strategies import (
    about_work,
    agents,
    calls,
    custom,
    customers,
    flags,
    instants,
    labels,
    maybe,
    record,
    requests,
    scores,
    seconds,
    tags,
    teams,
    tickets,
    tone,
)

Delivery = tuple[str, Item]

milestones = st.fixed_dictionaries(
    {
        "first_reply_at": maybe(instants),
        "first_reply_by": maybe(agents),
        "first_assigned_at": maybe(instants),
        "first_solved_at": maybe(instants),
        "last_solved_at": maybe(instants),
        "solved_by": maybe(agents),
        "messages_in": maybe(st.integers(0, 3)),
        "messages_out": maybe(st.integers(0, 3)),
    }
)
ticket_items = record(
    tickets,
    created_at=instants,
    channel=maybe(labels),
    inbox=maybe(labels),
    type=maybe(labels),
    topic=maybe(labels),
    priority=maybe(labels),
    status=maybe(st.sampled_from(["new", "pending", "closed"])),
    customer=maybe(customers),
    initiated_by=st.sampled_from(["customer", "customer", "agent"]),
    assignee=maybe(agents),
    team=maybe(teams),
    is_spam=st.sampled_from([False] * 7 + [True]),
    is_test=st.sampled_from([False] * 7 + [True]),
    merged_into=st.sampled_from([None] * 7 + ["t2"]),
    tags=tags,
    milestones=maybe(milestones),
    custom=custom,
)
legs = st.lists(
    st.fixed_dictionaries(
        {
            "agent": maybe(agents),
            "ended_at": maybe(instants),
            "talk_seconds": maybe(seconds),
            "hold_seconds": maybe(seconds),
            "after_call_work_seconds": maybe(seconds),
        }
    ),
    max_size=3,
)
call_items = record(
    calls,
    queue_entered_at=instants,
    started_at=maybe(instants),
    direction=st.sampled_from(["inbound", "inbound", "outbound"]),
    outcome=maybe(st.sampled_from(["answered", "answered", "abandoned"])),
    answered_at=maybe(instants),
    abandoned_at=maybe(instants),
    ended_at=maybe(instants),
    wait_seconds=maybe(seconds),
    agent=maybe(agents),
    team=maybe(teams),
    queue=maybe(labels),
    customer=maybe(customers),
    topic=maybe(labels),
    priority=maybe(labels),
    resolved=maybe(st.booleans()),
    legs=legs,
    tags=tags,
    **tone,
    custom=custom,
)
request_items = record(
    requests,
    sent_at=instants,
    **about_work,
    created_at=maybe(instants),
    delivered_at=maybe(instants),
    custom=custom,
)
feedback_items = record(
    st.sampled_from(["f1", "f2"]),
    survey=st.sampled_from(["csat", "ces", "nps"]),
    rating=st.integers(1, 5),
    responded_at=instants,
    request=maybe(requests),
    **about_work,
    site=maybe(labels),
    comment=st.sampled_from([None, "", " \n", "good"]),
    **tone,
    custom=custom,
)
criteria = st.lists(
    st.fixed_dictionaries(
        {
            "criterion": st.sampled_from(["tone", "speed", "p"]),
            "weight": st.sampled_from([0.1, 1, 3]),
            "score": maybe(scores),
            "is_auto_fail": flags,
            "has_failed": flags,
        }
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each["criterion"],
)
review_items = record(
    st.sampled_from(["q1", "q2"]),
    reviewed_at=instants,
    agent=agents,
    criteria=criteria,
    team=maybe(teams),
    reviewer=maybe(agents),
    ticket=maybe(tickets),
    call=maybe(calls),
    channel=maybe(labels),
    form=maybe(labels),
    custom=custom,
)
task_items = record(
    st.sampled_from(["k1", "k2"]),
    kind=maybe(labels),
    assignee=maybe(agents),
    team=maybe(teams),
    ticket=maybe(tickets),
    assigned_at=maybe(instants),
    completed_at=maybe(instants),
    assignments=st.lists(
        st.fixed_dictionaries({"agent": maybe(agents), "at": instants}), max_size=3
    ),
    due_at=maybe(instants),
    custom=custom,
)
agent_items = st.one_of(
    record(agents, team=maybe(teams)),
    record(
        agents,
        memberships=st.builds(
            lambda when, one, other: [{"team": one, "to": when}, {"team": other, "from": when}],
            instants,
            teams,
            teams,
        ),
    ),
)
lengths = st.sampled_from([0, 1, 7, 15, 40, 90, 300])


def interval(name: st.SearchStrategy[str], *, may_last: bool = True, **fields: Any) -> Any:
    """A record with a start and, mostly, an end."""

    def ended(item: Item, minutes: int | None) -> Item:
        start = datetime.fromisoformat(item["started_at"])
        end = None if minutes is None else start + timedelta(minutes=minutes)
        return item if end is None else {**item, "ended_at": end.isoformat()}

    whole = record(name, agent=agents, started_at=instants, custom=custom, **fields)
    return st.builds(ended, whole, maybe(lengths) if may_last else lengths)


presence_items = interval(
    st.sampled_from(["p1", "p2", "p3", "p4", "p5"]),
    state=st.sampled_from(["available", "handling", "after_call_work", "break", "offline"]),
    channel=maybe(labels),
)
shift_items = interval(
    st.sampled_from(["s1", "s2"]),
    may_last=False,
    is_paid=st.sampled_from([True, True, False]),
    activity=maybe(st.sampled_from(["Break", "desk"])),
)
work_items = interval(st.sampled_from(["w1", "w2"]), ticket=maybe(tickets), channel=maybe(labels))
half_hours = st.integers(0, 48).map(lambda number: f"{number // 2:02}:{number % 2 * 30:02}")


def hours_of(day: str) -> st.SearchStrategy[list[Item]]:
    """Up to two intervals of a day."""
    return st.lists(half_hours, max_size=4, unique=True).map(
        lambda edges: [
            {"day": day, "from": start, "to": end}
            for start, end in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False)
        ]
    )


# The instants lie on a Tuesday and a Wednesday, in some of the zones.
weekly_hours = st.builds(
    lambda one, other: [*one, *other], hours_of("tuesday"), hours_of("wednesday")
)
schedule_versions = st.one_of(
    st.builds(lambda weekly: [{"weekly": weekly}], weekly_hours),
    st.builds(
        lambda end, start, one, other: [
            {"valid_from": start, "weekly": other}, {"valid_to": end, "weekly": one},
        ],
        st.sampled_from(["2026-03-31", None]),
        st.sampled_from(["2026-03-31", "2026-04-01"]),
        weekly_hours,
        weekly_hours,
    ),
)  # fmt: skip
schedule_items = record(
    st.sampled_from(["h1", "h2", "h3"]),
    timezone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York"]),
    versions=schedule_versions,
    teams=st.lists(teams, max_size=2, unique=True),
    inboxes=st.lists(labels, max_size=2, unique=True),
    is_default=st.booleans(),
)

changes = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "direction": st.sampled_from(["inbound", "outbound", "outbound"]),
            "actor": maybe(agents),
            "actor_type": maybe(st.sampled_from(["agent", "bot", "customer"])),
            "is_public": st.sampled_from([True, True, False]),
            "is_auto_reply": flags,
            "channel": maybe(labels),
            "team": maybe(teams),
            "in_reply_to": maybe(st.sampled_from(["e1", "e2", "e3"])),
            **tone,
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("status_changed"),
            "from": maybe(st.sampled_from(["open", "solved"])),
            "to": st.sampled_from(["open", "pending", "on_hold", "solved", "solved", "closed"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["topic_changed", "priority_changed"]),
            "from": maybe(labels),
            "to": labels,
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("assigned"), "agent": maybe(agents), "team": maybe(teams)}
    ),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["tagged", "tagged", "untagged"]),
            "tag": st.sampled_from(["p", "q"]),
        }
    ),
)
events = st.builds(
    lambda ticket, when, sequence, change: {
        "ticket": ticket,
        "occurred_at": when,
        "sequence": sequence,
        **{key: value for key, value in change.items() if value is not None},
    },
    tickets,
    instants,
    st.integers(0, 2),
    changes,
)


def about(resource: str, items: st.SearchStrategy[Item]) -> st.SearchStrategy[Delivery]:
    return st.tuples(st.just(resource), items)


records = st.one_of(
    about("tickets", ticket_items),
    about("calls", call_items),
    about("feedback-requests", request_items),
    about("feedback", feedback_items),
    about("quality-reviews", review_items),
    about("tasks", task_items),
    about("forms", form_items),
    about("kb-articles", article_items),
    about("kb-events", visit_items),
    about("kb-events", visit_items),
    about("sessions", session_items),
    about("agents", agent_items),
    about("customers", customer_items),
    about("customers/merge", merge_items),
    about("presence", presence_items),
    about("shifts", shift_items),
    about("work-sessions", work_items),
    about("schedules", schedule_items),
    about("cost-book", cost_items),
    about("topics", topic_items),
    about("annotations", annotation_items),
)
timelines = st.one_of(
    about("presence", presence_items),
    about("presence", presence_items),
    about("shifts", shift_items),
    about("agents", agent_items),
)


@dataclass(frozen=True)
class Plan:
    """What is sent, in batches of one resource each. None stands for: the worker comes by."""

    deliveries: list[Delivery]
    batches: list[tuple[str, list[Item]] | None]
    declare_before: int | None


@st.composite
def plans(
    draw: st.DrawFn,
    of: st.SearchStrategy[Delivery] = records,
    most: int = 12,
    most_events: int = 10,
) -> Plan:
    deliveries = draw(st.lists(of, min_size=4, max_size=most))
    for number, event in enumerate(draw(st.lists(events, max_size=most_events))):
        deliveries.append(("ticket-events", {"event_id": f"e{number}", **event}))
    return draw(arranged(deliveries))


@st.composite
def arranged(draw: st.DrawFn, deliveries: list[Delivery]) -> Plan:
    """Some of it twice, in any order and in batches, with the worker in between."""
    sent = deliveries + draw(st.lists(st.sampled_from(deliveries), max_size=4))
    places = draw(st.lists(st.integers(0, 9), min_size=len(sent), max_size=len(sent)))
    grouped: dict[tuple[int, str], list[Item]] = defaultdict(list)
    for place, (resource, item) in zip(places, sent, strict=True):
        grouped[place, resource].append(item)
    batches: list[Any] = [
        (key[1], items) for key, items in sorted(grouped.items(), key=lambda e: e[0])
    ]
    for _ in range(draw(st.integers(0, 2))):
        batches.insert(draw(st.integers(0, len(batches))), None)
    return Plan(deliveries, batches, draw(maybe(st.integers(0, len(batches)))))
