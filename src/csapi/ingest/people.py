"""What a change of an agent, customer, article, schedule or policy means for what is there."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from csapi.facts import costs, merging, sla_targets
from csapi.facts.kb_article import MARK_EVENTS_OF_ARTICLES
from csapi.facts.kinds import Reference
from csapi.facts.lookup import Lookup
from csapi.facts.people import Agent
from csapi.facts.resource import RecordKind
from csapi.facts.schedule_periods import replace_expansion, settle
from csapi.ingest.items import Draft
from csapi.kit.clock import now

START = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)
Period = tuple[datetime, datetime, int]

MARK_REFERENCES = """
INSERT INTO reference_marks (tenant_id, reference, member)
SELECT $1, $2::smallint, member FROM unnest($3::bigint[]) AS m (member)"""

REPLACE_MEMBERSHIPS = """
INSERT INTO agent_teams (tenant_id, agent, valid_from, valid_to, team)
SELECT $1, * FROM unnest($2::int[], $3::timestamptz[], $4::timestamptz[], $5::int[])"""


def lock_of(kind: RecordKind) -> Literal["shared", "exclusive"] | None:
    """Which tenant lock a write of this kind needs.

    Derivation reads the teams of agents, schedules, targets, rates and merges of customers without
    locking them, which every call would queue on. So a change of these waits until the derivations
    under way have committed: after that its reference mark finds their facts.
    """
    if kind.name in ("agents", "schedules", "sla-policies", "cost-book", "customers/merge"):
        return "exclusive"
    return None if kind.resource is None else "shared"


def periods_of(agent: Agent, lookup: Lookup) -> list[Period]:
    if agent.deleted:
        return []
    if agent.team is not None:
        return [(START, END, lookup.team(agent.source, agent.team) or 0)]
    return sorted(
        (each.from_ or START, each.to or END, lookup.team(agent.source, each.team) or 0)
        for each in agent.memberships
    )


async def after_write(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    kind: RecordKind,
    drafts: Sequence[Draft],
    stored: Sequence[asyncpg.Record],
    lookup: Lookup,
) -> None:
    """Leave marks for what written agents, customers, articles or costs change elsewhere; expand
    written schedules and policies."""
    if kind.name == "agents":
        moved = await replace_memberships(connection, tenant_id, drafts, stored, lookup)
        await mark_references(connection, tenant_id, Reference.AGENT, moved)
    elif kind.name == "customers":
        moved = [row["surrogate"] for row in stored if row["segment_moved"] and not row["is_new"]]
        await mark_references(connection, tenant_id, Reference.CUSTOMER, moved)
    elif kind.name == "customers/merge" and stored:
        merged = [row["from_customer"] for row in stored]
        moved = await merging.settle(connection, tenant_id, merged)
        await mark_references(connection, tenant_id, Reference.CUSTOMER, moved)
    elif kind.name == "kb-articles":
        articles = [row["id"] for row in stored if row["topic_moved"] and not row["is_new"]]
        if articles:
            await connection.execute(MARK_EVENTS_OF_ARTICLES, tenant_id, articles)
    elif kind.name == "schedules" and stored:
        surrogates = [row["surrogate"] for row in stored]
        await replace_expansion(connection, tenant_id, surrogates, now())
        await settle(connection, tenant_id)
    elif kind.name == "sla-policies" and stored:
        await sla_targets.settle(connection, tenant_id, stored, now())
    elif kind.name == "cost-book" and stored:
        await costs.settle(connection, tenant_id, [row["id"] for row in stored], now())


async def mark_references(
    connection: asyncpg.Connection, tenant_id: UUID, reference: Reference, members: Sequence[int]
) -> None:
    if members:
        await connection.execute(MARK_REFERENCES, tenant_id, int(reference), members)


async def replace_memberships(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    drafts: Sequence[Draft],
    stored: Sequence[asyncpg.Record],
    lookup: Lookup,
) -> list[int]:
    """Bring agent_teams in line with the written agents; the surrogates whose teams changed."""
    surrogates = {(row["source"], row["external_id"]): row["surrogate"] for row in stored}
    wanted: dict[int, list[Period]] = {}
    for draft in drafts:
        surrogate = surrogates.get((draft.source, draft.external_id))
        if surrogate is not None:
            wanted[surrogate] = periods_of(draft.item, lookup)
    present: dict[int, list[Period]] = defaultdict(list)
    for row in await connection.fetch(
        "SELECT agent, valid_from, valid_to, team FROM agent_teams "
        "WHERE tenant_id = $1 AND agent = ANY($2::int[]) ORDER BY valid_from",
        tenant_id,
        list(wanted),
    ):
        present[row["agent"]].append((row["valid_from"], row["valid_to"], row["team"]))
    moved = [agent for agent, periods in wanted.items() if present[agent] != periods]
    if moved:
        await connection.execute(
            "DELETE FROM agent_teams WHERE tenant_id = $1 AND agent = ANY($2::int[])",
            tenant_id,
            moved,
        )
        rows: list[tuple[Any, ...]] = [
            (agent, *period) for agent in moved for period in wanted[agent]
        ]
        if rows:
            arrays = [list(values) for values in zip(*rows, strict=True)]
            await connection.execute(REPLACE_MEMBERSHIPS, tenant_id, *arrays)
    return moved
