"""The log of a help centre becomes events of the knowledge base that the API takes."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
from tests.connect.mapped import map_text

from csapi.facts.kb_event import KB_EVENTS
from csapi.ingest.items import Draft, draft_item

MAPPING = Path(__file__).resolve().parents[2] / "examples" / "mappings" / "help_center.toml"
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def test_the_example_of_a_help_center() -> None:
    mapping = MAPPING.read_text()
    rows = [line.removeprefix("# ") for line in mapping.splitlines() if line.startswith("# ")]
    log = "\n".join(line for line in rows if line.startswith(("time,", "2026-")))
    mapped = map_text(mapping, f"{log}\n", name="help_center.csv", main="kb-events")
    assert mapped.rejects == []
    items = mapped.items["kb-events"]
    assert items[0] == {
        "source": "help", "external_id": "s1/2026-01-05 09:40:00/search", "type": "search",
        "occurred_at": "2026-01-05T08:40:00Z", "session": "s1", "term": "return a parcel",
        "results_count": 3, "customer": "u7",
    }  # fmt: skip
    assert [item["type"] for item in items] == ["search", "click", "vote"]
    assert items[2]["is_helpful"] is True
    for item in items:
        assert isinstance(draft_item(KB_EVENTS, msgspec.json.encode(item), 0, "", NOW), Draft)
