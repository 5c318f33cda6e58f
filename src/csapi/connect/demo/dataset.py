"""All records of the demo, as sources would hold them now."""

from dataclasses import dataclass

from csapi.connect.demo.calls import Line
from csapi.connect.demo.feedback import Surveys
from csapi.connect.demo.help_center import Visits, forms
from csapi.connect.demo.machines import Machines
from csapi.connect.demo.partner import Partner
from csapi.connect.demo.people import DESK, PARTNER, Customer, Item, customers_of
from csapi.connect.demo.reviews import reviews
from csapi.connect.demo.span import Span, stream
from csapi.connect.demo.tasks import tasks
from csapi.connect.demo.ticket import Ticket
from csapi.connect.demo.tickets import Desk
from csapi.connect.demo.topics import topics_on
from csapi.connect.demo.workforce import Workforce, work_sessions

DESK_CUSTOMERS, PARTNER_CUSTOMERS = 2_600, 350


@dataclass(frozen=True, slots=True)
class Dataset:
    """`calls`, `requests` and `feedback` are items; tickets of the desk bring their events.

    `others` are the items of all other resources, in the order in which they go out.
    """

    span: Span
    customers: list[Customer]
    tickets: list[Ticket]
    calls: list[Item]
    requests: list[Item]
    feedback: list[Item]
    partner_customers: list[Customer]
    partner_tickets: list[Item]
    partner_feedback: list[Item]
    others: dict[str, list[Item]]


def generate(span: Span) -> Dataset:
    """The same for the same span, whenever and wherever it is made."""
    customers = customers_of(DESK, DESK_CUSTOMERS)
    by_id = {customer.id: customer for customer in customers}
    desk = Desk(span, customers)
    line = Line(span, desk)
    for day in span.dates:
        weights = topics_on(span, day)
        desk.day(day, weights, stream("tickets", day))
        line.day(day, weights, stream("calls", day))
    surveys = Surveys(span)
    for ticket in desk.tickets:
        surveys.after_ticket(ticket)
    for call in line.calls:
        surveys.after_call(call, by_id[call["customer"]])
    for day in span.dates:
        surveys.about_us(day, customers)
    partner_customers = customers_of(PARTNER, PARTNER_CUSTOMERS)
    partner = Partner(span, partner_customers)
    return Dataset(
        span=span,
        customers=customers,
        tickets=desk.tickets,
        calls=line.calls,
        requests=surveys.requests,
        feedback=surveys.feedback,
        partner_customers=partner_customers,
        partner_tickets=partner.tickets,
        partner_feedback=partner.feedback,
        others=others(span, desk, line),
    )


def others(span: Span, desk: Desk, line: Line) -> dict[str, list[Item]]:
    workforce, visits, machines = Workforce(span), Visits(span), Machines(span)
    for ticket in desk.tickets:
        visits.before_ticket(ticket)
    machines.before_tickets(desk.tickets)
    machines.before_calls(line.calls)
    for day in span.dates:
        visits.day(day, desk.customers)
        machines.day(day, desk.customers)
    return {
        "presence": workforce.presence,
        "shifts": workforce.shifts,
        "work-sessions": [*work_sessions(span, desk.tickets)],
        "quality-reviews": [*reviews(span, desk.tickets, line.calls)],
        "tasks": [*tasks(span, desk.roster, desk.tickets)],
        "forms": [*forms(desk.tickets)],
        "kb-events": visits.events,
        "sessions": [*visits.sessions, *machines.sessions],
    }
