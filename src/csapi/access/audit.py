"""The audit log: who did what, as a chain in which a change of the past shows.

`audited` is the one way in. It writes in the caller's transaction, so that what is told has
happened, and what has happened is told. Writers of a tenant queue on the row of its head: call it
last, when everything else that the transaction locks is locked. Details are ids, numbers and words
of ours: no text that a person wrote, and no personal data (docs/decisions/0029).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.audit_actions import ActorKind, AuditAction
from csapi.access.principals import Principal
from csapi.kit.clock import now
from csapi.kit.turns import give_way

PAGE = 1_000
# What a name of a tenant's own choice, such as an attribute's, is cut to.
LONGEST_SUBJECT = 255

NEXT = """
INSERT INTO audit_heads AS h (tenant_id, sequence, hash) VALUES ($1, 1, '')
ON CONFLICT (tenant_id) DO UPDATE SET sequence = h.sequence + 1
RETURNING sequence, hash"""
APPEND = """
WITH entry AS (
  INSERT INTO audit_log (tenant_id, sequence, at, actor_kind, actor, action, subject, details,
    previous, hash)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
)
UPDATE audit_heads SET hash = $10 WHERE tenant_id = $1"""
HEAD = "SELECT sequence, hash FROM audit_heads WHERE tenant_id = $1"
ENTRIES = """
SELECT sequence, at, actor_kind, actor, action, subject, details, previous, hash
FROM audit_log WHERE tenant_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted, and on which tenant. `id`: of the key or the token; nothing of people."""

    tenant_id: UUID
    kind: ActorKind
    id: str | None = None


def actor_of(by: Principal | Actor) -> Actor:
    if isinstance(by, Actor):
        return by
    if by.is_portal:
        return Actor(by.tenant_id, ActorKind.portal_token, by.token_id)
    if by.person_id is not None:
        return Actor(by.tenant_id, ActorKind.member, str(by.person_id))
    return Actor(by.tenant_id, ActorKind.key, by.key_id)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the hash of an entry is of."""

    tenant_id: UUID
    sequence: int
    at: datetime
    actor_kind: str
    actor: str | None
    action: str
    subject: str | None
    details: str
    previous: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 of a JSON array without spaces (docs/administration.md)."""
        told = [
            str(self.tenant_id), self.sequence, self.at.astimezone(UTC), self.actor_kind,
            self.actor, self.action, self.subject, msgspec.Raw(self.details.encode()),
            self.previous.hex(),
        ]  # fmt: skip
        return hashlib.sha256(msgspec.json.encode(told)).digest()


def entry_of(tenant_id: UUID, row: Any) -> Entry:
    return Entry(
        tenant_id, row["sequence"], row["at"], row["actor_kind"], row["actor"], row["action"],
        row["subject"], row["details"], row["previous"],
    )  # fmt: skip


async def audited(
    connection: asyncpg.Connection,
    by: Principal | Actor,
    action: AuditAction,
    subject: object = None,
    **details: object,
) -> None:
    """Add an entry, when the transaction of the caller commits. `subject`: the id of what was acted
    on, or its name where names are how it is addressed."""
    actor = actor_of(by)
    head = await connection.fetchrow(NEXT, actor.tenant_id)
    entry = Entry(
        actor.tenant_id, head["sequence"], now().astimezone(UTC), actor.kind.value, actor.id,
        action.value, None if subject is None else str(subject)[:LONGEST_SUBJECT],
        msgspec.json.encode(details, order="sorted").decode(), head["hash"],
    )  # fmt: skip
    await connection.execute(
        APPEND, entry.tenant_id, entry.sequence, entry.at, entry.actor_kind, entry.actor,
        entry.action, entry.subject, entry.details, entry.previous, entry.hash,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first entry that is not as it was written, and what is wrong with it."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """How many entries were checked, where the chain ends, and the first flaw."""

    entries: int
    sequence: int
    hash: bytes
    flaw: Flaw | None


def flaw_in(entry: Entry, stored: bytes, sequence: int, previous: bytes) -> Flaw | None:
    """What is wrong with an entry that should follow the one of `sequence` and `previous`."""
    if entry.sequence != sequence + 1:
        return Flaw(sequence + 1, "missing")
    if entry.hash != stored:
        return Flaw(entry.sequence, "changed")
    if entry.previous != previous:
        return Flaw(entry.sequence, "not_linked")
    return None


async def checked_chain(
    connection: asyncpg.Connection, tenant_id: UUID, noted: Mapping[int, bytes]
) -> Checked:
    """Walk the chain from its start. `noted`: hashes by sequence that somebody has kept elsewhere,
    which a chain that was written anew from some entry on does not have."""
    head = await connection.fetchrow(HEAD, tenant_id)
    sequence, previous = 0, b""
    while rows := await connection.fetch(ENTRIES, tenant_id, sequence, PAGE):
        for row in rows:
            await give_way(row["sequence"])
            flaw = flaw_in(entry_of(tenant_id, row), row["hash"], sequence, previous)
            if flaw is None and noted.get(sequence + 1, row["hash"]) != row["hash"]:
                flaw = Flaw(sequence + 1, "not_as_noted")
            if flaw is not None:
                return Checked(sequence, sequence, previous, flaw)
            sequence, previous = row["sequence"], row["hash"]
    ends = max([*noted, 0 if head is None else head["sequence"]])
    if ends > sequence:
        return Checked(sequence, sequence, previous, Flaw(sequence + 1, "missing"))
    if head is not None and (head["sequence"], head["hash"]) != (sequence, previous):
        return Checked(sequence, sequence, previous, Flaw(sequence, "not_the_head"))
    return Checked(sequence, sequence, previous, None)
