"""The provider's process as tests see it, and a tenant's door with it in front."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from tests.access.people.provider import CLIENT_ID, CLIENT_SECRET
from tests.access.people.staff import Desk, bearer
from tests.conftest import Tenant, free_port

PAGE = "https://app.example.com/signed-in"


@dataclass
class Provider:
    """One issuer of the process, as tests see it."""

    base: str
    name: str
    http: httpx.Client
    slash: str = ""

    @property
    def issuer(self) -> str:
        return f"{self.base}/{self.name}{self.slash}"

    def set(self, **how: Any) -> None:
        self.slash = how.get("slash", self.slash)
        answer = self.http.post(f"{self.base}/_set/{self.name}", content=json.dumps(how))
        assert answer.status_code == 200

    def calls(self, what: str) -> int:
        found: dict[str, int] = self.http.get(f"{self.base}/_calls/{self.name}").json()
        return found.get(what, 0)

    def agree(self, authorization_url: str) -> dict[str, str]:
        """What the browser comes back with once somebody has signed in there."""
        answer = self.http.get(authorization_url)
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


@contextmanager
def provider_process() -> Iterator[str]:
    """Its address, while it runs."""
    port = free_port()
    command = [sys.executable, "-m", "tests.access.people.provider", str(port)]
    process = subprocess.Popen(command)
    base = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{base}/_calls/x", timeout=2)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield base
    finally:
        process.kill()
        process.wait()


@dataclass
class Door:
    """`made`: what the tenant was answered when it added the provider."""

    desk: Desk
    tenant: Tenant
    provider: Provider
    body: dict[str, Any]
    made: httpx.Response

    @property
    def provider_id(self) -> str:
        return str(self.made.json()["id"])

    @property
    def path(self) -> str:
        return f"/v1/identity-providers/{self.provider_id}"

    def change(self, **how: Any) -> None:
        changed = self.tenant.http.patch(self.path, json=how)
        assert changed.status_code == 200, changed.text

    def check(self) -> dict[str, Any]:
        answer = self.tenant.http.get(f"{self.path}/check")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def offered(self) -> list[dict[str, str]]:
        params = {"tenant_id": str(self.tenant.tenant_id)}
        found: list[dict[str, str]] = self.desk.http.get(
            "/v1/auth/providers", params=params
        ).json()["data"]
        return found

    def try_to_begin(self, link: str | None = None, **more: Any) -> httpx.Response:
        """`link`: the access token of whoever links an identity."""
        if link is not None:
            body = {"provider_id": self.provider_id, **more}
            return self.desk.http.post("/v1/auth/identities", json=body, headers=bearer(link))
        body = {"tenant_id": str(self.tenant.tenant_id), "provider_id": self.provider_id, **more}
        return self.desk.http.post("/v1/auth/providers/start", json=body)

    def begin(self, link: str | None = None, **more: Any) -> dict[str, str]:
        answer = self.try_to_begin(link, **more)
        assert answer.status_code == 201, answer.text
        found: dict[str, str] = answer.json()
        return found

    def back(self, link: str | None = None) -> dict[str, str]:
        """What the page has when the browser is back from the provider."""
        begun = self.begin(link)
        came = self.provider.agree(begun["authorization_url"])
        assert came["state"] == begun["state"]
        return {**came, "browser_token": begun["browser_token"]}

    def finish(self, back: dict[str, str], **more: Any) -> httpx.Response:
        return self.desk.http.post("/v1/auth/providers/finish", json={**back, **more})

    def signed_in(self, **more: Any) -> dict[str, Any]:
        answer = self.finish(self.back(), **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def new_door(
    desk: Desk, tenant: Tenant, provider: Provider, *, status: int = 201, **more: Any
) -> Door:
    body = {
        "name": "Acme",
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [PAGE, "http://localhost:3000/signed-in"],
        **more,
    }
    made = tenant.http.post("/v1/identity-providers", json=body)
    assert made.status_code == status, made.text
    return Door(desk, tenant, provider, body, made)
