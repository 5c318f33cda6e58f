"""Questions of an analyst over HTTP, against the same GROUP BY on the facts: in PostgreSQL, as a BI
tool would send it, and in DuckDB, in process and without a server in between.

All three must count the same calls, or the run ends.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb

from bench.client import Connection, Key
from bench.measure import Line, Progress, at_least, at_most, paired, quantile
from bench.rollup import END
from bench.servers import Database, Tenant
from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CallOutcome

ROUNDS = 5
RAW_GOAL, DUCKDB_GOAL = 100, 1
# Raw SQL is held against its goal where the design states it.
RAW_GOAL_FACTS = 10_000_000
PERCENTILE_GOAL_MS = 500

COLUMNS = "kind, outcome, occurred_at, actor_agent, actor_team, topic, customer, duration_ms"
ANSWERED = f"kind = {Kind.CALL} AND outcome = {CallOutcome.ANSWERED}"
CALLS = f"kind = {Kind.CALL}"
SPEED = f"""count(*) FILTER (WHERE {CALLS}) AS offered,
  count(*) FILTER (WHERE {ANSWERED}) AS answered,
  count(*) FILTER (WHERE {ANSWERED} AND duration_ms <= 20000) AS in_time,
  sum(duration_ms) FILTER (WHERE {ANSWERED}) AS waited_ms"""
SPEED_METRICS = [
    {"id": "calls_offered"},
    {"id": "calls_answered"},
    {"id": "service_level", "params": {"threshold_seconds": 20, "variant": "all_abandons_missed"}},
    {"id": "average_speed_of_answer"},
]


@dataclass(frozen=True, slots=True)
class Rivalry:
    """One question in three spellings. {facts} is where SQL finds the tenant's facts of the range.

    The second column of SQL and `counted` of ours add up to the same number.
    """

    name: str
    days: int
    body: dict[str, Any]
    sql: str
    counted: str
    goal_ms: float | None = None

    @property
    def time(self) -> dict[str, Any]:
        first = (END - timedelta(days=self.days)).date()
        return {"range": {"from": str(first), "to": str(END.date())}}

    def request(self, key: Key) -> bytes:
        return key.post("/v1/query", json.dumps({**self.body, "time": self.time}).encode())


DAY = "CAST(date_trunc('day', occurred_at) AS date)"


def by(columns: str, *, days: int, dimensions: Sequence[str], name: str) -> Rivalry:
    return Rivalry(
        name=name,
        days=days,
        body={"metrics": SPEED_METRICS, "dimensions": list(dimensions)},
        sql=f"SELECT {columns} AS key, {SPEED} FROM {{facts}} WHERE {CALLS} GROUP BY 1",
        counted="calls_offered",
    )


RIVALRIES = (
    by("0", days=30, dimensions=(), name="summary of 30 days"),
    by("0", days=365, dimensions=(), name="summary of 365 days"),
    by(DAY, days=365, dimensions=("time:day",), name="365 days by day"),
    by("actor_agent", days=365, dimensions=("agent",), name="365 days by agent"),
    Rivalry(
        name="top 10 topics of 30 days with distinct customers",
        days=30,
        body={
            "metrics": [{"id": "contacts"}, {"id": "customers_with_new_conversations"}],
            "dimensions": ["topic"],
            "top": {"n": 10, "by": "contacts", "other": False},
        },
        sql=f"SELECT topic AS key, count(*) AS contacts, count(DISTINCT customer) AS customers "
        f"FROM {{facts}} WHERE kind = {Kind.CONTACT} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
        counted="contacts",
    ),
    Rivalry(
        name="p90 of the wait by day and team over 365 days",
        days=365,
        body={
            "metrics": [
                {"id": "calls_answered"},
                {"id": "average_speed_of_answer", "as": "p90", "agg": "p90"},
            ],
            "dimensions": ["time:day", "team"],
            "limit": 10_000,
        },
        sql=f"SELECT ({DAY}, actor_team) AS key, count(*) AS answered, "
        "percentile_cont(0.9) WITHIN GROUP (ORDER BY duration_ms) "
        f"FROM {{facts}} WHERE {ANSWERED} GROUP BY {DAY}, actor_team",
        counted="calls_answered",
        goal_ms=PERCENTILE_GOAL_MS,
    ),
)


@dataclass(slots=True)
class Side:
    """One way to ask: gives how many records the answer counts. Its latencies are kept."""

    ask: Callable[[Rivalry], int]
    latencies: list[float]

    def take(self, rivalry: Rivalry) -> int:
        began = time.perf_counter()
        counted = self.ask(rivalry)
        self.latencies.append(time.perf_counter() - began)
        return counted

    def shown(self) -> str:
        return f"{1000 * statistics.median(self.latencies):,.1f} ms"


def over_http(port: int, key: Key) -> Callable[[Rivalry], int]:
    connection = Connection(port)

    def ask(rivalry: Rivalry) -> int:
        answer = json.loads(connection.exchange(rivalry.request(key)))
        if not answer["meta"]["exact"] or answer["page"]["next_cursor"]:
            raise AssertionError("the answer is not whole")
        return sum(int(row["metrics"][rivalry.counted]["value"]) for row in answer["data"])

    return ask


def in_postgres(runner: asyncio.Runner, connection: Any, tenant_id: UUID) -> Callable[..., int]:
    def ask(rivalry: Rivalry) -> int:
        found = (
            f"(SELECT {COLUMNS} FROM facts WHERE tenant_id = '{tenant_id}' "
            f"AND occurred_at >= '{END - timedelta(days=rivalry.days)}' "
            f"AND occurred_at < '{END}') AS f"
        )
        rows = runner.run(connection.fetch(rivalry.sql.format(facts=found)))
        return sum(row[1] for row in rows)

    return ask


def in_duckdb(connection: Any) -> Callable[[Rivalry], int]:
    def ask(rivalry: Rivalry) -> int:
        start, end = END - timedelta(days=rivalry.days), END
        found = (
            f"(SELECT * FROM facts WHERE occurred_at >= '{start:%Y-%m-%d}' "
            f"AND occurred_at < '{end:%Y-%m-%d}') AS f"
        )
        rows = connection.execute(rivalry.sql.format(facts=found)).fetchall()
        return sum(row[1] for row in rows)

    return ask


def loaded(runner: asyncio.Runner, admin: Any, tenant_id: UUID, folder: Path) -> Any:
    """The tenant's facts in a DuckDB of their own."""
    file = folder / "facts.csv"
    naive = COLUMNS.replace("occurred_at", "occurred_at AT TIME ZONE 'UTC' AS occurred_at")
    copied = f"SELECT {naive} FROM facts WHERE tenant_id = $1 ORDER BY occurred_at"
    runner.run(admin.copy_from_query(copied, tenant_id, output=file, format="csv", header=True))
    connection = duckdb.connect(str(folder / "facts.duckdb"))
    types = "{'occurred_at': 'TIMESTAMP', 'duration_ms': 'BIGINT', 'kind': 'SMALLINT'}"
    connection.execute(
        f"CREATE TABLE facts AS SELECT * FROM read_csv('{file}', header = true, types = {types})"
    )
    file.unlink()
    return connection


