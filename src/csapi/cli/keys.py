from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import click
import msgspec

from csapi.access.addresses import read_networks
from csapi.access.principals import Scope
from csapi.access.service import AccessError, NewKey, create_key, list_keys, revoke_key
from csapi.cli.errors import one_line_errors
from csapi.cli.options import json_lines_option, json_option, tenant_option
from csapi.cli.target import as_api, data_dir_option


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@tenant_option
@click.option("--name", default="key", show_default=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help=f"May be repeated: {', '.join(each.value for each in Scope)}.",
)
@click.option(
    "--expires-at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="Such as 2027-01-01T00:00:00+0000.",
)
@click.option(
    "--allow-ip",
    "allowed_ips",
    multiple=True,
    help="An address or a network such as 192.0.2.0/24 that it may be used from. May be repeated.",
)
@json_option
@data_dir_option
@one_line_errors
def create(
    tenant: UUID,
    name: str,
    scopes: tuple[str, ...],
    expires_at: datetime | None,
    allowed_ips: tuple[str, ...],
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Make a key. It is shown this once."""
    try:
        networks = read_networks(allowed_ips)
    except ValueError as error:
        raise AccessError(f"--allow-ip: {error}.") from None

    async def work(connection: asyncpg.Connection) -> NewKey:
        return await create_key(connection, tenant, name, scopes, expires_at, networks)

    key = as_api(data_dir, work)
    if as_json:
        click.echo(msgspec.json.encode({"key": key.token, "key_id": key.key_id}).decode())
    else:
        click.echo(f"key  {key.token}  (shown once; {', '.join(key.scopes)})")


@keys.command("list")
@tenant_option
@json_lines_option
@data_dir_option
@one_line_errors
def list_(tenant: UUID, as_json: bool, data_dir: Path | None) -> None:
    """List the keys of a tenant, without their secrets."""

    async def work(connection: asyncpg.Connection) -> list[dict[str, object]]:
        return [dict(row) for row in await list_keys(connection, tenant)]

    for key in as_api(data_dir, work):
        if as_json:
            click.echo(msgspec.json.encode(key).decode())
            continue
        state = "revoked" if key["revoked_at"] else "active"
        scopes = ", ".join(str(scope) for scope in key["scopes"])  # type: ignore[attr-defined]
        click.echo(f"{key['key_id']}  {state:8}  {key['name']}  {scopes}")


@keys.command()
@tenant_option
@click.argument("key_id")
@json_option
@data_dir_option
@one_line_errors
def revoke(tenant: UUID, key_id: str, as_json: bool, data_dir: Path | None) -> None:
    """Revoke a key by its id (the part after csk_live_). Takes effect within ten seconds."""

    async def work(connection: asyncpg.Connection) -> bool:
        return await revoke_key(connection, tenant, key_id)

    if not as_api(data_dir, work):
        raise AccessError(f"The tenant has no key {key_id!r}.")
    if as_json:
        click.echo(msgspec.json.encode({"key_id": key_id, "revoked": True}).decode())
    else:
        click.echo(f"revoked {key_id}")
