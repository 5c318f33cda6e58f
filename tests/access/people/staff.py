"""People for tests: made as the first one of a tenant is, and signed in over HTTP."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from tests.conftest import Product

from csapi.access.people.first import create_member
from csapi.access.people.roles import Role
from csapi.kit.clock import now

PASSWORD = "a long canary sentence"
NUMBERS = itertools.count(1)


def new_email() -> str:
    return f"person{next(NUMBERS)}-{uuid4().hex[:8]}@example.com"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Desk:
    """The product as people see it: without a key."""

    product: Product
    http: httpx.Client

    def hire(self, tenant_id: UUID, role: Role = Role.OWNER, email: str | None = None) -> str:
        """The address of a new member, whose password is PASSWORD."""
        address = email or new_email()

        async def make(connection: asyncpg.Connection) -> UUID:
            return await create_member(connection, tenant_id, address, PASSWORD, role, now())

        self.product.office.do(make)
        return address

    def try_to_sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        body = {"email": email, "password": password, **more}
        return self.http.post("/v1/auth/sign-in", json=body)

    def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        answer = self.try_to_sign_in(email, password, **more)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()["tokens"]
        return tokens

    def refresh(self, refresh_token: str) -> httpx.Response:
        return self.http.post("/v1/auth/refresh", json={"refresh_token": refresh_token})

    def switch(self, refresh_token: str, tenant_id: object, **how: Any) -> httpx.Response:
        body = {"refresh_token": refresh_token, "tenant_id": str(tenant_id)}
        return self.http.post("/v1/auth/switch", json=body, **how)

    def becomes(self, access_token: str, status: int) -> bool:
        return self.becomes_true(lambda: self.status(access_token) == status)

    def becomes_true(self, ask: Callable[[], bool], within_seconds: float = 10) -> bool:
        deadline = time.monotonic() + within_seconds
        while not ask():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def status(self, access_token: str, path: str = "/v1/auth/sessions") -> int:
        return self.http.get(path, headers=bearer(access_token)).status_code
