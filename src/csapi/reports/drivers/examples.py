"""Answers as the OpenAPI document shows them; tests read them by their structs."""

from typing import Any

NOTHING_EXCLUDED = {"negative_duration": 0}


def value(number: float | None, n: int, numerator: float, of: float | None) -> dict[str, Any]:
    return {
        "value": number,
        "n": n,
        "numerator": numerator,
        "denominator": of,
        "null_reason": None,
        "precision": "exact",
        "relative_error": None,
        "excluded": NOTHING_EXCLUDED,
    }


def grown(count: int, before: int, p_value: float, p_adjusted: float) -> dict[str, Any]:
    delta = count - before
    difference = {
        "delta": delta,
        "relative_change": round(delta / before, 4),
        "delta_ci95": [delta - 16, delta + 17],
        "p_value": p_value,
        "p_adjusted": p_adjusted,
        "significant": p_adjusted < 0.05,
        "verdict": None,
        "verdict_reason": "neutral",
    }
    return {
        **value(count, count, count, None),
        "compare": {**value(before, before, before, None), **difference},
    }


def numbers(contacts: dict[str, Any], customers: int, bad: int, rated: int) -> dict[str, Any]:
    return {
        "contacts": contacts,
        "share": round(contacts["value"] / 120, 4),
        "customers": value(customers, contacts["value"], customers, None),
        "dissatisfied": value(bad / rated, rated, bad, rated),
        "handling": {
            "seconds": 14_400,
            "calls": 24,
            "seconds_per_call": 600,
            "share": 0.4,
            "cost": 960,
        },
    }


def part(share: float, weight: float) -> dict[str, Any]:
    return {"share": share, "weight": weight, "contribution": round(share * weight, 4)}


REFUND: dict[str, Any] = {
    "driver_id": "refund",
    "topic": "refund",
    "label": "Refunds",
    "departments": [{"key": "finance", "label": "Finance", "start": None, "end": None}],
    "severity": {
        "value": 0.4183,
        "rank": 1,
        "parts": {
            "contacts": part(0.35, 0.3),
            "customers": part(0.3, 0.2),
            "dissatisfaction": part(0.511, 0.3),
            "handling": part(0.4, 0.1),
            "growth": part(0.6, 0.1),
        },
    },
    **numbers(grown(42, 26, 0.068, 0.27), 31, 12, 30),
    "trend": {
        "direction": "rising",
        "weeks": 26,
        "contacts_per_week": 0.4,
        "p_adjusted": 0.004,
        "seasonal": None,
        "months": 9,
        "seasonal_p_adjusted": None,
    },
}
ABOUT: dict[str, Any] = {
    "tag_coverage": {"value": 0.9667, "numerator": 116, "denominator": 120},
    "drivers": 14,
    "weights": {
        "contacts": 0.3,
        "customers": 0.2,
        "dissatisfaction": 0.3,
        "handling": 0.1,
        "growth": 0.1,
    },
    "currency": "EUR",
    "start": "2026-03-02T00:00:00Z",
    "end": "2026-03-30T00:00:00Z",
    "timezone": "UTC",
    "meta": {
        "query": {},
        "columns": {
            "contacts": {
                "unit": "count",
                "direction": "neutral",
                "label": "Contacts",
                "currency": None,
            }
        },
        "mature_through": {},
        "definitions": {"contacts": "1"},
        "exact": True,
        "pending_buckets": 0,
        "pending_subjects": 0,
        "source": "summary",
        "data_through": "2026-03-29T21:40:00Z",
        "warnings": [],
    },
}
LIST_EXAMPLE: dict[str, Any] = {
    "data": [REFUND],
    "untagged": numbers(grown(4, 4, 1.0, 1.0), 4, 1, 2),
    "totals": numbers(grown(120, 104, 0.31, 0.31), 92, 23, 60),
    **ABOUT,
}
DETAIL_EXAMPLE: dict[str, Any] = {
    "driver": REFUND,
    "weeks": [{"week": "2026-03-16", "contacts": 11}, {"week": "2026-03-23", "contacts": 12}],
    "breakdown": None,
    **ABOUT,
}
