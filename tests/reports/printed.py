"""A run with all kinds of answers, and how tests look at what is made of it."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from tests.conftest import Tenant
from tests.reports.compared import FEBRUARY, push, ratings

from csapi.reports.runs.schemas import ReportRun

ISOLATES = re.compile("[\u2066-\u2069]")
LANGUAGES = ("en", "ar", "zh-Hans")
# What a template, a spreadsheet or a line of text could take for something else than a name.
HOSTILE = (
    '#read("/etc/passwd") $x$ [b] \\ " `a` <lbl> @ref *b* _c_ // /* ~ -- https://example.com',
    "=HYPERLINK(1)+cmd|' /C calc'!A0",
    "\u202eevil\u202c \u2066open \u2067 \u200f{value} {0}",
    "\x01\x1b[31mcontrol\x7f \u2028line",
    "w" * 180,
    "سعر 12 ريال (abc) 42",
    "退款 \U0001f600 客服",
)
RATED = {"metrics": [{"id": "csat_score"}, {"id": "csat_responses"}]}
SPAN = {"time": {"range": FEBRUARY}}
BEFORE = {"compare": {"to": "previous_period"}}


def section(name: str, explain: Any = (), **query: Any) -> dict[str, Any]:
    return {"name": name, "explain": list(explain), "query": {**RATED, **SPAN, **query}}


def report() -> dict[str, Any]:
    sections = [
        {**section("whole", ["agent"], **BEFORE), "title": HOSTILE[0]},
        section("by_agent", dimensions=["agent"], include=["totals", "confidence"], **BEFORE),
        section("agents_alone", dimensions=["agent"], include=["confidence"]),
        section("days", dimensions=["time:day"], include=["confidence"]),
        section("weeks", dimensions=["time:week"], shape="series", include=["totals"]),
        section("cells", dimensions=["agent", "time:day_of_week"], shape="matrix"),
        section("few", metrics=[{"id": "nps"}, {"id": "response_time", "agg": "p90"}], **BEFORE),
        section("speed", metrics=[{"id": "first_response_time"}, {"id": "reopen_rate"}]),
        section("gone", metrics=[{"id": "custom.twice"}]),
    ]
    return {
        "name": "Ratings 2026",
        "description": "Every month",
        "timezone": "Asia/Riyadh",
        "sections": sections,
    }


def push_all(tenant: Tenant) -> None:
    """January: 59 of 60 good. February: 30 of 60, nearly all of bob's are bad."""
    people = [
        {"source": "s", "external_id": f"h{place}", "name": name}
        for place, name in enumerate(HOSTILE)
    ]
    people += [
        {"source": "s", "external_id": each, "name": each.title()} for each in ("ann", "bob")
    ]
    push(tenant, "agents", people)
    items = [*ratings(1, "ann", 29, 30), *ratings(1, "bob", 30, 30)]
    items += [*ratings(2, "ann", 28, 30), *ratings(2, "bob", 2, 30)]
    for place in range(len(HOSTILE)):
        items += ratings(2, f"h{place}", 1, place % 3 + 1)
    push(tenant, "feedback", items)
    push(tenant, "tickets", list(answered_tickets()))


def answered_tickets() -> Iterator[dict[str, Any]]:
    for number in range(30):
        day = f"2026-02-{number % 27 + 1:02}"
        yield {
            "source": "s",
            "external_id": f"t{number}",
            "created_at": f"{day}T09:00:00Z",
            "channel": "chat",
            "assignee": "ann",
            "milestones": {
                "first_reply_at": f"{day}T09:{number:02}:07Z",
                "first_reply_by": "ann",
            },
        }


def run_all(tenant: Tenant) -> dict[str, Any]:
    """A run of that report, one question of which has nothing to ask for any more."""
    push_all(tenant)
    custom = {"label": "Twice", "formula": "2 * csat_responses", "unit": "count"}
    assert tenant.http.put("/v1/custom-metrics/twice", json=custom).status_code < 300
    made = tenant.http.post("/v1/reports", json=report())
    assert made.status_code == 201, made.text
    assert tenant.http.delete("/v1/custom-metrics/twice").status_code == 204
    answer = tenant.http.post(f"/v1/reports/{made.json()['id']}/runs")
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def path_of(run: dict[str, Any]) -> str:
    return f"/v1/reports/{run['report_id']}/runs/{run['id']}"


def decoded(run: dict[str, Any]) -> ReportRun:
    return msgspec.convert(run, ReportRun)


def at(found: Any, pointer: str) -> Any:
    """What a JSON pointer leads to."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found[int(name)] if isinstance(found, list) else found[name]
    return found


def without_isolates(text: str) -> str:
    return ISOLATES.sub("", text)
