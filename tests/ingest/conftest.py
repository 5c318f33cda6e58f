"""One tenant for all tests of a module that store nothing or only under names of their own."""

from collections.abc import Iterator

import pytest
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_tenant_client


@pytest.fixture(scope="module")
def sender(product: Product) -> Iterator[Tenant]:
    tenant = new_tenant_client(product)
    yield tenant
    tenant.http.close()
