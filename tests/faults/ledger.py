"""What the API has acknowledged: a file that clients append to after each answer, and that the
auditor reads before it looks."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

# Table and column of the name, by resource.
TABLES = {
    "calls": "calls",
    "tickets": "tickets",
    "feedback": "feedback",
    "feedback-requests": "feedback_requests",
    "presence": "presence",
    "shifts": "shifts",
    "sessions": "sessions",
    "kb-events": "kb_events",
    "agents": "agents",
}
HELD = " UNION ALL ".join(
    [
        *(
            f"SELECT '{resource}' AS resource, tenant_id, source, external_id, version_at "
            f"FROM {table} WHERE NOT is_stub"
            for resource, table in TABLES.items()
        ),
        "SELECT 'ticket-events', tenant_id, source, event_id, 'infinity' FROM ticket_events",
    ]
)
# Acknowledged in a version that is not there.
LOST = f"""
SELECT a.resource, a.name, a.version, h.version_at FROM
  unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
    AS a (tenant_id, resource, source, name, version)
  LEFT JOIN LATERAL (SELECT version_at FROM ({HELD}) AS held
    WHERE held.tenant_id = a.tenant_id AND held.resource = a.resource
      AND held.source = a.source AND held.external_id = a.name) AS h ON true
WHERE h.version_at IS NULL OR h.version_at < a.version"""


@dataclass(frozen=True, slots=True)
class Line:
    """An item of a tenant that was acknowledged; `version` is empty for what has none."""

    tenant_id: UUID
    source: str
    resource: str
    name: str
    version: str

    def written(self) -> str:
        return "\t".join((str(self.tenant_id), self.source, self.resource, self.name, self.version))


def read_line(text: str) -> Line:
    tenant_id, *rest = text.split("\t")
    return Line(UUID(tenant_id), *rest)


class Reader:
    """Reads what was added since the last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def news(self) -> list[Line]:
        with self._path.open("rb") as file:
            file.seek(self._at)
            content = file.read()
        whole = content.rfind(b"\n") + 1
        self._at += whole
        return [read_line(each) for each in content[:whole].decode().splitlines()]


async def lost(connection: asyncpg.Connection, lines: list[Line]) -> list[str]:
    """I3: those of the lines that are not held, in words."""
    if not lines:
        return []
    beginning = datetime.fromisoformat("0001-01-01T00:00:00+00:00")
    rows = await connection.fetch(
        LOST,
        [line.tenant_id for line in lines],
        [line.resource for line in lines],
        [line.source for line in lines],
        [line.name for line in lines],
        [datetime.fromisoformat(line.version) if line.version else beginning for line in lines],
    )
    return [
        f"I3 {row['resource']} {row['name']}: acknowledged {row['version']}, "
        f"held {row['version_at']}"
        for row in rows
    ]
