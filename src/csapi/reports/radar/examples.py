"""The answer as the OpenAPI document shows it; tests read it by its structs."""

from typing import Any

from csapi.reports.drivers.examples import ABOUT, value
from csapi.reports.radar.detector import LEAST_COUNT, LEAST_RATIO, SIGNIFICANT

DEPARTMENT = {"key": "payments", "label": "Payments", "start": None, "end": None}
EXAMPLE_RECORD = {
    "resource": "tickets",
    "id": "0198c5f2-6f5e-7c3a-9f41-2f1d1c0a7b55",
    "source": "desk",
    "external_id": "T-10482",
}


def surprise(count: int, expected: float, p_value: float, tests: int) -> dict[str, Any]:
    ratio = round(count / expected, 4)
    return {
        "expected": expected,
        "ratio": ratio,
        "ratio_ci95": [round(ratio * 0.6, 4), round(ratio * 1.7, 4)],
        "p_value": p_value,
        "p_adjusted": p_value * tests,
        "dispersion": 1.3,
        "is_seasonal": False,
    }


def topic(kind: str, key: str, label: str, contacts: int, customers: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "driver_id": key,
        "topic": key,
        "label": label,
        "departments": [DEPARTMENT],
        "contacts": value(contacts, contacts, contacts, None),
        "share": round(contacts / 420, 4),
        "customers": value(customers, contacts, customers, None),
        "surprise": None,
        "first_seen_at": "2026-03-25T07:12:00Z",
        "silent_days": None,
        "knowledge_base": {
            "gap": "no_article",
            "articles": 0,
            "zero_result_searches": 6,
            "tickets_after_view": 0,
            "score": contacts,
        },
        "examples": [EXAMPLE_RECORD],
        "records": {
            "metrics": [{"id": "contacts"}],
            "time": {"range": {"from": "2026-03-23", "to": "2026-03-30"}, "timezone": "UTC"},
            "dimensions": ["topic"],
            "cell": {"topic": key},
        },
    }


RADAR_EXAMPLE: dict[str, Any] = {
    "new_topics": [topic("first_seen", "customs_fee", "Customs fee", 31, 28)],
    "risen_topics": [
        {
            **topic("risen", "payment_failed", "Payment failed", 44, 39),
            "surprise": surprise(44, 12.4, 0.000002, 17),
            "first_seen_at": "2024-11-02T10:00:00Z",
            "silent_days": 0,
        }
    ],
    "emerging_terms": [
        {
            "kind": "emerging_term",
            "term": "apple pay",
            "also": ["apple", "pay"],
            "records": 19,
            "subjects": 15,
            "comments": 4,
            "customers": 17,
            "surprise": surprise(19, 0.8, 0.000000004, 212),
            "first_seen_at": "2026-03-24T18:40:00Z",
            "topics": [{"topic": None, "records": 11}, {"topic": "payment_failed", "records": 8}],
            "departments": [DEPARTMENT],
            "knowledge_base": {"articles": 0, "zero_result_searches": 9},
            "examples": [EXAMPLE_RECORD],
        }
    ],
    "renamed_topics": [
        {"topic": "returns", "label": "Returns", "contacts": 22, "was": ["send_back"]}
    ],
    "untagged": {
        "contacts": value(25, 25, 25, None),
        "share": 0.0595,
        "customers": value(24, 25, 24, None),
        "surprise": surprise(25, 22.1, 0.31, 17),
        "is_risen": False,
    },
    "contacts": value(420, 420, 420, None),
    "customers": value(366, 420, 366, None),
    "tag_coverage": {"value": 0.9405, "numerator": 395, "denominator": 420},
    "reading": {
        "history_days": 427,
        "is_long_enough": True,
        "topics_tested": 16,
        "topics_hidden": 0,
        "texts": 5120,
        "texts_read": 5120,
        "terms_tested": 212,
    },
    "rule": {
        "least_count": LEAST_COUNT,
        "least_ratio": LEAST_RATIO,
        "p_adjusted_below": SIGNIFICANT,
        "formula": "as above",
    },
    **{name: ABOUT[name] for name in ("timezone", "meta")},
    "start": "2026-03-23T00:00:00Z",
    "end": "2026-03-30T00:00:00Z",
}
