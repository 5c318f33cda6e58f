"""HTTP as bytes on a socket, for requests that no client library sends."""

import contextlib
import socket
import time
from dataclasses import dataclass

PATIENCE_SECONDS = 25


@dataclass(frozen=True)
class Answer:
    """status 0: the connection was closed without an answer."""

    status: int
    head: str
    body: bytes
    seconds: float


def parse(data: bytes, seconds: float) -> Answer:
    if not data:
        return Answer(0, "", b"", seconds)
    head, _, body = data.partition(b"\r\n\r\n")
    return Answer(int(head.split()[1]), head.decode("latin-1"), body, seconds)


def exchange(port: int, *parts: bytes, pause: float = 0.0, until_closed: bool = False) -> Answer:
    """Send the parts; the first answer, or with `until_closed` all that comes until the end."""
    began = time.monotonic()
    data = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
        with contextlib.suppress(ConnectionError, TimeoutError):
            while chunk := connection.recv(65_536):
                data += chunk
                if not until_closed and is_whole(data):
                    break
    return parse(data, time.monotonic() - began)


def is_whole(data: bytes) -> bool:
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False


def request(
    path: str, key: str, *headers: str, method: str = "POST", body: bytes = b"", length: bool = True
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {key}", *headers]
    if method == "POST":
        lines.append("Content-Type: application/json")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
