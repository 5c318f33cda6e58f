"""Going through the subjects of a resource, all of them or some at a time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from csapi.facts.kinds import Resource
from csapi.facts.registry import SUBJECT_KINDS

SUBJECTS_PER_CHUNK = 1_000
NEXT_SUBJECTS = f"""
SELECT id FROM {{table}} WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT {SUBJECTS_PER_CHUNK}"""


@dataclass
class Part:
    """So many subjects of each resource, each after the one where the last part ended. `reached`:
    where this one ended, of resources of which there are more."""

    after: Mapping[int, UUID]
    most: int
    reached: dict[int, UUID] = field(default_factory=dict)


async def chunks(
    connection: asyncpg.Connection, tenant_id: UUID, resource: Resource, part: Part | None
) -> AsyncIterator[Sequence[UUID]]:
    """The subjects of a resource, some at a time: all, or those of a part."""
    after = UUID(int=0) if part is None else part.after.get(int(resource), UUID(int=0))
    left = None if part is None else part.most
    while left is None or left > 0:
        table = SUBJECT_KINDS[resource].table
        rows = await connection.fetch(NEXT_SUBJECTS.format(table=table), tenant_id, after)
        if not rows:
            return
        ids = [row["id"] for row in rows]
        after = ids[-1]
        yield ids
        left = None if left is None else left - len(ids)
    if part is not None:
        part.reached[int(resource)] = after
