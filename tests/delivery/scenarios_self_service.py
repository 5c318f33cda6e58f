"""Small situations in which the delivery of sessions and their events can go wrong."""

from tests.delivery.explorer import Scenario
from tests.delivery.items import article, call, customer, session, ticket, visit
from tests.delivery.scenarios import MANY
from tests.delivery.sessions import at, ingest, prepared, rederive

CLICK = Scenario(
    "a search and the click after it arrive together",
    prepared(("sessions", [session("s1", at("09:00"))])),
    [
        ingest("search", "kb-events", visit("v1", at("09:10"), "search", session="s1")),
        ingest("click", "kb-events", visit("v2", at("09:11"), "click", session="s1")),
    ],
)

CLICK_MOVED = Scenario(
    "a click goes to another session, which a search leaves",
    prepared(
        (
            "kb-events",
            [
                visit("v1", at("09:10"), "search", session="s1"),
                visit("v2", at("09:20"), "search", session="s2"),
                visit("v3", at("09:30"), "click", session="s1"),
            ],
        ),
    ),
    [
        ingest("click", "kb-events", visit("v3", at("09:30"), "click", 1, session="s2")),
        ingest("search", "kb-events", visit("v2", at("09:05"), "search", 1, session="s1")),
    ],
    limit=MANY,
)

FOLLOWED = Scenario(
    "a session and the contact after it arrive together",
    prepared(
        ("customers", [customer("u1", "vip")]),
        ("sessions", [session("s1", at("08:00"), customer="u1")]),
    ),
    [
        ingest("session", "sessions", session("s2", at("09:00"), customer="u1")),
        ingest("call", "calls", call("c1", at("10:00"), customer="u1")),
    ],
)

FOLLOWED_MOVED = Scenario(
    "a contact goes to another customer, and a session too",
    prepared(
        ("sessions", [session("s1", at("08:00"), customer="u1")]),
        ("sessions", [session("s2", at("08:30"), customer="u2")]),
        ("calls", [call("c1", at("10:00"), customer="u1")]),
    ),
    [
        ingest("call", "calls", call("c1", at("11:00"), 1, customer="u2")),
        ingest("session", "sessions", session("s2", at("08:30"), 1, customer="u1")),
    ],
    limit=MANY,
)

LED_TO_TICKET = Scenario(
    "a session, its search and its ticket arrive together",
    prepared(("tickets", [ticket("t1", at("09:00"), customer="u1")])),
    [
        ingest("session", "sessions", session("s1", at("09:00"), ticket="t9")),
        ingest("search", "kb-events", visit("v1", at("09:10"), "search", session="s1")),
        ingest("ticket", "tickets", ticket("t9", at("09:20"), customer="u1")),
    ],
    limit=MANY,
)

ARTICLE = Scenario(
    "an article's topic changes while it is read",
    prepared(
        ("kb-articles", [article("k1", "a"), article("k2", "b")]),
        ("kb-events", [visit("v1", at("09:00"), "view", article="k1")]),
    ),
    [
        ingest("topic", "kb-articles", article("k1", "b", 1)),
        ingest("view", "kb-events", visit("v2", at("10:00"), "view", article="k1")),
        rederive("derive"),
    ],
    limit=MANY,
)

SELF_SERVICE_SCENARIOS = (CLICK, CLICK_MOVED, FOLLOWED, FOLLOWED_MOVED, LED_TO_TICKET, ARTICLE)
