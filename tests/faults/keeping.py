"""F18: records that come after their time was frozen, by a retention that is cut short at first."""

import asyncio
import signal
from datetime import UTC, datetime

import asyncpg
from tests.faults.running import Stage
from tests.faults.site import Site
from tests.faults.traffic import Client

from csapi.metrics.zones import day_start, local_date

# Half of what clients send is older. A run removes whole months: any day within one will do.
KEPT_FROM = datetime(2026, 6, 1, tzinfo=UTC)
DAY_WITHIN = datetime(2026, 6, 15, tzinfo=UTC)
MOST_RUNS = 60

# What is frozen is never written again, not even as it was.
FROZEN = """
SELECT md5(coalesce(string_agg(s::text, ',' ORDER BY s::text), '')) AS rows, count(*) AS count
FROM summaries s WHERE tenant_id = $1 AND bucket < $2"""
FACTS_LEFT = "SELECT count(*) FROM facts WHERE tenant_id = $1 AND occurred_at < $2"
STATE = "SELECT removed_before FROM retention WHERE tenant_id = $1"


def horizon_of(client: Client) -> datetime:
    return day_start(client.zone, local_date("UTC", KEPT_FROM))


async def ask_for_retention(site: Site, client: Client) -> None:
    days = (datetime.now(UTC) - DAY_WITHIN).days
    answer = await client.http.put(f"{site.bases[0]}/v1/retention", json={"keep_days": days})
    assert answer.is_success, answer.text


async def kept(stage: Stage, client: Client, kills: int) -> int:
    """Carry it out by the command, killed at first; how many runs it took."""
    site = stage.site
    environ = site.environ(site.postgres.worker_url)
    for number in range(MOST_RUNS):
        run = await site.nursery.spawn(f"retention run --tenant {client.tenant_id}", environ)
        if number < kills:
            await asyncio.sleep(stage.dice.uniform(0.05, 1.0))
            await run.end(signal.SIGKILL)
        else:
            await run.ended.wait()
        if run.status == 0:
            return number + 1
        await asyncio.sleep(0.2)
    raise AssertionError(f"F18 retention is not done after {MOST_RUNS} runs")


async def frozen(connection: asyncpg.Connection, client: Client) -> tuple[str, int]:
    row = await connection.fetchrow(FROZEN, client.tenant_id, horizon_of(client))
    return row["rows"], row["count"]


async def late(stage: Stage) -> None:
    """What is older than its horizon is frozen and goes; what then comes late is refused."""
    site = stage.site
    await asyncio.sleep(8)
    held = {}
    for client in site.clients:
        await ask_for_retention(site, client)
    for client in site.clients:
        runs = await kept(stage, client, stage.size)
        connection = await site.connect()
        held[client.tenant_id] = await frozen(connection, client)
        connection.terminate()
        stage.row.notes.append(f"done in {runs} runs")
    before = site.tallies.too_late
    await asyncio.sleep(10)
    connection = await site.connect()
    for client in site.clients:
        now = await frozen(connection, client)
        left = await connection.fetchval(FACTS_LEFT, client.tenant_id, horizon_of(client))
        stage.row.notes.append(f"{now[1]} summaries are frozen, {left} facts before them stay")
        if now != held[client.tenant_id]:
            stage.row.violations.append(f"F18 frozen summaries changed: {held}, {now}")
        if await connection.fetchval(STATE, client.tenant_id) != horizon_of(client):
            stage.row.violations.append("F18 the horizon is another one")
    connection.terminate()
    refused = site.tallies.too_late - before
    stage.row.notes.append(f"{refused} late records were refused afterwards")
    if not refused:
        stage.row.violations.append("F18 nothing came late")


def add_horizons(site: Site) -> None:
    for client in site.clients:
        client.horizon = horizon_of(client)
