"""Small situations in which delivery can go wrong: a prepared tenant, two or three sessions."""

from datetime import UTC, datetime, timedelta

from tests.delivery.explorer import Scenario
from tests.delivery.items import (
    agent,
    call,
    customer,
    event,
    feedback,
    reply,
    request,
    review,
    task,
    ticket,
)
from tests.delivery.scenarios_people import PEOPLE_SCENARIOS
from tests.delivery.sessions import at, declare, ingest, prepared, rebuild_of, rederive

from csapi.facts.kinds import Grain

# Of several hundred or thousand schedules a part, drawn by lot; all of them in the deep run.
MANY = 40
RECENT_DAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()

MOVE = Scenario(
    "two moves of a call, and a rebuild",
    prepared(("calls", [call("c1", at("09:00"))]), then=(("calls", [call("c2", at("12:00"))]),)),
    [
        ingest("to 10:00", "calls", call("c1", at("10:00"), 1)),
        ingest("to 11:00", "calls", call("c1", at("11:00"), 2)),
        rebuild_of("rebuild", Grain.DAY),
    ],
)

MOVE_RECENT = Scenario(
    "a move within a recent day, and a rebuild",
    prepared(
        ("calls", [call("c1", at("09:00", RECENT_DAY), topic="a")]),
        then=(("calls", [call("c2", at("09:05", RECENT_DAY))]),),
    ),
    [
        ingest("move", "calls", call("c1", at("10:00", RECENT_DAY), 1, topic="b")),
        rebuild_of("rebuild", Grain.DAY, RECENT_DAY),
    ],
)

GAPS = Scenario(
    "two contacts of one customer",
    prepared(
        ("calls", [call("c1", at("09:00"), customer="u1")]),
        ("tickets", [ticket("t1", at("14:00"), customer="u1")]),
    ),
    [
        ingest("call", "calls", call("c2", at("10:00"), customer="u1")),
        ingest("ticket", "tickets", ticket("t2", at("11:00"), customer="u1")),
    ],
)

FIRST_CONTACTS = Scenario(
    "the first two contacts of a customer",
    prepared(("customers", [customer("u1", "vip")])),
    [
        ingest("call", "calls", call("c2", at("10:00"), customer="u1")),
        ingest("ticket", "tickets", ticket("t2", at("11:00"), customer="u1")),
    ],
)

GAPS_MOVED = Scenario(
    "a contact goes to another customer while both get a new one",
    prepared(
        ("calls", [call("c1", at("09:00"), customer="u1"), call("c2", at("12:00"), customer="u2")])
    ),
    [
        ingest("u1 to u2", "calls", call("c1", at("09:30"), 1, customer="u2")),
        ingest("u1", "calls", call("c3", at("10:00"), customer="u1")),
        ingest("u2", "calls", call("c4", at("11:00"), customer="u2")),
    ],
    limit=MANY,
)

HEADER = Scenario(
    "feedback by way of a request while the ticket's header changes",
    prepared(
        ("tickets", [ticket("t1", at("09:00"), topic="a", customer="u1")]),
        ("feedback-requests", [request("r1", at("10:00"), ticket="t1")]),
        ("customers", [customer("u2", "vip")]),
        ("tickets", [ticket("t2", at("09:00"), topic="b", customer="u2")]),
    ),
    [
        ingest("feedback", "feedback", feedback("f1", at("11:00"), request="r1")),
        ingest("header", "tickets", ticket("t1", at("09:00"), 1, topic="b", customer="u2")),
    ],
)

ABOUT = Scenario(
    "feedback about a ticket while the ticket's header changes",
    prepared(("tickets", [ticket("t1", at("09:00"), topic="a", customer="u1")])),
    [
        ingest("feedback", "feedback", feedback("f1", at("11:00"), ticket="t1")),
        ingest("header", "tickets", ticket("t1", at("09:00"), 1, topic="b", customer="u1")),
    ],
)

