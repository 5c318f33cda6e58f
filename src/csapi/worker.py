"""The worker process: arq for wake-ups and schedules, and a timer that needs no Redis."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from arq import cron, func
from arq.worker import Worker

from csapi.access.deletion import delete_closed
from csapi.access.once import trim_requests
from csapi.connect.webhooks.client import Client
from csapi.connect.webhooks.job import Deliverer
from csapi.connect.webhooks.trim import trim_webhooks
from csapi.kit.clock import now
from csapi.kit.db import StartupError, open_pool
from csapi.kit.faultpoints import refuse_faults_of
from csapi.kit.jobs import jobs
from csapi.kit.queue import (
    DRAIN_JOB,
    ERASURE_JOB,
    EXPORT_JOB,
    WEBHOOK_JOB,
    deserialize,
    redis_settings,
    serialize,
)
from csapi.kit.settings import Settings
from csapi.kit.spans import closing, note_statement, open_spans
from csapi.kit.telemetry import Telemetry, telling
from csapi.reports.alerts.watching import look_at_alert
from csapi.reports.exports.job import Exporter
from csapi.reports.goals.watching import look_at_goal
from csapi.reports.live.at_risk import risk_scanner
from csapi.reports.radar.told import issue_scanner
from csapi.reports.runs.job import Reporter
from csapi.reports.watching import Watch, Watcher
from csapi.rollup.audit import Auditor
from csapi.rollup.behind import Heartbeat, behind_of
from csapi.rollup.costs import extend_costs
from csapi.rollup.erasures.job import Eraser
from csapi.rollup.retention import retention_scanner
from csapi.rollup.schedules import extend_schedules
from csapi.rollup.sweep import Drainer
from csapi.rollup.trim import trim_slots

log = logging.getLogger(__name__)

TIMER_SECONDS = 5.0
JOB_SECONDS = 300
EXPORT_SECONDS = 3_600
RECONNECT_SECONDS = 2.0
LOOKS = {Watch.GOAL: look_at_goal, Watch.ALERT: look_at_alert}


async def drain(ctx: dict[Any, Any]) -> int:
    drainer: Drainer = ctx["drainer"]
    # Wake-ups of a long drain would pile up, and take all places of other jobs.
    return 0 if drainer.is_awaited else await jobs.run("drain", drainer.drain)


async def export(ctx: dict[Any, Any]) -> int:
    exporter: Exporter = ctx["exporter"]
    return await jobs.run("export", exporter.sweep)


async def report(ctx: dict[Any, Any]) -> int:
    reporter: Reporter = ctx["reporter"]
    return await jobs.run("report", reporter.sweep)


async def watch(ctx: dict[Any, Any]) -> int:
    watcher: Watcher = ctx["watcher"]
    return await jobs.run("watch", watcher.sweep)


async def deliver(ctx: dict[Any, Any]) -> int:
    deliverer: Deliverer = ctx["deliverer"]
    return await jobs.run("webhooks", deliverer.sweep)


async def erase(ctx: dict[Any, Any]) -> int:
    eraser: Eraser = ctx["eraser"]
    return await jobs.run("erasures", eraser.sweep)


async def trim(ctx: dict[Any, Any]) -> int:
    pool = ctx["pool"]

    async def work() -> int:
        return await trim_slots(pool) + await trim_webhooks(pool, now()) + await trim_requests(pool)

    return await jobs.run("trim", work)


async def extend(ctx: dict[Any, Any]) -> int:
    async def work() -> int:
        return await extend_schedules(ctx["pool"]) + await extend_costs(ctx["pool"])

    return await jobs.run("extend", work)


async def run_arq(settings: Settings, context: dict[str, Any]) -> None:
    """arq's worker ends when Redis goes away: start it again until we are told to stop."""
    if settings.redis_url is None:
        log.warning("CSAPI_REDIS_URL is not set: the timer alone drains")
        return
    while True:
        worker = Worker(
            functions=[
                func(drain, name=DRAIN_JOB, timeout=JOB_SECONDS, max_tries=1),
                func(export, name=EXPORT_JOB, timeout=EXPORT_SECONDS, max_tries=1),
                func(deliver, name=WEBHOOK_JOB, timeout=JOB_SECONDS, max_tries=1),
                func(erase, name=ERASURE_JOB, timeout=EXPORT_SECONDS, max_tries=1),
            ],
            cron_jobs=[
                cron(drain, name="rollup.sweep", second=set(range(0, 60, 10)), timeout=JOB_SECONDS),
                cron(export, name="exports.sweep", second={5, 35}, timeout=EXPORT_SECONDS),
                cron(erase, name="erasures.sweep", second={15, 45}, timeout=EXPORT_SECONDS),
                cron(report, name="reports.sweep", second={10, 40}, timeout=EXPORT_SECONDS),
                cron(watch, name="watch.sweep", second={20, 50}, timeout=EXPORT_SECONDS),
                cron(trim, name="rollup.trim", hour=3, minute=17, timeout=JOB_SECONDS),
                cron(extend, name="rollup.extend", hour=4, minute=23, timeout=JOB_SECONDS),
            ],
            redis_settings=redis_settings(settings.redis_url),
            ctx=context,
            job_serializer=serialize,
            job_deserializer=deserialize,
            handle_signals=False,
            keep_result=0,
            poll_delay=0.1,
            health_check_interval=10,
            max_jobs=6,
        )
        try:
            await worker.async_run()
        except asyncio.CancelledError:
            await worker.close()
            raise
        except Exception as error:  # noqa: BLE001  whatever broke it, the timer goes on meanwhile
            log.warning("arq stopped: %s; trying again", type(error).__name__)
        with contextlib.suppress(Exception):
            await worker.close()
        await asyncio.sleep(RECONNECT_SECONDS)


