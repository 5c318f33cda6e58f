"""What names stand for, what happened around the numbers, and what the work costs."""

from collections.abc import Iterator
from datetime import timedelta

from csapi.connect.demo.people import DESK, WEAK_AGENT, Item
from csapi.connect.demo.span import Span, midnight
from csapi.connect.demo.topics import GROWING_TOPIC, NEW_FOR_DAYS, OUTAGE_TOPIC

CURRENCY = "SAR"
LABELS = {
    "inboxes": {
        "support-mail": "Support mailbox",
        "billing-mail": "Billing mailbox",
        "website": "Chat on the site",
        "whatsapp-ksa": "WhatsApp line",
        "social": "Social media",
        "hotline": "Phone line",
        "marketplace": "Marketplace partner",
    },
    "queues": {
        "general": "First line",
        "billing": "Billing line",
        "technical": "Technical line",
        "vip": "VIP line",
    },
    "channels": {
        "email": "E-mail",
        "chat": "Chat",
        "whatsapp": "WhatsApp",
        "social": "Social media",
        "phone": "Phone",
        "web": "Web",
        "app": "App",
    },
    "ticket-types": {
        "question": "Question",
        "problem": "Problem",
        "request": "Request",
        "complaint": "Complaint",
    },
}
# Main topic -> its label, the responsible department, the topics below it. The newest topic has no
# record yet: nobody has taken it on.
MAIN_TOPICS = {
    "orders": (
        "Orders and delivery",
        "Logistics",
        ("order_status", GROWING_TOPIC, "damaged_item", "store_pickup"),
    ),
    "money": ("Payment", "Finance", ("refund", "invoice", OUTAGE_TOPIC)),
    "devices": ("Devices", "Product", ("login", "setup", "warranty")),
    "advice": ("Advice", "Sales", ("product_question",)),
}
TEAM_RATES = {"billing": 48, "technical": 52.5, "vip": 60}
RAISE = 1.06
FIXED_COSTS = {"licences": 14_500, "rent": 38_000}


def reference_items(span: Span) -> dict[str, list[Item]]:
    """Items by resource, in the order in which they go out."""
    found = {
        resource: [described(span, key, label=label) for key, label in labels.items()]
        for resource, labels in LABELS.items()
    }
    return {
        **found,
        "topics": [*topics(span)],
        "annotations": [*annotations(span)],
        "cost-book": [*cost_book(span)],
    }


def described(span: Span, key: str, **fields: object) -> Item:
    return {
        "source": DESK,
        "external_id": key,
        "source_updated_at": midnight(span.first),
        **fields,
    }


def topics(span: Span) -> Iterator[Item]:
    for key, (label, department, below) in MAIN_TOPICS.items():
        yield described(span, key, label=label, department=department)
        for topic in below:
            name = topic.replace("_", " ").capitalize()
            yield described(span, topic, label=name, parent=key)


def annotations(span: Span) -> Iterator[Item]:
    outage = midnight(span.outage)
    yield note(
        span,
        "outage",
        "bug",
        "Card payments failed",
        starts_at=outage + timedelta(hours=8),
        ends_at=outage + timedelta(hours=23),
        scope=[{"dimension": "topic", "values": [OUTAGE_TOPIC]}],
    )
    customs = midnight(span.today - timedelta(days=NEW_FOR_DAYS))
    yield note(span, "customs", "policy", "Customs fees are charged", starts_at=customs)
    release = midnight(span.today - timedelta(days=23)) + timedelta(hours=10)
    yield note(span, "app-5", "release", "App 5.0 is out", starts_at=release)
    sale = midnight(span.today - timedelta(days=12))
    ends = sale + timedelta(days=5)
    yield note(span, "sale", "campaign", "Spring sale", starts_at=sale, ends_at=ends)


def note(span: Span, key: str, kind: str, text: str, **fields: object) -> Item:
    return described(span, key, kind=kind, text=text, **fields)


def cost_book(span: Span) -> Iterator[Item]:
    """Hourly rates, all of them raised half way, and what the house costs."""
    half_way = span.first + timedelta(days=span.days // 2)
    for day, factor in ((span.first, 1.0), (half_way, RAISE)):
        since = {"currency": CURRENCY, "valid_from": day}
        name = f"{day:%y%m%d}"
        yield described(span, f"H-{name}", hourly_rate=round(42 * factor, 2), **since)
        for team, rate in TEAM_RATES.items():
            amount = round(rate * factor, 2)
            yield described(span, f"H-{team}-{name}", hourly_rate=amount, team=team, **since)
    yield described(
        span,
        f"H-{WEAK_AGENT}",
        currency=CURRENCY,
        valid_from=span.first,
        hourly_rate=38,
        agent=WEAK_AGENT,
    )
    for name, monthly in FIXED_COSTS.items():
        yield described(
            span,
            f"F-{name}",
            currency=CURRENCY,
            valid_from=span.first,
            valid_to=span.today + timedelta(days=1),
            fixed_cost_per_month=monthly,
            name=name,
        )