def line(name: str, ours: Side, theirs: Side, facts: int) -> Line:
    is_raw = name == "raw SQL"
    # Raw SQL: how many times faster we are. DuckDB: our time in units of its time.
    ratio = paired(theirs.latencies, ours.latencies)
    if not is_raw:
        ratio = 1 / ratio
    goal = None
    if not is_raw:
        goal = at_most(DUCKDB_GOAL, ratio)
    elif facts >= RAW_GOAL_FACTS:
        goal = at_least(RAW_GOAL, ratio)
    return Line(
        what=name,
        unit="ms",
        csapi=1000 * statistics.median(ours.latencies),
        limit=1000 * statistics.median(theirs.latencies),
        ratio=ratio,
        goal=goal,
    )


def lines_of(rivalry: Rivalry, sides: dict[str, Side], facts: int) -> list[Line]:
    for _ in range(1 + ROUNDS):
        counts = {name: side.take(rivalry) for name, side in sides.items()}
        if len(set(counts.values())) != 1:
            raise AssertionError(f"{rivalry.name}: {counts}")
    for side in sides.values():
        del side.latencies[0]
    ours = sides["csapi"]
    found = []
    for name in ("raw SQL", "DuckDB"):
        each = line(name, ours, sides[name], facts)
        each.what = f"{rivalry.name}, {facts:,} facts, against {name}"
        found.append(each)
    if rivalry.goal_ms is not None:
        slowest = 1000 * quantile(ours.latencies, 0.99)
        found.append(
            Line(
                what=f"{rivalry.name}, {facts:,} facts, the slowest of {ROUNDS}",
                unit="ms",
                csapi=slowest,
                goal=at_most(rivalry.goal_ms, slowest, " ms"),
            )
        )
    return found


def rival_lines(
    port: int, database: Database, tenant: Tenant, facts: int, progress: Progress
) -> list[Line]:
    """Needs a server on `port` that serves `database`, and a tenant without marks."""
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        admin = runner.run(database.admin())
        progress.say(f"rivals: loading {facts:,} facts into DuckDB")
        duck = loaded(runner, admin, tenant.tenant_id, Path(folder))
        # A BI tool has the planner as PostgreSQL ships it.
        runner.run(admin.execute("SET enable_seqscan = on"))
        for rivalry in RIVALRIES:
            sides = {
                "csapi": Side(over_http(port, tenant.key), []),
                "raw SQL": Side(in_postgres(runner, admin, tenant.tenant_id), []),
                "DuckDB": Side(in_duckdb(duck), []),
            }
            lines += lines_of(rivalry, sides, facts)
            told = ", ".join(f"{name} {side.shown()}" for name, side in sides.items())
            progress.say(f"  {rivalry.name}: {told}")
        duck.close()
        runner.run(admin.close())
    return lines
