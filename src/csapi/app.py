"""The HTTP app: what is built at start-up, and which routes there are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar
from litestar.datastructures import State

from csapi import __version__
from csapi.access.addresses import read_proxies
from csapi.access.guard import Guard
from csapi.access.limiting import Limiter
from csapi.access.once import answer_once
from csapi.access.people.accounts import People
from csapi.access.people.hashing import Hasher
from csapi.access.people.signing import Signer
from csapi.access.principals import Principal
from csapi.access.providers.issuers import Issuers
from csapi.health import OPERATIONS as HEALTH
from csapi.health import TAG as HEALTH_TAG
from csapi.ingest.directory import Directory
from csapi.ingest.quotas import Quotas
from csapi.ingest.service import Intake
from csapi.ingest.tally import Tally
from csapi.kit import error_pages
from csapi.kit.db import StartupError, open_pool
from csapi.kit.docs_page import docs_handlers
from csapi.kit.faultpoints import refuse_faults_of
from csapi.kit.gate import Gate
from csapi.kit.http import Edge, Response, answer_exception
from csapi.kit.lanes import BATCHES, PAPERS, Crowd, Lanes
from csapi.kit.log import configure_logging
from csapi.kit.news import News
from csapi.kit.openapi import build_document
from csapi.kit.operations import AnyRequest, litestar_handlers, operation_of
from csapi.kit.pressure import Pressure
from csapi.kit.queue import Waker
from csapi.kit.settings import Settings, load_settings, query_lanes
from csapi.kit.spans import closing, note_statement, open_spans
from csapi.kit.telemetry import Sample, Telemetry, telling
from csapi.kit.termination import told_of_termination
from csapi.kit.waits import waits
from csapi.reports.live.stream import hub_of
from csapi.reports.standing import Standings
from csapi.slices import MESSAGES, OPERATIONS, TAGS

# Of one tenant in a process, while others are there.
QUERIES_BESIDE_OTHERS, BATCHES_BESIDE_OTHERS = 2, 1

ALL_OPERATIONS = (*OPERATIONS, *error_pages.ERROR_OPERATIONS, *HEALTH)

DESCRIPTION = """Push tickets, calls and feedback with a key; read exact KPIs as JSON.

Times are RFC 3339 with an offset, durations are seconds, shares lie between 0 and 1. `null` means
that a value cannot be computed, and says why; 0 is a computed zero. Clients ignore fields and enum
values that they do not know: within v1 things are only added."""


def openapi_document() -> dict[str, Any]:
    return build_document(
        ALL_OPERATIONS,
        title="csapi",
        version=__version__,
        description=DESCRIPTION,
        tags={
            **TAGS,
            error_pages.TAG: error_pages.TAG_DESCRIPTION,
            HEALTH_TAG: "Whether this server lives, and whether it is ready.",
        },
        messages=MESSAGES,
    )


async def authenticate(request: AnyRequest, scope: str) -> Principal:
    """Who is calling, after their budget was charged."""
    guard: Guard = request.app.state.guard
    principal = await guard(request, scope)
    limiter: Limiter = request.app.state.limiter
    await limiter.charge(request, principal)
    return principal


async def around(
    request: AnyRequest, principal: Principal, answer: Callable[[], Awaitable[Response]]
) -> Response:
    """Answer when it is the request's turn, and once where it says so."""
    state, charged = request.app.state, operation_of(request).charged
    if charged is None:
        return await answer()
    async with state.gates[charged].enter():
        given = await answer_once(state.pool, request, principal, answer)
    if given.status == 304:
        state.limiter.unchanged(principal)
    return given


async def load_of(app: Litestar) -> list[Sample]:
    """What the process is at, for /metrics."""
    pool, gates = app.state.pool, app.state.gates
    at_work = "csapi_gate_at_work", "Requests that have a place."
    waiting = "csapi_gate_waiting", "Requests that wait for a place."
    taken = "csapi_pool_acquired_total", "Connections that were taken."
    waited = "csapi_pool_wait_seconds_total", "How long was waited for them."
    in_vain = "csapi_pool_timeouts_total", "Waits for a connection that ended without one."
    return [
        *(Sample(*at_work, each.at_work, f'{{kind="{kind}"}}') for kind, each in gates.items()),
        *(Sample(*waiting, each.waiting, f'{{kind="{kind}"}}') for kind, each in gates.items()),
        Sample("csapi_pool_connections", "Connections that are open.", pool.get_size()),
        Sample("csapi_pool_idle", "Connections that are idle.", pool.get_idle_size()),
        Sample("csapi_pool_size", "Connections that may be open.", pool.get_max_size()),
        Sample(*taken, waits.count, kind="counter"),
        Sample(*waited, waits.seconds, kind="counter"),
        Sample(*in_vain, waits.in_vain, kind="counter"),
        Sample(
            "csapi_hint_errors_total",
            "Wake-ups of the worker that Redis did not take.",
            app.state.waker.lost,
            kind="counter",
        ),
    ]


