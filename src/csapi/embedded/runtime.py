"""runtime.json: what runs over a data directory, for other commands and for the next start."""

import signal
from pathlib import Path

import msgspec
import psutil

from csapi.embedded.layout import DataDir, write_private
from csapi.embedded.process import Ending, Identity, Progress, session_members

RUN_MARKER = "CSAPI_RUN_ID"
LEFTOVER_ENDING = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))


class Runtime(msgspec.Struct, kw_only=True):
    """One run of `csapi up`. Without `admin_url` its database is not an embedded one."""

    run_id: str
    supervisor: Identity
    base_url: str
    api_url: str
    worker_url: str
    redis_url: str
    admin_url: str | None = None
    ready: bool = False
    processes: dict[str, Identity] = {}

    def write(self, layout: DataDir) -> None:
        write_private(layout.runtime, msgspec.json.encode(self))


def read_runtime(layout: DataDir) -> Runtime | None:
    try:
        return msgspec.json.decode(layout.runtime.read_bytes(), type=Runtime)
    except (OSError, msgspec.DecodeError):
        return None


def end_leftovers(layout: DataDir, progress: Progress) -> None:
    """End what an earlier run left, PostgreSQL aside: it needs no list. Needs the lock."""
    runtime = read_runtime(layout)
    if runtime is None:
        return
    found: dict[int, psutil.Process] = {}
    for name, identity in runtime.processes.items():
        if name == "postgres":
            continue
        members = session_members(identity.pid, (RUN_MARKER, runtime.run_id))
        for process in [identity.find(), *members]:
            if process is not None:
                found[process.pid] = process
    if found:
        progress.say("Stopping processes of an earlier run")
        Ending(LEFTOVER_ENDING, progress.pause).end(found.values())
    if "redis" in runtime.processes:
        Path(runtime.redis_url.removeprefix("unix://")).unlink(missing_ok=True)
    layout.runtime.unlink(missing_ok=True)
