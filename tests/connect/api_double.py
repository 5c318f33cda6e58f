"""A stand-in for the API, for what clients must do when servers are slow, busy or gone."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
Reply = Callable[["Request"], Answer | None]


@dataclass
class Request:
    path: str
    key: str
    body: bytes
    at: float

    @property
    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body)
        return found


@dataclass
class ApiDouble:
    """Takes batches and remembers them. `script` answers the first requests instead, in turn."""

    url: str = ""
    script: list[Reply] = field(default_factory=list)
    always: Reply | None = None
    requests: list[Request] = field(default_factory=list)
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    most_at_once: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Answer | None:
        with self.lock:
            self.requests.append(request)
            reply = self.script.pop(0) if self.script else self.always
        return reply(request) if reply else self.take(request)

    def take(self, request: Request) -> Answer:
        """What the API does with a batch: all its items land."""
        if request.path == "/v1/custom-attributes":
            return 201, {}, b"{}"
        resource = request.path.split("/")[2]
        results = []
        with self.lock:
            for index, item in enumerate(request.items):
                key = item.get("external_id") or item.get("event_id") or item["from"]
                known = self.records[resource].get(key)
                self.records[resource][key] = item
                status = "created" if known is None else "duplicate" if known == item else "updated"
                results.append(_result(index, key, status))
        return _batch(results)

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


def _result(index: int, key: str | None, status: str, *errors: dict[str, str]) -> dict[str, Any]:
    return {"index": index, "external_id": key, "status": status, "errors": list(errors)}


def _batch(results: list[dict[str, Any]]) -> Answer:
    body = {"summary": {}, "results": results, "request_id": "r"}
    return 200, {}, json.dumps(body).encode()


def status(code: int, *, detail: str = "", problem: str = "", **headers: str) -> Reply:
    body = json.dumps({"title": "Sorry", "detail": detail, "code": problem}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (code, named, body)


def text(code: int, body: str) -> Reply:
    return lambda _: (code, {}, body.encode())


def hang_up(_: Request) -> None:
    """No answer at all: the connection closes."""


def reject(*keys: str) -> Callable[["ApiDouble"], Reply]:
    """Refuses the items of these keys and takes the others."""

    def bind(api: ApiDouble) -> Reply:
        def reply(request: Request) -> Answer:
            _, _, body = api.take(request)
            results = json.loads(body)["results"]
            for result in results:
                if result["external_id"] in keys:
                    error = {
                        "pointer": f"/{result['index']}/agent",
                        "code": "too_long",
                        "message": "At most 255 bytes.",
                    }
                    result.update(status="rejected", errors=[error])
            return _batch(results)

        return reply

    return bind


@contextmanager
def running() -> Iterator[ApiDouble]:
    api = ApiDouble()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with api.lock:
                api.at_once += 1
                api.most_at_once = max(api.most_at_once, api.at_once)
            key = self.headers["authorization"]
            answer = api.answer(Request(self.path, key, body, time.monotonic()))
            with api.lock:
                api.at_once -= 1
            if answer is None:
                self.close_connection = True
                return
            code, headers, content = answer
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
