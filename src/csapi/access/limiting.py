"""What a tenant and each of its keys may ask for within a minute, reads and writes apart."""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from ipaddress import IPv6Address
from typing import Any
from uuid import UUID

import asyncpg

from csapi.access.addresses import Address, Network, address_of
from csapi.access.principals import Principal
from csapi.access.tenancy import tenant_transaction
from csapi.kit.budgets import MICRO, Bucket, Buckets, LocalBuckets, Policy, Taken
from csapi.kit.http import set_headers
from csapi.kit.kept import keep
from csapi.kit.operations import CHARGE_ITEMS, AnyRequest, Charged, operation_of
from csapi.kit.problems import Problem
from csapi.kit.settings import Settings

log = logging.getLogger(__name__)

# A request that writes weighs as much as ten items of a batch.
WRITE_UNITS = 10
# What an answer without a body gives back of what it took.
UNCHANGED_SHARE = 0.75
KNOWN_SECONDS = 30.0
REMEMBERED_TENANTS = 10_000
OWN_BUDGETS = "SELECT policy, quota FROM budgets WHERE tenant_id = $1"
POLICIES = ("key-read", "key-write", "tenant-read", "tenant-write")


def standard_budgets(settings: Settings) -> dict[str, int]:
    """The quota of each policy; 0 is none."""
    return {name: getattr(settings, f"budget_{name.replace('-', '_')}") for name in POLICIES}


class OwnBudgets:
    """What the operator has set for a tenant. Read beside the requests and not in their way: the
    first request of a tenant in a process goes by what holds for all."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._known: OrderedDict[UUID, tuple[float, dict[str, int]]] = OrderedDict()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    def of(self, tenant_id: UUID) -> Mapping[str, int]:
        known = self._known.get(tenant_id)
        is_old = known is None or time.monotonic() - known[0] >= KNOWN_SECONDS
        if is_old and tenant_id not in self._tasks:
            task = asyncio.create_task(self._read(tenant_id))
            self._tasks[tenant_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(tenant_id, None))
        return {} if known is None else known[1]

    async def _read(self, tenant_id: UUID) -> None:
        try:
            async with tenant_transaction(self._pool, tenant_id, readonly=True) as connection:
                rows = await connection.fetch(OWN_BUDGETS, tenant_id)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("budgets not read: %s", type(error).__name__)
            return
        own = {row["policy"]: row["quota"] for row in rows}
        keep(self._known, tenant_id, (time.monotonic(), own), most=REMEMBERED_TENANTS)

    async def close(self) -> None:
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=2)


class Limiter:
    """Takes units for requests. Raises Problem `rate_limited`, which names the policy that bit."""

    def __init__(self, settings: Settings, pool: asyncpg.Pool) -> None:
        self._standard = standard_budgets(settings)
        self._own = OwnBudgets(pool)
        self._buckets = Buckets(settings.redis_url, share=1 / settings.api_workers)
        # Units to give back with the next request, by whose they are.
        self._credit: OrderedDict[str, float] = OrderedDict()

    def _buckets_of(self, principal: Principal, kind: Charged) -> list[Bucket]:
        own = self._own.of(principal.tenant_id)
        holder = principal.token_id or principal.key_id
        buckets = []
        for whose, key in (("key", f":{holder}"), ("tenant", "")):
            name = f"{whose}-{kind}"
            if quota := own.get(name, self._standard[name]):
                place = f"csapi:budget:{name}:{principal.tenant_id}{key}"
                buckets.append(Bucket(place, Policy(name, quota)))
        return buckets

    def policies_of(self, principal: Principal) -> list[Policy]:
        """What is taken from for the principal's requests, as this process knows it now."""
        kinds: tuple[Charged, ...] = ("read", "write")
        return [each.policy for kind in kinds for each in self._buckets_of(principal, kind)]

    async def charge(self, request: AnyRequest, principal: Principal) -> None:
        """For the request itself; a batch is charged for its items once they are known."""
        operation = operation_of(request)
        kind = operation.charged
        if kind is None:
            return
        buckets = self._buckets_of(principal, kind)
        if not buckets:
            return
        units = float(operation.cost * (WRITE_UNITS if kind == "write" else 1))
        if kind == "read" and buckets[0].key in self._credit:
            units = max(0.0, units - self._credit.pop(buckets[0].key))
        await self._take(request, buckets, units)
        if operation.ndjson:
            request.scope["state"][CHARGE_ITEMS] = partial(self._take, request, buckets)

    def unchanged(self, principal: Principal) -> None:
        """The answer was 304: give back most of a read."""
        buckets = self._buckets_of(principal, "read")
        if buckets:
            self._credit[buckets[0].key] = UNCHANGED_SHARE
            while len(self._credit) > REMEMBERED_TENANTS:
                self._credit.popitem(last=False)

    async def _take(self, request: AnyRequest, buckets: Sequence[Bucket], units: float) -> None:
        taken = await self._buckets.take(buckets, units)
        set_headers(request.scope, headers_of(buckets, taken))
        if taken.bites is None:
            return
        policy = buckets[taken.bites].policy
        raise Problem(
            "rate_limited",
            f"The budget {policy.name} is used up: {policy.quota:,} units in "
            f"{policy.window_seconds} seconds. Nothing was done.",
            headers={"Retry-After": str(max(1, math.ceil(taken.wait_micros / MICRO)))},
        )

    async def close(self) -> None:
        await self._own.close()
        self._buckets.close()


def headers_of(buckets: Sequence[Bucket], taken: Taken) -> list[tuple[bytes, bytes]]:
    """draft-ietf-httpapi-ratelimit-headers: what may be asked for, and what is left of it."""
    policies, left = [], []
    for number, bucket in enumerate(buckets):
        policy = bucket.policy
        policies.append(f'"{policy.name}";q={policy.quota};w={policy.window_seconds}')
        full_in = math.ceil(taken.filled[number] / MICRO)
        left.append(f'"{policy.name}";r={taken.left(number, policy)};t={full_in}')
    return [
        (b"ratelimit-policy", ", ".join(policies).encode()),
        (b"ratelimit", ", ".join(left).encode()),
    ]


class Refusals:
    """How many wrong credentials an address may send. Keys that are known to be good are not held
    up by what others behind the same address send."""

    def __init__(self, per_minute: int, proxies: Sequence[Network] = ()) -> None:
        self._proxies = proxies
        self._policy = Policy("address-refusals", per_minute) if per_minute else None
        self._buckets = LocalBuckets()

    def check(self, scope: Any) -> None:
        """Before credentials are looked up. Raises Problem when there were too many."""
        self._take(scope, 0)

    def count(self, scope: Any) -> None:
        """The credentials were refused."""
        self._take(scope, 1)

    def _take(self, scope: Any, units: int) -> None:
        if self._policy is None:
            return
        bucket = Bucket(whose(address_of(scope, self._proxies)), self._policy)
        # Whoever has nothing left for one more is not looked at.
        taken = self._buckets.take([bucket], units, now=time.monotonic())
        is_used_up = taken.bites is not None or (not units and not taken.left(0, self._policy))
        if is_used_up:
            wait = max(1, math.ceil(self._policy.unit_micros / MICRO))
            raise Problem(
                "rate_limited",
                "Too many refused credentials from this address (policy address-refusals).",
                headers={"Retry-After": str(wait)},
            )


def whose(address: Address | None) -> str:
    """The name of a bucket: of IPv6 the network of 64 bits."""
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
