"""From records to what is sent: batches, in lanes that can go side by side.

Sources are not tidy, so neither is this: some headers arrive after their events, some versions
late, twice or after a newer one, some answers before their request, and one ticket is deleted.
All records of one customer take the same lane, so that lanes do not wait for each other; records
of nobody but an agent take a lane of the agent's.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto

from csapi.connect.demo.dataset import Dataset
from csapi.connect.demo.feedback import SCALES
from csapi.connect.demo.help_center import articles
from csapi.connect.demo.people import Customer, Item, agent_items, merge_items, team_items
from csapi.connect.demo.policies import policy_items
from csapi.connect.demo.reference import reference_items
from csapi.connect.demo.schedules import schedule_items
from csapi.connect.demo.span import stream
from csapi.connect.demo.ticket import Ticket

LANES = 3
BATCH_ITEMS = 1_000
ATTRIBUTES = {"region": "Region", "product": "Product"}
CORRECTED_AFTER = timedelta(hours=6)


class Disorder(Enum):
    """What is untidy about the delivery of a ticket."""

    LATE_HEADER = auto()
    OLD_VERSION_LAST = auto()
    SENT_TWICE = auto()
    EVENTS_FIRST = auto()
    LATE_EVENT = auto()


SHARES = {
    None: 92.3,
    Disorder.LATE_HEADER: 3.0,
    Disorder.OLD_VERSION_LAST: 0.7,
    Disorder.SENT_TWICE: 1.0,
    Disorder.EVENTS_FIRST: 1.5,
    Disorder.LATE_EVENT: 1.5,
}


@dataclass(frozen=True, slots=True)
class Batch:
    resource: str
    items: list[Item]


@dataclass(slots=True)
class Load:
    """What goes out in the order of the fields; `others` are by resource."""

    events_first: list[Item] = field(default_factory=list)
    tickets: list[Item] = field(default_factory=list)
    events: list[Item] = field(default_factory=list)
    calls: list[Item] = field(default_factory=list)
    feedback_first: list[Item] = field(default_factory=list)
    requests: list[Item] = field(default_factory=list)
    feedback: list[Item] = field(default_factory=list)
    others: dict[str, list[Item]] = field(default_factory=dict)

    def batches(self) -> Iterator[Batch]:
        for resource, items in (
            ("ticket-events", self.events_first),
            ("tickets", self.tickets),
            ("ticket-events", self.events),
            ("calls", self.calls),
            ("feedback", self.feedback_first),
            ("feedback-requests", self.requests),
            ("feedback", self.feedback),
            *self.others.items(),
        ):
            yield from packed(resource, items)


@dataclass(frozen=True, slots=True)
class Lane:
    """`late` goes out last."""

    main: Load = field(default_factory=Load)
    late: Load = field(default_factory=Load)

    def batches(self) -> Iterator[Batch]:
        yield from self.main.batches()
        yield from self.late.batches()


@dataclass(frozen=True, slots=True)
class Deliveries:
    """First everybody and everything that is named elsewhere, then the lanes."""

    people: list[Batch]
    lanes: list[list[Batch]]

    @property
    def batches(self) -> list[Batch]:
        return [*self.people, *(batch for lane in self.lanes for batch in lane)]

    @property
    def amount(self) -> int:
        return sum(len(batch.items) for batch in self.batches)


def packed(resource: str, items: Sequence[Item]) -> Iterator[Batch]:
    for start in range(0, len(items), BATCH_ITEMS):
        yield Batch(resource, list(items[start : start + BATCH_ITEMS]))


def deliveries_of(data: Dataset) -> Deliveries:
    customers = [each.item(data.span) for each in (*data.customers, *data.partner_customers)]
    people = [
        Batch("teams", list(team_items(data.span))),
        Batch("agents", list(agent_items(data.span))),
        Batch("schedules", list(schedule_items(data.span))),
        Batch("sla-policies", list(policy_items(data.span))),
        Batch("kb-articles", list(articles(data.span))),
        *(Batch(resource, items) for resource, items in reference_items(data.span).items()),
        *packed("customers", customers),
        Batch("customers/merge", list(merge_items(data.span))),
    ]
    sorter = Sorter(data)
    sorter.sort()
    return Deliveries(people, [[*lane.batches()] for lane in sorter.lanes])


class Sorter:
    """Puts every record into its lane, and some of them in disorder."""

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self.lanes = [Lane() for _ in range(LANES)]
        self.rng = stream("deliveries")
        everybody: list[Customer] = [*data.customers, *data.partner_customers]
        self.numbers = {customer.id: customer.number for customer in everybody}
        self.has_tombstone = False

    def sort(self) -> None:
        data = self.data
        for ticket in data.tickets:
            self.ticket(ticket)
        for item in data.partner_tickets:
            self.lane(item["customer"]).main.tickets.append(item)
        for call in data.calls:
            self.lane(call["customer"]).main.calls.append(call)
        asked = {}
        for request in data.requests:
            asked[request["external_id"]] = request["customer"]
            self.lane(request["customer"]).main.requests.append(request)
        for item in data.feedback:
            self.answer(item, self.lane(asked[item["request"]]))
        for item in data.partner_feedback:
            self.lane(item["customer"]).main.feedback.append(item)
        about = {ticket.id: ticket.customer.id for ticket in data.tickets}
        about |= {call["external_id"]: call["customer"] for call in data.calls}
        for resource, items in data.others.items():
            for item in items:
                lane = self.lane_of_other(item, about)
                lane.main.others.setdefault(resource, []).append(item)

    def lane_of_other(self, item: Item, about: dict[str, str]) -> Lane:
        subject = item.get("ticket") or item.get("call")
        customer = item.get("customer") or (about[subject] if subject else None)
        if customer is not None:
            return self.lane(customer)
        return self.lanes[int(item["agent"][1:]) % LANES if "agent" in item else 0]

    def lane(self, customer: str) -> Lane:
        return self.lanes[self.numbers[customer] % LANES]

    def ticket(self, ticket: Ticket) -> None:
        lane = self.lane(ticket.customer.id)
        main, late = lane.main, lane.late
        header, first, events = ticket.header(), ticket.first_header, ticket.events
        disorder = self.rng.choices(list(SHARES), list(SHARES.values()))[0] if events else None
        main.tickets.append(first if disorder is Disorder.LATE_HEADER else header)
        if disorder is Disorder.EVENTS_FIRST:
            main.events_first += reversed(events)
        elif disorder is Disorder.LATE_EVENT:
            main.events += events[:-1]
            late.events.append(events[-1])
        else:
            main.events += events
        if disorder is Disorder.SENT_TWICE:
            late.events += events
        if disorder in (Disorder.LATE_HEADER, Disorder.SENT_TWICE):
            late.tickets.append(header)
        elif disorder is Disorder.OLD_VERSION_LAST:
            late.tickets.append(first)
        if ticket.flags and not self.has_tombstone:
            self.has_tombstone = True
            late.tickets.append(tombstone(header))

    def answer(self, item: Item, lane: Lane) -> None:
        chance = self.rng.random()
        if chance < 0.04:
            lane.main.feedback.append(item | {"rating": other_rating(item, self.rng)})
            corrected_at = min(item["responded_at"] + CORRECTED_AFTER, self.data.span.now)
            lane.late.feedback.append(item | {"source_updated_at": corrected_at})
        elif chance < 0.06:
            lane.main.feedback_first.append(item)
        else:
            lane.main.feedback.append(item)


def tombstone(header: Item) -> Item:
    return {
        "source": header["source"],
        "external_id": header["external_id"],
        "created_at": header["created_at"],
        "source_updated_at": header["source_updated_at"] + timedelta(seconds=1),
        "deleted": True,
    }


def other_rating(item: Item, rng: random.Random) -> int:
    """What the customer had clicked first."""
    lowest, highest = SCALES[item["survey"]]
    rating: int = item["rating"]
    return rng.choice([near for near in (rating - 1, rating + 1) if lowest <= near <= highest])
