"""Situations in which schedules are written while others are measured by them."""

from tests.delivery.explorer import Scenario
from tests.delivery.items import call, customer, schedule, ticket
from tests.delivery.scenarios import MANY
from tests.delivery.sessions import at, ingest, prepared, rederive, reschedule

REPLIED = ticket("t1", at("08:00"), milestones={"first_reply_at": at("12:00")})

FIRST_SCHEDULE = Scenario(
    "the first schedule and the first ticket",
    prepared(("customers", [customer("u1", "vip")])),
    [
        ingest("schedule", "schedules", schedule("h1", "09:00")),
        ingest("ticket", "tickets", REPLIED),
    ],
    limit=MANY,
)

SCHEDULE = Scenario(
    "a schedule changes and is recomputed while a call comes in",
    prepared(("schedules", [schedule("h1", "09:00")]), ("tickets", [REPLIED])),
    [
        reschedule("later", schedule("h1", "10:00", 1)),
        ingest("call", "calls", call("c1", at("09:30"), outcome="answered")),
        rederive("derive"),
    ],
    limit=MANY,
)

HOURS_SCENARIOS = (FIRST_SCHEDULE, SCHEDULE)