def bound_work(app: Litestar, settings: Settings) -> Pressure:
    """Give the process its places for requests, and each tenant its share. Returns what tells how
    full the machine is."""
    at_once = settings.pool_size * settings.requests_per_connection
    app.state.gates = {"read": Gate(at_once), "write": Gate(at_once)}
    pressure = Pressure()
    crowd = Crowd(pressure)
    app.state.lanes = Lanes(query_lanes(settings), shared=QUERIES_BESIDE_OTHERS, crowd=crowd)
    app.state.batch_lanes = Lanes(
        settings.pool_size, shared=BATCHES_BESIDE_OTHERS, refusal=BATCHES, crowd=crowd
    )
    app.state.paper_lanes = Lanes(1, refusal=PAPERS, crowd=crowd)
    return pressure


@asynccontextmanager
async def lifespan(settings: Settings, app: Litestar) -> AsyncIterator[None]:
    if settings.database_url is None:
        raise StartupError("Set CSAPI_DATABASE_URL to the URL of the role csapi_api.")
    pool = await open_pool(
        settings.database_url,
        size=settings.pool_size,
        statement_timeout_ms=settings.statement_timeout_ms,
        note=note_statement if app.state.spans else None,
    )
    waker, news = Waker(settings.redis_url), News(settings.redis_url)
    hub = hub_of(pool, news)
    app.state.settings = settings
    app.state.pool = pool
    signer, hasher = Signer(pool, settings.issuer), Hasher()
    proxies = app.state.proxies = read_proxies(settings.trusted_proxies)
    app.state.guard = Guard(pool, signer, proxies, settings.refusals_per_minute)
    app.state.people = People(pool, signer, hasher, Issuers(insecure=settings.webhooks_insecure))
    hasher.warm()
    limiter = app.state.limiter = Limiter(settings, pool)
    app.state.standings = Standings()
    app.state.intake = Intake(pool, Directory(pool))
    app.state.quotas = Quotas(pool)
    tally = app.state.tally = Tally(pool)
    app.state.waker = waker
    app.state.wake_worker = waker.wake
    app.state.wake_exports = waker.wake_exports
    app.state.wake_webhooks, app.state.wake_erasures = waker.wake_webhooks, waker.wake_erasures
    watching = asyncio.create_task(bound_work(app, settings).watch())
    app.state.tell_news = news.tell
    app.state.hub = hub
    telemetry: Telemetry = app.state.telemetry
    telemetry.collectors[:] = [partial(load_of, app)]

    def drain() -> None:
        app.state.is_draining = True
        hub.drain()

    app.state.is_draining = False
    try:
        async with (
            closing(app.state.spans),
            telling(telemetry, settings.metrics_port, settings.api_workers),
        ):
            with told_of_termination(drain):
                yield
    finally:
        watching.cancel()
        await hub.close()
        await tally.close()
        await limiter.close()
        await waker.close()
        app.state.people.close()
        await pool.close()


def create_app(settings: Settings | None = None) -> Litestar:
    chosen = settings or load_settings()
    return Litestar(
        route_handlers=[
            *litestar_handlers(ALL_OPERATIONS, authenticate, around),
            *docs_handlers(openapi_document()),
        ],
        lifespan=[partial(lifespan, chosen)],
        exception_handlers={Exception: answer_exception},
        openapi_config=None,
        logging_config=None,
        debug=False,
        state=State({"telemetry": Telemetry(), "spans": open_spans(chosen.otlp_endpoint, "api")}),
    )


def asgi() -> Edge:
    """What the server of `csapi serve` calls in each of its processes."""
    settings = load_settings()
    configure_logging(settings.log_level)
    refuse_faults_of(settings.database_url)
    app = create_app(settings)
    return Edge(app, app.state.telemetry, app.state.spans)
