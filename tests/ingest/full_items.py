"""One item of every kind with every field filled."""

from typing import Any

AT, NEXT, LAST = "2026-01-05T10:00:00Z", "2026-01-05T10:00:12.5Z", "2026-01-05T13:03:12+03:00"
PERSON = {"email": "a@example.org", "name": "Lina \u0644\u064a\u0646\u0627"}
COMMON = {
    "source_updated_at": "2026-01-05T10:05:00.000001Z",
    "custom": {"manager": "Kim", "floor": 3, "share": 0.25, "vip": True, "note": None},
    "deleted": False,
}

FULL: dict[str, dict[str, Any]] = {
    "agents": {
        "source": "zd", "external_id": "a1", **PERSON, "kind": "human", "active": False,
        "team": None, "memberships": [{"team": "t1", "from": None, "to": AT},
                                      {"team": "t2", "from": AT, "to": None}], **COMMON,
    },
    "teams": {"source": "zd", "external_id": "t1", "name": "Support", **COMMON},
    "schedules": {
        "source": "zd", "external_id": "office", "timezone": "Asia/Riyadh", "name": "Office",
        "versions": [
            {
                "valid_from": "2026-01-01", "valid_to": "2027-01-01",
                "weekly": [{"day": "sunday", "from": "08:00", "to": "12:30"},
                           {"day": "sunday", "from": "13:30", "to": "24:00"}],
                "holidays": {"country": "SA", "subdivision": None},
                "extra_dates": [{"date": "2026-03-01", "from": "10:00", "to": "14:00"},
                                {"date": "2026-03-02", "from": None, "to": None}],
            }
        ],
        "teams": ["t1", "t2"], "inboxes": ["main"], "is_default": True, **COMMON,
    },
    "customers": {
        "source": "zd", "external_id": "u7", **PERSON, "phone": "+49 30 1", "company": "Acme",
        "segment": "vip", "locale": "de-DE", "country": "DE", **COMMON,
    },
    "tickets": {
        "source": "zd", "external_id": "t1", "created_at": AT, "channel": "email", "inbox": "main",
        "type": "question", "topic": "refund", "priority": "high", "status": "solved",
        "customer": "u7", "initiated_by": "agent", "assignee": "a1", "team": "t1",
        "subject": "Where is it?", "tags": ["x", "y"], "is_test": False, "is_spam": True,
        "merged_into": "t9",
        "milestones": {
            "first_reply_at": NEXT, "first_reply_by": "a1", "first_assigned_at": AT,
            "first_solved_at": NEXT, "last_solved_at": LAST, "solved_by": "a1", "reopen_count": 0,
            "messages_in": 2, "messages_out": 1_000_000,
        },
        **COMMON,
    },
    "ticket-events": {
        "source": "zd", "event_id": "e1", "ticket": "t1", "type": "message", "occurred_at": NEXT,
        "sequence": -1, "actor": "a1", "actor_type": "agent", "direction": "outbound",
        "is_public": True, "is_auto_reply": False, "in_reply_to": "e0", "channel": "email",
        "body": "Thanks", "from": "a", "to": "b", "agent": "a1", "team": "t1", "tag": "x",
    },
    "calls": {
        "source": "pbx", "external_id": "c1", "queue_entered_at": AT, "direction": "inbound",
        "outcome": "answered", "answered_at": NEXT, "abandoned_at": None, "ended_at": LAST,
        "wait_seconds": 12.5, "agent": "a1", "team": "t1", "queue": "q1", "customer": "u7",
        "ticket": "t1", "topic": "billing", "type": "in", "priority": "1", "resolved": True,
        "legs": [
            {"agent": "a1", "started_at": NEXT, "ended_at": LAST, "ring_seconds": 3,
             "talk_seconds": 180.25, "hold_seconds": 0, "after_call_work_seconds": 20,
             "transferred_to": "a2"},
            {"agent": "a2", "started_at": None, "ended_at": None, "ring_seconds": None,
             "talk_seconds": 1, "hold_seconds": None, "after_call_work_seconds": None,
             "transferred_to": None},
        ],
        "tags": ["x"], **COMMON,
    },
    "feedback-requests": {
        "source": "s", "external_id": "r1", "sent_at": AT, "survey": "ces", "channel": "email",
        "ticket": "t1", "call": "c1", "agent": "a1", "team": "t1", "customer": "u7",
        "delivered_at": NEXT, **COMMON,
    },
    "feedback": {
        "source": "s", "external_id": "f1", "survey": "csat", "rating": 4.5, "responded_at": LAST,
        "scale_min": 0.5, "scale_max": 5, "positive_values": [4.5, 5], "request": "r1",
        "ticket": "t1", "call": "c1", "agent": "a1", "team": "t1", "customer": "u7",
        "comment": "Quick \U0001f44d", "reasons": ["speed", "tone"], **COMMON,
    },
}  # fmt: skip
