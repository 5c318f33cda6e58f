"""A small app over the kit: what the tests of this folder talk to, in process and on granian."""

import uuid
from enum import StrEnum
from typing import Annotated, Any

import asyncpg
import msgspec
from litestar import Litestar
from msgspec import UNSET, Meta, UnsetType

from csapi.kit import body
from csapi.kit.db import ConnectionLost
from csapi.kit.decode import decode_item
from csapi.kit.docs_page import docs_handlers
from csapi.kit.error_pages import ERROR_OPERATIONS
from csapi.kit.error_pages import TAG as ERRORS_TAG
from csapi.kit.http import Edge, Response, answer_exception, json_response
from csapi.kit.openapi import build_document
from csapi.kit.operations import (
    AnyRequest,
    Operation,
    body_of,
    items_of,
    litestar_handlers,
    params_of,
    path_of,
)
from csapi.kit.problems import Problem
from csapi.kit.quantities import Seconds, UtcDatetime

KEY = "csk_test_canary_0123456789abcdef"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
LIMIT = 20_000

Key = Annotated[str, Meta(min_length=1, max_length=16)]


class Outcome(StrEnum):
    """How it ended."""

    answered = "answered"
    abandoned = "abandoned"


class Leg(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    agent: Key
    talk_seconds: Seconds | None = None


class Dial(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="dial"):
    number: str


class Hang(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="hang"):
    reason: str = "none"


class Call(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A call."""

    external_id: Key
    queue_entered_at: UtcDatetime | None = None
    outcome: Outcome | None = None
    answered_on: Annotated[str, Meta(pattern="^[0-9-]+$")] | None = None
    attempt: Annotated[int, Meta(ge=1, le=10)] = 1
    serial: int = 0
    customer: uuid.UUID | None = None
    legs: Annotated[list[Leg], Meta(max_length=2)] = []
    actions: list[Annotated[Dial | Hang, Meta(title="Action")]] = []
    custom: dict[str, Any] = {}
    counts: dict[str, int] = {}


class Receipt(msgspec.Struct, kw_only=True, frozen=True):
    """What was understood."""

    accepted: int
    errors: list[str] = []
    note: str | UnsetType = UNSET
    outcome: Outcome | None = None


class CallFilter(msgspec.Struct, kw_only=True, frozen=True):
    channel: Annotated[list[str], Meta(description="Channels, repeated.")] = []
    outcome: Annotated[Outcome | None, Meta(description="How it ended.")] = None
    created_from: Annotated[UtcDatetime | None, Meta(description="Not before.")] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size.")] = 100
    share: Annotated[float | None, Meta(description="A share.")] = None
    open: Annotated[bool | None, Meta(description="Still open.")] = None
    cursor: Annotated[str | None, Meta(description="Where to go on.")] = None


class CallPath(msgspec.Struct, kw_only=True, frozen=True):
    id: Annotated[uuid.UUID, Meta(description="Our id.")]


class RaisePath(msgspec.Struct, kw_only=True, frozen=True):
    name: Annotated[str, Meta(description="What to raise.")]


DECODER = msgspec.json.Decoder(Call)

RAISED: dict[str, Exception] = {
    "defect": RuntimeError(f"secret {KEY}"),
    "connection": asyncpg.ConnectionDoesNotExistError("gone"),
    "starting": asyncpg.CannotConnectNowError("starting up"),
    "ending": asyncpg.AdminShutdownError("terminating connection"),
    "crashed": asyncpg.CrashShutdownError("terminating connection because of crash"),
    "failed": asyncpg.ConnectionFailureError("server closed the connection"),
    "standby": asyncpg.ReadOnlySQLTransactionError("in a read-only transaction"),
    "crowded": asyncpg.TooManyConnectionsError("too many clients already"),
    "closed": asyncpg.InterfaceError("connection is closed"),
    "lost": ConnectionLost("connection has been released back to the pool"),
    "kept": asyncpg.InterfaceError("connection has been released back to the pool"),
    "shared": asyncpg.InterfaceError("another operation is in progress"),
    "misuse": asyncpg.InterfaceError("cannot use Connection.fetch() in a transaction"),
    "refused": ConnectionRefusedError(111, "refused"),
    "socket": FileNotFoundError(2, "No such file or directory"),
    "file": FileNotFoundError(2, "No such file or directory", "/etc/missing"),
    "pool": TimeoutError(),
    "canceled": asyncpg.QueryCanceledError("statement timeout"),
    "deadlock": asyncpg.DeadlockDetectedError("deadlock"),
    "disk": asyncpg.DiskFullError("no space"),
    "duplicate": asyncpg.UniqueViolationError("duplicate"),
}


async def authenticate(request: AnyRequest, scope: str) -> None:
    given = request.headers.get("authorization")
    if given is None:
        raise Problem("unauthorized", "Send Authorization: Bearer <API key>.")
    if given != AUTHORIZED["Authorization"]:
        raise Problem("insufficient_scope", f"The key lacks the scope {scope}.")
    request.scope["state"]["tenant"] = "t1"


async def list_calls(request: AnyRequest, principal: object) -> Response:
    return json_response(params_of(request, CallFilter))


async def get_call(request: AnyRequest, principal: object) -> Response:
    return json_response({"id": path_of(request, CallPath).id})


async def post_call(request: AnyRequest, principal: object) -> Response:
    await body_of(request, Call)
    return json_response(Receipt(accepted=1), 201)


async def post_batch(request: AnyRequest, principal: object) -> Response:
    results: list[object] = []
    for index, raw in enumerate(await items_of(request)):
        read = decode_item(raw, DECODER, index)
        results.append(read if isinstance(read, list) else "ok")
    return json_response({"results": results})


async def raise_error(request: AnyRequest, principal: object) -> Response:
    raise RAISED[path_of(request, RaisePath).name]


def operation(**more: Any) -> Operation:
    common: dict[str, Any] = {
        "summary": "Do it",
        "description": "Does it.",
        "tag": "Calls",
        "scope": "calls:any",
        "responses": {200: Receipt},
    }
    return Operation(**{**common, **more})


OPERATIONS = (
    operation(
        method="GET",
        path="/v1/calls",
        operation_id="listCalls",
        params=CallFilter,
        handler=list_calls,
    ),
    operation(
        method="POST",
        path="/v1/calls",
        operation_id="createCall",
        request=Call,
        request_examples={"smallest": {"external_id": "c1"}},
        limit=LIMIT,
        handler=post_call,
        responses={201: Receipt},
    ),
    operation(
        method="POST",
        path="/v1/calls/batch",
        operation_id="createCalls",
        request=Call,
        ndjson=True,
        handler=post_batch,
    ),
    operation(
        method="GET",
        path="/v1/calls/{id}",
        operation_id="getCall",
        path_params=CallPath,
        handler=get_call,
    ),
    operation(
        method="GET",
        path="/raise/{name}",
        operation_id="raiseError",
        path_params=RaisePath,
        handler=raise_error,
        scope=None,
        public=True,
    ),
    *ERROR_OPERATIONS,
)

DOCUMENT = build_document(
    OPERATIONS,
    title="sample",
    version="1",
    description="A sample.",
    tags={"Calls": "Calls.", ERRORS_TAG: "Errors."},
)


def make_app() -> Edge:
    routes = [*litestar_handlers(OPERATIONS, authenticate), *docs_handlers(DOCUMENT)]
    return Edge(
        Litestar(
            routes,
            openapi_config=None,
            logging_config=None,
            exception_handlers={Exception: answer_exception},
        )
    )


def make_impatient_app() -> Edge:
    """The same, for a server of its own: it waits one second for a body."""
    body.READ_SECONDS = 1
    return make_app()
