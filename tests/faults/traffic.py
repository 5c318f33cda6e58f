"""Clients: they send, send again whatever was not answered, and note what was acknowledged."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from tests.delivery.lab import SOURCE, Item
from tests.faults.items import Inventor
from tests.faults.ledger import Line

GIVE_UP_SECONDS = 180.0
VERSION = "source_updated_at"
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


def name_of(item: Item) -> str:
    name: str = item.get("external_id") or item["event_id"]
    return name


def earliest(item: Item) -> datetime:
    """The first instant of what happened; now for what has none."""
    own = (value for key, value in item.items() if key.endswith("_at") and key != VERSION)
    return min((datetime.fromisoformat(value) for value in own), default=datetime.now(UTC))


class Broken(AssertionError):  # noqa: N818 - it says what is so
    """An answer that the product must never give."""


@dataclass
class Tallies:
    """What the clients of a site met."""

    answers: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    broken: list[str] = field(default_factory=list)
    # Records that were refused since they are older than what is kept.
    too_late: int = 0

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
    # Where older records may be refused, and may be gone: before what.
    horizon: datetime | None = None
    http: httpx.AsyncClient = field(init=False)
    _old: dict[tuple[str, str], bool] = field(default_factory=dict)

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
        lines = []
        for item, result in zip(items, results, strict=True):
            if result["status"] == "rejected":
                self._note_refusal(item, result)
                continue
            name = name_of(item)
            version = item.get("source_updated_at", "")
            if not self._old.get((resource, name)):
                line = Line(self.tenant_id, SOURCE, resource, name, version)
                lines.append(line.written() + "\n")
            held = self.newest.get((resource, name))
            if held is None or held.get("source_updated_at", "") <= version:
                self.newest[resource, name] = item
        with self.ledger.open("a") as file:
            file.write("".join(lines))
        return statuses

    def _note_refusal(self, item: Item, result: dict[str, Any]) -> None:
        if self.horizon is not None and result["errors"][0]["code"] == "event_too_old":
            self.tallies.too_late += 1
        else:
            self.tallies.broken.append(f"rejected: {result} {item}")

    def on_one_side(self, resource: str, items: list[Item]) -> list[Item]:
        """Those that keep to the side of the horizon on which they were first: what is younger in
        one version and older in the next may be gone, or not."""
        if self.horizon is None:
            return items
        found = []
        for item in items:
            is_old = earliest(item) < self.horizon
            if self._old.setdefault((resource, name_of(item)), is_old) == is_old:
                found.append(item)
        return found

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
                if self.horizon is not None and '"beyond_retention"' in answer.text:
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
            resource, items = inventor.batch()
            if items := self.on_one_side(resource, items):
                await self.post(resource, items)
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
