"""The help pages: articles, visits with searches, and forms."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from csapi.connect.demo.people import DESK, Customer, Item
from csapi.connect.demo.phrases import LANGUAGES, phrases
from csapi.connect.demo.span import EVENING, Span, midnight, moments, stream
from csapi.connect.demo.ticket import Ticket
from csapi.connect.demo.topics import NEW_TOPIC, TOPICS, topics_on

VISITS_A_DAY = 10
UNHELPFUL_TOPIC = "setup"
FORMS = {
    "refund": "return request",
    "damaged_item": "return request",
    "warranty": "warranty claim",
    "invoice": "invoice request",
}


def article_name(topic: str, language: str) -> str:
    return f"{topic}-{language}"


def articles(span: Span) -> Iterator[Item]:
    """About every topic but the newest: nobody has written that one yet."""
    for language in LANGUAGES:
        for topic, title in phrases(language).articles.items():
            yield {
                "source": DESK,
                "external_id": article_name(topic, language),
                "source_updated_at": midnight(span.first),
                "topic": topic,
                "language": language,
                "title": title,
                "published": True,
            }


def forms(tickets: Iterable[Ticket]) -> Iterator[Item]:
    """Some of what comes as e-mail was written into a form."""
    for ticket in tickets:
        if ticket.channel == "email" and stream("form", ticket.id).random() < 0.25:
            yield {
                "source": DESK,
                "external_id": f"F-{ticket.id}",
                "submitted_at": ticket.created_at,
                "source_updated_at": ticket.created_at,
                "form": FORMS.get(ticket.topic, "contact"),
                "customer": ticket.customer.id,
                "ticket": ticket.id,
                "channel": "web",
                "custom": {"region": ticket.customer.region},
            }


class Visits:
    """Sessions on the help pages, and what was done in each."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.sessions: list[Item] = []
        self.events: list[Item] = []

    def day(self, day: date, customers: Sequence[Customer]) -> None:
        """People who look for themselves; some are not signed in."""
        rng = stream("visits", day)
        arrivals = moments(day, self.span.amount(day, VISITS_A_DAY, rng), EVENING, rng)
        topics = rng.choices(TOPICS, topics_on(self.span, day), k=len(arrivals))
        for number, (at, topic) in enumerate(zip(arrivals, topics, strict=True)):
            if at > self.span.now - timedelta(minutes=15):
                return
            visitor = rng.choice(customers)
            is_known = rng.random() < 0.78
            visit = Visit(f"V-{day:%y%m%d}-{number}", visitor, topic.key, rng, is_known=is_known)
            self.keep(visit, at, None)

    def before_ticket(self, ticket: Ticket) -> None:
        """Some looked first, in vain."""
        rng = stream("visit", ticket.id)
        if ticket.channel not in ("email", "chat") or rng.random() > 0.07:
            return
        at = ticket.created_at - timedelta(seconds=rng.randint(420, 3600))
        self.keep(Visit(f"V-{ticket.id}", ticket.customer, ticket.topic, rng), at, ticket.id)

    def keep(self, visit: "Visit", at: datetime, ticket: str | None) -> None:
        visit.run(at, finds=visit.rng.random() < (0.55 if ticket else 0.88))
        self.events += visit.events
        self.sessions.append(visit.session(at, ticket))


class Visit:
    """One visit. `is_known`: the customer is signed in."""

    def __init__(
        self,
        name: str,
        visitor: Customer,
        topic: str,
        rng: random.Random,
        *,
        is_known: bool = True,
    ) -> None:
        self.name, self.topic, self.rng = name, topic, rng
        self.language = visitor.language
        self.customer = visitor.id if is_known else None
        self.region = visitor.region
        self.events: list[Item] = []
        self.has_read = False
        self.at: datetime

    def run(self, at: datetime, *, finds: bool) -> None:
        self.at = at
        says, rng = phrases(self.language), self.rng
        if self.topic == NEW_TOPIC or not finds:
            term = says.searches[self.topic] if self.topic == NEW_TOPIC else rng.choice(says.lost)
            self.act("search", term=term, results_count=0)
        if self.topic == NEW_TOPIC or rng.random() < 0.05:
            return
        self.act("search", term=says.searches[self.topic], results_count=rng.randint(1, 8))
        if rng.random() < 0.7:
            self.read()

    def read(self) -> None:
        article = article_name(self.topic, self.language)
        self.act("click", article=article)
        self.act("view", article=article)
        self.has_read = True
        if self.rng.random() < 0.35:
            helps = 0.35 if self.topic == UNHELPFUL_TOPIC else 0.8
            self.act("vote", article=article, is_helpful=self.rng.random() < helps)

    def act(self, kind: str, **fields: object) -> None:
        self.at += timedelta(seconds=self.rng.randint(3, 60))
        self.events.append(
            {
                "source": DESK,
                "external_id": f"{self.name}.{len(self.events) + 1}",
                "type": kind,
                "occurred_at": self.at,
                "source_updated_at": self.at,
                "session": self.name,
                "customer": self.customer,
                "language": self.language,
                "custom": {"region": self.region},
                **fields,
            }
        )

    def session(self, started: datetime, ticket: str | None) -> Item:
        outcome = "resolved" if self.has_read else "abandoned"
        if ticket or self.rng.random() < 0.3:
            outcome = "unknown"
        ended = self.at + timedelta(seconds=self.rng.randint(5, 120))
        return {
            "source": DESK,
            "external_id": self.name,
            "kind": "self_service",
            "started_at": started,
            "ended_at": ended,
            "source_updated_at": ended,
            "outcome": outcome,
            "customer": self.customer,
            "ticket": ticket,
            "topic": self.topic,
            "channel": "web" if self.rng.random() < 0.7 else "app",
            "custom": {"region": self.region},
        }
