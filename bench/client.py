"""HTTP/1.1 over one kept-alive socket: cheap enough not to be what is measured."""

import json
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
TIMEOUT_SECONDS = 60
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "


class UnexpectedAnswerError(Exception):
    """A server that answers something else than success makes all figures worthless."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key that writes its requests as bytes, before any clock runs."""

    text: str

    def get(self, path: str) -> bytes:
        return self._head("GET", path) + HEAD_END

    def post(self, path: str, body: bytes, extra: str = "") -> bytes:
        head = self._head("POST", path)
        kind = b"\r\nContent-Type: application/json\r\nContent-Length: %d" % len(body)
        return head + kind + extra.encode() + HEAD_END + body

    def _head(self, method: str, path: str) -> bytes:
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {self.text}"
        ).encode()


class Connection:
    """A connection that blocks: use one per thread."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def exchange(self, request: bytes) -> bytes:
        """The body of a success. Raises UnexpectedAnswerError for anything else."""
        self._socket.sendall(request)
        data = self._socket.recv(262_144)
        while HEAD_END not in data:
            data += self._more()
        head, _, body = data.partition(HEAD_END)
        start = head.lower().find(LENGTH) + len(LENGTH)
        length = int(head[start : start + 20].partition(b"\r\n")[0])
        if len(body) < length:
            parts, received = [body], len(body)
            while received < length:
                parts.append(self._more())
                received += len(parts[-1])
            body = b"".join(parts)
        if head[9:11] != b"20":
            raise UnexpectedAnswerError(f"{head[:40]!r} {body[:500]!r}")
        return body

    def _more(self) -> bytes:
        data = self._socket.recv(262_144)
        if not data:
            raise UnexpectedAnswerError("the server closed the connection")
        return data


def ask(port: int, request: bytes) -> Any:
    """One exchange on a connection of its own."""
    connection = Connection(port)
    try:
        return json.loads(connection.exchange(request))
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Sent:
    """A closed loop: how long all of it took, and each exchange."""

    seconds: float
    latencies: list[float]


def closed_loop(port: int, lanes: Sequence[Sequence[bytes]], expected: bytes = b"") -> Sent:
    """Every lane sends its requests one after the other on its own connection, all lanes at once.

    `expected` must occur in every answer.
    """
    connections = [Connection(port) for _ in lanes]

    def run(lane: int) -> list[float]:
        latencies = []
        for request in lanes[lane]:
            began = time.perf_counter()
            body = connections[lane].exchange(request)
            latencies.append(time.perf_counter() - began)
            if expected not in body:
                raise UnexpectedAnswerError(f"no {expected!r} in {body[:500]!r}")
        return latencies

    try:
        with ThreadPoolExecutor(len(lanes)) as pool:
            began = time.perf_counter()
            found = list(pool.map(run, range(len(lanes))))
            seconds = time.perf_counter() - began
    finally:
        for connection in connections:
            connection.close()
    return Sent(seconds, [latency for latencies in found for latency in latencies])
