"""The database behind a data directory, for a command that needs it for a moment."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.layout import DataDir
from csapi.embedded.postgres import Postgres
from csapi.embedded.process import Progress
from csapi.embedded.programs import Programs, Setting, migrate
from csapi.embedded.runtime import Runtime, end_leftovers, read_runtime

WAIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Without `csapi up` there is no API and no Redis: `base_url` and `redis_url` are None."""

    data_dir: Path
    admin_url: str
    api_url: str
    worker_url: str
    redis_url: str | None = None
    base_url: str | None = None


@contextlib.contextmanager
def open_instance(
    data_dir: Path, *, progress: Progress | None = None, programs: Programs | None = None
) -> Iterator[Instance]:
    """Use the `csapi up` that runs on `data_dir`, else run PostgreSQL for as long as this lasts.

    Raises EmbeddedError when there is no csapi data or its database is not an embedded one.
    """
    progress = progress or Progress()
    layout = DataDir(data_dir)
    if not layout.path.is_dir() or not (layout.cluster.exists() or layout.runtime.exists()):
        raise EmbeddedError(
            f"no csapi data in {layout.path}; start csapi up with this --data-dir first, "
            "or set CSAPI_DATABASE_URL to use another database"
        )
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with layout.locked() as is_ours:
            if is_ours:
                with _started(layout, progress, programs or Programs()) as instance:
                    yield instance
                return
        if runtime := _running(layout):
            yield instance_of(layout, runtime)
            return
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"another csapi command has used {layout.path} for {WAIT_SECONDS:.0f} s; "
                "try again when it has ended"
            )
        progress.pause(0.1)


def instance_of(layout: DataDir, runtime: Runtime) -> Instance:
    if runtime.admin_url is None:
        raise EmbeddedError(
            f"the csapi up that runs on {layout.path} uses a database of its own; "
            "set CSAPI_DATABASE_URL to that"
        )
    return Instance(
        data_dir=layout.path,
        admin_url=runtime.admin_url,
        api_url=runtime.api_url,
        worker_url=runtime.worker_url,
        redis_url=runtime.redis_url,
        base_url=runtime.base_url,
    )


def _running(layout: DataDir) -> Runtime | None:
    runtime = read_runtime(layout)
    return runtime if runtime and runtime.ready and runtime.supervisor.find() else None


@contextlib.contextmanager
def _started(layout: DataDir, progress: Progress, programs: Programs) -> Iterator[Instance]:
    end_leftovers(layout, progress)
    if not layout.cluster.exists():
        raise EmbeddedError(
            f"no csapi database in {layout.path}; set CSAPI_DATABASE_URL to the one in use"
        )
    postgres = Postgres(layout.path)
    postgres.start(progress)
    try:
        setting = Setting(dict(os.environ))
        migrate(programs.migrate, setting, layout, postgres.admin_url, progress)
        yield Instance(
            data_dir=layout.path,
            admin_url=postgres.admin_url,
            api_url=postgres.api_url,
            worker_url=postgres.worker_url,
        )
    finally:
        postgres.stop()
