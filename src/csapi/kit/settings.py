"""What the environment decides. Read once at start-up; nothing else reads os.environ."""

import os

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """CSAPI_* variables. URLs without a value mean: not configured."""

    database_url: str | None = None
    worker_database_url: str | None = None
    redis_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8800
    api_workers: int = 1
    pool_size: int = 10
    statement_timeout_ms: int = 15_000
    live_slots_max: int = 20_000
    log_level: str = "info"
    data_dir: str = ".csapi"


def load_settings(environ: dict[str, str] | None = None) -> Settings:
    """Read CSAPI_* from `environ` (default: the process environment).

    Raises msgspec.ValidationError, naming the variable, when a value has the wrong type.
    """
    source = os.environ if environ is None else environ
    fields = {name: source.get(f"CSAPI_{name.upper()}") for name in Settings.__struct_fields__}
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    return msgspec.convert(given, Settings, strict=False)