RELINK = Scenario(
    "feedback goes to another request, which goes to another ticket",
    prepared(
        ("tickets", [ticket("t1", at("09:00"), topic="a"), ticket("t2", at("09:10"), topic="b")]),
        (
            "feedback-requests",
            [request("r1", at("10:00"), ticket="t1"), request("r2", at("10:05"))],
        ),
        ("feedback", [feedback("f1", at("11:00"), request="r1")]),
    ),
    [
        ingest("feedback", "feedback", feedback("f1", at("11:00"), 1, request="r2")),
        ingest("request", "feedback-requests", request("r1", at("10:00"), 1, ticket="t2")),
        ingest("header", "tickets", ticket("t2", at("09:10"), 1, topic="a")),
    ],
    limit=MANY,
)

REQUEST = Scenario(
    "feedback and its request arrive together",
    prepared(("tickets", [ticket("t1", at("09:00"), topic="a", customer="u1")])),
    [
        ingest("feedback", "feedback", feedback("f1", at("11:00"), request="r9")),
        ingest("request", "feedback-requests", request("r9", at("10:00"), ticket="t1")),
    ],
)

STUB = Scenario(
    "an event and its ticket's header arrive together",
    prepared(("tickets", [ticket("t1", at("08:00"), customer="u1", assignee="a1")])),
    [
        ingest("event", "ticket-events", reply("e1", "t9", at("10:00"), "a1")),
        ingest("header", "tickets", ticket("t9", at("09:00"), customer="u1")),
    ],
)

TEAM = Scenario(
    "an agent's team changes while a call comes in",
    prepared(
        ("agents", [agent("a1", "x")]),
        ("agents", [agent("a2", "y")]),
        ("calls", [call("c1", at("09:00"), agent="a1")]),
    ),
    [
        ingest("team", "agents", agent("a1", "y", 1)),
        ingest("call", "calls", call("c2", at("10:00"), agent="a1")),
        rederive("derive"),
    ],
    limit=MANY,
)

WORK = Scenario(
    "a review and a task of an agent whose team changes",
    prepared(
        ("agents", [agent("a1", "x")]),
        ("quality-reviews", [review("q1", at("09:00"), "a1", ticket="t1")]),
    ),
    [
        ingest("team", "agents", agent("a1", "y", 1)),
        ingest("review", "quality-reviews", review("q1", at("09:30"), "a1", 1, ticket="t1")),
        ingest("task", "tasks", task("k1", "a1", at("10:00"), ticket="t1")),
    ],
    limit=MANY,
)

SEGMENT = Scenario(
    "a customer's segment changes while a call comes in",
    prepared(
        ("customers", [customer("u1", "vip"), customer("u2", "basic")]),
        ("calls", [call("c1", at("09:00"), customer="u1")]),
    ),
    [
        ingest("segment", "customers", customer("u1", "basic", 1)),
        ingest("call", "calls", call("c2", at("10:00"), customer="u1")),
        rederive("derive"),
    ],
)

NEW_CUSTOMER = Scenario(
    "a customer becomes known by two calls and by its own record",
    prepared(("calls", [call("c1", at("09:00"))])),
    [
        ingest("first", "calls", call("c2", at("10:00"), customer="u9")),
        ingest("second", "calls", call("c3", at("11:00"), customer="u9")),
        ingest("record", "customers", customer("u9", "vip")),
    ],
    limit=MANY,
)

NEW_AGENT = Scenario(
    "an agent becomes known by a call and by its own record",
    prepared(("calls", [call("c1", at("09:00"))])),
    [
        ingest("call", "calls", call("c2", at("10:00"), agent="a9")),
        ingest("record", "agents", agent("a9", "x")),
        rederive("derive"),
    ],
    limit=MANY,
)

