from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import click
import msgspec

from csapi.access.people.accounts import RESET_LIVES, make_reset
from csapi.access.people.first import create_member
from csapi.access.people.roles import Role, normalized_email
from csapi.access.service import AccessError
from csapi.cli.errors import one_line_errors
from csapi.cli.options import json_option, tenant_option
from csapi.cli.target import as_api, data_dir_option
from csapi.kit.clock import now


@click.group()
def users() -> None:
    """Make people who sign in, and reset their passwords."""


def show(as_json: bool, **what: object) -> None:
    if as_json:
        click.echo(msgspec.json.encode(what).decode())
        return
    width = max(len(name) for name in what)
    for name, value in what.items():
        click.echo(f"{name:{width}}  {value}")


@users.command()
@tenant_option
@click.option("--email", required=True, help="The address to sign in with.")
@click.option(
    "--role",
    type=click.Choice([Role.OWNER, Role.ADMIN, Role.ANALYST]),
    default=Role.OWNER,
    show_default=True,
)
@click.password_option(
    envvar="CSAPI_NEW_PASSWORD",
    help="Asked for if neither it nor CSAPI_NEW_PASSWORD says it.",
)
@json_option
@data_dir_option
@one_line_errors
def create(
    tenant: UUID, email: str, role: Role, password: str, as_json: bool, data_dir: Path | None
) -> None:
    """Make somebody a member of a tenant. An account that is there keeps its password."""

    async def work(connection: asyncpg.Connection) -> UUID:
        return await create_member(connection, tenant, email, password, role, now())

    person = as_api(data_dir, work)
    show(as_json, person_id=str(person), tenant_id=str(tenant), role=role.value)


@users.command()
@click.option("--email", required=True, help="Whose password.")
@json_option
@data_dir_option
@one_line_errors
def reset(email: str, as_json: bool, data_dir: Path | None) -> None:
    """Make a token by which somebody sets a new password. It is shown this once."""
    wanted = normalized_email(email)

    async def work(connection: asyncpg.Connection) -> tuple[str, datetime]:
        at = now()
        person = await connection.fetchval("SELECT id FROM find_person($1)", wanted)
        token = None if person is None else await make_reset(connection, person, at, None)
        if token is None:
            raise AccessError(f"Nobody signs in as {email}.")
        return token.text, at + RESET_LIVES

    token, until = as_api(data_dir, work)
    show(as_json, token=token, expires_at=until.isoformat())
