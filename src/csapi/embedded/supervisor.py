"""One process tree: PostgreSQL, Redis, migrations, the API and the worker."""

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from csapi.embedded.child import Child
from csapi.embedded.errors import EmbeddedError
from csapi.embedded.keeper import Keeper
from csapi.embedded.layout import DataDir
from csapi.embedded.postgres import Postgres
from csapi.embedded.process import Identity, Progress
from csapi.embedded.programs import (
    Address,
    Programs,
    Setting,
    api_service,
    migrate,
    worker_service,
)
from csapi.embedded.redis import Redis
from csapi.embedded.runtime import Runtime, end_leftovers, read_runtime
from csapi.embedded.signals import Signals, StopRequested
from csapi.kit.ports import try_to_listen

WATCH_SECONDS = 0.5
LOG_CHECK_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run. URLs that are given replace the embedded servers."""

    data_dir: Path
    address: Address
    environ: Mapping[str, str]
    database_url: str | None = None
    worker_database_url: str | None = None
    redis_url: str | None = None
    programs: Programs = field(default_factory=Programs)


class Interruptible(Progress):
    def __init__(self, say: Callable[[str], None], signals: Signals) -> None:
        self._say = say
        self._signals = signals

    def say(self, message: str) -> None:
        self._say(message)

    def pause(self, seconds: float) -> None:
        self._signals.pause(seconds)


class Supervisor:
    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._say = say
        self._layout = DataDir(plan.data_dir)
        self._setting = Setting(plan.environ)
        self._postgres = None if plan.database_url else Postgres(plan.data_dir)
        self._redis = None if plan.redis_url else Redis(plan.data_dir)
        self._children: list[Child] = []
        self._runtime: Runtime | None = None

    def run(self, on_ready: Callable[[Runtime], None]) -> None:
        """Run until a signal asks for the end. `on_ready` has a thread of its own.

        Raises EmbeddedError when something cannot be started; nothing is left running then.
        """
        with Signals() as signals, self._owned():
            progress = Interruptible(self._say, signals)
            try:
                runtime = self._start(progress)
                threading.Thread(target=on_ready, args=[runtime], daemon=True).start()
                self._watch(progress)
            except StopRequested:
                self._say("Stopping")
            finally:
                self._stop(signals)

    @contextlib.contextmanager
    def _owned(self) -> Iterator[None]:
        self._layout.create()
        with self._layout.locked() as is_ours:
            if not is_ours:
                raise EmbeddedError(in_use(self._layout))
            yield

    def _start(self, progress: Progress) -> Runtime:
        plan = self._plan
        end_leftovers(self._layout, progress)
        address = free_address(plan.address)
        if self._postgres:
            self._postgres.prepare(progress)
        runtime = self._runtime = self._new_runtime(address)
        if self._redis:
            self._redis.prepare()
            self._add(self._redis.child, progress)
        if self._postgres:
            progress.say("Starting PostgreSQL")
            self._children.append(self._postgres.child)
            self._postgres.run(progress)
            self._record()
            migrate(
                plan.programs.migrate,
                self._setting,
                self._layout,
                self._postgres.admin_url,
                progress,
            )
        progress.say("Starting the API and the worker")
        urls = {"redis_url": runtime.redis_url}
        worker = worker_service(
            plan.programs.worker, self._setting, database_url=runtime.worker_url, **urls
        )
        api = api_service(
            plan.programs.api, self._setting, address, database_url=runtime.api_url, **urls
        )
        for service in (worker, api):
            self._layout.rotate_log(service.name)
            self._add(Child(service, self._layout.log(service.name)), progress)
        self._wait_ready(progress)
        runtime.ready = True
        self._record()
        return runtime

    def _new_runtime(self, address: Address) -> Runtime:
        plan, postgres = self._plan, self._postgres
        api_url = postgres.api_url if postgres else plan.database_url or ""
        worker_url = postgres.worker_url if postgres else plan.worker_database_url or api_url
        return Runtime(
            run_id=self._setting.run_id,
            supervisor=Identity.of(os.getpid()),
            base_url=address.base_url,
            admin_url=postgres.admin_url if postgres else None,
            api_url=api_url,
            worker_url=worker_url,
            redis_url=self._redis.url if self._redis else plan.redis_url or "",
        )

    def _add(self, child: Child, progress: Progress) -> None:
        self._children.append(child)
        child.start(progress)
        self._record()

    def _record(self) -> None:
        if self._runtime is None:
            return
        self._runtime.processes = {
            child.service.name: child.identity for child in self._children if child.identity
        }
        try:
            self._runtime.write(self._layout)
        except OSError as error:
            self._say(f"Cannot write {self._layout.runtime}: {error.strerror}")

    def _wait_ready(self, progress: Progress) -> None:
        waiting = list(self._children)
        while waiting:
            for child in self._children:
                if not child.running():
                    raise child.failure()
            waiting = [child for child in waiting if not child.ready()]
            progress.pause(0.05)

    def _watch(self, progress: Progress) -> None:
        keepers = [Keeper(child) for child in self._children]
        logs_checked_at = time.monotonic()
        while True:
            for keeper in keepers:
                if keeper.tend(progress):
                    self._record()
            if time.monotonic() - logs_checked_at > LOG_CHECK_SECONDS:
                logs_checked_at = time.monotonic()
                for child in self._children:
                    self._layout.cap_log(child.service.name)
            progress.pause(WATCH_SECONDS)

    def _stop(self, signals: Signals) -> None:
        order = ("api", "worker", "redis", "postgres")
        for child in sorted(self._children, key=lambda child: order.index(child.service.name)):
            try:
                child.stop(hard=signals.stops > 1, pause=signals.pause_stopping)
            except StopRequested:
                child.stop(hard=True)
        for server in (self._redis, self._postgres):
            if server:
                server.stop(hard=True)
        self._layout.runtime.unlink(missing_ok=True)


def in_use(layout: DataDir) -> str:
    runtime = read_runtime(layout)
    if runtime is None or runtime.supervisor.find() is None:
        return f"another csapi command uses {layout.path}; try again when it has ended"
    return (
        f"csapi is already running on {layout.path} ({runtime.base_url}); "
        f"stop it with kill {runtime.supervisor.pid}, or choose another --data-dir"
    )


def free_address(wanted: Address) -> Address:
    """`wanted` if nothing listens there, port 0 replaced by a free one."""
    host, port = wanted.host, wanted.port
    try:
        return Address(host, try_to_listen(host, port)[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"port {port} on {host} is in use; choose another with --port"
        elif error.errno == errno.EACCES:
            message = f"port {port} needs more rights; choose one above 1023 with --port"
        else:
            message = f"cannot listen on {host}: {error.strerror}; choose another with --host"
        raise EmbeddedError(message) from None