TOMBSTONE = Scenario(
    "a call is deleted between two rebuilds of its day",
    prepared(
        ("calls", [call("c0", at("09:00"))]),
        ("calls", [call("c0", at("09:00"), 1, deleted=True)]),
        then=(("calls", [call("c1", at("09:00"))]),),
    ),
    [
        ingest("delete", "calls", call("c1", at("09:00"), 1, deleted=True)),
        rebuild_of("rebuild 1", Grain.DAY),
        rebuild_of("rebuild 2", Grain.DAY),
    ],
    limit=MANY,
)

TWO_REBUILDS = Scenario(
    "two rebuilds of a day while a call moves",
    prepared(("calls", [call("c1", at("09:00"))]), then=(("calls", [call("c1", at("09:00"), 1)]),)),
    [
        ingest("move", "calls", call("c1", at("10:00"), 2)),
        rebuild_of("rebuild 1", Grain.DAY),
        rebuild_of("rebuild 2", Grain.DAY),
    ],
    limit=MANY,
)

ATTRIBUTE = Scenario(
    "an attribute is declared while a call comes in",
    prepared(("calls", [call("c1", at("09:00"), custom={"plan": "gold"})])),
    [
        declare("declare", "plan"),
        ingest("call", "calls", call("c2", at("10:00"), custom={"plan": "gold"})),
        rederive("derive"),
    ],
    limit=MANY,
)

FIRST_ATTRIBUTE = Scenario(
    "an attribute is declared before there is anything",
    prepared(("customers", [customer("u1", "vip")])),
    [
        declare("declare", "plan"),
        ingest("call", "calls", call("c1", at("10:00"), custom={"plan": "gold"})),
        rebuild_of("rebuild", Grain.DAY),
    ],
    limit=MANY,
)

ATTRIBUTE_OF_LINKED = Scenario(
    "an attribute is declared that feedback takes from its ticket",
    prepared(
        ("tickets", [ticket("t1", at("09:00"), custom={"plan": "gold"})]),
        ("feedback-requests", [request("r1", at("10:00"), ticket="t1")]),
        ("feedback", [feedback("f1", at("11:00"), ticket="t1")]),
    ),
    [
        declare("declare", "plan"),
        rederive("derive"),
        ingest("feedback", "feedback", feedback("f2", at("11:00"), request="r1")),
    ],
    limit=MANY,
)

LATE_EVENT = Scenario(
    "a late event changes the past of a ticket that feedback and a rebuild are about",
    prepared(
        ("tickets", [ticket("t1", at("09:00"), topic="b", customer="u1")]),
        ("ticket-events", [event("e2", "t1", at("12:00"), "topic_changed", to="b")]),
        then=(("feedback", [feedback("f1", at("11:00"), ticket="t1")]),),
    ),
    [
        ingest("event", "ticket-events", event("e1", "t1", at("10:00"), "topic_changed", to="c")),
        ingest("feedback", "feedback", feedback("f1", at("10:30"), 1, ticket="t1")),
        rebuild_of("rebuild", Grain.DAY),
    ],
    limit=MANY,
)

MONTH = Scenario(
    "a month and a day of it are rebuilt while a call comes in",
    prepared(("calls", [call("c1", at("09:00"))]), then=(("calls", [call("c2", at("12:00"))]),)),
    [
        rebuild_of("month", Grain.MONTH),
        rebuild_of("day", Grain.DAY),
        ingest("call", "calls", call("c3", at("10:00"))),
    ],
    limit=MANY,
)

SCENARIOS = (
    MOVE, MOVE_RECENT, GAPS, FIRST_CONTACTS, GAPS_MOVED, HEADER, ABOUT, RELINK, REQUEST, STUB,
    TEAM, WORK, SEGMENT, NEW_CUSTOMER, NEW_AGENT, TOMBSTONE, TWO_REBUILDS, ATTRIBUTE,
    FIRST_ATTRIBUTE, ATTRIBUTE_OF_LINKED, LATE_EVENT, MONTH, *PEOPLE_SCENARIOS,
)  # fmt: skip
