"""csapi's own processes: how they are called and what they are told."""

import secrets
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from csapi.embedded.child import Service
from csapi.embedded.layout import DataDir
from csapi.embedded.process import Launch, Progress, failure, run_to_end
from csapi.embedded.runtime import RUN_MARKER

MIGRATE_SECONDS = 3600.0
METRICS_PORT, API_WORKERS = "CSAPI_METRICS_PORT", "CSAPI_API_WORKERS"
# What one process is told must not reach another: each role has a password of its own.
PRIVATE = ("DATABASE_URL", "WORKER_DATABASE_URL", "REDIS_URL", "API_PASSWORD", "WORKER_PASSWORD")


def _csapi(command: str) -> list[str]:
    return [sys.executable, "-m", "csapi", command]


@dataclass(frozen=True, slots=True)
class Programs:
    """Command lines; tests put others in their place."""

    migrate: list[str] = field(default_factory=lambda: _csapi("migrate"))
    api: list[str] = field(default_factory=lambda: _csapi("serve"))
    worker: list[str] = field(default_factory=lambda: _csapi("worker"))


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    @property
    def reachable_host(self) -> str:
        """A host that a client on this machine can connect to."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104

    @property
    def base_url(self) -> str:
        host = self.reachable_host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def answers_ready(self, _pid: int) -> bool:
        connection = HTTPConnection(self.reachable_host, self.port, timeout=2.0)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Setting:
    """The environment that csapi's own processes get, by part."""

    environ: Mapping[str, str]
    run_id: str = field(default_factory=lambda: secrets.token_hex(8))

    def env(self, **given: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in self.environ.items()
            if name.removeprefix("CSAPI_") not in PRIVATE or not name.startswith("CSAPI_")
        }
        told = {f"CSAPI_{name.upper()}": value for name, value in given.items()}
        return kept | told | {RUN_MARKER: self.run_id, "PYTHONUNBUFFERED": "1"}


def api_service(
    command: list[str], setting: Setting, address: Address, *, database_url: str, redis_url: str
) -> Service:
    env = setting.env(
        database_url=database_url,
        redis_url=redis_url,
        host=address.host,
        port=str(address.port),
    )
    return Service(
        name="api",
        title="The API",
        launch=lambda: Launch(command, env),
        ready=address.answers_ready,
        ending=((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0)),
    )


def worker_service(
    command: list[str], setting: Setting, *, database_url: str, redis_url: str
) -> Service:
    env = setting.env(database_url=database_url, redis_url=redis_url)
    if env.get(METRICS_PORT, "").strip("0 "):
        # The first ports are those of the API, which has this environment, too.
        env[METRICS_PORT] = str(int(env[METRICS_PORT]) + int(env.get(API_WORKERS) or 1))
    return Service(
        name="worker",
        title="The worker",
        launch=lambda: Launch(command, env),
        ready=lambda _pid: True,
        ending=((signal.SIGTERM, 25.0), (signal.SIGKILL, 5.0)),
    )


def migrate(
    command: list[str], setting: Setting, layout: DataDir, admin_url: str, progress: Progress
) -> None:
    """Bring the database at `admin_url` up to date, roles and their passwords included."""
    progress.say("Bringing the database up to date")
    passwords = layout.credentials()
    env = setting.env(
        database_url=admin_url, api_password=passwords.api, worker_password=passwords.worker
    )
    layout.rotate_log("migrate")
    log = layout.log("migrate")
    code = run_to_end(Launch(command, env), log, progress, seconds=MIGRATE_SECONDS)
    if code != 0:
        raise failure("the database could not be brought up to date", code, log)
