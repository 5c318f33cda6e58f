"""Answers as the OpenAPI document shows them; tests read them by their structs."""

from typing import Any

AGENT = {
    "id": "0199c3a0-5b1e-7ca5-8cf8-41c91b6b30ed",
    "source": "zd",
    "external_id": "a2",
    "name": "Lee",
    "active": True,
}
PRESENCE = {
    "state": "available",
    "state_label": "Available",
    "state_since": "2026-04-02T09:00:00Z",
    "last_seen_at": "2026-04-02T09:14:00Z",
    "last_action_at": "2026-04-02T09:12:30Z",
}


def share(hits: int, n: int, low: float, high: float) -> dict[str, Any]:
    return {
        "value": hits / n,
        "n": n,
        "numerator": hits,
        "denominator": n,
        "null_reason": None,
        "precision": "exact",
        "relative_error": None,
        "excluded": {"negative_duration": 0},
        "ci95": [low, high],
        "ci95_reason": None,
    }


def worse(side: dict[str, Any], **difference: Any) -> dict[str, Any]:
    return {**side, **difference, "significant": True, "verdict": "worsened",
            "verdict_reason": None}  # fmt: skip


META = {
    "query": {
        "metrics": [{"id": "csat_score"}],
        "time": {
            "range": {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"},
            "timezone": "UTC",
        },
    },
    "columns": {
        "csat_score": {
            "unit": "share",
            "direction": "higher_is_better",
            "label": "CSAT",
            "currency": None,
        }
    },
    "mature_through": {},
    "definitions": {"csat_score": "1"},
    "exact": True,
    "pending_buckets": 0,
    "pending_subjects": 0,
    "source": "summary",
    "data_through": "2026-03-31T21:40:00Z",
    "warnings": [],
}
LEE, PEERS = share(20, 40, 0.352, 0.648), share(113, 122, 0.8658, 0.9606)
RANKED = {**LEE, "rank_value": 0.5292}

PAGE_EXAMPLE: dict[str, Any] = {
    "data": [
        {
            "agent": AGENT,
            "presence": PRESENCE,
            "metrics": {"csat_score": RANKED},
            "composite": {
                "value": -1.7,
                "covered": 1.0,
                "parts": {"csat_score": {"weight": 1.0, "score": -1.7, "contribution": -1.7}},
            },
        }
    ],
    "totals": {"csat_score": share(133, 162, 0.7547, 0.8724)},
    "priors": {"csat_score": {"drawing": "beta_binomial", "mean": 0.821, "weight": 4, "agents": 5}},
    "as_of": "2026-04-02T09:15:00Z",
    "page": {"next_cursor": None},
    "meta": META,
}
SELF_EVALUATION: dict[str, Any] = {
    "id": "0199c3a0-7a10-7d02-8a44-0f3bb1d1c001",
    "agent_id": AGENT["id"],
    "from": "2026-03-01",
    "to": "2026-04-01",
    "text": "I answered faster, and explained less than I should have.",
    "scores": {"empathy": 0.6, "speed": 0.9},
    "created_at": "2026-04-01T08:00:00Z",
    "reply": {
        "text": "Agreed. Let us go through three conversations on Monday.",
        "replied_at": "2026-04-01T15:00:00Z",
    },
}
AGENT_EXAMPLE: dict[str, Any] = {
    "agent": AGENT,
    "presence": PRESENCE,
    "sides": {
        "past": {"start": "2026-02-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"},
        "team": None,
        "peers": {
            "channels": [{"key": "chat", "label": "Chat", "start": None, "end": None}],
            "agents": 4,
        },
    },
    "metrics": [
        {
            "id": "csat_score",
            "label": "CSAT",
            "unit": "share",
            "direction": "higher_is_better",
            "value": RANKED,
            "past": worse(
                share(34, 40, 0.7093, 0.9294),
                delta=-0.35,
                relative_change=-0.4118,
                delta_ci95=[-0.5173, -0.1442],
                p_value=0.0018,
                p_adjusted=0.0053,
            ),
            "team": None,
            "peers": worse(
                PEERS,
                delta=-0.4262,
                relative_change=-0.4602,
                delta_ci95=[-0.5796, -0.2679],
                p_value=1.1e-8,
                p_adjusted=1.6e-7,
            ),
            "team_median": None,
            "peers_median": {"value": 0.925, "agents": 4},
        }
    ],
    "ratings": [{"rating": "1", "count": 20}, {"rating": "5", "count": 20}],
    "comments": [
        {
            "id": "0199c3a0-6d2f-7b11-9d20-3a7d5f0c4e21",
            "source": "zd",
            "external_id": "f7",
            "survey": "csat",
            "rating": 1,
            "responded_at": "2026-03-28T09:00:00Z",
            "comment": "Nobody told me what happens next.",
            "ticket": "t81",
            "call": None,
        }
    ],
    "self_evaluations": [SELF_EVALUATION],
    "findings": [
        {
            "kind": "needs_training",
            "metric": "csat_score",
            "criterion": None,
            "against": "peers",
            "value": 0.5,
            "n": 40,
            "other_value": 113 / 122,
            "other_n": 122,
            "p_adjusted": 1.6e-7,
            "reason": "CSAT: 0.5 (n = 40), against that of peers on the same channels: 0.9262 "
            "(n = 122); p = 1.6e-07 after correction",
        }
    ],
    "statistics": {"level": 0.95, "minimum_n": 20, "agents_tested": 5},
    "as_of": "2026-04-02T09:15:00Z",
    "meta": META,
}
OWN_EXAMPLE: dict[str, Any] = {
    **AGENT_EXAMPLE,
    "metrics": [
        {
            **AGENT_EXAMPLE["metrics"][0],
            "value": {**LEE, "rank_value": None},
            "peers": None,
        }
    ],
    "comments": None,
    "findings": [
        {
            **AGENT_EXAMPLE["findings"][0],
            "other_value": None,
            "other_n": None,
            "p_adjusted": None,
            "reason": "CSAT: significantly worse than peers on the same channels",
        }
    ],
}
