from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest
from tests.access.people.door import Provider, provider_process
from tests.access.people.staff import Desk
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_key


@pytest.fixture(scope="module")
def desk(product: Product) -> Iterator[Desk]:
    with httpx.Client(base_url=product.base_url, timeout=30) as client:
        yield Desk(product, client)


@pytest.fixture(scope="session")
def provider_base() -> Iterator[str]:
    with provider_process() as base:
        yield base


@pytest.fixture
def new_provider(provider_base: str) -> Iterator[Callable[..., Provider]]:
    """Issuers of their own of the provider's process."""
    with httpx.Client(timeout=30) as client:

        def make(**how: object) -> Provider:
            made = Provider(provider_base, f"i{uuid4().hex[:12]}", client)
            made.set(**how)
            return made

        yield make


@pytest.fixture
def small_key(product: Product, tenant: Tenant) -> str:
    """A key of the tenant that may administer it, and nothing else."""
    return new_key(product, tenant.tenant_id, "admin:write")
