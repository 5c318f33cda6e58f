"""Access tokens that are not ours, or not any more: each is a 401, none a 500."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.access.people.staff import Desk, bearer
from tests.conftest import Product, tenants_of

from csapi.access.people.signing import living_keys
from csapi.kit.clock import now

STRANGER = Ed25519PrivateKey.generate()
DROP = object()


def part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


@dataclass(frozen=True)
class Forge:
    """Signs whatever it is told to, with the key of the server if nothing else is said."""

    kid: str
    private: Ed25519PrivateKey
    good: str
    claims: dict[str, Any]
    other_tenant: str

    def made(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        headers = {"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid, **(header or {})}
        headers = {name: each for name, each in headers.items() if each is not DROP}
        payload = {**self.claims, **claims}
        payload = {name: each for name, each in payload.items() if each is not DROP}
        body = f"{part(headers)}.{part(payload)}"
        signature = (key or self.private).sign(body.encode())
        return f"{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    def hmac_by_public_key(self) -> str:
        public = self.private.public_key().public_bytes_raw()
        headers = {"typ": "at+jwt", "kid": self.kid}
        return jwt.encode(self.claims, public, algorithm="HS256", headers=headers)

    def flipped(self) -> str:
        body, _, signature = self.good.rpartition(".")
        other = "A" if signature[10] != "A" else "B"
        return f"{body}.{signature[:10]}{other}{signature[11:]}"


@pytest.fixture(scope="module")
def forge(product: Product, desk: Desk) -> Iterator[Forge]:
    with tenants_of(product) as make:
        tenant, other = make(), make()
        good = desk.sign_in(desk.hire(tenant.tenant_id))["access_token"]

        async def find(connection: asyncpg.Connection) -> bytes:
            kid = jwt.get_unverified_header(good)["kid"]
            keys = await living_keys(connection, now())
            return next(each.private for each in keys if each.kid == kid)

        yield Forge(
            jwt.get_unverified_header(good)["kid"],
            Ed25519PrivateKey.from_private_bytes(product.office.do(find)),
            good,
            jwt.decode(good, options={"verify_signature": False}),
            str(other.tenant_id),
        )


SECONDS = int(time.time())
FORGED: dict[str, Callable[[Forge], str]] = {
    "no algorithm": lambda f: f"{part({'alg': 'none', 'typ': 'at+jwt', 'kid': f.kid})}."
    f"{part(f.claims)}.x",
    "no algorithm and no signature": lambda f: f"{part({'alg': 'none', 'typ': 'at+jwt'})}."
    f"{part(f.claims)}.",
    "HS256 by the public key": Forge.hmac_by_public_key,
    "another algorithm in the header": lambda f: f.made({"alg": "RS256"}),
    "lower case algorithm": lambda f: f.made({"alg": "eddsa"}),
    "unknown kid": lambda f: f.made({"kid": "nobody"}),
    "no kid": lambda f: f.made({"kid": DROP}),
    "kid as a list": lambda f: f.made({"kid": [f.kid]}),
    "kid as a path": lambda f: f.made({"kid": "../../dev/null"}),
    "key of another set": lambda f: f.made(key=STRANGER),
    "its own key": lambda f: f.made(
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": part("x" * 32)}}, key=STRANGER
    ),
    "its own address of keys": lambda f: f.made({"jku": "http://127.0.0.1/keys"}),
    "critical extension": lambda f: f.made({"crit": ["exp"]}),
    "wrong type": lambda f: f.made({"typ": "JWT"}),
    "no type": lambda f: f.made({"typ": DROP}),
    "an ID token": lambda f: f.made({"typ": "JWT"}, aud="client", nonce="n", email="a@b.example"),
    "expired": lambda f: f.made(iat=SECONDS - 700, nbf=SECONDS - 700, exp=SECONDS - 100),
    "not yet": lambda f: f.made(nbf=SECONDS + 3_000),
    "issued ahead": lambda f: f.made(iat=SECONDS + 3_000, exp=SECONDS + 3_600),
    "lives too long": lambda f: f.made(exp=SECONDS + 86_400),
    "lives for ever": lambda f: f.made(exp=10**18),
    "exp beyond 64 bits": lambda f: f.made(exp=10**30),
    "exp as text": lambda f: f.made(exp=str(f.claims["exp"])),
    "exp as a float": lambda f: f.made(exp=f.claims["exp"] + 0.5),
    "exp null": lambda f: f.made(exp=None),
    "exp NaN": lambda f: f.made(exp=float("nan")),
    "exp true": lambda f: f.made(exp=True),
    "issuer as a list": lambda f: f.made(iss=[f.claims["iss"]]),
    "another issuer": lambda f: f.made(iss="https://elsewhere.example"),
    "audience as a list": lambda f: f.made(aud=[f.claims["aud"]]),
    "another audience": lambda f: f.made(aud="elsewhere"),
    "another tenant": lambda f: f.made(tenant=f.other_tenant),
    "tenant is no id": lambda f: f.made(tenant="' OR true --"),
    "another person": lambda f: f.made(sub=str(uuid4())),
    "another session": lambda f: f.made(sid=str(uuid4())),
    "subject as a number": lambda f: f.made(sub=1),
    "unknown role": lambda f: f.made(role="emperor"),
    "surrogates": lambda f: f.made(jti="\ud800"),
    "NUL": lambda f: f.made(sub="\0"),
    "oversize": lambda f: f.made(jti="x" * 5_000),
    "very long": lambda f: f"{f.good}{'A' * 6_000}",
    "signature stripped": lambda f: f.good.rpartition(".")[0] + ".",
    "signature absent": lambda f: f.good.rpartition(".")[0],
    "signature flipped": Forge.flipped,
    "four parts": lambda f: f"{f.good}.x",
    "header is no JSON": lambda f: f"{part('{')}.{f.good.split('.')[1]}.{f.good.split('.')[2]}",
    "claims are a list": lambda f: f"{f.good.split('.')[0]}.{part([1])}.{f.good.split('.')[2]}",
    "deep claims": lambda f: f.made(jti=json.loads("[" * 200 + "]" * 200)),
    "only dots": lambda _: "..",
    **{
        f"no {name}": lambda f, name=name: f.made(**{name: DROP})  # type: ignore[misc]
        for name in ("iss", "aud", "sub", "sid", "tenant", "role", "jti", "iat", "nbf", "exp")
    },
}  # fmt: skip


def test_the_forge_makes_good_tokens(desk: Desk, forge: Forge) -> None:
    """Else the others would fail for reasons of their own."""
    assert desk.status(forge.made()) == 200
    assert desk.status(forge.good) == 200


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused(desk: Desk, forge: Forge, name: str) -> None:
    answer = desk.http.get("/v1/teams", headers=bearer(FORGED[name](forge)))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), answer.text
    assert answer.json()["detail"] == "The access token is not valid."


def test_a_token_does_what_the_membership_says_and_not_what_it_says(
    desk: Desk, forge: Forge
) -> None:
    """The role within a token is for others to read."""
    assert desk.status(forge.made(role="agent"), "/v1/teams") == 200


def test_the_published_key_checks_a_token(desk: Desk, forge: Forge) -> None:
    answer = desk.http.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=30"
    keys = jwt.PyJWKSet.from_dict(answer.json())
    assert forge.private.private_bytes_raw() not in answer.content
    assert {"d"}.isdisjoint(*answer.json()["keys"])
    found = jwt.decode(
        forge.good, keys[forge.kid], algorithms=["EdDSA"], audience="csapi", issuer="csapi"
    )
    assert found == forge.claims
