"""`csapi doctor` on set-ups that are broken one way each, and on one that is not."""

import asyncio
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner
from tests.conftest import Database, with_database

import csapi
from csapi.cli.checks.embedded import _tried, look_at_data
from csapi.cli.checks.environment import OTHERS, SETTINGS
from csapi.cli.checks.finding import State
from csapi.cli.checks.host import look_at_space
from csapi.cli.checks.skew import Reading, skew_of
from csapi.cli.doctor import doctor
from csapi.embedded.layout import DataDir
from csapi.embedded.postgres import Postgres
from csapi.embedded.redis import Redis
from csapi.kit.db import SERVER_SETTINGS

Told = dict[str, list[dict[str, Any]]]


def told_by(*options: str, code: int = 0, **environ: str) -> Told:
    """What the doctor finds, by what it looked at."""
    given = {f"CSAPI_{name.upper()}": value for name, value in environ.items()}
    given.setdefault("CSAPI_PORT", "0")
    unset: dict[str, str | None] = {name: None for name in os.environ if name[:6] == "CSAPI_"}
    done = CliRunner().invoke(doctor, ["--json", *options], env={**unset, **given})
    assert done.exit_code == code, done.output
    examination = json.loads(done.output)
    assert examination["is_healthy"] is (code == 0)
    found: Told = {}
    for each in examination["findings"]:
        assert (each["mend"] is None) is (each["state"] == "ok"), each
        found.setdefault(each["check"], []).append(each)
    return found


def flaws(found: Told, check: str) -> list[str]:
    return [each["text"] for each in found.get(check, []) if each["state"] != "ok"]


def change(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url, server_settings=SERVER_SETTINGS)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


@pytest.fixture
def database_of_own(make_database: Callable[[], Database]) -> Database:
    return make_database()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_own_servers_that_are_right(database: Database, redis: Redis) -> None:
    found = told_by(database_url=database.api_url, redis_url=redis.url)
    for check in ("migrations", "role", "row-level security", "redis", "connections", "clock"):
        assert [each["state"] for each in found[check]][:1] == ["ok"], check
    # The servers of tests need survive no crash.
    assert len(flaws(found, "settings")) == 2
    # Whether one is connected depends on what else is tested beside.
    assert flaws(found, "worker") in ([], ["no worker is connected: summaries wait"])
    assert "cannot see what waits" in found["lag"][0]["text"]


def test_variables_that_are_wrong_and_unknown(database: Database) -> None:
    found = told_by(
        database_url="postgresql://csapi_api:sec#ret-canary@host/db",
        redis_url="http://:sec-canary@host",
        port="eighty",
        poolsize="20",
        webhooks_insecure="true",
        trusted_proxies="10.0.0.1/8",
        code=1,
    )
    told = "\n".join(flaws(found, "environment"))
    for part in (
        "CSAPI_PORT cannot be used",
        "CSAPI_POOLSIZE is set, and nothing reads it",
        "CSAPI_DATABASE_URL is not a URL",
        "CSAPI_REDIS_URL is not a URL",
        "10.0.0.1/8",
        "CSAPI_WEBHOOKS_INSECURE",
    ):
        assert part in told
    assert any("CSAPI_POOL_SIZE?" in str(each["mend"]) for each in found["environment"])
    assert "canary" not in json.dumps(found)


def test_every_variable_that_the_code_names_is_known() -> None:
    source = Path(csapi.__file__).parent
    named = {
        name
        for file in source.rglob("*.py")
        for name in re.findall(r"\bCSAPI_[A-Z][A-Z_]*[A-Z]\b", file.read_text(encoding="utf-8"))
    }
    assert named <= SETTINGS | OTHERS


def test_a_role_that_serve_refuses(database: Database) -> None:
    found = told_by(database_url=database.admin_url, code=1)
    assert "is a superuser" in flaws(found, "role")[0]
    assert "Use csapi_api" in found["role"][0]["mend"]


def test_servers_that_do_not_answer(database: Database) -> None:
    found = told_by(
        database_url="postgresql://csapi_api:canary@127.0.0.1:1/csapi",
        redis_url="redis://:canary@127.0.0.1:1",
        code=1,
    )
    assert "Cannot reach PostgreSQL at 127.0.0.1:1/csapi" in flaws(found, "database")[0]
    assert "Redis does not answer" in flaws(found, "redis")[0]
    assert "canary" not in json.dumps(found)


