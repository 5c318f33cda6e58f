"""All facts of a tenant, as the model in plain Python has them."""

from collections.abc import Iterator, Mapping

from tests.delivery.model import Fact, FactKey, Item, World
from tests.delivery.model_calls import call_facts
from tests.delivery.model_customers import customer_facts
from tests.delivery.model_feedback import feedback_facts, request_facts
from tests.delivery.model_hours import timed_call, timed_ticket
from tests.delivery.model_people import people_facts
from tests.delivery.model_reviews import review_facts, task_facts
from tests.delivery.model_self_service import form_fact, session_facts, visit_fact
from tests.delivery.model_tickets import ticket_facts

from csapi.facts.kinds import Kind


def expected_facts(world: World) -> dict[FactKey, Fact]:
    """Every fact that is to come of all that was ever sent, in whatever order."""
    facts: dict[FactKey, Fact] = {}

    def add(resource: str, name: str, found: Mapping[tuple[Kind, int], Fact]) -> None:
        facts.update({(resource, name, *key): fact for key, fact in found.items()})

    tickets = world.records["tickets"].keys() | {e["ticket"] for e in world.events.values()}
    for name in tickets:
        ticket, events = world.get("tickets", name), world.events_of(name)
        found = ticket_facts(world, name)
        add(
            "tickets",
            name,
            {key: timed_ticket(world, ticket, events, key[0], fact) for key, fact in found.items()},
        )
    for name, call in world.all("calls"):
        found = call_facts(world, call)
        add("calls", name, {key: timed_call(world, key[0], fact) for key, fact in found.items()})
    for name, request in kept(world, "feedback-requests"):
        add("feedback-requests", name, request_facts(world, name, request))
    for name, answer in kept(world, "feedback"):
        add("feedback", name, feedback_facts(world, answer))
    for name, review in kept(world, "quality-reviews"):
        add("quality-reviews", name, review_facts(world, review))
    for name, task in kept(world, "tasks"):
        add("tasks", name, task_facts(world, task))
    for name, customer in world.all("customers"):
        add("customers", name, customer_facts(world, name, customer))
    facts |= people_facts(world)
    facts |= self_service_facts(world, facts)
    return facts


def self_service_facts(world: World, others: dict[FactKey, Fact]) -> dict[FactKey, Fact]:
    """What no agent takes part in. `others`: the contacts that may follow are among them."""
    facts: dict[FactKey, Fact] = {}
    for name, form in kept(world, "forms"):
        facts["forms", name, Kind.FORM, 0] = form_fact(world, form)
    for name, visit in world.all("kb-events"):
        for kind, fact in visit_fact(world, visit).items():
            facts["kb-events", name, kind, 0] = fact
    contacts = [
        (fact.context[6], fact.at) for key, fact in others.items() if key[2] is Kind.CONTACT
    ]
    for name, session in world.all("sessions"):
        for kind, fact in session_facts(world, session, contacts).items():
            facts["sessions", name, kind, 0] = fact
    return facts


def kept(world: World, resource: str) -> Iterator[tuple[str, Item]]:
    return ((name, item) for name, item in world.all(resource) if not item.get("deleted"))
