import sys
from pathlib import Path
from uuid import UUID

import asyncpg
import click
import msgspec

from csapi.access.scans import Look
from csapi.access.service import AccessError, check_tenant, operator_of
from csapi.access.tenancy import tenant_scope
from csapi.cli.errors import one_line_errors
from csapi.cli.options import json_option, lines_of, tenant_option
from csapi.cli.target import as_api, as_worker_pool, data_dir_option
from csapi.facts.retention_tables import KEPT_DAYS_UPTO, LEAST_KEPT
from csapi.kit.clock import now
from csapi.kit.db import acquire
from csapi.reports.administration.retention import Retention, read_retention, write_retention
from csapi.rollup.retention import keep_to

TENANTS = "SELECT tenant_id, timezone FROM tenants WHERE $1::uuid IS NULL OR tenant_id = $1"
CONNECTIONS = 2
FOREVER = 0


def show_one(found: Retention, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    click.echo(lines_of(msgspec.structs.asdict(found)))


@click.group()
def retention() -> None:
    """See, set and carry out how long records are kept."""


@retention.command()
@tenant_option
@json_option
@data_dir_option
@one_line_errors
def show(tenant: UUID, as_json: bool, data_dir: Path | None) -> None:
    """Print how long records are kept, and how far that has been done."""

    async def work(connection: asyncpg.Connection) -> Retention:
        async with tenant_scope(connection, tenant, readonly=True):
            await check_tenant(connection, tenant)
            return await read_retention(connection, tenant)

    show_one(as_api(data_dir, work), as_json=as_json)


@retention.command("set")
@tenant_option
@click.argument("days", type=click.IntRange(FOREVER, KEPT_DAYS_UPTO))
@json_option
@data_dir_option
@one_line_errors
def set_(tenant: UUID, days: int, as_json: bool, data_dir: Path | None) -> None:
    """Keep a tenant's records for DAYS days; 0 is for ever. What is older goes in the night."""
    if FOREVER < days < LEAST_KEPT.days:
        raise AccessError(f"At least {LEAST_KEPT.days} days are kept, or 0 for ever.")

    async def work(connection: asyncpg.Connection) -> Retention:
        async with tenant_scope(connection, tenant):
            await check_tenant(connection, tenant)
            return await write_retention(connection, operator_of(tenant), days or None)

    show_one(as_api(data_dir, work), as_json=as_json)


@retention.command()
@click.option("--tenant", type=click.UUID, default=None, help="One tenant's id (default: all).")
@data_dir_option
@one_line_errors
def run(tenant: UUID | None, data_dir: Path | None) -> None:
    """Freeze and remove now what is no longer kept. Can be cut short and run again.

    Exit code 1 if something is left to do: run it again when the worker has caught up.
    """

    async def work(pool: asyncpg.Pool) -> bool:
        async with acquire(pool) as connection:
            tenants = await connection.fetch(TENANTS, tenant)
        if tenant is not None and not tenants:
            raise AccessError(f"There is no tenant {tenant}.")
        is_done = True
        lines = []
        with click.progressbar(tenants, label="removing", file=sys.stderr) as each:
            for row in each:
                kept = await keep_to(pool, Look(row["tenant_id"], row["timezone"], now()))
                is_done &= kept.is_done
                if kept.horizon is not None:
                    rest = "" if kept.is_done else "; some is left"
                    lines.append(
                        f"{row['tenant_id']}: kept from {kept.horizon.isoformat()} on, "
                        f"{kept.removed:,} records removed{rest}"
                    )
        for line in lines:
            click.echo(line)
        return is_done

    sys.exit(0 if as_worker_pool(data_dir, work, size=CONNECTIONS) else 1)
