"""Reviews and tasks out of files: lists of criteria and of holders from columns of one row."""

import json

import msgspec
from tests.connect.mapped import map_text

from csapi.facts.quality import QualityReview
from csapi.facts.task import Task

REVIEWS = """
source = "qa"
null = ["-"]
[[output]]
resource = "quality-reviews"
[output.fields]
external_id = "id"
reviewed_at = { column = "when", type = "instant", zone = "UTC" }
agent = "agent"
form = "form"
"criteria[0].criterion" = { const = "tone" }
"criteria[0].weight" = { const = 3 }
"criteria[0].score" = { column = "tone", type = "decimal" }
"criteria[1].criterion" = { const = "identity" }
"criteria[1].is_auto_fail" = { const = true }
"criteria[1].has_failed" = { column = "identity", map = { ok = false, failed = true } }
"""
TASKS = """
source = "crm"
[[output]]
resource = "tasks"
[output.fields]
external_id = "id"
kind = "kind"
"assignments[0].agent" = "first"
"assignments[0].at" = { column = "given", type = "instant", zone = "UTC" }
due_at = { column = "due", type = "instant", zone = "UTC" }
"""


def test_criteria_from_columns() -> None:
    rows = "id,when,agent,form,tone,identity\n1,2026-01-05T10:00:00,kim,sales,0.5,failed\n"
    mapped = map_text(REVIEWS, rows)
    assert mapped.rejects == []
    (item,) = mapped.items["quality-reviews"]
    review = msgspec.json.decode(json.dumps(item), type=QualityReview)
    assert [(each.criterion, each.score, each.has_failed) for each in review.criteria] == [
        ("tone", 0.5, False),
        ("identity", None, True),
    ]


def test_holders_from_columns() -> None:
    rows = "id,kind,first,given,due\n1,call back,kim,2026-01-05T10:00:00,2026-01-06T10:00:00\n"
    mapped = map_text(TASKS, rows)
    assert mapped.rejects == []
    (item,) = mapped.items["tasks"]
    task = msgspec.json.decode(json.dumps(item), type=Task)
    assert [each.agent for each in task.assignments] == ["kim"]
    assert task.due_at is not None
    assert task.due_at.isoformat() == "2026-01-06T10:00:00+00:00"
