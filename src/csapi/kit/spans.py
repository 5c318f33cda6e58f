"""Spans of requests, jobs and their statements, told by OpenTelemetry to a collector.

Off unless CSAPI_OTLP_ENDPOINT is set; then csapi[otel] must be installed. Attributes are names of
ours, counts, statuses and the request id: never values, arguments, keys, tenants or anything else
that a client sent.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from csapi import __version__
from csapi.kit.clock import now
from csapi.kit.db import StartupError
from csapi.kit.traces import Trace

# Of one request or job; the rest is counted.
MOST_STATEMENTS = 200
_WORD = re.compile(r"\s*(?:/\*.*?\*/\s*)*([A-Za-z]+)", re.DOTALL)
_TABLE = re.compile(
    r"\b(?:FROM|INTO|UPDATE|JOIN)\s+(?:ONLY\s+)?(?:csapi\.)?([a-z_]+)", re.IGNORECASE
)
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_MARKED: ContextVar["Work | None"] = ContextVar("work", default=None)


def summary_of(query: str) -> str:
    """The kind of a statement and its first table: `SELECT facts`. Never a value of it."""
    bare = _QUOTED.sub("", query)
    verb = _WORD.match(bare)
    table = _TABLE.search(bare)
    words = (verb[1].upper() if verb else "OTHER", *((table[1],) if table else ()))
    return " ".join(words)


def _nanoseconds() -> int:
    return int(now().timestamp() * 1e9)


class Work:
    """A request or a job that is told when it ends, and its statements with it."""

    def __init__(self, spans: "Spans", span: Any, trace: Trace) -> None:
        self.trace = trace
        self._spans = spans
        self._span = span
        self._statements: list[tuple[str, int, int, bool]] = []
        self._count = 0
        _MARKED.set(self)

    def note(self, query: str, seconds: float, *, is_failed: bool) -> None:
        self._count += 1
        if len(self._statements) < MOST_STATEMENTS:
            ended = _nanoseconds()
            began = ended - int(seconds * 1e9)
            self._statements.append((summary_of(query), began, ended, is_failed))

    def end(self, name: str, attributes: Mapping[str, Any], *, is_failed: bool) -> None:
        self._leave()
        ended = _nanoseconds()
        # The last statement is noted in the next turn of the loop.
        asyncio.get_running_loop().call_soon(self._tell, name, dict(attributes), is_failed, ended)

    def drop(self) -> None:
        """Nothing was done: it is not told."""
        self._leave()

    def _leave(self) -> None:
        _MARKED.set(None)

    def _tell(self, name: str, attributes: dict[str, Any], is_failed: bool, ended: int) -> None:  # noqa: FBT001
        span = self._span
        span.update_name(name)
        span.set_attributes({**attributes, "csapi.statements": self._count})
        self._spans.tell_statements(span, self._statements)
        if is_failed:
            self._spans.mark_failed(span)
        span.end(ended)


class Spans:
    """What one process tells. Raises StartupError where OpenTelemetry is not installed."""

    def __init__(self, endpoint: str, part: str) -> None:
        try:
            from opentelemetry import trace  # noqa: PLC0415
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        except ImportError:
            raise StartupError(
                "CSAPI_OTLP_ENDPOINT is set and OpenTelemetry is not installed. "
                "Run pip install 'csapi[otel]', or unset it."
            ) from None
        self._api = trace
        resource = Resource.create(
            {"service.name": f"csapi-{part}", "service.version": __version__}
        )
        self._provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("csapi", __version__)

    def begin(self, parent: Trace | None, *, is_request: bool) -> Work:
        api = self._api
        context = None
        if parent is not None:
            place = api.SpanContext(
                int(parent.trace_id, 16),
                int(parent.span_id, 16),
                is_remote=True,
                trace_flags=api.TraceFlags(int(parent.is_sampled)),
            )
            context = api.set_span_in_context(api.NonRecordingSpan(place))
        kind = api.SpanKind.SERVER if is_request else api.SpanKind.INTERNAL
        span = self._tracer.start_span("request" if is_request else "job", context, kind)
        own = span.get_span_context()
        trace_id, span_id = f"{own.trace_id:032x}", f"{own.span_id:016x}"
        return Work(self, span, Trace(trace_id, span_id, own.trace_flags.sampled))

    def tell_statements(self, parent: Any, statements: list[tuple[str, int, int, bool]]) -> None:
        if not parent.is_recording():
            return
        context = self._api.set_span_in_context(parent)
        for summary, began, ended, is_failed in statements:
            span = self._tracer.start_span(
                summary,
                context,
                self._api.SpanKind.CLIENT,
                {"db.system.name": "postgresql", "db.query.summary": summary},
                start_time=began,
            )
            if is_failed:
                self.mark_failed(span)
            span.end(ended)

    def mark_failed(self, span: Any) -> None:
        span.set_status(self._api.StatusCode.ERROR)

    async def close(self) -> None:
        # What ended in this turn of the loop is told in the next.
        await asyncio.sleep(0)
        await asyncio.to_thread(self._provider.shutdown)


def open_spans(endpoint: str | None, part: str) -> Spans | None:
    """None where nothing is to be told, which then costs nothing."""
    return Spans(endpoint, part) if endpoint else None


@asynccontextmanager
async def closing(spans: Spans | None) -> AsyncIterator[None]:
    """At the end send what is left."""
    try:
        yield
    finally:
        if spans is not None:
            await spans.close()


def note_statement(record: Any) -> None:
    """asyncpg calls it after each statement, where spans are on."""
    work = _MARKED.get()
    if work is not None:
        work.note(record.query, record.elapsed, is_failed=record.exception is not None)
