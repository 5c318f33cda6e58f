"""What the environment decides. Read once at start-up; nothing else reads os.environ."""

import os
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MOST_UNITS = 1_000_000_000


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """CSAPI_* variables. URLs without a value mean: not configured."""

    database_url: str | None = None
    worker_database_url: str | None = None
    redis_url: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8800
    api_workers: Annotated[int, Meta(ge=1, le=256)] = 1
    pool_size: Annotated[int, Meta(ge=1, le=1_000)] = 10
    statement_timeout_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 15_000
    queries_per_tenant: Annotated[int, Meta(ge=1, le=1_000)] = 4
    live_slots_max: Annotated[int, Meta(ge=0)] = 20_000
    # Units a minute; 0: no limit. A tenant's own are set with `csapi budgets`.
    budget_key_read: Annotated[int, Meta(ge=0, le=MOST_UNITS)] = 60_000
    budget_key_write: Annotated[int, Meta(ge=0, le=MOST_UNITS)] = 1_200_000
    budget_tenant_read: Annotated[int, Meta(ge=0, le=MOST_UNITS)] = 120_000
    budget_tenant_write: Annotated[int, Meta(ge=0, le=MOST_UNITS)] = 1_800_000
    # Refused credentials of one address in each process.
    refusals_per_minute: Annotated[int, Meta(ge=0, le=MOST_UNITS)] = 600
    # Requests of each kind at work at once in each process, for each connection that it has.
    requests_per_connection: Annotated[int, Meta(ge=1, le=1_000)] = 8
    # /metrics of each process on this machine's own address, from this port on; 0: not at all.
    metrics_port: Annotated[int, Meta(ge=0, le=65_000)] = 0
    # How long a server that is told to end still serves, not ready: until balancers have noticed.
    drain_seconds: Annotated[float, Meta(ge=0, le=300)] = 0
    # Where spans go: the address of a collector that takes OTLP over HTTP. Needs csapi[otel].
    otlp_endpoint: str | None = None
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    data_dir: str = ".csapi"
    # Networks of proxies in front of us, with commas between: their X-Forwarded-For is believed.
    trusted_proxies: str = ""
    # For development and tests: webhooks may go to http and to this machine, and identity providers
    # may be there.
    webhooks_insecure: bool = False
    # Who has signed access tokens: what `iss` says. Best the address of this API.
    issuer: Annotated[str, Meta(min_length=1, max_length=200)] = "csapi"


def load_settings(environ: dict[str, str] | None = None) -> Settings:
    """Read CSAPI_* from `environ` (default: the process environment).

    Raises msgspec.ValidationError, naming the variable, when a value has the wrong type or is out
    of bounds.
    """
    source = os.environ if environ is None else environ
    fields = {name: source.get(f"CSAPI_{name.upper()}") for name in Settings.__struct_fields__}
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    return msgspec.convert(given, Settings, strict=False)


def query_lanes(settings: Settings) -> int:
    """How many queries of one tenant run at once in a process: never all connections."""
    return min(settings.queries_per_tenant, max(1, settings.pool_size // 2))
