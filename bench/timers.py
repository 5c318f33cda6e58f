"""How soon breaches are counted that fall due in the same second, while nobody writes anything.

All tickets begin and are due at one instant. From a second before it on, one reader asks over and
over; the figure is from the due instant until the first answer that has them all. A second line
holds the derivation of tickets with policies against that of the same tickets without any.
"""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import msgspec

from bench.client import Connection, UnexpectedAnswerError
from bench.items import Item, Source, array, encoded
from bench.measure import Line, Progress, at_most, quantile
from bench.servers import Servers, Tenant
from csapi.facts.events import EVENTS
from csapi.facts.sla_policy import SLA_POLICIES
from csapi.facts.ticket import TICKETS

TIMERS = 1_000
GOAL_SECONDS = 2
PATIENCE_SECONDS = 30
METRICS = ("first_response", "next_response", "resolution", "requester_wait")


def policy(name: str, seconds: int, metrics: tuple[str, ...]) -> Item:
    targets = [{"metric": metric, "seconds": seconds} for metric in metrics]
    return {"source": "b", "external_id": name, "valid_from": "2020-01-01", "targets": targets}


def send(connection: Connection, tenant: Tenant, resource: str, items: list[Item]) -> float:
    began = time.perf_counter()
    path = f"/v1/{resource}/batch"
    answer = connection.exchange(tenant.key.post(path, array(encoded(items))))
    if msgspec.json.decode(answer)["summary"]["rejected"]:
        raise UnexpectedAnswerError(answer.decode())
    return time.perf_counter() - began


def breaches_line(port: int, tenant: Tenant) -> Line:
    connection = Connection(port)
    ahead = 12
    begun = datetime.now(UTC).replace(microsecond=0)
    due = begun + timedelta(seconds=ahead)
    send(connection, tenant, SLA_POLICIES.name, [policy("soon", ahead, METRICS[:1])])
    tickets: list[Item] = [
        {"source": "b", "external_id": f"t{number}", "created_at": begun}
        for number in range(TIMERS)
    ]
    send(connection, tenant, TICKETS.name, tickets)
    if datetime.now(UTC) > due - timedelta(seconds=1):
        raise UnexpectedAnswerError("the machine is too slow to send the tickets in time")
    day = {
        "from": str(begun.date() - timedelta(days=1)),
        "to": str(begun.date() + timedelta(days=2)),
    }
    question = {"metrics": [{"id": "sla_breaches"}], "time": {"range": day}}
    ask = tenant.key.post("/v1/query", json.dumps(question).encode())
    time.sleep((due - timedelta(seconds=1) - datetime.now(UTC)).total_seconds())
    # The server has closed one that said nothing for so long.
    connection.close()
    connection = Connection(port)
    early, latencies = 0, []
    while True:
        asked_at, began = datetime.now(UTC), time.perf_counter()
        answer = json.loads(connection.exchange(ask))
        latencies.append(time.perf_counter() - began)
        counted = answer["data"][0]["metrics"]["sla_breaches"]["value"]
        if not answer["meta"]["exact"] or counted not in (0, TIMERS):
            raise UnexpectedAnswerError(f"{counted} of {TIMERS}: {answer['meta']}")
        if counted == TIMERS:
            break
        early += asked_at < due
        if asked_at > due + timedelta(seconds=PATIENCE_SECONDS):
            raise UnexpectedAnswerError("the breaches did not come")
    late = (datetime.now(UTC) - due).total_seconds()
    connection.close()
    return Line(
        what=f"{TIMERS:,} SLA timers due in one second, until all are counted",
        unit="s",
        csapi=late,
        goal=at_most(GOAL_SECONDS, late, " s"),
        note=f"{early} reads before had none; a read took "
        f"{1000 * quantile(latencies, 0.5):.1f} ms (p50)",
    )


def derivation_line(port: int, with_policies: Tenant, without: Tenant, rounds: int) -> Line:
    connection = Connection(port)
    send(connection, with_policies, SLA_POLICIES.name, [policy("all", 3_600, METRICS)])
    ratios = []
    for number in range(rounds):
        spent = []
        for tenant in (with_policies, without):
            source = Source(f"timers-{number}", number)
            tickets = [source.ticket(has_milestones=False) for _ in range(200)]
            events = [event for ticket in tickets for event in source.events(ticket)][:1_000]
            send(connection, tenant, TICKETS.name, tickets)
            spent.append(send(connection, tenant, EVENTS.name, events))
        ratios.append(spent[0] / spent[1])
    connection.close()
    ratio = quantile(ratios[1:], 0.5)
    return Line(
        what="1,000 events of 200 tickets with 4 targets each, against none",
        unit="times",
        csapi=ratio,
        goal=at_most(2, ratio, " times"),
        note=f"median of {rounds - 1} rounds",
    )


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    database = servers.database("timers")
    tenants = [asyncio.run(database.tenant()) for _ in range(3)]
    with servers.running("serve", database) as port, servers.running("worker", database):
        progress.say(f"{TIMERS:,} timers fall due in the same second")
        lines = [breaches_line(port, tenants[0])]
        progress.say("derivation with policies")
        lines.append(derivation_line(port, tenants[1], tenants[2], 4 if is_quick else 10))
    return lines
