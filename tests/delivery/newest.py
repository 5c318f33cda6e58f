"""Which versions count of all that was sent."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from tests.delivery.deliveries import Plan
from tests.delivery.lab import KINDS, SOURCE
from tests.delivery.model import World

from csapi.ingest.items import Draft, draft_item

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def newest_world(plan: Plan) -> World:
    """What counts of all that was sent: the highest (version, content hash) of every record."""
    world = World(attribute=None if plan.declare_before is None else "plan")
    drafts: dict[tuple[str, str], Draft] = {}
    for resource, item in plan.deliveries:
        if resource == "ticket-events":
            world.events[item["event_id"]] = dict(item)
            continue
        raw = msgspec.json.encode({"source": SOURCE, **item})
        draft = draft_item(KINDS[resource], raw, 0, "", NOW)
        assert isinstance(draft, Draft), draft
        rival = drafts.get((resource, draft.external_id))
        if rival is None or rank(draft) > rank(rival):
            drafts[resource, draft.external_id] = draft
            world.records[resource][draft.external_id] = item
    return world


def rank(draft: Draft) -> tuple[Any, int]:
    return draft.version_at, draft.content_hash
