"""Keys of access tokens: made once, shown before they sign, gone after what they signed."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import asyncpg
import jwt
import pytest
from tests.conftest import Database

from csapi.access.people.roles import Role
from csapi.access.people.signing import (
    ACCESS_SECONDS,
    KEY_LIVES,
    OLD_KEYS_LIVE,
    SHOWN_BEFORE,
    Signer,
    add_key,
    living_keys,
)
from csapi.kit.clock import now
from csapi.kit.db import acquire, open_pool


async def signed(signer: Signer, at_seconds: float = 0) -> str:
    return await signer.sign(
        person=uuid4(),
        session=uuid4(),
        tenant=uuid4(),
        role=Role.ANALYST,
        at=now() + timedelta(seconds=at_seconds),
    )


def kid_of(token: str) -> str:
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


async def test_keys_come_and_go(make_database: Callable[[], Database]) -> None:
    pool = await open_pool(make_database().api_url, size=4, statement_timeout_ms=60_000)
    try:
        # several processes at once make one key
        signers = [Signer(pool, "here") for _ in range(3)]
        tokens = await asyncio.gather(*(signed(each) for each in signers))
        assert len({kid_of(each) for each in tokens}) == 1
        at = now()
        for signer in signers:
            claims = await signer.recognize(tokens[0], at)
            assert claims is not None
            assert claims.exp - claims.iat == ACCESS_SECONDS
            late = at + timedelta(seconds=ACCESS_SECONDS)
            assert await signer.recognize(tokens[0], late) is None
        assert await Signer(pool, "elsewhere").recognize(tokens[0], at) is None

        # after a month a new one is shown, and signs a minute later; the old one's tokens live on
        month = at + KEY_LIVES + timedelta(seconds=1)
        still = await signers[0].sign(
            person=uuid4(), session=uuid4(), tenant=uuid4(), role=Role.OWNER, at=month
        )
        assert kid_of(still) == kid_of(tokens[0])
        fresh = Signer(pool, "here")
        assert len(await fresh.keys(month)) == 2
        minute = month + SHOWN_BEFORE
        new = await fresh.sign(
            person=uuid4(), session=uuid4(), tenant=uuid4(), role=Role.OWNER, at=minute
        )
        assert kid_of(new) != kid_of(still)
        assert await fresh.recognize(still, minute) is not None
        assert len(await fresh.keys(month + OLD_KEYS_LIVE, older_than=0)) == 1

        # after a leak nothing of before is good
        async with acquire(pool) as connection:
            keys = await living_keys(connection, minute)
            assert await add_key(connection, keys, minute, at_once=True)
            assert not await add_key(connection, keys, minute)
        assert await Signer(pool, "here").recognize(new, minute) is None
    finally:
        await pool.close()


async def test_no_role_reads_people_or_keys(database: Database) -> None:
    for url in (database.api_url, database.worker_url):
        connection = await asyncpg.connect(url, server_settings={"search_path": "csapi"})
        try:
            for table in ("people", "signing_keys", "sign_in_attempts"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"SELECT * FROM {table}")
        finally:
            await connection.close()
    worker = await asyncpg.connect(database.worker_url, server_settings={"search_path": "csapi"})
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.fetch("SELECT * FROM find_signing_keys(now())")
    finally:
        await worker.close()
