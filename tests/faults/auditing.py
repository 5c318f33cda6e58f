"""The auditor: a process of its own that looks at snapshot after snapshot, and tells of each.

Takes on argv the administrator's URL, the ledger and the tenants (id=zone); writes a JSON line for
each audit. Every audit is one REPEATABLE READ snapshot of one tenant: I1 over all its buckets, I2
in the small, and I3 for what was acknowledged since the last audit and for some of what was before.
Now and then a tenant is looked at whole, cell by cell and fact by fact (tests/delivery/checks.py).
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from tests.faults.invariants import COUNTED, WRONG_BUCKETS, WRONGLY_COUNTED, wrong_as_a_whole
from tests.faults.ledger import Line, Reader, lost
from tests.faults.waiting import AWAY

from csapi.kit.db import SERVER_SETTINGS

PAUSE_SECONDS = 0.02
DEEP_EVERY = 40
OLD_LINES = 50
TOLD = 5


@dataclass
class Auditor:
    """One connection's work: which tenants, and what was acknowledged so far."""

    tenants: Sequence[tuple[UUID, str]]
    reader: Reader
    dice: random.Random = field(default_factory=random.Random)
    lines: list[Line] = field(default_factory=list)
    number: int = 0

    async def audit(self, connection: asyncpg.Connection) -> dict[str, Any]:
        """One snapshot. What was acknowledged before it began has to be in it."""
        tenant_id, zone = self.tenants[self.number % len(self.tenants)]
        self.number += 1
        news = self.reader.news()
        known = self.dice.sample(self.lines, min(OLD_LINES, len(self.lines)))
        self.lines += news
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            counted = await connection.fetchrow(COUNTED, tenant_id)
            buckets = await connection.fetch(WRONG_BUCKETS, tenant_id, zone)
            twice = await connection.fetch(WRONGLY_COUNTED, tenant_id)
            missing = await lost(connection, [*news, *known])
        found = [f"I1 {row['grain']} {row['bucket']}: {row['differing']}" for row in buckets]
        found += [f"I2 {row['what']} {row['external_id']}: {row['times']}" for row in twice]
        return {
            "audit": "snapshot",
            "tenant": str(tenant_id),
            "ledger": len(news) + len(known),
            **dict(counted),
            "found": [*found, *missing][:TOLD],
        }

    async def look_whole(self, connection: asyncpg.Connection) -> dict[str, Any]:
        tenant_id, zone = self.dice.choice(self.tenants)
        found = await wrong_as_a_whole(connection, tenant_id, zone)
        return {"audit": "whole", "tenant": str(tenant_id), "found": found[:TOLD]}


def tell(told: dict[str, Any]) -> None:
    try:
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever listened is gone, without a word.
        os._exit(1)


async def main(url: str, ledger: str, *tenants: str) -> None:
    pairs = [each.split("=", 1) for each in tenants]
    auditor = Auditor([(UUID(name), zone) for name, zone in pairs], Reader(Path(ledger)))
    while True:
        try:
            connection = await asyncpg.connect(
                url, server_settings={**SERVER_SETTINGS, "enable_seqscan": "on"}, timeout=5
            )
            try:
                while True:
                    tell(await auditor.audit(connection))
                    if auditor.number % DEEP_EVERY == 0:
                        tell(await auditor.look_whole(connection))
                    await asyncio.sleep(PAUSE_SECONDS)
            finally:
                connection.terminate()
        except AWAY as error:
            # The server is away, as the fault wants it.
            tell({"audit": "unreachable", "why": type(error).__name__, "found": []})
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