def test_a_database_without_tables(postgres: Postgres) -> None:
    found = told_by(database_url=with_database(postgres.admin_url, "postgres"), code=1)
    assert flaws(found, "migrations") == ["the database has no csapi tables"]


@pytest.mark.parametrize(("revision", "told"), [("0001", "this csapi needs"), ("9999", "not know")])
def test_a_schema_of_another_version(database_of_own: Database, revision: str, told: str) -> None:
    change(
        database_of_own.admin_url, f"UPDATE csapi.alembic_version SET version_num = '{revision}'"
    )
    found = told_by(database_url=database_of_own.worker_url, code=1)
    assert told in flaws(found, "migrations")[0]


def test_what_waits_for_the_worker_and_what_is_open_to_all(database_of_own: Database) -> None:
    change(
        database_of_own.admin_url,
        "INSERT INTO marks (tenant_id, grain, bucket, marked_at) "
        "VALUES (uuidv7(), 1, now(), now() - interval '1 hour');"
        "ALTER TABLE facts NO FORCE ROW LEVEL SECURITY",
    )
    found = told_by(database_url=database_of_own.worker_url, pool_size="200", code=1)
    assert flaws(found, "lag") == ["1 marks wait, the oldest for 3600 s"]
    assert flaws(found, "row-level security") == ["row-level security is not forced on facts"]
    assert flaws(found, "connections")[0].startswith("400 connections for 1 API processes")


def test_a_port_that_another_program_has(taken_port: int, tmp_path: Path) -> None:
    port = str(taken_port)
    found = told_by("--data-dir", str(tmp_path / "none"), port=port, metrics_port=port, code=1)
    assert "csapi is not there" in flaws(found, "port")[0]
    assert "include that of the API" in flaws(found, "metrics")[0]


def test_a_data_directory_that_is_gone_or_not_there_yet(tmp_path: Path) -> None:
    found = told_by("--data-dir", str(tmp_path / "none"))
    assert "csapi up makes it" in found["data"][0]["text"]
    assert not (tmp_path / "none").exists()


def test_servers_that_an_earlier_run_left(postgres: Postgres) -> None:
    """The PostgreSQL of the tests has no `csapi up` over it."""
    found = told_by("--data-dir", str(postgres.layout.path))
    assert "left processes: postgres" in flaws(found, "processes")[0]
    assert "PostgreSQL of the wheel runs" in found["programs"][0]["text"]


def test_files_that_others_may_read_or_that_are_gone(tmp_path: Path) -> None:
    layout = DataDir(tmp_path / "data")
    layout.create()
    layout.cluster.mkdir(mode=0o755)
    (layout.cluster / "PG_VERSION").write_text("17\n")
    told = "\n".join(each.text for each in look_at_data(layout) if each.state is State.FAILED)
    assert f"others may read {layout.cluster} (mode 0755)" in told
    assert "was made by PostgreSQL 17" in told
    assert "credentials.json is gone" in told


def test_a_disk_that_is_full_and_a_program_that_does_not_run(tmp_path: Path) -> None:
    assert look_at_space(tmp_path / "new", needed=1 << 60).state is State.FAILED
    assert _tried("PostgreSQL", Path("/bin/false"), None).state is State.FAILED
    assert "does not run" in _tried("Redis", tmp_path, None).text


@pytest.mark.parametrize(
    ("reading", "state", "told"),
    [
        (Reading(100.0, 100.2, 100.4), State.OK, "agree"),
        (Reading(100.0, 99.0, 108.0), State.OK, "agree"),
        (Reading(100.0, 90.0, 100.4), State.WARNING, "10.0 s behind"),
        (Reading(100.0, 200.0, 100.4), State.FAILED, "99.6 s ahead of"),
    ],
)
def test_clocks(reading: Reading, state: State, told: str) -> None:
    found = skew_of("Redis", reading)
    assert found.state is state
    assert told in found.text


def test_for_people_it_is_lines(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        doctor, ["--data-dir", str(tmp_path / "none")], env={"CSAPI_PORT": "eighty"}
    )
    assert done.exit_code == 1
    assert "FAILED   environment" in done.output
    assert "-> Correct CSAPI_PORT." in done.output
    assert done.output.splitlines()[-1].startswith("1 failed")
