from collections.abc import Iterator

import httpx
import pytest
from tests.access.people.staff import Desk
from tests.conftest import Product


@pytest.fixture(scope="module")
def desk(product: Product) -> Iterator[Desk]:
    with httpx.Client(base_url=product.base_url, timeout=30) as client:
        yield Desk(product, client)
