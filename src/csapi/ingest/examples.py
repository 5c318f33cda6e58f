"""One worked item of every kind. The OpenAPI document shows them, and a test sends them."""

from typing import Any

from csapi.ingest.examples_reference import REFERENCE

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

SEARCH = {
    "source": "help",
    "external_id": "v1",
    "type": "search",
    "occurred_at": "2026-01-05T09:40:00Z",
    "session": "s1",
    "term": "return a parcel",
    "results_count": 3,
    "customer": "u7",
    "language": "en",
}

SELF_SERVICE: dict[str, dict[str, Any]] = {
    "forms": {
        "form": {
            "source": "web",
            "external_id": "w1",
            "submitted_at": "2026-01-05T09:30:00Z",
            "form": "return request",
            "customer": "u7",
            "channel": "web",
        }
    },
    "kb-articles": {
        "article": {
            "source": "help",
            "external_id": "k1",
            "source_updated_at": "2026-01-01T00:00:00Z",
            "topic": "refund",
            "language": "en",
            "title": "Return a parcel",
            "published": True,
        }
    },
    "kb-events": {
        "search": SEARCH,
        "click": {
            "source": "help",
            "external_id": "v2",
            "type": "click",
            "occurred_at": "2026-01-05T09:40:20Z",
            "session": "s1",
            "article": "k1",
            "customer": "u7",
        },
        "vote": {
            "source": "help",
            "external_id": "v3",
            "type": "vote",
            "occurred_at": "2026-01-05T09:42:00Z",
            "session": "s1",
            "article": "k1",
            "is_helpful": True,
        },
    },
    "sessions": {
        "visit": {
            "source": "help",
            "external_id": "s1",
            "kind": "self_service",
            "started_at": "2026-01-05T09:39:00Z",
            "ended_at": "2026-01-05T09:45:00Z",
            "outcome": "resolved",
            "customer": "u7",
            "topic": "refund",
            "channel": "web",
        }
    },
}

EXAMPLES: dict[str, dict[str, Any]] = {
    **SELF_SERVICE,
    **REFERENCE,
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
        },
        "history": {
            "source": "zd",
            "external_id": "u8",
            "source_updated_at": "2026-02-11T00:00:00Z",
            "type": "company",
            "registered": True,
            "created_at": "2025-11-03T08:30:00Z",
            "segments": [
                {"segment": "basic", "to": "2026-01-01T00:00:00Z"},
                {"segment": "vip", "from": "2026-01-01T00:00:00Z"},
            ],
            "statuses": [
                {
                    "status": "active",
                    "from": "2025-11-03T08:30:00Z",
                    "to": "2026-02-10T00:00:00Z",
                },
                {"status": "churned", "from": "2026-02-10T00:00:00Z"},
            ],
            "tags": ["reseller"],
            "country": "DE",
        },
    },
    "customers/merge": {
        "same_person": {
            "source": "zd",
            "from": "u9",
            "into": "u7",
            "source_updated_at": "2026-01-04T00:00:00Z",
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
        },
        "review": {
            "source": "stores",
            "external_id": "f2",
            "survey": "csat",
            "rating": 2,
            "responded_at": "2026-01-06T09:00:00Z",
            "site": "app-store",
            "comment": "It crashes",
            "sentiment_label": "negative",
            "sentiment_score": -0.8,
        },
    },
    "quality-reviews": {
        "review": {
            "source": "qa",
            "external_id": "q1",
            "reviewed_at": "2026-01-07T09:00:00Z",
            "agent": "a1",
            "criteria": [
                {"criterion": "tone", "weight": 3, "score": 1},
                {"criterion": "next steps", "weight": 1, "score": 0.5},
                {"criterion": "identity checked", "is_auto_fail": True, "score": None},
            ],
            "reviewer": "a9",
            "call": "c1",
            "channel": "phone",
            "form": "sales",
            "form_version": "3",
        }
    },
    "tasks": {
        "task": {
            "source": "crm",
            "external_id": "k1",
            "source_updated_at": "2026-01-08T15:00:00Z",
            "kind": "call back",
            "assignee": "a2",
            "ticket": "t1",
            "assignments": [
                {"agent": "a1", "at": "2026-01-07T09:00:00Z"},
                {"agent": "a2", "at": "2026-01-08T09:00:00Z"},
            ],
            "completed_at": "2026-01-08T15:00:00Z",
            "due_at": "2026-01-09T00:00:00Z",
        }
    },
    "presence": {
        "break": {
            "source": "pbx",
            "external_id": "p1",
            "agent": "a1",
            "state": "break",
            "started_at": "2026-01-05T10:00:00Z",
            "ended_at": "2026-01-05T10:15:00Z",
        }
    },
    "shifts": {
        "night": {
            "source": "pbx",
            "external_id": "s1",
            "agent": "a1",
            "started_at": "2026-01-05T22:30:00+01:00",
            "ended_at": "2026-01-06T06:15:00+01:00",
        }
    },
    "work-sessions": {
        "chat": {
            "source": "zd",
            "external_id": "w1",
            "agent": "a1",
            "started_at": "2026-01-05T10:02:00Z",
            "ended_at": "2026-01-05T10:06:00Z",
            "ticket": "t1",
            "channel": "chat",
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
