"""A way past HTTP into the database of the product; a run that several files look at."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_tenant_client
from tests.reports.printed import run_all

from csapi.kit.db import open_pool


@pytest.fixture
async def product_pool(product: Product) -> AsyncIterator[asyncpg.Pool]:
    """The product's database, seen by the role of the API."""
    pool = await open_pool(product.database.api_url, size=2, statement_timeout_ms=60_000)
    yield pool
    await pool.close()


@pytest.fixture(scope="module")
def printing(product: Product) -> Iterator[Tenant]:
    """A tenant for a module that only reads what it has."""
    made = new_tenant_client(product)
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def run(printing: Tenant) -> dict[str, Any]:
    """A run of a report with all kinds of answers."""
    return run_all(printing)
