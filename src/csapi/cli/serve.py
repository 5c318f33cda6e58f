import asyncio
import ctypes
import errno
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

import click

from csapi.access.addresses import read_proxies
from csapi.cli.errors import one_line_errors
from csapi.kit.db import OWNER, StartupError, connect, refuse_unsafe_role
from csapi.kit.faultpoints import refuse_faults_of
from csapi.kit.ports import try_to_listen
from csapi.kit.settings import Settings, load_settings
from csapi.kit.termination import SOON

PR_SET_PDEATHSIG = 1
PARENT_PID = "CSAPI_SERVE_PID"
HEADER_TIMEOUT_MS = 10_000
LARGEST_HEAD_BYTES = 65_536
BACKPRESSURE = 1024
PREDECESSOR_SECONDS = 3.0
# Batches and answers are tens of thousands of objects without cycles: looking through them after
# every 700, as Python would, took more time than making them.
COLLECT_AFTER = (20_000, 20, 50)
# How long the event loop waits for a thread that works aside, at each of its turns; Python's 5 ms
# would add up to more than a short answer takes.
SWITCH_SECONDS = 0.001


def die_with_parent() -> None:
    """Server processes must not outlive a killed parent and keep its port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have been killed before the kernel was told.
    if os.getppid() != int(os.environ.get(PARENT_PID, os.getppid())):
        os._exit(1)


def asgi() -> object:
    # Nothing of what a start makes is garbage: it is not looked through, neither now nor later.
    gc.disable()
    from csapi.app import asgi as build

    die_with_parent()
    app = build()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.enable()
    return app


async def check_database(settings: Settings) -> None:
    if settings.database_url is None:
        raise StartupError("Set CSAPI_DATABASE_URL to the URL of the role csapi_api.")
    refuse_faults_of(settings.database_url)
    connection = await connect(settings.database_url)
    try:
        await refuse_unsafe_role(connection, OWNER)
    finally:
        await connection.close()


def listening_address(host: str, port: int) -> str:
    """The IP address of `host`, where `port` is free.

    granian would share a busy port with whoever has it, and clients would reach either. A
    predecessor that was killed is given a moment to go.
    """
    if not 0 <= port <= 65_535:
        raise StartupError(f"CSAPI_PORT is {port}: set it to a number from 0 to 65535.")
    deadline = time.monotonic() + PREDECESSOR_SECONDS
    while True:
        try:
            return try_to_listen(host, port)[0]
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise StartupError(
                    f"Cannot listen on {host}:{port}: {error.strerror}. Stop what listens there, "
                    "or set CSAPI_HOST and CSAPI_PORT to a free address of this machine."
                ) from None
            time.sleep(0.1)


def drain_first(seconds: float, end: Callable[[], object]) -> None:
    """On SIGTERM let the processes say that they are not ready, go on serving for `seconds`, and
    then `end`; on another one at once.

    A balancer needs a moment to see it: what it sends in that moment must not be refused.
    """
    draining = threading.Event()

    def told(number: int, frame: FrameType | None) -> None:
        del number, frame
        if draining.is_set():
            end()
            return
        draining.set()
        for process in multiprocessing.active_children():
            if process.pid is not None:
                os.kill(process.pid, SOON)
        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()

    # Processes that still start have no ear for it yet, and must not die of it.
    signal.signal(SOON, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, told)


@click.command()
@one_line_errors
def serve() -> None:
    """Run the API on CSAPI_HOST and CSAPI_PORT (127.0.0.1:8800).

    Needs CSAPI_DATABASE_URL (the role csapi_api) and, for wake-ups, CSAPI_REDIS_URL.
    """
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings

    settings = load_settings()
    read_proxies(settings.trusted_proxies)
    asyncio.run(check_database(settings))
    address = listening_address(settings.host, settings.port)
    os.environ[PARENT_PID] = str(os.getpid())
    server = Granian(
        "csapi.cli.serve:asgi",
        factory=True,
        address=address,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.api_workers,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=LARGEST_HEAD_BYTES
        ),
        websockets=False,
        backpressure=BACKPRESSURE,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_access=False,
    )
    if settings.drain_seconds:
        server.on_startup(
            lambda: drain_first(settings.drain_seconds, server.signal_handler_interrupt)
        )
    server.serve()
