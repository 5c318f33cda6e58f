"""The variables: those that cannot be used, and those that nobody reads."""

import importlib.util
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import msgspec

from csapi.access.addresses import read_proxies
from csapi.cli.checks.finding import Finding, failed, ok, warning
from csapi.kit.db import StartupError, describe
from csapi.kit.settings import Settings, load_settings

PREFIX = "CSAPI_"
SETTINGS = frozenset(f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__)
# Read by one command, by an example, or told by one process of ours to another.
OTHERS = frozenset(
    f"{PREFIX}{name}"
    for name in (
        "API_PASSWORD",
        "WORKER_PASSWORD",
        "NEW_PASSWORD",
        "BACKUP_URL",
        "URL",
        "KEY",
        "RUN_ID",
        "SERVE_PID",
        "HARDEN",
        # of tests that break things: refused in front of any other database
        "FAULTPOINTS",
        "FAULT_LOG",
        "FAULT_SEED",
    )
)
URLS = ("CSAPI_DATABASE_URL", "CSAPI_WORKER_DATABASE_URL")
REDIS_SCHEMES = ("redis", "rediss", "unix")


def usable(environ: Mapping[str, str]) -> Settings:
    """The settings, without those that cannot be used."""
    given = {name: value for name, value in environ.items() if name in SETTINGS}
    return load_settings({name: value for name, value in given.items() if not _flaw(name, value)})


def look_at_environment(environ: Mapping[str, str]) -> Iterator[Finding]:
    found = [*_unusable(environ), *_unknown(environ), *_urls(environ), *_meant(environ)]
    if not found:
        count = len(SETTINGS & environ.keys())
        found = [ok("environment", f"{count} variables of csapi are set, and each can be used")]
    yield from found


def _flaw(name: str, value: str) -> str | None:
    """Why the value cannot be used."""
    try:
        load_settings({name: value})
    except msgspec.ValidationError as error:
        return str(error).partition(" - at ")[0]
    return None


def _unusable(environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(SETTINGS & environ.keys()):
        if flaw := _flaw(name, environ[name]):
            yield failed("environment", f"{name} cannot be used: {flaw}", f"Correct {name}.")


def _unknown(environ: Mapping[str, str]) -> Iterator[Finding]:
    known = SETTINGS | OTHERS
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in known:
            continue
        near = get_close_matches(name, known, 1)
        meant = f"Did you mean {near[0]}?" if near else "Unset it."
        yield warning("environment", f"{name} is set, and nothing reads it", meant)


def _urls(environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in URLS:
        if not environ.get(name):
            continue
        try:
            describe(environ[name])
        except StartupError:
            yield failed(
                "environment",
                f"{name} is not a URL of PostgreSQL",
                "Write it as postgresql://ROLE:PASSWORD@host:5432/database, with special "
                "characters of the password percent-encoded.",
            )
    redis = environ.get("CSAPI_REDIS_URL")
    if redis and redis.partition("://")[0] not in REDIS_SCHEMES:
        yield failed(
            "environment",
            "CSAPI_REDIS_URL is not a URL of Redis",
            "Write it as redis://:PASSWORD@host:6379, rediss://… or unix:///path.",
        )


def _meant(environ: Mapping[str, str]) -> Iterator[Finding]:
    """What can be used and is likely not what was meant."""
    settings = usable(environ)
    try:
        read_proxies(settings.trusted_proxies)
    except StartupError as error:
        yield failed("environment", str(error), "Correct CSAPI_TRUSTED_PROXIES.")
    if settings.webhooks_insecure:
        yield warning(
            "environment",
            "CSAPI_WEBHOOKS_INSECURE lets tenants send webhooks to addresses inside your network",
            "Unset it, except for development.",
        )
    if settings.otlp_endpoint and importlib.util.find_spec("opentelemetry") is None:
        yield failed(
            "environment",
            "CSAPI_OTLP_ENDPOINT is set, and OpenTelemetry is not installed",
            "Run pip install 'csapi[otel]', or unset it.",
        )
