"""A made-up world of some weeks: people who write, call, answer and look things up."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
from tests.delivery.lab import KINDS, SOURCE, Item

from csapi.access.tenancy import tenant_transaction
from csapi.facts.attributes import declare_attribute
from csapi.facts.events import EVENTS
from csapi.ingest.events import ingest_events
from csapi.ingest.service import Intake, Outcome, ingest_records
from csapi.kit.tables import metadata

NOW = datetime(2026, 6, 1, tzinfo=UTC)
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
WEEKS = {"from": "2026-03-01", "to": "2026-04-05"}
PEOPLE = 6
# Whom tests erase: one person under two names.
VICTIM, OTHER_NAME = "victim-4711", "victim-other"
SECRETS = (
    "victim-4711", "victim-other", "Vera Victim", "vera@example.org", "+49 30 4711", "victim words",
)  # fmt: skip


async def push(
    intake: Intake, tenant_id: UUID, resource: str, items: Iterable[Item]
) -> list[Outcome]:
    """Hand items to the production coroutine of their resource; what became of each."""
    kind = KINDS[resource]
    raw = [msgspec.json.encode({"source": SOURCE, **item}) for item in items]
    ingest = ingest_events if kind is EVENTS else ingest_records
    return await ingest(intake, tenant_id, kind, raw, NOW)


def at(dice: random.Random, days: float = 28) -> datetime:
    return START + timedelta(minutes=dice.randrange(int(days * 24 * 60)))


def text(moment: datetime) -> str:
    return moment.isoformat()


def customer_items() -> list[Item]:
    people: list[Item] = [
        {
            "external_id": f"u{number}",
            "name": f"Person {number}",
            "email": f"p{number}@example.org",
            "segment": ("vip", "basic")[number % 2],
            "created_at": text(START + timedelta(days=number)),
            "statuses": [{"status": "active", "from": text(START)}],
            "country": "DE",
        }
        for number in range(PEOPLE)
    ]
    victim = {
        "external_id": VICTIM,
        "name": "Vera Victim",
        "email": "vera@example.org",
        "phone": "+49 30 4711",
        "company": "victim words",
        "segment": "vip",
        "created_at": text(START),
        "statuses": [{"status": "active", "from": text(START)}],
        "tags": ["newsletter"],
        "custom": {"plan": "gold", "diary": "victim words"},
    }
    return [*people, victim, {**victim, "external_id": OTHER_NAME, "segment": "basic"}]


def ticket_items(dice: random.Random, who: str, number: int) -> dict[str, list[Item]]:
    """A ticket with its events, request, feedback, review and task."""
    name, opened = f"t{number}", at(dice)
    said = "victim words" if who in (VICTIM, OTHER_NAME) else "some words"
    later = [opened + timedelta(minutes=dice.randrange(1, 600) * n) for n in range(1, 6)]
    custom = {"plan": dice.choice(["gold", "basic"]), "diary": said}
    ticket = {
        "external_id": name, "created_at": text(opened), "channel": dice.choice(["email", "chat"]),
        "topic": dice.choice(["billing", "refund"]), "status": "solved", "customer": who,
        "assignee": "a1", "subject": f"{said} in a subject", "custom": custom, "tags": ["x"],
    }  # fmt: skip
    message = {"ticket": name, "type": "message", "body": said}
    events: list[Item] = [
        {**message, "event_id": f"{name}-1", "occurred_at": text(opened), "direction": "inbound",
         "actor": who, "actor_type": "customer"},
        {**message, "event_id": f"{name}-2", "occurred_at": text(later[0]), "actor": "a1",
         "direction": "outbound", "sentiment_label": "positive", "sentiment_score": 0.5},
        {"event_id": f"{name}-3", "ticket": name, "type": "status_changed", "from": "open",
         "to": "solved", "occurred_at": text(later[1])},
    ]  # fmt: skip
    answer = {
        "external_id": f"f{number}", "survey": "csat", "rating": dice.randint(1, 5),
        "responded_at": text(later[3]), "request": f"r{number}", "comment": said,
        "language": "en", "sentiment_label": "negative", "custom": custom,
    }  # fmt: skip
    return {
        "tickets": [ticket],
        "ticket-events": events,
        "feedback-requests": [
            {"external_id": f"r{number}", "sent_at": text(later[2]), "ticket": name}
        ],
        "feedback": [answer] if number % 2 else [{**answer, "customer": who}],
        "quality-reviews": [
            {"external_id": f"q{number}", "reviewed_at": text(later[4]), "agent": "a1",
             "ticket": name, "comment": said, "criteria": [{"criterion": "tone", "score": 0.5}]}
        ],
        "tasks": [
            {"external_id": f"k{number}", "title": said, "assignee": "a1", "ticket": name,
             "assigned_at": text(later[0]), "completed_at": text(later[1])}
        ],
        "work-sessions": [
            {"external_id": f"w{number}", "agent": "a1", "ticket": name, "started_at": text(opened),
             "ended_at": text(opened + timedelta(minutes=7)), "custom": custom}
        ],
    }  # fmt: skip


def other_items(dice: random.Random, who: str, number: int) -> dict[str, list[Item]]:
    """A call, and what somebody does without an agent."""
    began = at(dice)
    said = "victim words" if who in (VICTIM, OTHER_NAME) else "some words"
    custom = {"plan": "gold", "diary": said}
    visit = {"session": f"s{number}", "occurred_at": text(began), "customer": who}
    return {
        "calls": [
            {"external_id": f"c{number}", "queue_entered_at": text(began), "customer": who,
             "outcome": "answered", "wait_seconds": number, "agent": "a1", "custom": custom}
        ],
        "sessions": [
            {"external_id": f"s{number}", "kind": "bot", "started_at": text(began),
             "ended_at": text(began + timedelta(minutes=3)), "customer": who, "custom": custom}
        ],
        "forms": [
            {"external_id": f"m{number}", "submitted_at": text(began), "customer": who,
             "custom": custom}
        ],
        "kb-events": [
            {**visit, "external_id": f"e{number}", "type": "search", "term": said,
             "results_count": 3},
            {**visit, "external_id": f"d{number}", "type": "click"},
        ],
    }  # fmt: skip


def items_of_all() -> list[tuple[str, list[Item]]]:
    dice = random.Random(4)
    everybody = [f"u{number}" for number in range(PEOPLE)]
    given: dict[str, list[Item]] = {}
    for number in range(30):
        who = VICTIM if number % 5 == 0 else dice.choice(everybody)
        who = OTHER_NAME if number % 15 == 0 else who
        for made in (ticket_items(dice, who, number), other_items(dice, who, number)):
            for resource, items in made.items():
                given.setdefault(resource, []).extend(items)
    merge = {"from": OTHER_NAME, "into": VICTIM}
    first = [
        ("agents", [{"external_id": "a1", "name": "Agnes"}]),
        ("customers", customer_items()),
        ("customers/merge", [merge]),
    ]
    return [*first, *given.items()]


async def fill(intake: Intake, pool: asyncpg.Pool, tenant_id: UUID) -> None:
    async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
        await declare_attribute(connection, tenant_id, "plan", "Plan")
    for resource, items in items_of_all():
        outcomes = await push(intake, tenant_id, resource, items)
        assert all(each.status == "created" for each in outcomes), outcomes


async def mentions(admin: asyncpg.Connection, tenant_id: UUID) -> dict[str, int]:
    """Rows in which something of the victim stands, in all tables of the tenant."""
    found = {}
    for table in metadata.sorted_tables:
        if "tenant_id" not in table.c:
            continue
        count = await admin.fetchval(
            f"SELECT count(*) FROM {table.name} t WHERE tenant_id = $1 AND EXISTS ("
            "SELECT 1 FROM unnest($2::text[]) AS s (text) WHERE strpos(t::text, s.text) > 0)",
            tenant_id,
            list(SECRETS),
        )
        if count:
            found[table.name] = count
    return found
