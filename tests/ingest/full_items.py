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
        "type": "company", "registered": False, "created_at": AT,
        "segment": None,
        "segments": [{"segment": "basic", "from": None, "to": AT},
                     {"segment": "vip", "from": AT, "to": None}],
        "statuses": [{"status": "active", "from": AT, "to": LAST},
                     {"status": "churned", "from": LAST, "to": None}],
        "tags": ["x", "y"], "locale": "de-DE", "country": "DE", **COMMON,
    },
    "customers/merge": {
        "source": "zd", "from": "u8", "into": "u7", "into_source": "pbx",
        **COMMON,
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
        "sentiment_label": "neutral", "sentiment_score": 0,
    },
    "calls": {
        "source": "pbx", "external_id": "c1", "started_at": AT, "queue_entered_at": AT,
        "direction": "inbound",
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
        "tags": ["x"], "sentiment_label": "positive", "sentiment_score": 0.75, **COMMON,
    },
    "feedback-requests": {
        "source": "s", "external_id": "r1", "sent_at": AT, "survey": "ces", "channel": "email",
        "ticket": "t1", "call": "c1", "agent": "a1", "team": "t1", "customer": "u7",
        "created_at": AT, "delivered_at": NEXT, **COMMON,
    },
    "feedback": {
        "source": "s", "external_id": "f1", "survey": "csat", "rating": 4.5, "responded_at": LAST,
        "scale_min": 0.5, "scale_max": 5, "positive_values": [4.5, 5], "request": "r1",
        "ticket": "t1", "call": "c1", "agent": "a1", "team": "t1", "customer": "u7",
        "comment": "Quick \U0001f44d", "language": "en", "reasons": ["speed", "tone"],
        "site": "app-store",
        "sentiment_label": "negative", "sentiment_score": -1, **COMMON,
    },
    "quality-reviews": {
        "source": "qa", "external_id": "q1", "reviewed_at": AT, "agent": "a1", "team": "t1",
        "criteria": [
            {"criterion": "tone", "weight": 2.5, "score": 0.75, "is_auto_fail": False,
             "has_failed": False},
            {"criterion": "identity", "weight": 1, "score": None, "is_auto_fail": True,
             "has_failed": True},
        ],
        "reviewer": "a9", "ticket": "t1", "call": "c1", "channel": "phone", "form": "sales",
        "form_version": "3",
        "comment": "Well done", **COMMON,
    },
    "tasks": {
        "source": "crm", "external_id": "k1", "title": "Call Lina", "kind": "call back",
        "assignee": "a2", "team": "t1", "ticket": "t1", "assigned_at": AT, "started_at": NEXT,
        "completed_at": LAST,
        "assignments": [{"agent": "a1", "at": AT}, {"agent": None, "at": NEXT}],
        "due_at": "2031-01-01T00:00:00Z", **COMMON,
    },
    "presence": {
        "source": "pbx", "external_id": "p1", "agent": "a1", "state": "after_call_work",
        "started_at": AT, "ended_at": NEXT, "channel": "phone", **COMMON,
    },
    "shifts": {
        "source": "pbx", "external_id": "s1", "agent": "a1", "started_at": AT, "ended_at": LAST,
        "is_paid": False, "activity": "lunch", **COMMON,
    },
    "work-sessions": {
        "source": "zd", "external_id": "w1", "agent": "a1", "started_at": AT, "ended_at": NEXT,
        "ticket": "t1", "channel": "chat", **COMMON,
    },
    "forms": {
        "source": "web", "external_id": "w1", "submitted_at": AT, "form": "return request",
        "customer": "u7", "ticket": "t1", "channel": "web", **COMMON,
    },
    "kb-articles": {
        "source": "help", "external_id": "k1", "topic": "refund", "language": "ar",
        "title": "\u0627\u0633\u062a\u0631\u062f\u0627\u062f", "published": True, **COMMON,
    },
    "kb-events": {
        "source": "help", "external_id": "v1", "type": "search", "occurred_at": NEXT,
        "session": "s1", "article": "k1", "term": "\u9000\u6b3e", "results_count": 3,
        "is_helpful": None, "customer": "u7", "language": "zh", **COMMON,
    },
    "sessions": {
        "source": "help", "external_id": "s1", "kind": "ivr", "started_at": AT, "ended_at": NEXT,
        "outcome": "handed_off", "customer": "u7", "ticket": "t1", "topic": "refund",
        "channel": "phone", **COMMON,
    },
    **{
        resource: {"source": "zd", "external_id": "main", "label": "\u0628\u0631", **COMMON}
        for resource in ("inboxes", "queues", "channels", "ticket-types")
    },
    "topics": {
        "source": "zd", "external_id": "refund", "label": "\u9000\u6b3e", "parent": "billing",
        "department": "finance", "owner": "Lina", **COMMON,
    },
    "annotations": {
        "source": "product", "external_id": "n1", "starts_at": AT, "text": "Winter \u2744",
        "ends_at": LAST, "kind": "season",
        "scope": [{"dimension": "channel", "values": ["email", "chat"]},
                  {"dimension": "custom.manager", "values": ["Kim"]}],
        **COMMON,
    },
    "cost-book": {
        "source": "zd", "external_id": "a1-2026", "currency": "EUR", "valid_from": "2026-01-01",
        "valid_to": "2031-01-01", "hourly_rate": 31.5, "agent": "a1", "team": None,
        "fixed_cost_per_month": None, "name": None, **COMMON,
    },
    "sla-policies": {
        "source": "zd", "external_id": "p1", "valid_from": "2026-01-01", "valid_to": "2031-01-01",
        "targets": [
            {"metric": "next_response", "seconds": 1, "priority": "high", "hours": "business"},
            {"metric": "requester_wait", "seconds": 31_536_000, "priority": None,
             "hours": "calendar"},
        ],
        "name": "VIP \u2744", "position": 1_000_000, "channels": ["email"], "inboxes": ["main"],
        "types": ["question"], "priorities": ["high", "low"], "teams": ["t1"], **COMMON,
    },
}  # fmt: skip
