"""All facts of a tenant, as the model in plain Python has them."""

from tests.delivery.model import Fact, FactKey, World
from tests.delivery.model_calls import call_facts
from tests.delivery.model_feedback import feedback_fact, request_fact
from tests.delivery.model_self_service import form_fact, session_facts, visit_fact
from tests.delivery.model_tickets import ticket_facts

from csapi.facts.kinds import Kind


def expected_facts(world: World) -> dict[FactKey, Fact]:
    """Every fact that is to come of all that was ever sent, in whatever order."""
    facts: dict[FactKey, Fact] = {}
    tickets = world.records["tickets"].keys() | {e["ticket"] for e in world.events.values()}
    for name in tickets:
        for (kind, ordinal), fact in ticket_facts(world, name).items():
            facts["tickets", name, kind, ordinal] = fact
    for name, call in world.all("calls"):
        for (kind, ordinal), fact in call_facts(world, call).items():
            facts["calls", name, kind, ordinal] = fact
    for name, request in world.all("feedback-requests"):
        if not request.get("deleted"):
            facts["feedback-requests", name, Kind.FEEDBACK_REQUEST, 0] = request_fact(
                world, name, request
            )
    for name, answer in world.all("feedback"):
        if not answer.get("deleted"):
            kind = Kind[answer["survey"].upper()]
            facts["feedback", name, kind, 0] = feedback_fact(world, answer)
    return facts | self_service_facts(world, facts)


def self_service_facts(world: World, others: dict[FactKey, Fact]) -> dict[FactKey, Fact]:
    """What no agent takes part in. `others`: the contacts that may follow are among them."""
    facts: dict[FactKey, Fact] = {}
    for name, form in world.all("forms"):
        if not form.get("deleted"):
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
