"""What a provider, a page or somebody on the way may try, against real HTTP and real keys."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx
import pytest
from tests.access.people.door import Door, Provider, new_door
from tests.access.people.provider import CLIENT_ID, CLIENT_SECRET, public_jwk
from tests.access.people.staff import Desk
from tests.conftest import Product, Tenant

from csapi.access.people.roles import Role
from csapi.access.providers.flows import MOST_LINKING
from csapi.access.providers.keys import keys_of
from csapi.kit.clock import now

NewProvider = Callable[..., Provider]
HOUR, DAY = 3_600, 86_400

# What is laid over what is right -> what the refusal says.
TOKENS: list[tuple[dict[str, Any], str]] = [
    ({"alg": "none"}, "malformed"),
    ({"alg": "HS256", "header": {"kid": "kid-RS256"}}, "algorithm"),
    ({"alg": "RS512", "key": "RS256"}, "algorithm"),
    ({"key": "stranger", "header": {"kid": "kid-RS256"}}, "signature"),
    ({"key": "stranger"}, "unknown_key"),
    # a key of another kind by the name that the token gives
    ({"header": {"kid": "kid-ES256"}}, "unknown_key"),
    ({"header": {"crit": ["b64"]}}, "malformed"),
    ({"header": {"typ": "at+jwt"}}, "type"),
    ({"header": {"kid": "x" * 600}}, "malformed"),
    ({"claims": {"iss": "https://login.example.com"}}, "issuer"),
    ({"claims": {"iss": None}}, "claims"),
    ({"claims": {"aud": "another"}}, "audience"),
    ({"claims": {"aud": []}}, "audience"),
    ({"claims": {"aud": [CLIENT_ID, "another"]}}, "audience"),
    ({"claims": {"aud": [CLIENT_ID, "another"], "azp": "another"}}, "audience"),
    ({"claims": {"azp": "another"}}, "audience"),
    ({"claims": {"exp": {"now": -HOUR}}}, "expired"),
    ({"claims": {"exp": None}}, "claims"),
    ({"claims": {"exp": True}}, "claims"),
    ({"claims": {"exp": float("nan")}}, "expired"),
    ({"claims": {"iat": float("nan")}}, "issued_at"),
    ({"claims": {"exp": "9999999999"}}, "claims"),
    ({"claims": {"iat": {"now": -HOUR}}}, "issued_at"),
    ({"claims": {"iat": {"now": DAY}}}, "issued_at"),
    ({"claims": {"nbf": {"now": DAY}}}, "not_yet"),
    ({"claims": {"nonce": "another"}}, "nonce"),
    ({"claims": {"nonce": None}}, "claims"),
    ({"claims": {"sub": None}}, "claims"),
    ({"claims": {"sub": ""}}, "subject"),
    ({"claims": {"sub": "x" * 256}}, "subject"),
    ({"claims": {"sub": "a\0b"}}, "subject"),
    ({"claims": {"sub": "a\ud800b"}}, "subject"),
    ({"claims": {"sub": {"now": 1}}}, "claims"),
    ({"claims": {"email": 1}}, "claims"),
    ({"token": "x"}, "malformed"),
    ({"token": ["x"]}, "missing"),
    ({"token": "a" * 20_000}, "malformed"),
    ({"token": f"{'e30' * 2_000}.e30.e30"}, "malformed"),
]
RIGHT: dict[str, Any] = {"alg": "RS256", "key": "", "header": {}, "claims": {}, "token": None}
# What an issuer publishes -> why it cannot be used.
PUBLISHED: list[tuple[dict[str, Any], str]] = [
    ({"discovery": {"issuer": "https://login.example.com"}}, "another_issuer"),
    ({"discovery": {"issuer": None}}, "not_a_discovery_document"),
    ({"discovery": {"token_endpoint": None}}, "not_a_discovery_document"),
    ({"discovery": {"jwks_uri": "http://10.0.0.1/jwks"}}, "blocked_endpoint"),
    ({"discovery": {"token_endpoint": "http://169.254.169.254/x"}}, "blocked_endpoint"),
    ({"discovery": {"authorization_endpoint": "javascript:alert(1)"}}, "blocked_endpoint"),
    ({"padding": 200_000}, "too_large"),
    ({"status": 302}, "status_302"),
    ({"status": 500}, "status_500"),
    ({"jwks": {"keys": []}}, "no_usable_key"),
    ({"jwks": {"keys": "x"}}, "no_usable_key"),
    ({"jwks": ["x"]}, "no_usable_key"),
    ({"jwks": {"keys": [{"kty": "oct", "k": "eA", "alg": "HS256"}]}}, "no_usable_key"),
]


@pytest.fixture
def door(desk: Desk, tenant: Tenant, new_provider: NewProvider) -> Door:
    return new_door(desk, tenant, new_provider(), default_role="analyst")


def reason_of(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_failed"), answer.text
    return str(answer.json()["detail"]).rpartition(": ")[2].rstrip(".")


def test_no_token_is_believed_that_is_not_right_in_all(door: Door) -> None:
    astray = []
    for wrong, reason in TOKENS:
        door.provider.set(**{**RIGHT, **wrong})
        found = reason_of(door.finish(door.back()))
        astray += [(str(wrong)[:80], found)] if found != reason else []
    assert astray == []
    door.provider.set(**RIGHT)
    tokens = door.signed_in()["tokens"]
    for fine in (
        {"claims": {"aud": [CLIENT_ID]}},
        {"claims": {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}},
        {"claims": {"exp": {"now": -30}, "iat": {"now": 30}}},
    ):
        door.provider.set(**{**RIGHT, **fine})
        assert door.signed_in()["tokens"]["person_id"] == tokens["person_id"]
    members = door.tenant.http.get("/v1/members").json()["data"]
    assert len(members) == 1


def test_what_a_provider_publishes_is_not_believed_either(
    desk: Desk, make_tenant: Callable[..., Tenant], new_provider: NewProvider
) -> None:
    found = []
    tenant = make_tenant()
    for number, (wrong, _) in enumerate(PUBLISHED):
        if number % 10 == 0:
            tenant = make_tenant()
        found.append(new_door(desk, tenant, new_provider(**wrong)).check()["reason"])
    assert found == [reason for _, reason in PUBLISHED]
    broken = new_door(desk, make_tenant(), new_provider(status=500))
    refused = broken.try_to_begin()
    assert (refused.status_code, refused.json()["code"]) == (503, "provider_unavailable")
    # nobody makes us ask it again and again
    assert {broken.try_to_begin().status_code for _ in range(5)} == {503}
    assert broken.provider.calls(".well-known/openid-configuration") == 1


def test_only_keys_that_are_safe_and_cheap_are_used() -> None:
    rsa, ec = public_jwk("RS256"), public_jwk("ES256")
    huge = base64.urlsafe_b64encode(b"\xff" * 2_000).decode().rstrip("=")
    weak = base64.urlsafe_b64encode(b"\xff" * 128).decode().rstrip("=")
    bad: list[Any] = [
        {**rsa, "n": huge}, {**rsa, "n": weak}, {**rsa, "e": huge}, {**rsa, "e": "AQ"},
        {**rsa, "e": "AAAA"}, {**rsa, "n": 1}, {**rsa, "n": "!"}, {**rsa, "use": "enc"},
        {**rsa, "alg": "RS512"}, {**rsa, "alg": "HS256"}, {**rsa, "kid": 1},
        {**rsa, "kid": "x" * 600}, {**rsa, "key_ops": ["sign"]}, {**rsa, "key_ops": 1},
        {**rsa, "kty": "EC"}, {**rsa, "kty": ["RSA"]}, {**rsa, "kty": None}, {},
        {**ec, "crv": "P-521"}, {**ec, "x": ec["y"]}, {**ec, "crv": "secp256k1"},
        {**public_jwk("EdDSA"), "crv": "X25519"}, {**public_jwk("EdDSA"), "x": "eA"}, "x", None,
    ]  # fmt: skip
    assert keys_of({"keys": bad}) == ()
    good = [public_jwk(each) for each in ("RS256", "ES256", "EdDSA")]
    assert [each.algorithm for each in keys_of({"keys": good})] == ["RS256", "ES256", "EdDSA"]
    assert len(keys_of({"keys": [rsa] * 10_000})) == 50


def test_a_new_key_is_asked_for_and_not_at_will(door: Door) -> None:
    door.provider.set(published=["ES256"], alg="ES256")
    assert door.signed_in()["tokens"]
    # the provider changes its keys: for a moment nobody asks again, whoever comes
    door.provider.set(published=["EdDSA"], alg="EdDSA")
    assert {reason_of(door.finish(door.back())) for _ in range(3)} == {"unknown_key"}
    assert door.provider.calls("jwks") == 1


def test_a_sign_in_is_of_one_browser_and_good_once(door: Door) -> None:
    mine, theirs = door.back(), door.back()
    # a code, a state or both slipped into another browser
    stolen = {**mine, "browser_token": theirs["browser_token"]}
    assert door.finish(stolen).json()["code"] == "token_used"
    # which ends it for everybody
    assert door.finish(mine).json()["code"] == "token_used"
    mine = door.back()
    injected = {**theirs, "code": mine["code"]}
    assert "refused the code" in door.finish(injected).json()["detail"]
    assert door.finish(theirs).json()["code"] == "token_used"
    back = door.back()
    assert door.finish(back).status_code == 200
    assert door.finish(back).json()["code"] == "token_used"
    for state in ("x", "csf_x", mine["state"][:-1] + "0", mine["state"].replace("csf", "csr")):
        assert door.finish({**mine, "state": state}).json()["code"] == "token_used"


def test_no_answer_of_another_provider_passes(
    door: Door, desk: Desk, new_provider: NewProvider
) -> None:
    evil = new_door(desk, door.tenant, new_provider(), default_role="analyst")
    mine, theirs = door.back(), evil.back()
    mixed = {**mine, "code": theirs["code"], "iss": theirs["iss"]}
    assert "another provider" in door.finish(mixed).json()["detail"]
    # where it says that it names itself, it has to
    sure = {"authorization_response_iss_parameter_supported": True}
    strict = new_door(desk, door.tenant, new_provider(discovery=sure), default_role="analyst")
    back = strict.back()
    without = {name: value for name, value in back.items() if name != "iss"}
    assert strict.finish(without).json()["errors"][0]["pointer"] == "/iss"
    assert strict.finish(strict.back()).status_code == 200


def test_a_provider_that_fails_or_a_secret_that_is_wrong(door: Door) -> None:
    for status in (500, 302, 200):
        door.provider.set(token_status=status, token=None if status != 200 else "x" * 200_000)
        refused = door.finish(door.back())
        assert refused.json()["code"] == "provider_unavailable", status
    door.provider.set(token_status=200, token=None)
    door.change(client_secret="another")
    assert "client id or secret" in door.finish(door.back()).json()["detail"]
    door.change(client_secret=CLIENT_SECRET, name="Again")
    assert door.signed_in()["tokens"]


def test_internal_addresses_are_no_issuers(tenant: Tenant) -> None:
    body = {
        "name": "x", "client_id": "x", "client_secret": "x",
        "redirect_uris": ["https://app.example.com/"],
    }  # fmt: skip
    for issuer in (
        "http://169.254.169.254/latest", "http://10.1.2.3", "https://[fd00::1]/", "file:///etc",
        "https://user:x@login.example.com", "https://login.example.com/?x=1", "x",
        "https://login.example.com/#x", "https://0xa9fea9fe/", "",
    ):  # fmt: skip
        refused = tenant.http.post("/v1/identity-providers", json={**body, "issuer": issuer})
        assert refused.status_code == 422, issuer
        assert refused.json()["errors"][0]["pointer"] == "/issuer"


def test_pages_of_the_tenant_read_what_they_need(door: Door, desk: Desk) -> None:
    door.tenant.http.put("/v1/browser-origins", json={"origins": ["https://app.example.com"]})
    body = {"tenant_id": str(door.tenant.tenant_id), "provider_id": door.provider_id}
    for origin, told in (("https://app.example.com", True), ("https://evil.example", False)):
        headers = {"Origin": origin}
        params = {"tenant_id": str(door.tenant.tenant_id)}
        answers = [
            desk.http.get("/v1/auth/providers", params=params, headers=headers),
            desk.http.post("/v1/auth/providers/start", json=body, headers=headers),
            desk.http.post("/v1/auth/providers/finish", json=door.back(), headers=headers),
        ]
        assert [each.status_code for each in answers] == [200, 201, 200]
        readable = {each.headers.get("access-control-allow-origin") for each in answers}
        assert readable == {origin if told else None}


def test_two_of_one_identity_at_once_are_one_person(door: Door) -> None:
    backs = [door.back() for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        codes = {each.status_code for each in threads.map(door.finish, backs)}
    assert codes <= {200, 409}
    assert 200 in codes
    assert len(door.tenant.http.get("/v1/members").json()["data"]) == 1


async def test_an_address_that_begins_and_never_finishes_waits(admin: asyncpg.Connection) -> None:
    take, address = "SELECT take_start($1, $2)", b"an address that begins"
    at = now()
    waits = [await admin.fetchval(take, address, at) for _ in range(202)]
    assert (waits[:200], waits[200:]) == ([0] * 200, [1, 1])
    forgive = "SELECT forgive_attempt($1, $2, $3)"
    await admin.execute(forgive, b"nobody", address, at)
    assert await admin.fetchval(take, address, at) == 0


async def test_no_secret_of_a_sign_in_is_in_logs_or_answers(
    door: Door, product: Product, admin: asyncpg.Connection
) -> None:
    back = door.back()
    door.finish({**back, "code": "wrong-canary-code"})
    again = door.back()
    door.finish(again)
    connection = await asyncpg.connect(product.database.admin_url)
    try:
        rows = [
            row["line"]
            for name in ("sign_in_flows", "identities", "audit_log", "identity_providers")
            for row in await connection.fetch(f"SELECT t::text AS line FROM csapi.{name} t")
        ]
    finally:
        await connection.close()
    log = "\n".join(path.read_text(errors="replace") for path in product.logs.glob("*.log"))
    answers = door.tenant.http.get("/v1/identity-providers").text
    told = "\n".join([*rows, log, answers])
    for secret in (
        CLIENT_SECRET, "wrong-canary-code", again["code"], again["browser_token"],
        again["state"][50:], "canary-access",
    ):  # fmt: skip
        assert secret not in told


def test_whoever_is_signed_in_takes_no_place_of_those_who_want_to(
    desk: Desk, tenant: Tenant, new_provider: NewProvider
) -> None:
    token = desk.sign_in(desk.hire(tenant.tenant_id, Role.ANALYST))["access_token"]
    door = new_door(desk, tenant, new_provider(user={"sub": "a"}))
    first, another = door.back(link=token), door.back()
    for _ in range(MOST_LINKING - 1):
        last = door.back(link=token)
    assert door.finish(last).status_code == 200
    last = door.back(link=token)
    door.begin(link=token)
    assert door.finish(first).json()["code"] == "token_used"
    # Those of nobody, and the newest of the person, are as they were.
    assert door.finish(another).status_code == 200
    assert door.finish(last).status_code == 200
