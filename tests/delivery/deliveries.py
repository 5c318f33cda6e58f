"""Anything that a source may send about a few tickets, calls and people, in any order."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st
from tests.delivery.lab import KINDS, SOURCE, Item, version
from tests.delivery.model import World

from csapi.ingest.items import Draft, draft_item

# Around the end of a month, so that slots, days and months all change hands.
START = datetime(2026, 3, 31, 21, 30, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
Delivery = tuple[str, Item]

instants = st.builds(
    lambda minutes, fraction: (
        START + timedelta(minutes=minutes, microseconds=fraction)
    ).isoformat(),
    st.integers(0, 300),
    st.sampled_from([0, 0, 0, 1_500, 999_500]),
)
agents = st.sampled_from(["a1", "a2"])
teams = st.sampled_from(["x", "y"])
customers = st.sampled_from(["u1", "u2"])
labels = st.sampled_from(["p", "q"])
tickets = st.sampled_from(["t1", "t2"])
calls = st.sampled_from(["c1", "c2", "c3"])
requests = st.sampled_from(["r1", "r2"])
versions = st.integers(0, 3).map(version)
custom = st.one_of(
    st.just({}),
    st.builds(lambda value: {"plan": value}, st.sampled_from(["gold", "5", 5, 2.5, True])),
)
seconds = st.sampled_from([0, 1, 20, 20.5, 3600])
flags = st.sampled_from([False, False, False, True])


def maybe(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), of)


def record(name: st.SearchStrategy[str], **fields: st.SearchStrategy[Any]) -> Any:
    return st.fixed_dictionaries(
        {"external_id": name, "source_updated_at": versions, "deleted": flags, **fields}
    ).map(lambda item: {key: value for key, value in item.items() if value is not None})


milestones = st.fixed_dictionaries(
    {
        "first_reply_at": maybe(instants),
        "first_reply_by": maybe(agents),
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
    customer=maybe(customers),
    initiated_by=st.sampled_from(["customer", "customer", "agent"]),
    assignee=maybe(agents),
    team=maybe(teams),
    is_spam=st.sampled_from([False] * 5 + [True]),
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
    custom=custom,
)
request_items = record(
    requests,
    sent_at=instants,
    ticket=maybe(tickets),
    call=maybe(calls),
    agent=maybe(agents),
    team=maybe(teams),
    customer=maybe(customers),
    custom=custom,
)
feedback_items = record(
    st.sampled_from(["f1", "f2"]),
    survey=st.sampled_from(["csat", "ces", "nps"]),
    rating=st.integers(1, 5),
    responded_at=instants,
    request=maybe(requests),
    ticket=maybe(tickets),
    call=maybe(calls),
    agent=maybe(agents),
    team=maybe(teams),
    customer=maybe(customers),
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
customer_items = record(customers, segment=maybe(labels))

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
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("status_changed"),
            "from": maybe(st.sampled_from(["open", "solved"])),
            "to": st.sampled_from(["open", "pending", "solved", "solved", "closed"]),
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
    about("agents", agent_items),
    about("customers", customer_items),
    about("schedules", schedule_items),
)


@dataclass(frozen=True)
class Plan:
    """What is sent, in batches of one resource each. None stands for: the worker comes by."""

    deliveries: list[Delivery]
    batches: list[tuple[str, list[Item]] | None]
    declare_before: int | None


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    deliveries = draw(st.lists(records, min_size=4, max_size=12))
    for number, event in enumerate(draw(st.lists(events, max_size=8))):
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


def newest_world(plan: Plan) -> World:
    """What counts of all that was sent: the highest (version, content hash) of every record."""
    world = World(attribute=None if plan.declare_before is None else "plan")
    drafts: dict[tuple[str, str], Draft] = {}
    for resource, item in plan.deliveries:
        if resource == "ticket-events":
            world.events[item["event_id"]] = dict(item)
            continue
        raw = msgspec.json.encode({"source": SOURCE, **item})
        draft = draft_item(KINDS[resource], raw, 0, "", NOW)
        assert isinstance(draft, Draft), draft
        rival = drafts.get((resource, draft.external_id))
        if rival is None or rank(draft) > rank(rival):
            drafts[resource, draft.external_id] = draft
            world.records[resource][draft.external_id] = item
    return world


def rank(draft: Draft) -> tuple[Any, int]:
    return draft.version_at, draft.content_hash
