"""What is older than a tenant keeps is not taken in: it could not be counted any more."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg

from csapi.facts.events import EVENTS
from csapi.facts.kinds import Resource
from csapi.facts.resource import RecordKind
from csapi.facts.retention_tables import LEAST_KEPT
from csapi.ingest.items import Draft, instant_of
from csapi.kit.problems import FieldError

# What is said of customers and costs may be old: it is replaced whole, history and all.
LASTING = frozenset({Resource.CUSTOMER, Resource.COST_ENTRY})

REFUSED_BEFORE = "SELECT refused_before FROM retention WHERE tenant_id = $1"


def known(kind: RecordKind) -> str:
    """Which of the given records are here already, by (source, name)."""
    is_own = "true" if kind is EVENTS else "NOT e.is_stub"
    return f"""
SELECT w.source, w.name FROM unnest($2::text[], $3::text[]) AS w (source, name)
JOIN {kind.table} e ON e.tenant_id = $1 AND e.source = w.source AND e.{kind.name_column} = w.name
WHERE {is_own}"""


@cache
def places_of(kind: RecordKind) -> tuple[tuple[str, str | None], ...]:
    """Where the instants of a kind's items stand: the field, and the field in that."""
    split = (name.partition(".") for name in kind.instants)
    return tuple((name, inner or None) for name, _, inner in split)


def is_old(item: Any, places: Sequence[tuple[str, str | None]], recent: datetime) -> bool:
    """Whether something of an item was before. Asked of every item."""
    for name, inner in places:
        at = getattr(item, name)
        if at is not None and inner is not None:
            at = getattr(at, inner)
        if at is not None and at < recent:
            return True
    return False


def earliest(kind: RecordKind, draft: Draft) -> tuple[datetime, str]:
    """The first instant of an item that has one, and where it stands."""
    return min((at, name) for name in kind.instants if (at := instant_of(draft.item, name)))


async def too_old(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    kind: RecordKind,
    drafts: Sequence[Draft],
    now: datetime,
) -> dict[int, FieldError]:
    """What is wrong with drafts that begin before the horizon, by their index. Records that are
    here go on; what is new must begin after it. The caller holds the tenant's lock, so that the
    horizon does not move meanwhile. Young items cost no query."""
    if kind.resource is None or kind.resource in LASTING:
        return {}
    recent, places = now - LEAST_KEPT, places_of(kind)
    old = [draft for draft in drafts if is_old(draft.item, places, recent)]
    horizon = await connection.fetchval(REFUSED_BEFORE, tenant_id) if old else None
    if horizon is None:
        return {}
    begun = [(earliest(kind, draft), draft) for draft in old]
    late = [(first, draft) for first, draft in begun if first[0] < horizon]
    if not late:
        return {}
    sources, names = zip(*((draft.source, draft.external_id) for _, draft in late), strict=True)
    rows = await connection.fetch(known(kind), tenant_id, sources, names)
    here = {(row["source"], row["name"]) for row in rows}
    told = horizon.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return {
        draft.index: FieldError(
            f"/{name.replace('.', '/')}",
            "event_too_old",
            f"This tenant's records from before {told} are removed, and what they were counted to "
            "is frozen: nothing new is taken in from then.",
        )
        for (_, name), draft in late
        if (draft.source, draft.external_id) not in here
    }
