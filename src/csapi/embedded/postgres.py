"""PostgreSQL 18 from a wheel, on a private socket, started and stopped by us."""

import os
import signal
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from csapi.embedded.account import service_account
from csapi.embedded.binaries import postgres_folder
from csapi.embedded.child import Child, Service
from csapi.embedded.cluster import ADMIN, DATABASE, SERVER_ENV, create_cluster, data_argument
from csapi.embedded.errors import EmbeddedError
from csapi.embedded.layout import DataDir
from csapi.embedded.leftovers import end_postgres_of
from csapi.embedded.process import Launch, Progress

MAJOR_VERSION = "18"
LOCK_RETRY_SECONDS = 60.0
LOCK_MESSAGES = ("lock file", "pre-existing shared memory block")
SOCKETS = (".s.PGSQL.5432", ".s.PGSQL.5432.lock")
CANNOT_CONNECT_NOW = b"C57P03"
KNOCK_BODY = struct.pack("!HH", 3, 0) + f"user\0{ADMIN}\0database\0{DATABASE}\0\0".encode()
KNOCK = struct.pack("!I", len(KNOCK_BODY) + 4) + KNOCK_BODY

# For two cores and little memory; a report scans and sorts more than it looks up.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": "csapi",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "min_dynamic_shared_memory": "64MB",
    "max_parallel_workers_per_gather": "1",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "10min",
    "autovacuum_naptime": "15s",
    "random_page_cost": "1.1",
    "jit": "off",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u ",
    "log_startup_progress_interval": "2s",
}


class Postgres:
    """A server over `data_dir`/cluster. `settings` go over those above (tests: fsync off)."""

    def __init__(self, data_dir: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.layout = DataDir(data_dir)
        self._settings = SETTINGS | dict(settings or {})
        self._account = service_account(self.layout.cluster)
        self._sockets: Path | None = None
        self._cluster_fd = -1
        service = Service(
            name="postgres",
            title="PostgreSQL",
            launch=self._launch,
            ready=self._ready,
            before=self._clear,
            ending=((signal.SIGINT, 30.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, 5.0)),
            hard_ending=((signal.SIGQUIT, 20.0), (signal.SIGKILL, 5.0)),
            # PostgreSQL 18.4 never ends a fast shutdown asked for during crash recovery.
            is_gentle=self._accepts_connections,
        )
        self.child = Child(service, self.layout.log("postgres"))

    @property
    def admin_url(self) -> str:
        return self._url(ADMIN, self.layout.credentials().admin)

    @property
    def api_url(self) -> str:
        return self._url("csapi_api", self.layout.credentials().api)

    @property
    def worker_url(self) -> str:
        return self._url("csapi_worker", self.layout.credentials().worker)

    def prepare(self, progress: Progress) -> None:
        """Make the data directory and, the first time, the cluster."""
        self.layout.create()
        self.layout.rotate_log("postgres")
        if not self.layout.cluster.exists():
            progress.say("Creating the database")
            is_synced = self._settings.get("fsync") != "off"
            create_cluster(self.layout, self._account, progress, is_synced=is_synced)
        version = (self.layout.cluster / "PG_VERSION").read_text().strip()
        if version != MAJOR_VERSION:
            raise EmbeddedError(
                f"{self.layout.cluster} was made by PostgreSQL {version} and this csapi runs "
                f"{MAJOR_VERSION}; use the csapi that made it, or another --data-dir"
            )

    def start(self, progress: Progress | None = None) -> None:
        """Run until ready, however long recovery takes."""
        progress = progress or Progress()
        self.prepare(progress)
        try:
            self.run(progress)
        except BaseException:
            self.stop()
            raise

    def stop(self, *, hard: bool = False) -> None:
        self.child.stop(hard=hard)
        if self._cluster_fd >= 0:
            os.close(self._cluster_fd)
            self._cluster_fd = -1
        if self._sockets is not None:
            self.layout.drop_socket_dir(self._sockets)
            self._sockets = None

    def run(self, progress: Progress) -> None:
        """Start over a prepared directory and wait."""
        deadline = time.monotonic() + LOCK_RETRY_SECONDS
        while True:
            self.child.start(progress)
            try:
                self.child.wait_ready(progress)
            except EmbeddedError as error:
                locked = any(message in error.detail for message in LOCK_MESSAGES)
                if not locked or time.monotonic() > deadline:
                    raise
                progress.say("Waiting for an earlier PostgreSQL to let go of the database")
                progress.pause(0.5)
            else:
                return

    def _clear(self, progress: Progress) -> None:
        end_postgres_of(self.layout.cluster, progress)
        for name in SOCKETS:
            (self._socket_dir() / name).unlink(missing_ok=True)

    def _launch(self) -> Launch:
        if self._cluster_fd < 0:
            self._cluster_fd = os.open(self.layout.cluster, os.O_RDONLY | os.O_DIRECTORY)
        settings = self._settings | {"unix_socket_directories": str(self._socket_dir())}
        command = [
            str(postgres_folder(self._account) / "postgres"),
            "-D",
            data_argument(self._cluster_fd, self.layout.cluster),
            *(f"--{name}={value}" for name, value in settings.items()),
        ]
        fds = (self._cluster_fd,)
        return Launch(command, SERVER_ENV, self._account, fds, signal.SIGINT, cwd="/")

    def _ready(self, pid: int) -> bool:
        try:
            lines = (self.layout.cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        started = len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return started and self._accepts_connections()

    def _accepts_connections(self) -> bool:
        """Knock and go before authentication. The lock file says "ready" in recovery too."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(5.0)
                client.connect(str(self._socket_dir() / SOCKETS[0]))
                client.sendall(KNOCK)
                answer = client.recv(1024)
        except OSError:
            return False
        return bool(answer) and CANNOT_CONNECT_NOW not in answer

    def _socket_dir(self) -> Path:
        if self._sockets is None:
            self._sockets = self.layout.socket_dir(self._account)
        return self._sockets

    def _url(self, user: str, password: str) -> str:
        return f"postgresql://{user}:{quote(password)}@/{DATABASE}?host={self._socket_dir()}"
