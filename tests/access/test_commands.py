"""csapi tenants and csapi keys against CSAPI_DATABASE_URL."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from tests.access.commands import Done, csapi
from tests.conftest import Database, Product, with_database

from csapi.access.principals import Scope
from csapi.access.tokens import parse_token

ALL = [scope.value for scope in Scope]


def failed_in_one_line(done: Done) -> bool:
    return done.code != 0 and done.output == "" and done.error.count("\n") == 1


def test_a_new_tenant_is_printed_with_its_key_and_the_key_works(product: Product) -> None:
    url = product.database.api_url
    done = csapi(url, "tenants", "create", "Ärzte & Co", "--timezone", "Asia/Riyadh", "--json")
    assert (done.code, done.error) == (0, "")
    made = done.json
    assert list(made) == ["tenant_id", "name", "timezone", "key"]
    assert (made["name"], made["timezone"]) == ("Ärzte & Co", "Asia/Riyadh")
    UUID(made["tenant_id"])
    headers = {"Authorization": f"Bearer {made['key']}"}
    item = {"source": "s", "external_id": "t1"}
    sent = httpx.post(f"{product.base_url}/v1/teams", json=item, headers=headers)
    assert sent.status_code == 201
    listed = csapi(product.database.worker_url, "tenants", "list", "--json").lines
    assert {key: made[key] for key in ("tenant_id", "name", "timezone")} in listed


def test_a_tenant_can_be_made_for_people_too(database: Database) -> None:
    done = csapi(database.api_url, "tenants", "create", "Plain")
    tenant, key = done.output.splitlines()
    assert tenant.endswith("Plain  UTC")
    assert parse_token(key.split()[1])
    listed = csapi(database.worker_url, "tenants", "list").output.splitlines()
    assert f"{tenant.split()[1]}  Plain  UTC" in listed


def test_keys_are_made_listed_and_revoked(database: Database, tenant_id: UUID) -> None:
    url, tenant = database.api_url, ("--tenant", str(tenant_id))
    scopes = ("--scope", ALL[0], "--scope", ALL[1])
    until = "2027-01-01T00:00:00+0300"
    made = csapi(
        url, "keys", "create", *tenant, *scopes, "--name", "ci", "--expires-at", until, "--json"
    ).json
    assert list(made) == ["key", "key_id"]
    token = parse_token(made["key"])
    assert token is not None
    assert token.key_id == made["key_id"]
    (listed,) = csapi(url, "keys", "list", *tenant, "--json").lines
    assert list(listed) == [
        "key_id", "name", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at",
        "allowed_ips", "created_by",
    ]  # fmt: skip
    assert listed["scopes"] == ALL[:2]
    assert (listed["key_id"], listed["name"]) == (made["key_id"], "ci")
    expires = datetime.fromisoformat(listed["expires_at"])
    assert expires == datetime(2026, 12, 31, 21, tzinfo=UTC)
    assert (listed["revoked_at"], listed["last_used_at"]) == (None, None)
    assert token.secret not in csapi(url, "keys", "list", *tenant).output
    revoked = csapi(url, "keys", "revoke", *tenant, made["key_id"], "--json")
    assert revoked.json == {"key_id": made["key_id"], "revoked": True}
    (after,) = csapi(url, "keys", "list", *tenant, "--json").lines
    assert datetime.fromisoformat(after["revoked_at"]).tzinfo is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tenants", "create", "X", "--timezone", "Mars/Base"), "not an IANA time zone"),
        (("tenants", "create", " "), "needs a name"),
        (("keys", "create", "--tenant", str(uuid4()), "--scope", ALL[0]), "There is no tenant"),
        (("keys", "create", "--tenant", str(uuid4()), "--scope", "root"), "Known scopes"),
        (("keys", "revoke", "--tenant", str(uuid4()), "none"), "has no key 'none'"),
    ],
    ids=["zone", "name", "tenant", "scope", "key"],
)
def test_a_wrong_word_is_one_line(
    database: Database, arguments: tuple[str, ...], said: str
) -> None:
    done = csapi(database.api_url, *arguments)
    assert failed_in_one_line(done), done.error
    assert said in done.error


def test_commands_need_their_role_and_a_schema(database: Database) -> None:
    """With the API's own URL the list of all tenants stays closed."""
    closed = csapi(database.api_url, "tenants", "list")
    assert failed_in_one_line(closed)
    assert "csapi_worker" in closed.error
    empty = csapi(with_database(database.admin_url, "template1"), "tenants", "create", "X")
    assert failed_in_one_line(empty), empty.error
    assert "csapi migrate" in empty.error


async def test_an_administrators_url_acts_as_the_weak_role(
    database: Database, admin: asyncpg.Connection
) -> None:
    done = csapi(database.admin_url, "tenants", "create", "By admin", "--json")
    assert done.code == 0, done.error
    found = await admin.fetchval(
        "SELECT name FROM tenants WHERE tenant_id = $1", UUID(done.json["tenant_id"])
    )
    assert found == "By admin"


def test_budgets_of_a_tenant_are_set_listed_and_unset(database: Database, tenant_id: UUID) -> None:
    url, tenant = database.api_url, ("--tenant", str(tenant_id))
    assert csapi(url, "budgets", "set", *tenant, "key-read", "7").code == 0
    listed = csapi(url, "budgets", "list", *tenant, "--json").json
    assert listed["key-read"] == {"quota": 7, "own": True}
    assert listed["tenant-read"]["own"] is False
    assert csapi(url, "budgets", "unset", *tenant, "key-read").code == 0
    assert failed_in_one_line(csapi(url, "budgets", "unset", *tenant, "key-read"))
    assert failed_in_one_line(
        csapi(url, "budgets", "set", "--tenant", str(uuid4()), "key-read", "7")
    )
