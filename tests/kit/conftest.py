from collections.abc import AsyncIterator

import httpx
import pytest
from tests.kit.sample import AUTHORIZED, make_app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the sample app that holds a good key, without a server between."""
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=AUTHORIZED
    ) as opened:
        yield opened
