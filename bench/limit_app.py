"""The limit of single requests: csapi's HTTP server, edge, key check and tenant transaction, with
hand-written statements inside. Run as a process: python -m bench.limit_app.

POST /limit/calls reads the body of a call, does not decode it, and writes rows that were computed
beforehand, in four round trips: begin, upsert, facts with marks and gaps, commit.
GET /limit/summaries is one SELECT of summary rows by their primary key, as JSON.
"""

import os
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Annotated

import msgspec
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from litestar import Litestar
from litestar.datastructures import State
from msgspec import Meta

from bench.handwritten import columns_of, few_facts, one_record, scalars_of
from bench.precomputed import Portion
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.app import authenticate, lifespan
from csapi.cli.serve import BACKPRESSURE, HEADER_TIMEOUT_MS, die_with_parent
from csapi.facts.call import CALLS
from csapi.health import OPERATIONS as HEALTH
from csapi.kit.body import read_body
from csapi.kit.http import Edge, Response, answer_exception, json_response
from csapi.kit.log import configure_logging
from csapi.kit.operations import AnyRequest, Operation, litestar_handlers, operation_of, params_of
from csapi.kit.settings import load_settings
from csapi.kit.telemetry import Telemetry

PORTIONS = "portions.msgpack"
UPSERT, FACTS = one_record(CALLS), few_facts()
ROWS = """
SELECT bucket, kind, outcome, key1, n, negative_n, duration_n, duration_sum, value_n, value_sum
FROM summaries
WHERE tenant_id = $1 AND cuboid = $2::smallint AND grain = $3::smallint
  AND bucket >= $4 AND bucket < $5 AND kind = ANY($6::smallint[])"""


class Number(msgspec.Struct, kw_only=True):
    portion: int


class Slice(msgspec.Struct, kw_only=True):
    """Which rows of summaries."""

    cuboid: int
    grain: int
    from_: datetime = msgspec.field(name="from")
    to: datetime
    kind: Annotated[list[int], Meta(min_length=1)]


class Receipt(msgspec.Struct, kw_only=True):
    id: str
    status: str
    request_id: str


@cache
def portions() -> list[Portion]:
    data = (Path(os.environ["BENCH_FOLDER"]) / PORTIONS).read_bytes()
    return msgspec.msgpack.decode(data, type=list[Portion])


async def write_call(request: AnyRequest, principal: Principal) -> Response:
    await read_body(request, limit=operation_of(request).body_limit)
    portion = portions()[params_of(request, Number).portion]
    tenant_id = principal.tenant_id
    gaps = columns_of(portion.gaps) or [[], [], []]
    pool = request.app.state.pool
    async with tenant_transaction(pool, tenant_id, lock="shared") as connection:
        await connection.execute(UPSERT, *portion.records[0])
        await connection.execute(FACTS, tenant_id, portion.slots, *gaps, *scalars_of(portion.facts))
    request.app.state.wake_worker()
    receipt = Receipt(
        id=str(portion.records[0][1]),
        status="created",
        request_id=request.scope["state"]["request_id"],
    )
    return json_response(receipt, 201)


async def read_summaries(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, Slice)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(
            ROWS,
            principal.tenant_id,
            wanted.cuboid,
            wanted.grain,
            wanted.from_,
            wanted.to,
            wanted.kind,
        )
    return json_response([tuple(row) for row in rows])


OPERATIONS = [
    Operation(
        method="POST",
        path="/limit/calls",
        operation_id="writeCall",
        summary="Write a call",
        description="By hand.",
        tag="Limit",
        handler=write_call,
        scope=Scope.INGEST_WRITE,
        params=Number,
        request=Receipt,
        responses={201: Receipt},
    ),
    Operation(
        method="GET",
        path="/limit/summaries",
        operation_id="readSummaries",
        summary="Read summary rows",
        description="By hand.",
        tag="Limit",
        handler=read_summaries,
        scope=Scope.REPORTS_READ,
        params=Slice,
        responses={200: Receipt},
    ),
]


def asgi() -> Edge:
    die_with_parent()
    settings = load_settings()
    configure_logging(settings.log_level)
    app = Litestar(
        route_handlers=litestar_handlers([*OPERATIONS, *HEALTH], authenticate),
        lifespan=[partial(lifespan, settings)],
        exception_handlers={Exception: answer_exception},
        openapi_config=None,
        logging_config=None,
        debug=False,
        state=State({"telemetry": Telemetry()}),
    )
    return Edge(app)


def main() -> None:
    settings = load_settings()
    Granian(
        "bench.limit_app:asgi",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.api_workers,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
        websockets=False,
        backpressure=BACKPRESSURE,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_access=False,
    ).serve()


if __name__ == "__main__":
    main()
