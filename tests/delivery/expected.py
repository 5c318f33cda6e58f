"""All facts of a tenant, as the model in plain Python has them."""

from tests.delivery.model import Fact, FactKey, World
from tests.delivery.model_calls import call_facts
from tests.delivery.model_feedback import feedback_fact, request_fact
from tests.delivery.model_hours import timed_call, timed_ticket
from tests.delivery.model_tickets import ticket_facts

from csapi.facts.kinds import Kind


def expected_facts(world: World) -> dict[FactKey, Fact]:
    """Every fact that is to come of all that was ever sent, in whatever order."""
    facts: dict[FactKey, Fact] = {}
    tickets = world.records["tickets"].keys() | {e["ticket"] for e in world.events.values()}
    for name in tickets:
        ticket, events = world.get("tickets", name), world.events_of(name)
        for (kind, ordinal), fact in ticket_facts(world, name).items():
            timed = timed_ticket(world, ticket, events, kind, fact)
            facts["tickets", name, kind, ordinal] = timed
    for name, call in world.all("calls"):
        for (kind, ordinal), fact in call_facts(world, call).items():
            facts["calls", name, kind, ordinal] = timed_call(world, kind, fact)
    for name, request in world.all("feedback-requests"):
        if not request.get("deleted"):
            facts["feedback-requests", name, Kind.FEEDBACK_REQUEST, 0] = request_fact(
                world, name, request
            )
    for name, answer in world.all("feedback"):
        if not answer.get("deleted"):
            kind = Kind[answer["survey"].upper()]
            facts["feedback", name, kind, 0] = feedback_fact(world, answer)
    return facts
