"""This machine: Python, ports, space, and how many files a process may open."""

import resource
import shutil
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from csapi import __version__
from csapi.cli.checks.finding import Finding, failed, ok, warning
from csapi.embedded.layout import FREE_BYTES_NEEDED
from csapi.embedded.programs import Address
from csapi.kit.ports import try_to_listen
from csapi.kit.settings import Settings
from csapi.kit.telemetry import HOST as METRICS_HOST

OLDEST_PYTHON = (3, 11)
FREE_BYTES_WISHED = 5_000_000_000
OPEN_FILES_WISHED = 1024


def look_at_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return failed("python", f"Python {version}", "Install Python 3.11 or newer.")
    return ok("python", f"csapi {__version__} on Python {version}")


def look_at_port(settings: Settings) -> Finding:
    """Free, or taken by csapi itself."""
    address = Address(settings.host, settings.port)
    if settings.port == 0:
        return ok("port", "any free port is taken")
    flaw = _taken(settings.host, settings.port)
    if flaw is None:
        return ok("port", f"{settings.host}:{settings.port} is free")
    told = _livez(address)
    if told == 200:
        return ok("port", f"csapi answers at {address.base_url}")
    return failed(
        "port",
        f"{settings.host}:{settings.port} cannot be listened on ({flaw}), and csapi is not there",
        "Stop what listens there, or set CSAPI_HOST and CSAPI_PORT.",
    )


def look_at_metrics_ports(settings: Settings) -> Iterator[Finding]:
    if not settings.metrics_port:
        return
    ports = range(settings.metrics_port, settings.metrics_port + settings.api_workers + 1)
    if settings.port in ports:
        yield failed(
            "metrics",
            f"the ports of /metrics, {ports[0]} to {ports[-1]}, include that of the API",
            "Set CSAPI_METRICS_PORT to another.",
        )
        return
    taken = [port for port in ports if _taken(METRICS_HOST, port)]
    state = f"taken: {', '.join(map(str, taken))}" if taken else "all free"
    text = f"/metrics of {settings.api_workers} API processes and the worker: "
    yield ok("metrics", f"{text}{ports[0]} to {ports[-1]}, {state}")


def _taken(host: str, port: int) -> str | None:
    """Why the port cannot be listened on."""
    try:
        try_to_listen(host, port)
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _livez(address: Address) -> int | None:
    connection = HTTPConnection(address.reachable_host, address.port, timeout=2.0)
    try:
        connection.request("GET", "/livez")
        answer = connection.getresponse()
        return answer.status if answer.getheader("X-Request-Id") else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def look_at_space(folder: Path, *, needed: int = FREE_BYTES_NEEDED) -> Finding:
    """The free space where the data is, or will be."""
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"{free // 1_000_000:,} MB are free for {folder}"
    if free < needed:
        mend = f"Free {needed // 1_000_000} MB, or choose another --data-dir."
        return failed("disk", text, mend)
    if free < FREE_BYTES_WISHED:
        return warning("disk", text, "Free some: writes are refused when the disk is full.")
    return ok("disk", text)


def look_at_open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES_WISHED:
        return warning(
            "open files",
            f"a process may open {soft} files and connections",
            f"Raise it with ulimit -n {OPEN_FILES_WISHED} or more (LimitNOFILE of systemd).",
        )
    return ok("open files", "enough for a process")
