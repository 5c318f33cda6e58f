"""Situations in which customers become one while their contacts arrive."""

from tests.delivery.explorer import Scenario
from tests.delivery.items import call, customer, merge, session
from tests.delivery.sessions import at, ingest, prepared

MANY = 20

MERGED = Scenario(
    "a customer is merged while contacts of both come in",
    prepared(
        ("calls", [call("c1", at("09:00"), customer="u1"), call("c2", at("11:00"), customer="u2")])
    ),
    [
        ingest("merge", "customers/merge", merge("u2", "u1")),
        ingest("call", "calls", call("c3", at("10:00"), customer="u2")),
        ingest("other", "calls", call("c4", at("10:30"), customer="u1")),
    ],
    limit=MANY,
)

CONTACTS_OF_ONE = Scenario(
    "two contacts of one customer under two names, and a new segment",
    prepared(
        ("calls", [call("c1", at("09:00"), customer="u1"), call("c2", at("12:00"), customer="u2")]),
        ("sessions", [session("s1", at("08:00"), customer="u2")]),
        ("customers/merge", [merge("u2", "u1")]),
    ),
    [
        ingest("one", "calls", call("c3", at("10:00"), customer="u2")),
        ingest("other", "calls", call("c4", at("11:00"), customer="u1")),
        ingest("customer", "customers", customer("u1", "vip", 1)),
    ],
    limit=MANY,
)

CUSTOMER_SCENARIOS = (MERGED, CONTACTS_OF_ONE)
