"""Business time of waits that are there for sure, in any order of what decides it."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.delivery.checks import take_snapshot, violations
from tests.delivery.deliveries import Delivery, Plan, agent_items, arranged, schedule_items
from tests.delivery.expected import expected_facts
from tests.delivery.explorer import DEEP
from tests.delivery.lab import Lab
from tests.delivery.named import named_facts, names_of
from tests.delivery.newest import newest_world
from tests.delivery.strategies import agents, calls, instants, labels, maybe, record, teams, tickets
from tests.delivery.test_laws import PHASES, carry_out

from csapi.facts.kinds import Kind

waiting_tickets = record(
    tickets,
    created_at=instants,
    inbox=maybe(labels),
    assignee=maybe(agents),
    team=maybe(teams),
)
waiting_calls = record(
    calls,
    queue_entered_at=instants,
    outcome=st.just("answered"),
    wait_seconds=st.sampled_from([0, 20.5, 3600, 14_400]),
    agent=maybe(agents),
    team=maybe(teams),
)
assigned = st.fixed_dictionaries(
    {"type": st.just("assigned"), "agent": maybe(agents), "team": maybe(teams)}
)
ends = st.sampled_from(
    [{"type": "message", "direction": "outbound"}, {"type": "status_changed", "to": "solved"}]
)
between = st.sampled_from(
    [
        {"type": "message", "direction": "inbound"},
        *({"type": "status_changed", "to": status} for status in ("open", "pending", "on_hold")),
    ]
)


def on_a_ticket(change: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda ticket, when, change: {
            "ticket": ticket,
            "occurred_at": when,
            **{key: value for key, value in change.items() if value is not None},
        },
        tickets,
        instants,
        change,
    )


def about(resource: str, items: st.SearchStrategy[Any], least: int, most: int) -> Any:
    return st.lists(items, min_size=least, max_size=most).map(
        lambda found: [(resource, {**item, "deleted": False}) for item in found]
    )


def open_more(schedule: dict[str, Any]) -> dict[str, Any]:
    """Where a version has no hours, it is open all day: else nearly every wait has 0 ms."""
    always = [{"day": day, "from": "00:00", "to": "24:00"} for day in ("tuesday", "wednesday")]
    versions = [{**each, "weekly": each["weekly"] or always} for each in schedule["versions"]]
    return {**schedule, "versions": versions}


@st.composite
def waits(draw: st.DrawFn) -> Plan:
    deliveries: list[Delivery] = [
        *draw(about("tickets", waiting_tickets, 1, 3)),
        *draw(about("calls", waiting_calls, 0, 3)),
        *draw(about("agents", agent_items, 0, 2)),
        *draw(about("schedules", schedule_items.map(open_more), 1, 4)),
    ]
    changes = st.one_of(assigned, assigned, between, ends, ends, ends)
    for number, event in enumerate(draw(st.lists(on_a_ticket(changes), min_size=2, max_size=8))):
        deliveries.append(("ticket-events", {"event_id": f"e{number}", **event}))
    return draw(arranged(deliveries))


@given(plan=waits())
@settings(
    max_examples=600 if DEEP else 40,
    deadline=None,
    derandomize=not DEEP,
    phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
async def test_business_time_is_that_of_the_path(lab: Lab, plan: Plan) -> None:
    tenant_id = await lab.make_tenant("UTC")
    await carry_out(lab, plan, tenant_id, "UTC")
    snapshot = await take_snapshot(lab.admin, tenant_id, "UTC")
    assert not violations(snapshot)
    stored = named_facts(snapshot.facts, await names_of(lab.admin, tenant_id))
    expected = expected_facts(newest_world(plan))
    timed = (
        Kind.FIRST_RESPONSE, Kind.RESOLUTION, Kind.CALL, Kind.AWAITED, Kind.TIME_IN_STATUS,
    )  # fmt: skip
    assert {key: fact.business_ms for key, fact in stored.items() if key[2] in timed} == {
        key: fact.business_ms for key, fact in expected.items() if key[2] in timed
    }
