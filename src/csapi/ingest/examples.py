"""One worked item of every kind. The OpenAPI document shows them, and a test sends them."""

from typing import Any

CALL = {
    "source": "pbx",
    "external_id": "c1",
    "queue_entered_at": "2026-01-05T10:00:00Z",
    "source_updated_at": "2026-01-05T10:05:00Z",
    "outcome": "answered",
    "answered_at": "2026-01-05T10:00:12Z",
    "ended_at": "2026-01-05T10:03:12Z",
    "agent": "a1",
    "queue": "q1",
    "customer": "u7",
    "topic": "billing",
    "resolved": True,
    "legs": [{"agent": "a1", "talk_seconds": 180, "after_call_work_seconds": 20}],
}

TICKET = {
    "source": "zd",
    "external_id": "t1",
    "created_at": "2026-01-05T10:00:00Z",
    "source_updated_at": "2026-01-05T11:00:00Z",
    "channel": "email",
    "topic": "refund",
    "priority": "high",
    "status": "solved",
    "customer": "u7",
    "assignee": "a1",
    "milestones": {
        "first_reply_at": "2026-01-05T10:06:00Z",
        "first_reply_by": "a1",
        "first_solved_at": "2026-01-05T10:40:00Z",
        "messages_in": 2,
        "messages_out": 1,
    },
    "custom": {"manager": "Kim"},
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "agents": {
        "agent": {
            "source": "zd",
            "external_id": "a1",
            "source_updated_at": "2026-01-01T00:00:00Z",
            "name": "Kim Lee",
            "memberships": [
                {"team": "support", "to": "2026-03-01T00:00:00Z"},
                {"team": "billing", "from": "2026-03-01T00:00:00Z"},
            ],
        }
    },
    "teams": {"team": {"source": "zd", "external_id": "support", "name": "Support"}},
    "schedules": {
        "office": {
            "source": "zd",
            "external_id": "office",
            "source_updated_at": "2026-01-01T00:00:00Z",
            "timezone": "Europe/Berlin",
            "versions": [
                {
                    "valid_from": "2026-01-01",
                    "weekly": [
                        {"day": "monday", "from": "09:00", "to": "12:30"},
                        {"day": "monday", "from": "13:30", "to": "17:30"},
                        {"day": "tuesday", "from": "09:00", "to": "17:30"},
                    ],
                    "holidays": {"country": "DE", "subdivision": "BE"},
                    "extra_dates": [{"date": "2026-12-22", "to": "12:00"}],
                }
            ],
            "teams": ["support"],
            "is_default": True,
        }
    },
    "customers": {
        "customer": {
            "source": "zd",
            "external_id": "u7",
            "source_updated_at": "2026-01-01T00:00:00Z",
            "name": "Lina Haddad",
            "segment": "vip",
        }
    },
    "tickets": {"ticket": TICKET},
    "calls": {"call": CALL},
    "feedback-requests": {
        "request": {
            "source": "zd",
            "external_id": "r1",
            "sent_at": "2026-01-05T12:00:00Z",
            "survey": "csat",
            "ticket": "t1",
            "agent": "a1",
        }
    },
    "feedback": {
        "rating": {
            "source": "zd",
            "external_id": "f1",
            "survey": "csat",
            "rating": 4,
            "responded_at": "2026-01-06T09:00:00Z",
            "request": "r1",
            "comment": "Quick and kind",
        }
    },
    "ticket-events": {
        "reply": {
            "source": "zd",
            "event_id": "e1",
            "ticket": "t1",
            "type": "message",
            "occurred_at": "2026-01-05T10:06:00Z",
            "actor": "a1",
            "actor_type": "agent",
            "direction": "outbound",
        },
        "solved": {
            "source": "zd",
            "event_id": "e2",
            "ticket": "t1",
            "type": "status_changed",
            "occurred_at": "2026-01-05T10:40:00Z",
            "from": "open",
            "to": "solved",
        },
    },
}
