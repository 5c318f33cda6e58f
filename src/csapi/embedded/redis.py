"""Redis from a wheel: wake-ups and schedules only, so nothing of it is kept on disk."""

import signal
import socket
from pathlib import Path

from csapi.embedded.account import service_account
from csapi.embedded.binaries import redis_server
from csapi.embedded.child import Child, Service
from csapi.embedded.cluster import SERVER_ENV
from csapi.embedded.layout import DataDir
from csapi.embedded.process import Launch, Progress

# What is evicted is rebuilt by the sweeper; a full Redis that refuses writes would need a person.
SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "128mb",
    "maxmemory-policy": "allkeys-lru",
    "daemonize": "no",
}


class Redis:
    """A server for the owner of `data_dir`, on a socket only."""

    def __init__(self, data_dir: Path) -> None:
        self.layout = DataDir(data_dir)
        self._account = service_account(self.layout.cluster)
        self._sockets: Path | None = None
        ending = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
        service = Service("redis", "Redis", self._launch, self._ready, ending=ending)
        self.child = Child(service, self.layout.log("redis"))

    @property
    def url(self) -> str:
        return f"unix://{self._socket()}"

    def prepare(self) -> None:
        self.layout.create()
        self.layout.rotate_log("redis")

    def start(self, progress: Progress | None = None) -> None:
        progress = progress or Progress()
        self.prepare()
        try:
            self.child.start(progress)
            self.child.wait_ready(progress)
        except BaseException:
            self.stop()
            raise

    def stop(self, *, hard: bool = False) -> None:
        self.child.stop(hard=hard)
        if self._sockets is not None:
            self._socket().unlink(missing_ok=True)
            self.layout.drop_socket_dir(self._sockets)
            self._sockets = None

    def _socket(self) -> Path:
        if self._sockets is None:
            self._sockets = self.layout.socket_dir(self._account)
        return self._sockets / "redis.sock"

    def _launch(self) -> Launch:
        settings = SETTINGS | {"unixsocket": str(self._socket()), "dir": str(self._socket().parent)}
        command = [str(redis_server(self._account))]
        for name, value in settings.items():
            command += [f"--{name}", value]
        return Launch(command, SERVER_ENV, self._account, cwd="/")

    def _ready(self, _pid: int) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1.0)
                client.connect(str(self._socket()))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False
