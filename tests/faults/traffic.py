"""Clients: they send, send again whatever was not answered, and note what was acknowledged."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
from tests.delivery.lab import SOURCE, Item
from tests.faults.items import Inventor
from tests.faults.ledger import Line

GIVE_UP_SECONDS = 180.0
# What is read of a tenant beside writing: canaries of others must not be in any of it.
QUESTION = {
    "metrics": [{"id": "calls_offered"}],
    "time": {"range": {"from": "2026-02-01", "to": "2026-12-01"}},
    "dimensions": ["topic", "time:month"],
}
READS: tuple[tuple[str, str, object], ...] = (
    ("GET", "/v1/calls", None),
    ("GET", "/v1/tickets", None),
    ("GET", "/v1/agents", None),
    ("POST", "/v1/query", QUESTION),
)


class Broken(AssertionError):  # noqa: N818 - it says what is so
    """An answer that the product must never give."""


@dataclass
class Tallies:
    """What the clients of a site met."""

    answers: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    def note(self, answer: httpx.Response, seconds: float) -> None:
        """I6: only 2xx, 4xx and 503 (507) with Retry-After."""
        self.answers[str(answer.status_code)] += 1
        self.slowest_seconds = max(self.slowest_seconds, seconds)
        is_told = answer.status_code in (503, 507) and "retry-after" in answer.headers
        if answer.status_code >= 500 and not is_told:
            self.broken.append(f"I6 {answer.status_code} {answer.text[:300]}")


@dataclass
class Client:
    """One tenant's client, over the API processes that `bases` gives at the moment."""

    tenant_id: UUID
    zone: str
    token: str
    canary: str
    ledger: Path
    bases: Callable[[], Sequence[str]]
    tallies: Tallies
    others: list[str] = field(default_factory=list)
    newest: dict[tuple[str, str], Item] = field(default_factory=dict)
    http: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        self.http = httpx.AsyncClient(headers=headers, timeout=25)

    async def post(self, resource: str, items: list[Item]) -> Counter[str]:
        """Send until it is acknowledged; what the statuses were. Raises Broken."""
        body = [{"source": SOURCE, **item} for item in items]
        answer = await self._answered("POST", f"/v1/{resource}/batch", body)
        results = answer.json()["results"]
        statuses = Counter[str](result["status"] for result in results)
        self.tallies.statuses += statuses
        if statuses["rejected"]:
            self.tallies.broken.append(f"rejected: {results[:2]} {items[:2]}")
        lines = []
        for item in items:
            name = item.get("external_id") or item["event_id"]
            version = item.get("source_updated_at", "")
            lines.append(Line(self.tenant_id, SOURCE, resource, name, version).written() + "\n")
            held = self.newest.get((resource, name))
            if held is None or held.get("source_updated_at", "") <= version:
                self.newest[resource, name] = item
        with self.ledger.open("a") as file:
            file.write("".join(lines))
        return statuses

    async def _answered(self, method: str, path: str, body: object = None) -> httpx.Response:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        for number in itertools.count():
            bases = self.bases()
            started = time.monotonic()
            try:
                if not bases:
                    raise httpx.ConnectError("no server is ready")
                base = bases[number % len(bases)]
                answer = await self.http.request(method, base + path, json=body)
            except httpx.TransportError as error:
                self.tallies.answers[type(error).__name__] += 1
            else:
                self.tallies.note(answer, time.monotonic() - started)
                if answer.is_success:
                    return answer
                if answer.status_code < 500 and answer.status_code != 429:
                    self.tallies.broken.append(f"{answer.status_code} {answer.text[:300]}")
                    raise Broken(answer.text[:500])
            if time.monotonic() > deadline:
                raise Broken(f"{path} was not answered within {GIVE_UP_SECONDS} s")
            await asyncio.sleep(random.uniform(0.02, 0.15))
        raise AssertionError

    async def read(self, dice: random.Random) -> None:
        """I5: nothing of anybody else."""
        answer = await self._answered(*dice.choice(READS))
        found = [other for other in self.others if other in answer.text]
        if found:
            self.tallies.broken.append(f"I5 {self.canary} was shown {found}")

    async def write_on(
        self, seed: object, days: int, stop: asyncio.Event, pause_seconds: float
    ) -> None:
        dice = random.Random(f"{seed} {self.canary}")
        inventor = Inventor(self.canary, dice, days)
        # Names of events go on where an earlier run of this tenant stopped.
        inventor.numbers = itertools.count(len(self.newest))
        while not stop.is_set():
            await self.post(*inventor.batch())
            if dice.random() < 0.1:
                await self.read(dice)
            if dice.random() < 0.1 and self.newest:
                await self.replay(dice, 5)
            await asyncio.sleep(dice.uniform(0, 2 * pause_seconds))

    async def replay(self, dice: random.Random, most: int) -> Counter[str]:
        """Send some of what was acknowledged again, in any order."""
        keys = dice.sample(sorted(self.newest), min(most, len(self.newest)))
        statuses = Counter[str]()
        for resource in {key[0] for key in keys}:
            items = [self.newest[key] for key in keys if key[0] == resource]
            statuses += await self.post(resource, items)
        return statuses
