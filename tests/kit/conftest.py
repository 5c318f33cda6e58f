from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tests.kit.sample import AUTHORIZED, make_app
from tests.kit.serving import Server, serving


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the sample app that holds a good key, without a server between."""
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=AUTHORIZED
    ) as opened:
        yield opened


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The sample app on a real server, for what only raw sockets can say."""
    with serving() as running:
        yield running
