"""`csapi serve` and `csapi worker` refuse a database that they must not serve: one clear line."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec
import pytest
from tests.conftest import Database, with_database, with_loop

from csapi.kit.db import StartupError, open_pool
from csapi.kit.settings import load_settings

SECRET = "Zw9Canary"
PATIENCE_SECONDS = 30
SHORT_SECONDS = 3.0

ROLES = {
    "refusal_super": "SUPERUSER",
    "refusal_bypass": "BYPASSRLS",
    "refusal_member": "",
    "refusal_outsider": "NOINHERIT",
    "refusal_nephew": "",
    "refusal_stranger": "",
}
GRANTS = (
    "GRANT csapi_owner TO refusal_member, refusal_outsider",
    "GRANT refusal_member, csapi_api TO refusal_nephew",
    "GRANT csapi_api TO refusal_bypass",
)

# What it is called -> what the one line says. Tried with the commands themselves ...
EXPECTED = {
    "superuser": "is a superuser",
    "bypasses row-level security": "has BYPASSRLS",
    "member of the owner": "can act as csapi_owner",
    "no schema yet": "csapi migrate",
    "wrong password": "Correct CSAPI_DATABASE_URL",
    "closed port": "Cannot reach PostgreSQL",
    "no URL": "is not a URL such as",
    "nothing set": "Set CSAPI_DATABASE_URL",
}
# ... and with what both of them call.
EXPECTED_INSIDE = {
    "superuser behind SET ROLE": "is a superuser",
    "member without inheritance": "can act as csapi_owner",
    "member of a member": "can act as csapi_owner",
    "role without grants": "csapi migrate",
    "no such database": "Correct CSAPI_DATABASE_URL",
    "unknown host": "Cannot reach PostgreSQL",
    "another scheme": "is not a URL such as",
    "slash in the password": "is not a URL such as",
    "hash in the password": "is not a URL such as",
    "question mark in the password": "is not a URL such as",
    "odd parameter": "Correct CSAPI_DATABASE_URL",
}


@dataclass(frozen=True)
class Ending:
    code: int
    error: str
    output: str
    seconds: float


def as_role(url: str, role: str, password: str = SECRET) -> str:
    return urlunsplit(urlsplit(url)._replace(netloc=f"{role}:{password}@"))


def url_of(case: str, database: Database) -> str | None:
    admin, api = database.admin_url, database.api_url
    here = "localhost:1/csapi"
    return {
        "superuser": as_role(admin, "refusal_super"),
        "superuser behind SET ROLE": as_role(admin, "refusal_super")
        + "&options=-c%20role%3Dcsapi_api",
        "bypasses row-level security": as_role(admin, "refusal_bypass"),
        "member of the owner": as_role(admin, "refusal_member"),
        "member without inheritance": as_role(admin, "refusal_outsider"),
        "member of a member": as_role(admin, "refusal_nephew"),
        "role without grants": as_role(admin, "refusal_stranger"),
        "no schema yet": with_database(api, "refusal_empty"),
        "no such database": with_database(api, "refusal_missing"),
        "wrong password": as_role(api, "csapi_api"),
        "closed port": f"postgresql://csapi_api:{SECRET}@127.0.0.1:1/csapi",
        "unknown host": f"postgresql://csapi_api:{SECRET}@nowhere.invalid/csapi",
        "no URL": SECRET,
        "another scheme": f"mysql://csapi_api:{SECRET}@{here}",
        "slash in the password": f"postgresql://csapi_api:12@{SECRET}/34@{here}",
        "hash in the password": f"postgresql://csapi_api:{SECRET}#34@{here}",
        "question mark in the password": f"postgresql://csapi_api:12?{SECRET}@{here}",
        "odd parameter": f"postgresql://csapi_api:{SECRET}@{here}?sslmode={SECRET}",
        "nothing set": None,
    }[case]


def attempt(command: str, url: str | None) -> Ending:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CSAPI_")}
    environ |= {"CSAPI_PORT": "0"} | ({} if url is None else {"CSAPI_DATABASE_URL": url})
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "csapi", command],
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Ending(done.returncode, done.stderr, done.stdout, time.monotonic() - began)


def run_sql(url: str, *statements: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    with_loop(work)


@pytest.fixture(scope="module")
def unfit(make_database: Callable[[], Database]) -> Iterator[Database]:
    """A database whose cluster has the roles and databases of all cases."""
    database = make_database()
    names = ", ".join(ROLES)
    run_sql(
        database.admin_url,
        *(f"CREATE ROLE {role} LOGIN {how} PASSWORD '{SECRET}'" for role, how in ROLES.items()),
        *GRANTS,
        "CREATE DATABASE refusal_empty TEMPLATE template0",
    )
    yield database
    run_sql(database.admin_url, "DROP DATABASE refusal_empty", f"DROP ROLE {names}")


@pytest.fixture(scope="module")
def endings(unfit: Database) -> dict[tuple[str, str], Ending]:
    """Every case with both commands, two at a time."""
    pairs = [(command, case) for case in EXPECTED for command in ("serve", "worker")]
    with ThreadPoolExecutor(2) as several:
        found = several.map(lambda pair: attempt(pair[0], url_of(pair[1], unfit)), pairs)
        return dict(zip(pairs, found, strict=True))


@pytest.mark.parametrize("case", EXPECTED)
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_an_unfit_database_is_refused_in_one_line(
    endings: dict[tuple[str, str], Ending], command: str, case: str
) -> None:
    ending = endings[command, case]
    assert ending.code == 1
    assert ending.error.count("\n") == 1, ending.error
    assert ending.error.startswith("csapi: ")
    assert EXPECTED[case] in ending.error
    assert SECRET.lower() not in (ending.error + ending.output).lower()
    assert ending.output == ""
    # At once: without a URL there is nothing to wait for. Both wait for the machine alike.
    assert ending.seconds < 3 * endings[command, "nothing set"].seconds + SHORT_SECONDS


@pytest.mark.parametrize("case", EXPECTED_INSIDE)
async def test_an_unfit_database_gives_no_pool(unfit: Database, case: str) -> None:
    with pytest.raises(StartupError) as refusal:
        await open_pool(url_of(case, unfit) or "", size=1, statement_timeout_ms=1000)
    said = str(refusal.value)
    assert EXPECTED_INSIDE[case] in said
    assert SECRET.lower() not in said.lower()
    assert "\n" not in said


SETTINGS = {
    "CSAPI_PORT": ("eighty", "CSAPI_PORT"),
    "CSAPI_STATEMENT_TIMEOUT_MS": ("soon", "CSAPI_STATEMENT_TIMEOUT_MS"),
    "CSAPI_HOST": ("nowhere.invalid", "Cannot listen on nowhere.invalid"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_wrong_setting_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, database: Database, name: str
) -> None:
    value, said = SETTINGS[name]
    ending = serve_with(database, **{name: value})
    assert (ending.code, ending.error.count("\n")) == (1, 1), ending.error
    assert said in ending.error


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CSAPI_POOL_SIZE", "0"),
        ("CSAPI_API_WORKERS", "0"),
        ("CSAPI_STATEMENT_TIMEOUT_MS", "-5"),
        ("CSAPI_LOG_LEVEL", "loud"),
        ("CSAPI_PORT", "70000"),
    ],
)
def test_a_setting_has_bounds(name: str, value: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        load_settings({name: value})


def serve_with(database: Database, **settings: str) -> Ending:
    environ = {**os.environ, "CSAPI_DATABASE_URL": database.api_url, **settings}
    done = subprocess.run(
        [sys.executable, "-m", "csapi", "serve"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Ending(done.returncode, done.stderr, done.stdout, 0.0)


def test_a_busy_port_is_refused_and_not_shared(database: Database, busy_port: int) -> None:
    ending = serve_with(database, CSAPI_PORT=str(busy_port))
    assert (ending.code, ending.error.count("\n")) == (1, 1), ending.error
    assert f"Cannot listen on 127.0.0.1:{busy_port}" in ending.error


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as taken:
        # As granian does: who sets this could share the port.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        yield taken.getsockname()[1]
