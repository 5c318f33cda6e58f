"""Targets are decided the same way in any order of what decides them."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.delivery.checks import take_snapshot, violations
from tests.delivery.deliveries import (
    Delivery,
    Plan,
    agent_items,
    arranged,
    changes,
    schedule_items,
    ticket_items,
)
from tests.delivery.explorer import DEEP
from tests.delivery.lab import Lab, drain
from tests.delivery.model import Fact, FactKey, World
from tests.delivery.model_cycles import METRICS
from tests.delivery.model_sla import Cell, active_at, decisions, sla_facts
from tests.delivery.named import named_facts, names_of
from tests.delivery.newest import newest_world
from tests.delivery.strategies import START, labels, maybe, record, teams
from tests.delivery.test_hours import about, on_a_ticket, open_more
from tests.delivery.test_laws import PHASES, carry_out, check_replay

from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import SLA_KINDS, Kind
from csapi.facts.sla_targets import ask_for_recompute

one_target = st.fixed_dictionaries(
    {
        "metric": st.sampled_from(METRICS),
        "seconds": st.sampled_from([1, 60, 900, 3600, 7200, 14_400]),
        "priority": maybe(labels),
        "hours": st.sampled_from(["calendar", "calendar", "business"]),
    }
)
policy_items = record(
    st.sampled_from(["s1", "s2", "s3"]),
    valid_from=st.sampled_from(["2026-01-01", "2026-03-31"]),
    valid_to=st.sampled_from([None, None, "2026-04-01", "2026-04-02"]),
    position=st.integers(0, 1),
    targets=st.lists(
        one_target,
        min_size=1,
        max_size=6,
        unique_by=lambda each: (each["metric"], each["priority"]),
    ),
    **{
        name: st.one_of(st.just([]), st.just([]), st.lists(values, max_size=2, unique=True))
        for name, values in (
            ("channels", labels), ("inboxes", labels), ("types", labels), ("priorities", labels),
            ("teams", teams),
        )
    },
)  # fmt: skip


@st.composite
def targets(draw: st.DrawFn) -> Plan:
    deliveries: list[Delivery] = [
        *draw(about("tickets", ticket_items, 1, 3)),
        *draw(about("agents", agent_items, 0, 2)),
        *draw(about("schedules", schedule_items.map(open_more), 0, 2)),
        *draw(st.lists(policy_items, min_size=1, max_size=4).map(of_policies)),
    ]
    for number, event in enumerate(draw(st.lists(on_a_ticket(changes), max_size=10))):
        deliveries.append(("ticket-events", {"event_id": f"e{number}", **event}))
    return draw(arranged(deliveries))


def of_policies(found: list[dict[str, Any]]) -> list[Delivery]:
    return [("sla-policies", item) for item in found]


def tickets_of(world: World) -> set[str]:
    return {*world.records["tickets"], *(event["ticket"] for event in world.events.values())}


def stored_active(facts: dict[FactKey, Fact], when: datetime) -> Counter[Cell]:
    """The sum of all changes up to an instant."""
    found: Counter[Cell] = Counter()
    for key, fact in facts.items():
        if key[2] is Kind.SLA_ACTIVE and fact.at <= when:
            who = (fact.actor_agent, fact.actor_team, fact.context[4], fact.context[5])
            found[(METRICS[fact.outcome - 1], *who)] += (fact.value or 0) // 10_000
    assert min(found.values(), default=0) >= 0
    return +found


@given(plan=targets())
@settings(
    max_examples=600 if DEEP else 15,
    deadline=None,
    derandomize=not DEEP,
    phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
async def test_targets_are_those_of_the_whole_history(lab: Lab, plan: Plan) -> None:
    tenant_id = await lab.make_tenant("UTC")
    intake = await carry_out(lab, plan, tenant_id, "UTC")
    async with tenant_transaction(lab.api, tenant_id) as connection:
        await ask_for_recompute(connection, tenant_id)
    await drain(lab.worker, tenant_id, "UTC")
    snapshot = await take_snapshot(lab.admin, tenant_id, "UTC")
    assert not violations(snapshot)
    named = named_facts(snapshot.facts, await names_of(lab.admin, tenant_id))
    stored = {key: fact for key, fact in named.items() if key[2] in SLA_KINDS}
    world = newest_world(plan)
    decided = {key: fact for key, fact in stored.items() if key[2] is not Kind.SLA_ACTIVE}
    known = {name: list(decisions(world, name)) for name in tickets_of(world)}
    assert {key: without_due(fact) for key, fact in decided.items()} == {
        ("tickets", name, *key): fact
        for name, theirs in known.items()
        for key, fact in sla_facts(theirs).items()
    }
    for minutes in range(-10, 400, 37):
        when = START + timedelta(minutes=minutes, microseconds=7)
        assert stored_active(stored, when) == active_at(chain(*known.values()), when)
    await check_replay(lab, plan, tenant_id, intake)


def without_due(fact: Fact) -> Fact:
    """How long it would have had is told by the breaches; here it may only not be negative."""
    assert fact.gap_next_ms is None or fact.gap_next_ms >= 0
    return replace(fact, gap_next_ms=None)