async def run_timer(what: str, work: Callable[[], Awaitable[int]]) -> None:
    while True:
        try:
            await jobs.run(what, work)
        except Exception:
            log.exception("%s failed", what)
        await asyncio.sleep(TIMER_SECONDS)


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. Raises StartupError when the database is not right."""
    if settings.database_url is None:
        raise StartupError("Set CSAPI_DATABASE_URL to the URL of the role csapi_worker.")
    refuse_faults_of(settings.database_url)
    jobs.spans = open_spans(settings.otlp_endpoint, "worker")
    pool = await open_pool(
        settings.database_url,
        size=settings.pool_size,
        statement_timeout_ms=JOB_SECONDS * 1000,
        note=note_statement if jobs.spans else None,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    drainer = Drainer(pool)
    exporter = Exporter(pool, live_slots_max=settings.live_slots_max)
    reporter = Reporter(pool, live_slots_max=settings.live_slots_max)
    watcher = Watcher(pool, LOOKS, live_slots_max=settings.live_slots_max)
    deliverer = Deliverer(pool, Client(insecure=settings.webhooks_insecure))
    eraser = Eraser(pool)
    beat = Heartbeat()
    context = {
        "drainer": drainer,
        "exporter": exporter,
        "reporter": reporter,
        "watcher": watcher,
        "deliverer": deliverer,
        "eraser": eraser,
        "pool": pool,
    }
    telemetry = Telemetry()
    auditor = Auditor(pool)
    telemetry.collectors += [partial(behind_of, pool, beat), auditor.told]
    log.info("worker started")
    timers: dict[str, Callable[[], Awaitable[int]]] = {
        "drain": beat.of(drainer.drain),
        "export": exporter.sweep,
        "report": reporter.sweep,
        "watch": watcher.sweep,
        "webhooks": deliverer.sweep,
        "erasures": eraser.sweep,
        "targets at risk": risk_scanner(pool, settings.live_slots_max).sweep,
        "new issues": issue_scanner(pool, settings.live_slots_max).sweep,
        "audit": auditor.sweep,
        "retention": retention_scanner(pool).sweep_all,
        "deletion": partial(delete_closed, pool),
    }
    tasks = [asyncio.create_task(run_timer(what, work)) for what, work in timers.items()]
    tasks.append(asyncio.create_task(run_arq(settings, context)))
    async with closing(jobs.spans), telling(telemetry, settings.metrics_port, 1):
        await stop.wait()
    log.info("worker stopping")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await deliverer.close()
    pool.terminate()
