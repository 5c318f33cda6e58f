"""What is older than a tenant keeps is not taken in: it could not be counted any more."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from csapi.facts.events import EVENTS
from csapi.facts.kinds import Resource
from csapi.facts.resource import RecordKind
from csapi.facts.retention_tables import LEAST_KEPT
from csapi.ingest.items import Draft, instant_of
from csapi.kit.clock import now
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


def earliest(kind: RecordKind, draft: Draft) -> tuple[datetime, str] | None:
    """The first instant of an item, and where it stands."""
    found = [(at, name) for name in kind.instants if (at := instant_of(draft.item, name))]
    return min(found, default=None)


async def too_old(
    connection: asyncpg.Connection, tenant_id: UUID, kind: RecordKind, drafts: Sequence[Draft]
) -> dict[int, FieldError]:
    """What is wrong with drafts that begin before the horizon, by their index. Records that are
    here go on; what is new must begin after it. The caller holds the tenant's lock, so that the
    horizon does not move meanwhile. Young items cost no query."""
    if kind.resource is None or kind.resource in LASTING:
        return {}
    recent = now() - LEAST_KEPT
    old = [(each, draft) for draft in drafts if (each := earliest(kind, draft))]
    old = [(each, draft) for each, draft in old if each[0] < recent]
    if not old:
        return {}
    horizon = await connection.fetchval(REFUSED_BEFORE, tenant_id)
    late = [] if horizon is None else [(e, draft) for e, draft in old if e[0] < horizon]
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
