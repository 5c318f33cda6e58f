"""What is written about topics."""

from csapi.reports.content_gaps import WRITTEN
from csapi.reports.service import Snapshot

BY_TOPIC = f"""
WITH {WRITTEN}
SELECT m.key, w.articles FROM written w
JOIN members m ON m.tenant_id = $1 AND m.member = w.topic"""


async def read_articles(snapshot: Snapshot) -> dict[str, int]:
    """How many published articles there are about each topic now, by its key."""
    rows = await snapshot.connection.fetch(BY_TOPIC, snapshot.desk.tenant_id)
    return {row["key"]: row["articles"] for row in rows}
