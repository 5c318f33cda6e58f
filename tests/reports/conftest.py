"""A way past HTTP into the database of the product."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.conftest import Product

from csapi.kit.db import open_pool


@pytest.fixture
async def product_pool(product: Product) -> AsyncIterator[asyncpg.Pool]:
    """The product's database, seen by the role of the API."""
    pool = await open_pool(product.database.api_url, size=2, statement_timeout_ms=60_000)
    yield pool
    await pool.close()
