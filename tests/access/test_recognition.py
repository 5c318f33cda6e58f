"""From a key to its tenant: only the right secret of a living key is recognized."""

import statistics
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from csapi.access.guard import Guard
from csapi.access.people.signing import Signer
from csapi.access.principals import Scope
from csapi.access.service import (
    AccessError,
    create_key,
    create_tenant,
    list_keys,
    recognize,
    revoke_key,
)
from csapi.access.tokens import ID_LENGTH, SECRET_LENGTH, Token, new_token, parse_token, random_text
from csapi.kit.problems import Problem

NOW = datetime(2026, 1, 5, tzinfo=UTC)
READ = Scope.RECORDS_READ.value


@pytest.fixture
async def connection(api_pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    async with api_pool.acquire() as one:
        yield one


async def test_a_key_is_its_tenant_and_its_scopes(
    connection: asyncpg.Connection, tenant_id: UUID
) -> None:
    key = await create_key(connection, tenant_id, "k", [READ, READ])
    found = await recognize(connection, key.token, NOW)
    assert found is not None
    principal = found[0]
    assert (principal.tenant_id, principal.key_id) == (tenant_id, key.key_id)
    assert principal.scopes == {READ}
    assert principal.timezone == "UTC"


async def test_an_unknown_id_and_a_wrong_secret_are_nobody(
    connection: asyncpg.Connection, tenant_id: UUID
) -> None:
    key = await create_key(connection, tenant_id, "k", [READ])
    assert await recognize(connection, new_token().text, NOW) is None
    wrong = Token(key.key_id, random_text(SECRET_LENGTH)).text
    assert await recognize(connection, wrong, NOW) is None
    others = parse_token((await create_key(connection, tenant_id, "l", [READ])).token)
    assert others is not None
    assert await recognize(connection, Token(key.key_id, others.secret).text, NOW) is None


async def test_expiry_is_to_the_instant(connection: asyncpg.Connection, tenant_id: UUID) -> None:
    key = await create_key(connection, tenant_id, "k", [READ], NOW)
    just_before = NOW - timedelta(microseconds=1)
    assert await recognize(connection, key.token, just_before) is not None
    assert await recognize(connection, key.token, NOW) is None


async def test_a_revoked_key_is_nobody_and_keeps_its_first_time(
    connection: asyncpg.Connection, tenant_id: UUID
) -> None:
    key = await create_key(connection, tenant_id, "k", [READ])
    assert await revoke_key(connection, tenant_id, key.key_id)
    (first,) = [row["revoked_at"] for row in await list_keys(connection, tenant_id)]
    assert await revoke_key(connection, tenant_id, key.key_id)
    (second,) = [row["revoked_at"] for row in await list_keys(connection, tenant_id)]
    assert first == second
    assert await recognize(connection, key.token, NOW) is None


async def test_nobody_revokes_or_lists_the_keys_of_another_tenant(
    connection: asyncpg.Connection, tenant_id: UUID
) -> None:
    key = await create_key(connection, tenant_id, "k", [READ])
    other = await create_tenant(connection, "other", "UTC")
    assert not await revoke_key(connection, other, key.key_id)
    assert await list_keys(connection, other) == []
    assert await recognize(connection, key.token, NOW) is not None
    with pytest.raises(AccessError):
        await create_key(connection, uuid4(), "k", [READ])


@pytest.mark.parametrize(
    ("name", "timezone"),
    [
        ("", "UTC"),
        (" ", "UTC"),
        ("a\x1b[31mb", "UTC"),
        ("a\nb", "UTC"),
        ("a\udcff", "UTC"),
        ("x" * 256, "UTC"),
        ("t", "Mars/Base"),
        ("t", "../../etc/passwd"),
        ("t", "XXX-99"),
        ("t", "utc"),
        ("t", "localtime"),
        ("t", ""),
        ("t", "+03:00"),
    ],
)
async def test_a_tenant_needs_a_name_and_a_zone_that_python_and_postgresql_know(
    connection: asyncpg.Connection, name: str, timezone: str
) -> None:
    with pytest.raises(AccessError) as refusal:
        await create_tenant(connection, name, timezone)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("scopes", [[], ["admin"], [READ, "*"], ["RECORDS:READ"]])
async def test_a_key_has_known_scopes(
    connection: asyncpg.Connection, tenant_id: UUID, scopes: list[str]
) -> None:
    with pytest.raises(AccessError):
        await create_key(connection, tenant_id, "k", scopes)


def guard_of(pool: Any) -> Guard:
    return Guard(pool, Signer(pool, "csapi"))


class Untouchable:
    """A pool that must not be asked."""

    def acquire(self, **_: object) -> None:
        raise AssertionError("the database was asked")


class Carrier:
    """A request as far as the guard looks at it."""

    def __init__(self, *headers: tuple[bytes, bytes]) -> None:
        self.scope = {"headers": list(headers)}


GOOD = Token("a" * ID_LENGTH, "b" * SECRET_LENGTH).text
BROKEN = [
    "",
    "x",
    GOOD[:-1],
    GOOD + "0",
    GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1"),
    "csk_live_" + "a" * 10_000,
    GOOD.replace("csk_live", "csk_dead"),
    GOOD.replace("a", "c", 1),
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("name", [b"authorization", b"x-api-key"])
async def test_a_key_with_a_wrong_checksum_never_reaches_the_database(
    text: str, name: bytes
) -> None:
    value = text.encode() if name == b"x-api-key" else b"Bearer " + text.encode()
    request: Any = Carrier((name, value))
    with pytest.raises(Problem) as problem:
        await guard_of(Untouchable())(request, READ)
    assert problem.value.code == "unauthorized"


@pytest.mark.parametrize("value", [b"", b"Basic YTpi", b"Bearer", b"Token x", b"\xff\xfe"])
async def test_other_credentials_are_refused_without_an_echo(value: bytes) -> None:
    request: Any = Carrier((b"authorization", value))
    with pytest.raises(Problem) as problem:
        await guard_of(Untouchable())(request, READ)
    assert problem.value.detail == "Send Authorization: Bearer <API key>."


async def test_unknown_ids_and_wrong_secrets_take_the_same_time(
    connection: asyncpg.Connection, tenant_id: UUID
) -> None:
    key = await create_key(connection, tenant_id, "k", [READ])
    texts = {
        "unknown": Token(random_text(ID_LENGTH), random_text(SECRET_LENGTH)).text,
        "wrong": Token(key.key_id, random_text(SECRET_LENGTH)).text,
    }
    seconds: dict[str, list[float]] = {name: [] for name in texts}
    for _ in range(400):
        for name, text in texts.items():
            began = time.perf_counter()
            await recognize(connection, text, NOW)
            seconds[name].append(time.perf_counter() - began)
    fastest = [statistics.quantiles(each, n=10)[0] for each in seconds.values()]
    assert max(fastest) < 1.5 * min(fastest)
