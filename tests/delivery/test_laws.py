"""Whatever the order, the doubles and the batches: the same facts, those of the definitions."""

from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.delivery.checks import take_snapshot, violations
from tests.delivery.deliveries import (
    Plan,
    about,
    call_items,
    feedback_items,
    plans,
    ticket_items,
    timelines,
)
from tests.delivery.deliveries_customers import customer_items, merge_items
from tests.delivery.deliveries_reference import cost_items
from tests.delivery.deliveries_self_service import session_items, visit_items
from tests.delivery.expected import expected_facts
from tests.delivery.explorer import DEEP
from tests.delivery.lab import KINDS, SOURCE, Lab, drain, take_in
from tests.delivery.model import Fact, FactKey, World, nearest_ms
from tests.delivery.named import named_facts, names_of, raw_state
from tests.delivery.newest import newest_world

from csapi.access.tenancy import tenant_transaction
from csapi.facts.attributes import declare_attribute
from csapi.facts.kinds import Kind
from csapi.facts.schedule_periods import ask_for_recompute
from csapi.ingest.service import Intake

# Explaining a failure costs more than finding it.
PHASES = [phase for phase in Phase if phase is not Phase.explain]
# Few kinds of records, so that they get in each other's way.
VISITS = st.one_of(
    *[about("kb-events", visit_items)] * 3,
    about("sessions", session_items),
    about("tickets", ticket_items),
    about("calls", call_items),
)
PEOPLE = st.one_of(
    about("customers", customer_items),
    *[about("customers/merge", merge_items)] * 2,
    about("tickets", ticket_items),
    about("calls", call_items),
    about("sessions", session_items),
    about("feedback", feedback_items),
)
COSTS = st.one_of(*[about("cost-book", cost_items)] * 3, timelines)
ZONES = st.sampled_from(["UTC", "America/St_Johns", "Asia/Kathmandu"])


async def declare(lab: Lab, tenant_id: UUID) -> None:
    async with tenant_transaction(lab.api, tenant_id, lock="exclusive") as connection:
        await declare_attribute(connection, tenant_id, "plan", "plan")


async def recompute(lab: Lab, tenant_id: UUID, zone: str) -> None:
    """Business time is that of the schedules as they are now: here some came last."""
    async with tenant_transaction(lab.api, tenant_id) as connection:
        await ask_for_recompute(connection, tenant_id, 0)
    await drain(lab.worker, tenant_id, zone)


async def carry_out(lab: Lab, plan: Plan, tenant_id: UUID, zone: str) -> Intake:
    """Do what the plan says, and let the worker finish."""
    intake = lab.intake()
    for number, batch in enumerate([*plan.batches, None]):
        if number == plan.declare_before:
            await declare(lab, tenant_id)
        if batch is None:
            await drain(lab.worker, tenant_id, zone)
        else:
            await take_in(intake, tenant_id, *batch)
    await recompute(lab, tenant_id, zone)
    return intake


def with_gaps(facts: dict[FactKey, Fact]) -> dict[FactKey, Fact]:
    """Gaps to the previous and next contact of the same customer."""
    contacts: dict[str, list[tuple[Any, int, FactKey]]] = {}
    for key, fact in facts.items():
        customer = fact.context[6]
        if key[2] is Kind.CONTACT and customer:
            contacts.setdefault(customer, []).append((fact.at, key[3], key))
    found = dict(facts)
    for theirs in contacts.values():
        theirs.sort()
        whens = [when for when, *_ in theirs]
        gaps = [None, *(nearest_ms(b - a) for a, b in pairwise(whens)), None]
        for place, (*_, key) in enumerate(theirs):
            found[key] = replace(facts[key], duration_ms=gaps[place], gap_next_ms=gaps[place + 1])
    return found


def expected_raw(world: World) -> dict[str, dict[str, Any]]:
    return {
        resource: {
            name: msgspec.convert({"source": SOURCE, **item}, KINDS[resource].item)
            for name, item in items.items()
        }
        for resource, items in world.records.items()
        if items
    }


async def check_replay(lab: Lab, plan: Plan, tenant_id: UUID, intake: Intake) -> None:
    """Everything once more, backwards: nothing is new, and nothing is marked."""
    before = await lab.admin.fetch("SELECT *, xmin FROM facts WHERE tenant_id = $1", tenant_id)
    for resource, item in reversed(plan.deliveries):
        for outcome in await take_in(intake, tenant_id, resource, [item]):
            assert outcome.status in ("duplicate", "stale"), (resource, item, outcome.status)
    after = await lab.admin.fetch("SELECT *, xmin FROM facts WHERE tenant_id = $1", tenant_id)
    assert after == before
    for table in ("marks", "subject_marks", "reference_marks"):
        sql = f"SELECT count(*) FROM {table} WHERE tenant_id = $1"
        assert await lab.admin.fetchval(sql, tenant_id) == 0


def thorough(examples: int) -> settings:
    return settings(
        max_examples=1500 if DEEP else examples,
        deadline=None,
        derandomize=not DEEP,
        phases=PHASES,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        print_blob=True,
    )


@given(plan=plans(), zone=ZONES)
@thorough(28)
async def test_any_order_gives_the_facts_of_the_definitions(
    lab: Lab, plan: Plan, zone: str
) -> None:
    await check_plan(lab, plan, zone)


@given(plan=plans(timelines, most_events=0), zone=ZONES)
@thorough(28)
async def test_any_order_gives_the_same_timelines(lab: Lab, plan: Plan, zone: str) -> None:
    """Presence and shifts of two agents alone: all of them depend on each other."""
    await check_plan(lab, plan, zone)


@given(plan=plans(COSTS, most_events=0), zone=ZONES)
@thorough(28)
async def test_any_order_of_rates_and_paid_time_gives_the_same_costs(
    lab: Lab, plan: Plan, zone: str
) -> None:
    """What an hour costs depends on shifts, presence, teams and the cost book."""
    await check_plan(lab, plan, zone)


@given(plan=plans(VISITS, most=16, most_events=0))
@thorough(20)
async def test_any_order_of_visits_and_contacts_gives_the_same_facts(lab: Lab, plan: Plan) -> None:
    """A session depends on its events, on its ticket, and on its customer's contacts."""
    await check_plan(lab, plan, "UTC")


@given(plan=plans(PEOPLE, most=14, most_events=3), zone=ZONES)
@thorough(10)
async def test_any_order_of_merges_and_contacts_gives_the_same_facts(
    lab: Lab, plan: Plan, zone: str
) -> None:
    """Gaps, sessions and stocks depend on who is one and the same, and that on all merges."""
    await check_plan(lab, plan, zone)


async def check_plan(lab: Lab, plan: Plan, zone: str) -> None:
    tenant_id = await lab.make_tenant(zone)
    intake = await carry_out(lab, plan, tenant_id, zone)

    snapshot = await take_snapshot(lab.admin, tenant_id, zone)
    assert not violations(snapshot)
    assert snapshot.is_drained
    world = newest_world(plan)
    world.zone = zone
    expected = expected_facts(world)
    stored = named_facts(snapshot.facts, await names_of(lab.admin, tenant_id))
    assert stored == with_gaps(expected)
    raw = await raw_state(lab.admin, tenant_id)
    assert raw.pop("ticket-events").keys() == world.events.keys()
    assert {name: items for name, items in raw.items() if items} == expected_raw(world)
    await check_replay(lab, plan, tenant_id, intake)
