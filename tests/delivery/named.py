"""Facts and raw records as they are stored, with names in place of surrogates and ids."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from tests.delivery.bruteforce import Row
from tests.delivery.model import CONTEXT, Fact, FactKey

from csapi.facts.kinds import Kind
from csapi.facts.registry import RECORD_KINDS, SUBJECT_KINDS

RESOURCES = {int(resource): kind.name for resource, kind in SUBJECT_KINDS.items()}


async def names_of(connection: asyncpg.Connection, tenant_id: UUID) -> dict[str, dict[Any, str]]:
    """Surrogate to name, for agents, teams, customers, and members of all dimensions."""
    found: dict[str, dict[Any, str]] = {}
    for table in ("agents", "teams", "customers"):
        rows = await connection.fetch(
            f"SELECT surrogate, external_id FROM {table} WHERE tenant_id = $1", tenant_id
        )
        found[table] = {row["surrogate"]: row["external_id"] for row in rows}
    rows = await connection.fetch("SELECT member, key FROM members WHERE tenant_id = $1", tenant_id)
    found["members"] = {row["member"]: row["key"] for row in rows}
    for kind in SUBJECT_KINDS.values():
        rows = await connection.fetch(
            f"SELECT id, external_id FROM {kind.table} WHERE tenant_id = $1", tenant_id
        )
        known = found.setdefault(kind.name, {})
        known.update({row["id"]: row["external_id"] for row in rows})
    return found


def named_facts(rows: Sequence[Row], names: Mapping[str, Mapping[Any, str]]) -> dict[FactKey, Fact]:
    facts = {}
    for row in rows:
        resource = RESOURCES[row["resource"]]
        key = resource, names[resource][row["subject"]], Kind(row["kind"]), row["ordinal"]
        people = {
            f"{role}_{who}": names[f"{who}s"].get(row[f"{role}_{who}"])
            for role in ("actor", "owner")
            for who in ("agent", "team")
        }
        facts[key] = Fact(
            row["occurred_at"],
            row["outcome"],
            **people,
            duration_ms=row["duration_ms"],
            business_ms=row["business_ms"],
            negative_ms=row["negative_ms"],
            value=row["value"],
            gap_next_ms=row["gap_next_ms"],
            context=tuple(
                names["customers" if name == "customer" else "members"].get(row[name])
                for name in CONTEXT
            ),
            tags=frozenset(names["members"][tag] for tag in row["tags"] or ()),
        )
    return facts


async def raw_state(connection: asyncpg.Connection, tenant_id: UUID) -> dict[str, dict[str, Any]]:
    """The items that count, by resource and name. Stubs are no records yet."""
    state: dict[str, dict[str, Any]] = defaultdict(dict)
    for kind in RECORD_KINDS:
        rows = await connection.fetch(
            f"SELECT external_id, item::text AS item, is_deleted FROM {kind.table} "
            "WHERE tenant_id = $1 AND NOT is_stub",
            tenant_id,
        )
        for row in rows:
            item = msgspec.json.decode(row["item"], type=kind.item)
            assert row["is_deleted"] is item.deleted
            state[kind.name][row["external_id"]] = item
    rows = await connection.fetch(
        "SELECT event_id, item::text AS item FROM ticket_events WHERE tenant_id = $1", tenant_id
    )
    state["ticket-events"] = {row["event_id"]: row["item"] for row in rows}
    return state
