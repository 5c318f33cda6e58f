import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import msgspec

from csapi import __version__
from csapi.cli.checks.finding import Finding, State
from csapi.cli.options import json_option
from csapi.cli.target import data_dir_option
from csapi.kit.settings import Settings

MARKS = {State.OK: "ok", State.WARNING: "warning", State.FAILED: "FAILED"}


class Examination(msgspec.Struct):
    """What `csapi doctor --json` prints."""

    version: str
    is_healthy: bool
    warnings: int
    failures: int
    findings: list[Finding]


def examined(findings: Iterable[Finding]) -> Examination:
    found = list(findings)
    counts = Counter(each.state for each in found)
    return Examination(
        version=__version__,
        is_healthy=not counts[State.FAILED],
        warnings=counts[State.WARNING],
        failures=counts[State.FAILED],
        findings=found,
    )


def lines_of(examination: Examination) -> Iterator[str]:
    for each in examination.findings:
        yield f"{MARKS[each.state]:<9}{each.check:<20}{each.text}"
        if each.mend is not None:
            yield f"{'':<29}-> {each.mend}"
    yield f"{examination.failures} failed, {examination.warnings} warnings"


def look_at_all(data_dir: Path | None) -> Iterator[Finding]:
    """Nothing is started, ended or written."""
    from csapi.cli.checks import environment, host

    environ = dict(os.environ)
    settings = environment.usable(environ)
    yield host.look_at_python()
    yield from environment.look_at_environment(environ)
    yield host.look_at_port(settings)
    yield from host.look_at_metrics_ports(settings)
    yield host.look_at_open_files()
    own = settings.database_url is not None and data_dir is None
    yield from _own_servers(settings) if own else _embedded(settings, data_dir)


def _own_servers(settings: Settings) -> Iterator[Finding]:
    # The worker's first, who sees more.
    urls = dict.fromkeys(filter(None, (settings.worker_database_url, settings.database_url)))
    yield from _servers(list(urls), settings.redis_url, settings)


def _embedded(settings: Settings, data_dir: Path | None) -> Iterator[Finding]:
    from csapi.cli.checks import embedded, host
    from csapi.embedded.layout import DataDir

    layout = DataDir(data_dir or Path(settings.data_dir))
    yield host.look_at_space(layout.path)
    yield from embedded.look_at_programs(layout)
    yield from embedded.look_at_data(layout)
    yield from embedded.look_at_leftovers(layout)
    if (runtime := embedded.running(layout)) is not None:
        # The worker's first, who sees more.
        urls = [runtime.worker_url, runtime.api_url]
        yield from _servers(urls, runtime.redis_url, settings)


def _servers(urls: list[str], redis_url: str | None, settings: Settings) -> Iterator[Finding]:
    from csapi.cli.checks.database import look_at_database
    from csapi.cli.checks.redis import look_at_redis

    async def look() -> list[Finding]:
        found = [each for url in urls async for each in look_at_database(url, settings)]
        return [*_told_once(found), *[each async for each in look_at_redis(redis_url)]]

    yield from asyncio.run(look())


def _told_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Without what is well for a second login, too."""
    seen: set[object] = set()
    for each in findings:
        key = each.check if each.state is State.OK and each.check != "role" else each
        if key not in seen:
            seen.add(key)
            yield each


@click.command()
@json_option
@data_dir_option
def doctor(as_json: bool, data_dir: Path | None) -> None:
    """Look for what is wrong here, and say how to mend it.

    Looks at the servers of CSAPI_DATABASE_URL and CSAPI_REDIS_URL, or, without them, at the data
    directory of `csapi up`. Changes nothing. Exit code 1 if anything failed.
    """
    examination = examined(look_at_all(data_dir))
    if as_json:
        click.echo(msgspec.json.encode(examination).decode())
    else:
        click.echo("\n".join(lines_of(examination)))
    sys.exit(0 if examination.is_healthy else 1)
