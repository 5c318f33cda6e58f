"""Situations in which policies are replaced while tickets are measured by them."""

from tests.delivery.explorer import Scenario
from tests.delivery.items import event, policy, reply, ticket
from tests.delivery.scenarios import MANY
from tests.delivery.sessions import at, ingest, prepared, rederive, replace_policy

ASKED = event("e1", "t1", at("09:00"), "message", direction="inbound")
WAITING = ticket("t1", at("09:00"), priority="high")

FIRST_POLICY = Scenario(
    "the first policy and the first ticket",
    prepared(("agents", [{"external_id": "a1"}])),
    [
        ingest("policy", "sla-policies", policy("s1", 3600)),
        ingest("ticket", "tickets", WAITING),
    ],
    limit=MANY,
)

POLICY = Scenario(
    "a policy is replaced and recomputed while the reply comes in",
    prepared(
        ("sla-policies", [policy("s1", 3600)]),
        ("tickets", [WAITING]),
        ("ticket-events", [ASKED]),
    ),
    [
        replace_policy("shorter", policy("s1", 60, 1)),
        ingest("reply", "ticket-events", reply("e2", "t1", at("09:30"), "a1")),
        rederive("derive"),
    ],
    limit=MANY // 2,
)

SLA_SCENARIOS = (FIRST_POLICY, POLICY)
