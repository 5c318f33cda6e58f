import contextlib
import importlib
import json
import os
import shlex
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import msgspec
from rich.console import Console

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.instance import instance_of
from csapi.embedded.layout import DataDir
from csapi.embedded.programs import Address
from csapi.embedded.runtime import Runtime
from csapi.embedded.supervisor import Plan, Supervisor
from csapi.kit.settings import Settings, load_settings

ACCESS = {
    "tenant_name": "Demo tenant",
    "ingest_key": "Ingest key",
    "read_key": "Read key",
    "curl": "Try",
}


class Voice:
    """Steps go to stderr, as a spinner on a terminal and as lines elsewhere."""

    def __init__(self, *, is_plain: bool) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._is_plain = is_plain or not self._console.is_terminal
        self._tenth = 0
        self._status = None if self._is_plain else self._console.status("Starting")

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        if self._status:
            self._status.start()
        try:
            yield
        finally:
            self.settle()

    def settle(self) -> None:
        """From here on steps are lines."""
        if self._status:
            self._status.stop()
            self._status = None

    def say(self, message: str) -> None:
        if self._status:
            self._status.update(message)
        else:
            self._console.print(message, markup=False)

    def amount(self, title: str, done: int, total: int) -> None:
        """Tell how far a long step is; without a terminal a line for every tenth."""
        tenth = 10 * done // max(total, 1)
        if self._status:
            bar = "█" * (2 * tenth) + "░" * (20 - 2 * tenth)
            self._status.update(f"{title} {bar} {done:,} of {total:,}")
        elif tenth != self._tenth:
            self.say(f"{title}: {10 * tenth} %")
        self._tenth = tenth

    def fail(self, error: EmbeddedError) -> None:
        self.settle()
        if error.detail:
            self._console.print(error.detail, markup=False, style="dim")
        self._console.print(f"csapi: {error}", markup=False)


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where everything is kept.")
@click.option("--host", help="Address to listen on; only this machine by default.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the API; 0 takes a free one.")
@click.option("--demo", is_flag=True, help="Add a tenant full of data and print a key for it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line when ready.")
def up(
    *, data_dir: Path | None, host: str | None, port: int | None, demo: bool, as_json: bool
) -> None:
    """Run everything on this machine, until Ctrl-C.

    That is PostgreSQL, Redis, the API and the worker. CSAPI_DATABASE_URL and CSAPI_REDIS_URL
    replace the servers that csapi brings along.
    """
    voice = Voice(is_plain=as_json)
    is_over = threading.Event()
    try:
        plan = _plan(_settings(), data_dir=data_dir, host=host, port=port, demo=demo)
        layout = DataDir(plan.data_dir)
        announcement = Announcement(voice, layout, is_over, as_json=as_json, demo=demo)
        with voice.starting():
            Supervisor(plan, voice.say).run(announcement)
    except EmbeddedError as error:
        voice.fail(error)
        sys.exit(1)
    finally:
        is_over.set()


def _settings() -> Settings:
    try:
        return load_settings()
    except msgspec.ValidationError as error:
        raise EmbeddedError(f"the environment cannot be used: {error}") from None


def _plan(
    settings: Settings, *, data_dir: Path | None, host: str | None, port: int | None, demo: bool
) -> Plan:
    if demo and settings.database_url:
        raise EmbeddedError("--demo fills an embedded database only; unset CSAPI_DATABASE_URL")
    environ = dict(os.environ)
    return Plan(
        data_dir=data_dir or Path(settings.data_dir),
        address=Address(host or settings.host, settings.port if port is None else port),
        environ=environ,
        database_url=settings.database_url,
        worker_database_url=environ.get("CSAPI_WORKER_DATABASE_URL"),
        redis_url=settings.redis_url,
    )


class Announcement:
    """What is printed once everything is up; called in a thread of its own."""

    def __init__(
        self, voice: Voice, layout: DataDir, is_over: threading.Event, *, as_json: bool, demo: bool
    ) -> None:
        self._is_over = is_over
        self._voice = voice
        self._layout = layout
        self._as_json = as_json
        self._demo = demo

    def __call__(self, runtime: Runtime) -> None:
        access = self._seed(runtime) if self._demo else None
        self._voice.settle()
        if self._is_over.is_set():
            return
        facts = {
            "base_url": runtime.base_url,
            "docs_url": f"{runtime.base_url}/docs",
            "data_dir": str(self._layout.path),
            "pid": runtime.supervisor.pid,
        }
        if self._as_json:
            click.echo(json.dumps(facts | ({"demo": access} if access else {})))
        else:
            click.echo("\n".join(_lines(facts, access)))
        sys.stdout.flush()

    def _seed(self, runtime: Runtime) -> dict[str, str] | None:
        try:
            seed = importlib.import_module("csapi.connect.demo").seed
        except ImportError:
            self._voice.say("Demo data is not available in this version")
            return None
        try:
            instance = instance_of(self._layout, runtime)
            access = seed(runtime.base_url, self._layout.path, instance, self._voice)
        except Exception as error:  # noqa: BLE001
            if not self._is_over.is_set():
                self._voice.say(f"The demo data could not be added: {error}")
            return None
        return {name: getattr(access, name) for name in ACCESS}


def _lines(facts: Mapping[str, object], access: dict[str, str] | None) -> list[str]:
    data_dir = shlex.quote(str(facts["data_dir"]))
    rows = [
        ("API", str(facts["base_url"])),
        ("Docs", str(facts["docs_url"])),
        ("Data", str(facts["data_dir"])),
    ]
    if access:
        rows += [(title, access[name]) for name, title in ACCESS.items()]
    else:
        create = "csapi tenants create NAME --timezone Europe/Berlin --data-dir"
        rows.append(("New tenant", f"{create} {data_dir}"))
    rows += [("Stop", "Ctrl-C"), ("Remove", f"rm -r {data_dir}")]
    return ["csapi is running.", *(f"  {title:<12}{value}" for title, value in rows)]
