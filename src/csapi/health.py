"""/livez and /readyz."""

import asyncio

import msgspec

from csapi.kit.db import acquire
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation
from csapi.kit.problems import Problem

TAG = "Health"
PROBE_SECONDS = 1.0


class Liveness(msgspec.Struct, kw_only=True):
    """The process answers."""

    status: str


class Readiness(msgspec.Struct, kw_only=True):
    """The database answers. `degraded` names what is missing but not needed to serve."""

    status: str
    degraded: list[str]


async def livez(request: AnyRequest, principal: None) -> Response:
    del request, principal
    return json_response(Liveness(status="ok"))


async def readyz(request: AnyRequest, principal: None) -> Response:
    del principal
    state = request.app.state
    if state.is_draining:
        raise Problem("not_ready", "The server is stopping: send requests elsewhere.")
    try:
        async with asyncio.timeout(PROBE_SECONDS), acquire(state.pool) as connection:
            await connection.fetchval("SELECT 1 FROM csapi.alembic_version")
    except Exception:  # noqa: BLE001  whatever the reason, it is not ready
        raise Problem("database_unavailable", "The database does not answer.") from None
    degraded = [] if await state.waker.ping() else ["redis"]
    return json_response(Readiness(status="ok", degraded=degraded))


OPERATIONS = [
    Operation(
        method="GET",
        path="/livez",
        operation_id="getLiveness",
        summary="Is the process alive?",
        description="Answers without touching anything else.",
        tag=TAG,
        handler=livez,
        public=True,
        responses={200: Liveness},
    ),
    Operation(
        method="GET",
        path="/readyz",
        operation_id="getReadiness",
        summary="Is the server ready?",
        description="503 while the database does not answer, and once the server is told to stop. "
        "Without Redis it is ready, and says "
        "`degraded`: summaries then follow on the worker's own timer.",
        tag=TAG,
        handler=readyz,
        public=True,
        responses={200: Readiness},
        problems=("database_unavailable", "not_ready"),
    ),
]
