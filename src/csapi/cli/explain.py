from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import click
import msgspec

from csapi.access.tenancy import tenant_transaction
from csapi.cli.errors import one_line_errors
from csapi.cli.target import as_api_pool, data_dir_option
from csapi.kit.clock import now
from csapi.kit.db import StartupError
from csapi.kit.decode import decode
from csapi.kit.problems import Problem
from csapi.kit.settings import load_settings
from csapi.metrics.compile import cuboid_for
from csapi.metrics.plan import Pieces, Run
from csapi.metrics.question import Question
from csapi.reports.groups import pieces_of
from csapi.reports.schemas import Query, QueryAnswer
from csapi.reports.service import Desk, Snapshot, answer_on, resolved
from csapi.reports.state import read_state

TIMEZONE = "SELECT timezone FROM tenants WHERE tenant_id = $1"
LONGEST_ARGUMENT = 100
EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS) "
QUERY = msgspec.json.Decoder(Query)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
@data_dir_option
@one_line_errors
def explain(file: Any, tenant: UUID, data_dir: Path | None) -> None:
    """Run a query, and print how it was answered.

    It stands in FILE (- for standard input). First what was read where, then each statement with
    its arguments, its time and its plan.
    """
    body = file.read()

    async def work(pool: asyncpg.Pool) -> list[str]:
        try:
            return await explained(pool, tenant, decode(body, QUERY))
        except Problem as problem:
            reasons = [f"{each.pointer}: {each.message}" for each in problem.errors]
            raise StartupError("; ".join(reasons) or problem.detail) from None

    click.echo("\n".join(as_api_pool(data_dir, work)))


async def explained(pool: asyncpg.Pool, tenant_id: UUID, query: Query) -> list[str]:
    """The lines to print. Everything runs in one snapshot."""
    live_slots_max = load_settings().live_slots_max
    logged: list[Any] = []
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        timezone = await connection.fetchval(TIMEZONE, tenant_id)
        if timezone is None:
            raise StartupError(f"There is no tenant {tenant_id}.")
        desk = Desk(pool, tenant_id, timezone, now(), live_slots_max)
        snapshot = Snapshot(connection, desk)
        question = (await resolved(snapshot, query)).question
        period = (question.period.start, question.period.end)
        state = await read_state(connection, tenant_id, question, *period)
        pieces, _ = pieces_of(question, state, live_slots_max)
        # The first run of a connection also asks PostgreSQL for the types of arguments.
        await answer_on(Snapshot(connection, desk), query)
        with connection.query_logger(logged.append):
            answer = await answer_on(snapshot, query)
        lines = [*summary(question, pieces, answer)]
        for number, each in enumerate(logged, 1):
            lines += statement(number, each)
            # Its text is our own: it has just been run as it is.
            explained = EXPLAIN + each.query
            rows = await connection.fetch(explained, *each.args)
            lines += [f"    {row[0]}" for row in rows]
    return lines


def summary(question: Question, pieces: Pieces, answer: QueryAnswer) -> Iterator[str]:
    cuboid, meta = cuboid_for(question), answer.meta
    rows = f"{len(answer.data)} rows" if answer.series is None else f"{len(answer.series)} series"
    yield f"metrics   {', '.join(asked.name for asked in question.metrics)}"
    yield f"range     {span((question.period.start, question.period.end))}"
    if cuboid is None:
        yield "cuboid    none covers this question: facts answer it"
    else:
        yield f"cuboid    {cuboid.number} ({', '.join(cuboid.columns) or 'total'})"
    for name in ("months", "days", "slots", "facts"):
        for run in getattr(pieces, name):
            yield f"{name:9} {span(run)}"
    waiting = f"{meta.pending_buckets} buckets and {meta.pending_subjects} subjects pending"
    exact = "exact" if meta.exact else "not exact"
    yield f"answer    {rows} from {meta.source.value}, {exact}, {waiting}"


def span(run: Run) -> str:
    return " to ".join(shown(instant) for instant in run)


def shown(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def statement(number: int, logged: Any) -> Iterator[str]:
    yield f"\nstatement {number}, {1000 * logged.elapsed:.1f} ms"
    for line in logged.query.strip().splitlines():
        yield f"  {line}"
    for place, value in enumerate(logged.args, 1):
        text = str(value)
        cut = f"{text[:LONGEST_ARGUMENT]}…" if len(text) > LONGEST_ARGUMENT else text
        yield f"  ${place} = {cut}"
