"""The edge of the app: responses, request ids, security headers, the access log."""

import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from csapi.kit.body import Upload
from csapi.kit.cors import PREFLIGHT_HEADERS, cors_headers, is_preflight
from csapi.kit.log import log_fields
from csapi.kit.problem_answers import log_problem, problem_body, to_problem
from csapi.kit.problems import MEDIA_TYPE as PROBLEM_TYPE
from csapi.kit.problems import Problem
from csapi.kit.spans import Spans, Work
from csapi.kit.telemetry import Telemetry
from csapi.kit.traces import Trace, at_work, begun, read_traceparent

access_log = logging.getLogger("csapi.access")

_FURTHER, _PROBLEM = "further_headers", "problem"
_encoder = msgspec.json.Encoder()
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_SANE_ID = re.compile(rb"[A-Za-z0-9._:=\-]{1,64}\Z")
_API_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


class Response:
    """A finished answer. Litestar sends it as it is: nothing is encoded or merged later."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        body: bytes = b"",
        *,
        status: int = 200,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.headers: list[tuple[bytes, bytes]] = []
        if status not in {204, 304}:
            self.headers.append((b"content-type", media_type.encode()))
            self.headers.append((b"content-length", str(len(body)).encode()))
        if headers:
            self.headers += [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()]

    def to_asgi_response(self, *_: Any, **__: Any) -> "Response":
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        start: Any = {
            "type": "http.response.start",
            "status": self.status,
            "headers": self.headers,
        }
        await send(start)
        body = b"" if scope.get("method") == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body, "more_body": False})


class StreamedResponse(Response):
    """The same with a body that comes piece by piece, of `length` bytes in all. Where it ends too
    early the connection breaks: half of it never looks like the whole."""

    __slots__ = ("pieces",)

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        length: int,
        *,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(media_type=media_type, headers=headers)
        size = str(length).encode()
        self.headers = [(k, size if k == b"content-length" else v) for k, v in self.headers]
        self.pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        is_wanted = scope.get("method") != "HEAD"
        # Before the status goes out: until then a failure is an answer of its own. A server may
        # take an answer without any piece for one of no length.
        piece = await anext(self.pieces, b"") if is_wanted else b""
        start: Any = {
            "type": "http.response.start",
            "status": self.status,
            "headers": self.headers,
        }
        await send(start)
        while piece:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await anext(self.pieces, b"")
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def json_response(
    obj: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`obj` as JSON. Bytes are taken for JSON already."""
    body = obj if isinstance(obj, bytes) else _encoder.encode(obj)
    return Response(body, status=status, headers=headers)


def no_content() -> Response:
    return Response(status=204)


def problem_response(exc: Exception, scope: Any) -> Response:
    """The answer for any exception; unknown ones are logged."""
    problem = to_problem(exc)
    log_problem(problem, exc, scope)
    scope["state"][_PROBLEM] = problem.code
    return Response(
        problem_body(problem, scope),
        status=problem.status,
        media_type=PROBLEM_TYPE,
        headers=problem.headers,
    )


def answer_exception(request: Request[Any, Any, Any], exc: Exception) -> Any:
    """Litestar's handler for every exception: `exception_handlers={Exception: answer_exception}`"""
    return problem_response(exc, request.scope)


def _ids(scope: Scope) -> tuple[str, Trace | None]:
    """The id of the request, and where the caller is in its trace, if it says so once."""
    request_id, callers = "", []
    for name, value in scope["headers"]:
        if name == b"x-request-id" and not request_id and _SANE_ID.match(value):
            request_id = value.decode()
        elif name == b"traceparent":
            callers.append(value)
    caller = read_traceparent(callers[0]) if len(callers) == 1 else None
    return request_id or secrets.token_hex(12), caller


def _check_path(scope: Scope) -> None:
    raw: bytes = scope.get("raw_path") or b""
    if b"%" not in raw:
        return
    path = unquote_to_bytes(raw.partition(b"?")[0])
    if b"\x00" in path:
        raise Problem("not_found", "Not found.")
    try:
        path.decode()
    except UnicodeDecodeError:
        raise Problem("invalid_utf8", "The path is not UTF-8.") from None


def add_headers(scope: Any, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Have these in the answer to this request, whatever it will be."""
    scope["state"].setdefault(_FURTHER, []).extend(headers)


def set_headers(scope: Any, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """The same in place of those of the same name."""
    given = list(headers)
    names = {name for name, _ in given}
    further = scope["state"].get(_FURTHER, ())
    scope["state"][_FURTHER] = [each for each in further if each[0] not in names] + given


class Edge:
    """Outermost ASGI layer: request id, trace, headers, a problem for whatever escapes, one log
    line, and with `spans` a span.

    A handler may set `scope["state"]["tenant"]`; it is logged.
    """

    def __init__(
        self, app: ASGIApp, telemetry: Telemetry | None = None, spans: Spans | None = None
    ) -> None:
        self.app = app
        self.telemetry = Telemetry() if telemetry is None else telemetry
        self.spans = spans

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        state = scope["state"] = dict(scope.get("state") or ())
        request_id, caller = _ids(scope)
        state["request_id"] = request_id
        work = None if self.spans is None else self.spans.begin(caller, is_request=True)
        at_work.set(begun(caller) if work is None else work.trace)
        status = 0
        upload = Upload(scope, receive)
        self.telemetry.in_flight += 1

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= 400 and status != 408:
                    await upload.drop()
                finished = _finish_headers(message["headers"], request_id)
                message["headers"] = (
                    finished + state.get(_FURTHER, []) + cors_headers(scope, status)
                )
            await send(message)

        try:
            _check_path(scope)
            if is_preflight(scope):
                preflight = Response(status=204, headers=PREFLIGHT_HEADERS)
                await preflight(scope, upload.receive, send_with_headers)
                return
            await self.app(scope, upload.receive, send_with_headers)
        except Exception as exc:
            if status:
                raise
            await problem_response(exc, scope)(scope, upload.receive, send_with_headers)
        finally:
            self.telemetry.in_flight -= 1
            seconds = time.perf_counter() - began
            self.telemetry.ended(_operation_id(state), status, seconds, state.get(_PROBLEM, ""))
            if access_log.isEnabledFor(logging.INFO):
                _log_access(scope, status, seconds)
            if work is not None:
                _end_span(work, scope, status)


def _end_span(work: Work, scope: Any, status: int) -> None:
    """Names and numbers of ours: paths as they are declared."""
    route = scope.get("path_template") or ""
    attributes = {
        "http.request.method": scope["method"] if scope["method"] in _METHODS else "_OTHER",
        "http.route": route,
        "http.response.status_code": status,
        "csapi.request_id": scope["state"]["request_id"],
    }
    work.end(_operation_id(scope["state"]), attributes, is_failed=status >= 500 or not status)


def _operation_id(state: dict[str, Any]) -> str:
    operation = state.get("operation")
    return "none" if operation is None else str(operation.operation_id)


def _finish_headers(given: Any, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = list(given)
    names = {name for name, _ in headers}
    headers += [header for header in _API_HEADERS if header[0] not in names]
    headers.append((b"x-request-id", request_id.encode()))
    return headers


def _log_access(scope: Any, status: int, seconds: float) -> None:
    state = scope["state"]
    fields = {
        "method": scope["method"],
        "path": scope.get("path_template") or scope["path"][:128],
        "status": status,
        "ms": round(seconds * 1000, 2),
        "request_id": state["request_id"],
    }
    if (tenant := state.get("tenant")) is not None:
        fields["tenant"] = str(tenant)
    log_fields(access_log, "request", fields)
