"""Worked items of what describes other items, of what they cost, and of how soon they are due."""

from typing import Any

SINCE = "2026-01-01T00:00:00Z"

REFERENCE: dict[str, dict[str, Any]] = {
    "inboxes": {
        "inbox": {
            "source": "zd",
            "external_id": "support",
            "source_updated_at": SINCE,
            "label": "Support inbox",
        }
    },
    "queues": {
        "queue": {
            "source": "pbx",
            "external_id": "q1",
            "source_updated_at": SINCE,
            "label": "First line",
        }
    },
    "channels": {
        "channel": {
            "source": "zd",
            "external_id": "email",
            "source_updated_at": SINCE,
            "label": "E-mail",
        }
    },
    "topics": {
        "topic": {
            "source": "zd",
            "external_id": "refund",
            "source_updated_at": SINCE,
            "label": "Refunds",
            "parent": "billing",
            "department": "finance",
            "owner": "Lina Haddad",
        }
    },
    "ticket-types": {
        "type": {
            "source": "zd",
            "external_id": "question",
            "source_updated_at": SINCE,
            "label": "Question",
        }
    },
    "annotations": {
        "release": {
            "source": "product",
            "external_id": "release-5",
            "starts_at": "2026-01-05T08:00:00Z",
            "source_updated_at": SINCE,
            "kind": "release",
            "text": "App 5.0 is out",
            "scope": [{"dimension": "channel", "values": ["app", "chat"]}],
        },
        "season": {
            "source": "product",
            "external_id": "sale",
            "starts_at": "2026-01-02T00:00:00Z",
            "ends_at": "2026-01-16T00:00:00Z",
            "kind": "season",
            "text": "Winter sale",
        },
    },
    "cost-book": {
        "agent": {
            "source": "zd",
            "external_id": "a1-2026",
            "currency": "EUR",
            "valid_from": "2026-01-01",
            "source_updated_at": SINCE,
            "hourly_rate": 31.5,
            "agent": "a1",
        },
        "everybody_else": {
            "source": "zd",
            "external_id": "default-2026",
            "currency": "EUR",
            "valid_from": "2026-01-01",
            "hourly_rate": 24,
        },
        "desks_for_the_sale": {
            "source": "zd",
            "external_id": "desks-2026",
            "currency": "EUR",
            "valid_from": "2026-01-05",
            "valid_to": "2026-01-07",
            "fixed_cost_per_month": 9300,
            "name": "desks",
        },
    },
    "sla-policies": {
        "email": {
            "source": "zd",
            "external_id": "email-2026",
            "valid_from": "2026-01-01",
            "targets": [
                {"metric": "first_response", "seconds": 14400, "hours": "business"},
                {"metric": "first_response", "seconds": 3600, "priority": "urgent"},
                {"metric": "resolution", "seconds": 172800},
            ],
            "source_updated_at": SINCE,
            "name": "E-mail",
            "position": 10,
            "channels": ["email"],
        },
    },
}
